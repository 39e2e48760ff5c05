"""From a study's figures to sentences: each by a stated rule, with its numbers.

A rule is a function from a study to findings, none where it does not apply. Their order
in ``RULES`` is the order of use: what the network is worth, what to check or change,
and last what takes some knowledge of the field.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from layerwise.baselines import Baseline
from layerwise.statistics import FEW
from layerwise.study.findings._inputs import disagrees, leans_on, weak_spot
from layerwise.study.findings._layers import (
    alike,
    apart,
    collapse,
    fast,
    mixed_pairs,
    picture,
    projected,
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
    gap,
    short,
    simple_method,
    width,
)
from layerwise.study.records import Finding, Study, Suspect

RULES: tuple[Callable[[Study], Iterator[Finding]], ...] = (
    constant,
    accuracy,
    keepable,
    calibration,
    weak_spot,
    leans_on,
    mixed_pairs,
    suspect_labels,
    gap,
    short,
    depth,
    width,
    decided_wrong,
    apart,
    added,
    decided_late,
    alike,
    spread,
    collapse,
    picture,
    projected,
    fast,
)

CONCLUDING = (weak_spot, apart, gap, short, added, collapse, alike, spread)
"""These conclude from shares of the scored samples: there have to be enough of them,
and of two classes."""

OF_ANSWERS = (
    calibration,
    weak_spot,
    leans_on,
    short,
    depth,
    added,
    alike,
    spread,
    collapse,
    picture,
)
"""These say something of a network whose answers differ."""


def study_findings(study: Study) -> tuple[Finding, ...]:
    """Return what a study has found out, most useful first."""
    few = len(study.targets) < FEW or np.all(study.targets == study.targets[0])
    left_out = CONCLUDING if few else ()
    left_out += OF_ANSWERS if study.constant_answer is not None else ()
    # A test set unlike the training set tells nothing of the network's confidence, nor
    # of where it is weak.
    left_out += (calibration, weak_spot) if disagrees(study) else ()
    rules = [rule for rule in RULES if rule not in left_out]
    return tuple(finding for rule in rules for finding in rule(study))


def with_suspects(study: Study, suspects: tuple[Suspect, ...]) -> Study:
    """Return the study with other suspect labels, and findings that are of these."""
    before = len(study.findings) - len(study_findings(study))
    changed = replace(study, suspects=suspects)
    findings = (*study.findings[:before], *study_findings(changed))
    return replace(changed, findings=findings)


def beside(study: Study, simple: Sequence[Baseline]) -> Study:
    """Return the study, with a finding where a simple method is as good.

    The methods were scored on the same samples, or on some of them.
    """
    found = tuple(simple_method(study, simple))
    kinds = [finding.kind for finding in study.findings]
    place = kinds.index("accuracy") + 1 if "accuracy" in kinds else 0
    findings = (*study.findings[:place], *found, *study.findings[place:])
    return replace(study, findings=findings)
