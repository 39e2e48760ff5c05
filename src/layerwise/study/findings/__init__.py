"""From numbers to sentences."""

from layerwise.study.findings._rules import study_findings

__all__ = ["study_findings"]
