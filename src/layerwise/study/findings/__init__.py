"""From numbers to sentences."""

from layerwise.study.findings._inputs import unlike, unlike_inputs
from layerwise.study.findings._rules import beside, study_findings, with_suspects

__all__ = ["beside", "study_findings", "unlike", "unlike_inputs", "with_suspects"]
