"""From a study's figures to sentences: each by a stated rule, with its numbers.

A rule is a function from a study to findings, none where it does not apply. Their order
in ``RULES`` is the order of use.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

from layerwise.study.findings._layers import (
    alike,
    apart,
    collapse,
    mixed_pairs,
    picture,
    spread,
)
from layerwise.study.findings._predictions import (
    accuracy,
    calibration,
    constant,
    decided_late,
    decided_wrong,
    keepable,
    suspect_labels,
)
from layerwise.study.findings._training import (
    added,
    depth,
    fast,
    gap,
    projected,
    short,
    width,
)
from layerwise.study.records import Finding, Study, Suspect

RULES: tuple[Callable[[Study], Iterator[Finding]], ...] = (
    constant,
    accuracy,
    keepable,
    calibration,
    mixed_pairs,
    suspect_labels,
    apart,
    depth,
    width,
    gap,
    short,
    decided_wrong,
    decided_late,
    added,
    collapse,
    alike,
    spread,
    picture,
    projected,
    fast,
)


def study_findings(study: Study) -> tuple[Finding, ...]:
    """Return what a study has found out, most useful first."""
    return tuple(finding for rule in RULES for finding in rule(study))


def with_suspects(study: Study, suspects: tuple[Suspect, ...]) -> Study:
    """Return the study with other suspect labels, and findings that are of these."""
    before = len(study.findings) - len(study_findings(study))
    changed = replace(study, suspects=suspects)
    findings = (*study.findings[:before], *study_findings(changed))
    return replace(changed, findings=findings)
