"""A run as a page has it: layers, snapshots, scatters, errors, what was found."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

import numpy as np
from jaxtyping import Float, UInt

from layerwise.diagnosis import Cause
from layerwise.files import json_types
from layerwise.presentation.payload._blocks import Blocks, Json, Square
from layerwise.presentation.payload._forward import PLANES, is_plane
from layerwise.presentation.payload._samples import Shown, part_of
from layerwise.statistics import Share, confusion_counts
from layerwise.study import Finding, LayerStudy, SnapshotLayer, SnapshotStudy
from layerwise.wording import count, layer_labels, listed, quoted, short, typeset

TITLES = {
    "components": "The two directions in which a layer varies most",
    "discriminants": "The two directions that separate the classes best",
    "fixed": "The principal directions of the trained network, at every epoch",
}

MOST_CONFUSED = 300
"""Of more classes there is no matrix: it would be larger than all else."""


class StudiedRun:
    """A study's part of a page's run."""

    def __init__(self, shown: Shown, blocks: Blocks) -> None:
        self._study, self._shown, self._blocks = shown.study, shown, blocks
        self.squares: dict[str, list[Square]] = {}
        # Without a past there is the studied network alone.
        self._snapshots = shown.study.snapshots or (SnapshotStudy(None, ()),)
        self._past = self._snapshots[:-1]

    def content(self) -> Json:
        """Return what is known of layers and samples."""
        study = self._study
        planes = [name for name in TITLES if self._past or name != "fixed"]
        if study.crowd is None:
            planes += [name for name in study.layers[0].planes if name not in TITLES]
        found = {
            "layers": [*self._layers()],
            "snapshots": [*self._stages()],
            "bases": [self._basis(name) for name in planes],
            **self._answers(),
            **self._recall(),
            **self._confusion(),
            "pairs": [*self._pairs()],
        }
        if study.accuracy is not None:
            found["accuracy"] = score_part(study.accuracy, f"{part_of(study)}s")
        return found

    def _layers(self) -> Iterator[Json]:
        labels = layer_labels((layer.name for layer in self._study), 40)
        course = zip(*self._course(), strict=True)
        for label, layer, own in zip(labels, self._study, course, strict=True):
            shares = [at.measures.values["probe_accuracy"] for at in own]
            yield {"name": label, "units": layer.units, "accuracy": json_types(shares)}

    def _course(self) -> list[list[LayerStudy | SnapshotLayer]]:
        """Return the layers at each snapshot: the input, if any, is always the same."""
        now: list[LayerStudy | SnapshotLayer] = [*self._study]
        inputs = now[: len(now) - len(self._study.layers)]
        return [*([*inputs, *snapshot.layers] for snapshot in self._past), now]

    def _stages(self) -> Iterator[Json]:
        study, epoch = self._study, 0
        targets = study.targets[study.shown]
        last = len(self._snapshots) - 1
        for at, snapshot in enumerate(self._snapshots):
            epoch = epoch + 1 if snapshot.epoch is None and at else snapshot.epoch or 0
            said = snapshot.predictions
            accuracy = None if said is None else float(np.mean(said == targets))
            if at == last and study.accuracy is not None:
                accuracy = study.accuracy.value
            found: Json = {"epoch": epoch, "accuracy": json_types(accuracy)}
            if snapshot.epoch is None:
                found["label"] = "this network"
            elif snapshot.epoch == 0:
                found["label"] = "untrained"
            yield found

    def _basis(self, name: str) -> Json:
        past = self._past if name in TITLES else ()
        first = len([*self._study]) - len(self._study.layers)
        before: list[list[np.ndarray]] = []
        last: list[np.ndarray] = []
        self.squares[name] = []
        for place, layer in enumerate(self._study):
            end = self._end(place, layer, name)
            own = place - first
            frames = [s.layers[own].frames[name] for s in past] if own >= 0 else []
            square = Square.around(end, *frames)
            self.squares[name].append(square)
            last.append(square.whole(end))
            if frames:
                before.append([square.whole(frame) for frame in frames])
        positions = {"last": self._blocks.array("last", np.stack(last))}
        if before:
            array = np.stack(before).swapaxes(0, 1)
            positions["before"] = self._blocks.array("before", array)
        label = short(PLANES.get(name, name), 40)
        found: Json = {
            "id": label,
            "label": label,
            "title": TITLES.get(name, f"What {name} makes of each layer"),
            "positions": positions,
        }
        if name == "components":
            shares = [own.variance_shown.sum() for own in self._study]
            unknown = [[None] * len(shares)] * len(past)
            found["shows"] = json_types([*unknown, shares])
        return found

    def _end(
        self, place: int, layer: LayerStudy, name: str
    ) -> Float[np.ndarray, "shown 2"]:
        """Return where the shown samples end in a layer."""
        if place == 0 and is_plane(self._study):
            # Two features are looked at as they are, whatever the basis.
            inputs = self._study.inputs
            assert inputs is not None
            return np.asarray(inputs[self._shown.positions]).astype(np.float64)
        plane = "components" if name == "fixed" else name
        crowd = self._study.crowd
        if crowd is None:
            return layer.turned(plane)
        at = np.searchsorted(crowd.positions, self._shown.positions)
        return layer.turned(plane, crowd.planes[place][plane][at])

    def _answers(self) -> Json:
        study, blocks, classes = self._study, self._blocks, self._classes
        positions = self._shown.positions
        readings = np.stack([layer.probe_predictions[positions] for layer in study])
        found = {"readings": blocks.classes("readings", readings, classes)}
        if study.predictions is None or study.confidence is None:
            return found
        past = self._past
        found["answers"] = {
            "last": blocks.classes("answers", study.predictions[positions], classes)
        }
        found["confidence"] = {
            "last": blocks.array("confidence", _sixteen(study.confidence[positions]))
        }
        said = [s.predictions for s in past if s.predictions is not None]
        sure = [s.confidence for s in past if s.confidence is not None]
        if past and len(said) == len(past):
            before = blocks.classes("answers", np.stack(said), classes)
            found["answers"]["before"] = before
            before = blocks.array("confidence", _sixteen(np.stack(sure)))
            found["confidence"]["before"] = before
        found["settled"] = blocks.array("settled", study.settled[positions], "int16")
        return found

    def _recall(self) -> Json:
        recall = [
            [layer.measures.by_class["probe_recall"] for layer in at]
            for at in self._course()
        ]
        sampled = [len(self._study.sampled)] * len(self._past)
        return {
            "recall": self._blocks.array("recall", np.array(recall), "float32"),
            "recallOf": [*sampled, len(self._study.targets)],
        }

    def _confusion(self) -> Json:
        study, classes = self._study, self._classes
        if study.predictions is None or classes > MOST_CONFUSED:
            return {}
        targets = study.targets[study.shown]
        past = [
            confusion_counts(targets, s.predictions, classes)
            for s in self._past
            if s.predictions is not None
        ]
        if len(past) != len(self._past):
            return {}
        counts = np.array([*past, study.confusion])
        return {
            "confusion": self._blocks.array("confusion", counts, "int32"),
            "confusionOf": [len(targets)] * len(past) + [len(study.targets)],
        }

    def _pairs(self) -> Iterator[Json]:
        if not self._study.pairs:
            return
        counts = self._study.confusion
        labelled = counts.sum(axis=1)
        for pair in self._study.pairs:
            a, b = pair.classes
            mixed = (layer.measures.by_pair["mixed"][a, b] for layer in self._study)
            along = np.rint(np.clip(10_000 * pair.along, -32_767, 32_767))
            yield {
                "classes": [a, b],
                "confused": int(counts[a, b] + counts[b, a]),
                "of": int(labelled[a] + labelled[b]),
                "byLayer": json_types([*mixed]),
                "samples": self._blocks.array("pair", pair.samples, "int32"),
                "along": self._blocks.array("along", along, "int16"),
            }

    @property
    def _classes(self) -> int:
        return len(self._study.class_names)


def score_part(share: Share, words: str = "test samples") -> Json:
    """Return an accuracy: the share of what samples, in words, are right."""
    return {
        "value": share.value,
        "low": share.low,
        "high": share.high,
        "right": share.successes,
        "of": share.trials,
        "words": words,
    }


def _sixteen(shares: Float[np.ndarray, "..."]) -> UInt[np.ndarray, "..."]:
    return np.rint(np.clip(shares, 0, 1) * 65_535).astype(np.uint16)


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
    for one in findings:
        text = (one.headline, one.detail)
        found = _told(one.kind, *text, one.certainty, one.evidence)
        making = BUTTONS.get(one.kind)
        made = making and shown and making(shown, one.evidence)
        if made:
            found["button"], found["link"] = made
        yield found


def remark_part(text: str) -> Json:
    """Return a remark on the data as a finding."""
    first, _, rest = text.partition(". ")
    return _told("data", first.removesuffix("."), rest, "counted", {})


def cause_part(cause: Cause) -> Json:
    """Return a cause as a finding, with a button to the training."""
    detail = " ".join(filter(None, (cause.detail, cause.fix)))
    found = _told(cause.kind, cause.headline, detail, "measured", cause.evidence)
    button = f"training: {short(cause.kind, 20)}"
    return found | {"button": button, "link": "s=training"}


def _told(
    kind: str, headline: str, detail: str, certainty: str, evidence: Mapping[str, Any]
) -> Json:
    return {
        "kind": kind,
        "headline": typeset(headline),
        "detail": typeset(detail),
        "certainty": certainty,
        "evidence": json_types(evidence),
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
