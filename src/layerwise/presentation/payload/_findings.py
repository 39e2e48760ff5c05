"""Findings as a page has them: a button, and the view that shows what was found."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from layerwise.presentation._text import short, typeset
from layerwise.presentation.payload._blocks import Json
from layerwise.study import Finding, Study
from layerwise.wording import count, listed

Button: TypeAlias = tuple[str, str] | None
"""What stands on it, in at most five words, and the link that it follows; None where
there is nothing to see."""


def finding_parts(study: Study | None, findings: Iterable[Finding]) -> Iterator[Json]:
    """Yield findings in their order, those that a view shows with a button."""
    for finding in findings:
        found: Json = {
            "kind": finding.kind,
            "headline": typeset(finding.headline),
            "detail": typeset(finding.detail),
            "certainty": finding.certainty,
            "evidence": json_types(finding.evidence),
        }
        making = BUTTONS.get(finding.kind)
        made = making and study and making(study, finding.evidence)
        if made:
            found["button"], found["link"] = made
        yield found


def _errors(study: Study, evidence: Mapping[str, Any]) -> Button:
    del evidence
    wrong = len(study.mistakes)
    if not wrong:
        return None
    return f"{count(wrong)} error{'' if wrong == 1 else 's'}", "m=errors"


def _pair(study: Study, evidence: Mapping[str, Any]) -> Button:
    names = evidence["classes"]
    a, b = (study.class_names.index(name) for name in names)
    shown = listed([short(name, 14) for name in names])
    return f"{shown} confused", f"m=pair:{a}.{b}&p={a}.{b}"


def _suspects(study: Study, evidence: Mapping[str, Any]) -> Button:
    del study
    said = count(int(evidence["suspects"]))
    word = "label" if evidence["suspects"] == 1 else "labels"
    return f"{said} suspicious {word}", "m=suspects&s=suspects"


def _settled_late(study: Study, evidence: Mapping[str, Any]) -> Button:
    names = [layer.name for layer in study]
    last = names.index(evidence["layers"][-1])
    words = f"{count(int(evidence['late']))} settled late"
    return words, f"c=settled&m=settled:{last}"


def _wrong_early(study: Study, evidence: Mapping[str, Any]) -> Button:
    del study
    early, of = int(evidence["wrong_from_first"]), int(evidence["mistakes"])
    return f"{count(early)} of {count(of)} wrong early", "m=errors&c=settled"


def _wide(study: Study, evidence: Mapping[str, Any]) -> Button:
    name = evidence["class"]
    at = study.class_names.index(name)
    return f"class {short(name, 14)} varies most", f"m=class:{at}"


def _found_least(study: Study, evidence: Mapping[str, Any]) -> Button:
    there, found = evidence.get("samples_of_class", ()), evidence.get("found", ())
    missed = [
        c for c, (n, all_of) in enumerate(zip(found, there, strict=True)) if n < all_of
    ]
    if not missed:
        return None
    at = min(missed, key=lambda c: found[c] / there[c])
    name = short(study.class_names[at], 14)
    words = f"{name}: {count(int(found[at]))} of {count(int(there[at]))} found"
    return words, f"m=class:{at}"


def _fixed(words: str, link: str) -> Callable[[Study, Mapping[str, Any]], Button]:
    def made(study: Study, evidence: Mapping[str, Any]) -> Button:
        del study, evidence
        return words, link

    return made


BUTTONS: Mapping[str, Callable[[Study, Mapping[str, Any]], Button]] = MappingProxyType(
    {
        "accuracy": _errors,
        "simple method": _found_least,
        "mixed pair": _pair,
        "suspect labels": _suspects,
        "decided late": _settled_late,
        "decided wrong": _wrong_early,
        "spread": _wide,
        "apart": _fixed("which layer knows which", "s=knows"),
        "calibration": _fixed("confidence", "c=confidence"),
        "training": _fixed("before training", "e=0"),
    }
)
"""By the finding's kind; of others there is no view."""


def json_types(value: Any) -> Json:
    """Return a finding's evidence as JSON's types: null for what is not finite."""
    if isinstance(value, Mapping):
        return {str(key): json_types(own) for key, own in value.items()}
    if isinstance(value, list | tuple):
        return [json_types(own) for own in value]
    if hasattr(value, "tolist"):
        return json_types(value.tolist())
    if isinstance(value, float) and not abs(value) < float("inf"):
        return None
    return value
