"""From numbers to sentences."""

from layerwise.study.findings._rules import study_findings
from layerwise.study.findings._unlike import unlike, unlike_inputs

__all__ = ["study_findings", "unlike", "unlike_inputs"]
