"""From numbers to sentences."""

from layerwise.study.findings._beside import beside
from layerwise.study.findings._rules import study_findings, with_suspects
from layerwise.study.findings._unlike import unlike, unlike_inputs

__all__ = ["beside", "study_findings", "unlike", "unlike_inputs", "with_suspects"]
