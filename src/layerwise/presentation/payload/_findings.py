"""Findings as a page has them: a button, and the view that shows what was found."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from layerwise.diagnosis import Cause
from layerwise.files import json_types
from layerwise.presentation.payload._blocks import Json
from layerwise.presentation.payload._samples import Shown
from layerwise.study import Finding
from layerwise.wording import count, listed, quoted, short, typeset

Button: TypeAlias = tuple[str, str] | None
"""What stands on it, in at most five words, and the link that it follows; None where
there is nothing to see."""


CERTAINTIES = (
    "Counted: of all samples or units named. Measured: on samples that stand for "
    "others; on new ones it may come out a little different. Rule of thumb: it depends "
    "on a threshold that others might set elsewhere."
)
"""What the marks of findings mean."""


def finding_parts(shown: Shown | None, findings: Iterable[Finding]) -> Iterator[Json]:
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
        made = making and shown and making(shown, finding.evidence)
        if made:
            found["button"], found["link"] = made
        yield found


def remark_part(text: str) -> Json:
    """Return a remark on the data as a finding."""
    first, _, rest = text.partition(". ")
    return {
        "kind": "data",
        "headline": typeset(first.removesuffix(".")),
        "detail": typeset(rest),
        "certainty": "counted",
        "evidence": {},
    }


def cause_part(cause: Cause) -> Json:
    """Return a cause as a finding, with a button to the training."""
    return {
        "kind": cause.kind,
        "headline": typeset(cause.headline),
        "detail": typeset(" ".join(filter(None, (cause.detail, cause.fix)))),
        "certainty": "measured",
        "evidence": json_types(cause.evidence),
        "button": f"training: {short(cause.kind, 20)}",
        "link": "s=training",
    }


def _errors(shown: Shown, _: Mapping[str, Any]) -> Button:
    wrong = len(shown.study.mistakes)
    if not wrong:
        return None
    return f"{count(wrong)} error{'' if wrong == 1 else 's'}", "m=errors"


def _pair(shown: Shown, evidence: Mapping[str, Any]) -> Button:
    names = evidence["classes"]
    a, b = (shown.study.class_names.index(name) for name in names)
    return f"{listed([*map(_name, names)])} confused", f"m=pair:{a}.{b}&p={a}.{b}"


def _suspects(shown: Shown, _: Mapping[str, Any]) -> Button:
    """Lead to the list of suspects, and count all that is in it."""
    total = len(shown.suspects())
    if not total:
        return None
    word = "label" if total == 1 else "labels"
    return f"{count(total)} suspicious {word}", "m=suspects&s=suspects"


def _settled_late(shown: Shown, evidence: Mapping[str, Any]) -> Button:
    names = [layer.name for layer in shown.study]
    last = names.index(evidence["layers"][-1])
    words = f"{count(int(evidence['late']))} settled late"
    return words, f"c=settled&m=settled:{last}"


def _wrong_early(_: Shown, evidence: Mapping[str, Any]) -> Button:
    early, of = int(evidence["wrong_from_first"]), int(evidence["mistakes"])
    return f"{count(early)} of {count(of)} wrong early", "m=errors&c=settled"


def _wide(shown: Shown, evidence: Mapping[str, Any]) -> Button:
    name = evidence["class"]
    at = shown.study.class_names.index(name)
    return f"class {_name(name)} varies most", f"m=class:{at}"


def _found_least(shown: Shown, evidence: Mapping[str, Any]) -> Button:
    there, found = evidence.get("samples_of_class", ()), evidence.get("found", ())
    missed = [
        c for c, (n, all_of) in enumerate(zip(found, there, strict=True)) if n < all_of
    ]
    if not missed:
        return None
    at = min(missed, key=lambda c: found[c] / there[c])
    name = _name(shown.study.class_names[at])
    words = f"{name}: {count(int(found[at]))} of {count(int(there[at]))} found"
    return words, f"m=class:{at}"


MARKED = 200
"""Samples that a link marks, at most: as many as ``web/src/marks.ts`` reads."""


def _weak(shown: Shown, _: Mapping[str, Any]) -> Button:
    """Mark the errors of the worst weak spot, as far as they are shown."""
    weak = shown.study.weak_spots
    if weak is None or not weak.spots:
        return None
    worst = weak.spots[0]
    places = shown.places(worst.mistakes)
    places = places[places >= 0][:MARKED]
    if not len(places):
        return None
    marked = ".".join(map(str, places.tolist()))
    return f"weak spot: {short(worst.column or worst.value, 14)}", f"m=samples:{marked}"


def _name(name: str) -> str:
    return quoted(short(name, 14))


BUTTONS: Mapping[str, Callable[[Shown, Mapping[str, Any]], Button]] = MappingProxyType(
    {
        "accuracy": _errors,
        "simple method": _found_least,
        "mixed pair": _pair,
        "suspect labels": _suspects,
        "decided late": _settled_late,
        "decided wrong": _wrong_early,
        "spread": _wide,
        "apart": lambda *_: ("which layer knows which", "s=knows"),
        "weak spot": _weak,
        "leans on": lambda *_: ("what it leans on", "s=data"),
        "calibration": lambda *_: ("confidence", "c=confidence"),
        "training": lambda *_: ("before training", "e=0"),
    }
)
"""By the finding's kind; of others there is no view."""
