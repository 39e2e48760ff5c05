"""Anybody's module as a subject, and data of many kinds as its samples."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Int
from torch import Tensor, nn

from layerwise import ranks
from layerwise.arrays import leaves, to_numpy
from layerwise.data import Dataset, Samples, Scaling, fit_scaling
from layerwise.errors import InputError
from layerwise.modules import (
    ArraySource,
    Batch,
    Capture,
    Entry,
    Layers,
    Layout,
    Predict,
    Reader,
    Reduce,
    Scale,
    Source,
    StreamSource,
    TorchNetwork,
    Units,
    capture_of,
    reduced,
    to_torch,
    unwrapped,
)
from layerwise.study.measures import LayerSample
from layerwise.study.records import Finding
from layerwise.study.subjects._given import given_findings, running_findings
from layerwise.study.subjects._items import items_of, pictured
from layerwise.study.subjects._subject import (
    UNSCALED,
    Activations,
    Block,
    Case,
    Followed,
    Stage,
    Subject,
)
from layerwise.training import Snapshot
from layerwise.wording import count, listed

WIDEST_INPUT = 1 << 14
"""Numbers of an input, at most, that is looked at as a layer of its own."""

MANY_TIMES, MANY_MORE = 4, 32
"""Outputs that exceed the classes by so many times and so many are features."""

NAMED = 6
"""So many layers that are left out are named in a sentence."""

GATHERED = 1024
"""Batches are gathered into blocks of at least so many samples."""

LOADED = 256
"""Of a torch data set so many samples are a batch."""


@dataclass(frozen=True, eq=False)
class Look:
    """How a module is to be looked into; `inspect` explains each."""

    layers: Layers | None = None
    reduce: Reduce = "mean"
    units: Units | None = None
    predict: Predict = "auto"
    display: Entry | None = None
    class_names: Sequence[str] | None = None
    scaling: str = "none"
    labels: Entry | None = None
    ids: Entry | None = None
    mask: Entry | None = None


def _subject(
    capture: Capture, class_names: tuple[str, ...], input_layout: Layout | None
) -> Subject:
    """Return a module, as it is looked into, as what is studied."""
    layers, has_input = capture.layers, input_layout is not None
    names = tuple(layer.name for layer in layers)
    uses = Counter(layer.key.module for layer in layers)
    hidden = len(layers) - capture.ends_in_output
    # Late layers say what the module says, and early ones little.
    middle = (hidden - 1) // 2 if hidden > 0 else None
    weights = capture.output_weights
    # One logit for two classes is no row of weights for each class.
    if weights is not None and weights.shape[1] != len(class_names):
        weights = None
    return Subject(
        layer_names=("input", *names) if has_input else names,
        class_names=class_names,
        has_input=has_input,
        has_output=capture.ends_in_output,
        seeking=0 if has_input else middle,
        # Used once, and no positions are averaged or left out.
        whole=frozenset(
            layer.name
            for layer in layers
            if layer.layout.whole and uses[layer.key.module] == 1
        ),
        output_weights=None if weights is None else weights.cpu().numpy(),
    )


Gathered: TypeAlias = list[tuple[np.ndarray, list[Tensor], np.ndarray | None]]
"""Of some batches the positions, the tensors (input, layers, logits), what is shown."""


def _activations(
    capture: Capture, source: Source, layout: Layout | None, display: Entry | None
) -> Activations:
    """Return what a module's layers give for the samples of a source.

    In one pass over this rank's batches, none where it has none: a module is not run
    side by side with itself.
    """
    inputs = source.inputs if display is None else None
    inputs = None if inputs is None else pictured(inputs)

    def blocks(own: slice) -> Iterator[Block]:
        layers, found = len(capture.layers) + (layout is not None), Gathered()
        for positions, batch in source.batches(own):
            shown = items_of(batch, display) if inputs is None else None
            found.append((positions, _tensors(capture, batch, layout), shown))
            if sum(len(one[0]) for one in found) >= GATHERED:
                yield _block(found, layers, has_input=layout is not None)
                found = []
        if found:
            yield _block(found, layers, has_input=layout is not None)

    def parts() -> list[Iterator[Block]]:
        own = ranks.own_share(source.length)
        return [blocks(own)] if own.start < own.stop else []

    return Activations(source.targets, inputs, parts)


def _tensors(capture: Capture, batch: Batch, layout: Layout | None) -> list[Tensor]:
    rows, logits = capture.rows(batch)
    if layout is not None and batch.first is not None:
        rows = [reduced(batch.first, layout, batch.mask), *rows]
    return rows if logits is None else [*rows, logits]


def _block(gathered: Gathered, layers: int, *, has_input: bool) -> Block:
    """Return batches as one block: one way from the device instead of many."""
    positions, tensors, items = zip(*gathered, strict=True)
    computed = [torch.cat(own) for own in zip(*tensors, strict=True)]
    arrays = [own.cpu().numpy() for own in computed]
    lost = np.isnan(arrays[layers]).any(axis=1) if len(arrays) > layers else []
    # Where a layer's rows are not finite, counting them names the layer.
    if np.any(lost) and all(np.isfinite(own).all() for own in arrays[:layers]):
        first = np.concatenate(positions)[np.flatnonzero(lost)[0]]
        raise InputError(
            f"the module's answer is NaN for sample {first}: every layer's outputs "
            "are finite; check what follows the last of them"
        )
    shown = [one for one in items if one is not None]
    alike = len({one.shape[1:] for one in shown}) == 1
    return Block(
        positions=np.concatenate(positions),
        layers=tuple(arrays[:layers]),
        inputs=arrays[0] if has_input else None,
        outputs=arrays[layers] if len(arrays) > layers else None,
        items=np.concatenate(shown) if alike else None,
        # Other devices than CUDA's have no double precision.
        computed=tuple(computed[:layers]) if computed[0].is_cuda else None,
    )


def _blocks_at(
    capture: Capture, source: Source, positions: Int[np.ndarray, " some"]
) -> Iterator[Block]:
    """Yield what every layer but the input gives, and the outputs, of some samples.

    A block's positions are places among those asked for, which have to ascend.
    """
    for at, batch in source.holding(positions):
        asked = np.isin(at, positions)
        rows, logits = capture.rows(batch)
        yield Block(
            positions=np.searchsorted(positions, at[asked]),
            layers=tuple(own.cpu().numpy()[asked] for own in rows),
            outputs=None if logits is None else logits.cpu().numpy()[asked],
        )


def _stated(
    capture: Capture, fit_source: Source, scored: Source, followed: Followed
) -> list[LayerSample]:
    """Return the stated sample as every layer but the input has it."""

    def rows(source: Source, positions: Int[np.ndarray, " some"]) -> list[np.ndarray]:
        ascending = np.sort(positions)
        blocks = [*_blocks_at(capture, source, ascending)]
        order = np.argsort(np.concatenate([block.positions for block in blocks]))
        order = order[np.searchsorted(ascending, positions)]
        layers = zip(*(block.layers for block in blocks), strict=True)
        return [np.concatenate(own)[order] for own in layers]

    fitting, sampled = followed.fitting, followed.sampled
    fit_targets, targets = fit_source.targets[fitting], scored.targets[sampled]
    return [
        LayerSample(own, fit_targets, other, targets)
        for own, other in zip(
            rows(fit_source, fitting), rows(scored, sampled), strict=True
        )
    ]


def first_look(module: nn.Module, data: Any, look: Look) -> Capture:
    """Return how a study would look into a module, by one batch of the data."""
    with torch.no_grad():
        source = _sources(module, data, None, look, _scaling(data, None, look))[0]
        return _first_capture(module, source, look)[0]


def module_case(
    module: nn.Module,
    data: Any,
    fit_on: Any = None,
    look: Look | None = None,
    snapshots: Sequence[Snapshot] = (),
) -> Case:
    """Return a module, and the samples to study it on, as a case.

    The data are as for `inspect`; the snapshots, the module on its way, torch networks.

    Raises
    ------
    InputError
        If the data, the choices or the snapshots do not suit the module.
    """
    look = look or Look()
    scaling = _scaling(data, fit_on, look)
    scored, fitted, validation = _sources(module, data, fit_on, look, scaling)
    fit_source = scored if fitted is None else fitted
    capture, batch = _first_capture(module, scored, look)
    logits = capture.logits(batch)
    outputs = 0 if logits is None else logits.shape[1]
    given = _given_names(look, data)
    labelled = 1 + max(int(s.targets.max(initial=0)) for s in (scored, fit_source))
    classes = labelled if given is None else len(given)
    features = outputs if _are_features(outputs, classes, look.predict) else 0
    if features:
        capture = replace(capture, predict=None, ends_in_output=False)
    names = _class_names(given, labelled, outputs - features)
    layout = _input_layout(batch)

    def seen(source: Source | None) -> Activations | None:
        if source is None:
            return None
        return _activations(capture, source, layout, look.display)

    def stages(followed: Followed, see: Callable[[Stage], Any]) -> list[Any]:
        def stage(epoch: int | None, once: Capture, *, is_last: bool) -> Any:
            layers = _stated(once, fit_source, scored, followed)
            shown = None if is_last else _blocks_at(once, scored, followed.shown)
            return see(Stage(epoch, layers, shown))

        found, is_last = [], False
        # One module at a time: each is a copy, and may be large.
        for snapshot in snapshots:
            once = _once(capture, snapshot, batch, look)
            is_last = snapshot is snapshots[-1] and _same(snapshot.network, module)
            found.append(stage(snapshot.epoch, once, is_last=is_last))
        if found and not is_last:
            found.append(stage(None, capture, is_last=True))
        return found

    return Case(
        subject=_subject(capture, names, layout),
        scored=_activations(capture, scored, layout, look.display),
        fit_on=seen(fitted),
        validation=seen(validation),
        findings=[
            *_found(capture, data, _fitting(data, fit_on), scaling, features),
            *running_findings(capture, fit_source),
        ],
        origins=scored.origins,
        fitted_origins=fit_source.origins,
        stages=stages if snapshots else None,
        answer=partial(_answer, capture, scaling),
    )


def _answer(
    capture: Capture, scaling: Scaling, rows: np.ndarray
) -> Int[np.ndarray, " rows"]:
    """Return the class that a module answers for each row."""
    given = Samples(rows, np.zeros(len(rows), np.int32))
    batches = ArraySource(capture.module, given, scaling).batches()
    found = (capture.rows(batch)[1] for _, batch in batches)
    return np.concatenate(
        [logits.argmax(dim=1).cpu().numpy() for logits in found if logits is not None]
    )


def _once(capture: Capture, snapshot: Snapshot, batch: Batch, look: Look) -> Capture:
    """Return the module as it once was, looked into in the same way."""
    if not isinstance(snapshot.network, TorchNetwork):
        raise InputError("a module's snapshots are modules too: see lw.record")
    device = next(capture.module.parameters()).device
    once = _capture(to_torch(snapshot.network).to(device), batch, look)
    if once.layers != capture.layers:
        raise InputError(
            f"the snapshot of epoch {snapshot.epoch} has other layers than the module:"
            " give snapshots of this one"
        )
    return once


def _capture(module: nn.Module, batch: Batch, look: Look) -> Capture:
    return capture_of(module, batch, look.layers, look.reduce, look.predict, look.units)


def _same(network: Any, module: nn.Module) -> bool:
    """Return whether a module has the parameters of a snapshot of it."""
    pairs = zip(
        leaves(network.reading(module).parameters),
        leaves(network.parameters),
        strict=True,
    )
    return all(np.array_equal(now, then) for now, then in pairs)


def _sources(
    module: nn.Module, data: Any, fit_on: Any, look: Look, scaling: Scaling
) -> tuple[Source, Source | None, Source | None]:
    """Return what is scored, what is fitted on, and what advice looks at."""
    module = unwrapped(module)
    if not isinstance(data, Dataset):
        scored = _source(module, data, look, scaling)
        if fit_on is None:
            return scored, None, None
        return scored, _source(module, fit_on, look, scaling), None
    return (
        ArraySource(module, data.test, scaling),
        ArraySource(module, data.train, scaling),
        ArraySource(module, data.validation, scaling),
    )


def _samples(data: Any) -> Samples | None:
    """Return what is given in arrays; None of batches."""
    if isinstance(data, Samples):
        return data
    if (
        isinstance(data, tuple)
        and len(data) == 2
        and all(isinstance(one, np.ndarray | Tensor) for one in data)
    ):
        X, y = map(to_numpy, data)
        return Samples(X, y)
    return None


def _fitting(data: Any, fit_on: Any) -> Samples | None:
    """Return what a scaling is fitted on, where that is in arrays."""
    if isinstance(data, Dataset):
        return data.train
    return _samples(data if fit_on is None else fit_on)


def _scaling(data: Any, fit_on: Any, look: Look) -> Scaling:
    if look.scaling == "none":
        return UNSCALED
    fitting = _fitting(data, fit_on)
    if fitting is None:
        raise InputError(
            f"scaling={look.scaling!r}: batches are given to the module as they come: "
            "scale them where they are made"
        )
    return fit_scaling(fitting.inputs, look.scaling)


def _source(module: nn.Module, data: Any, look: Look, scaling: Scaling) -> Source:
    samples = _samples(data)
    if samples is not None:
        return ArraySource(module, samples, scaling)
    if isinstance(data, torch.utils.data.Dataset) and hasattr(data, "__len__"):
        data = torch.utils.data.DataLoader(data, LOADED)
    if not isinstance(data, Iterable):
        raise InputError(
            f"a module cannot be inspected with a {type(data).__name__}: give a "
            "Dataset, Samples, a pair (X, y), a torch Dataset, or batches such as a "
            "DataLoader's"
        )
    return StreamSource(Reader(module, look.labels, look.ids, look.mask), data)


def _first_capture(
    module: nn.Module, source: Source, look: Look
) -> tuple[Capture, Batch]:
    batch = source.first()
    if not len(batch.targets):
        raise InputError("too few samples: give some to fit on and some to score")
    capture = _capture(module, batch, look)
    return capture, batch


def _given_names(look: Look, data: Any) -> Sequence[str] | None:
    if look.class_names is None and isinstance(data, Dataset):
        return data.class_names
    return look.class_names


def _class_names(
    names: Sequence[str] | None, labelled: int, outputs: int
) -> tuple[str, ...]:
    """Return a name for each class, of which there are as many as there are outputs."""
    if outputs and labelled > outputs:
        raise InputError(
            f"there is a label {labelled - 1}, and the module has {outputs} outputs, "
            f"for classes 0 to {outputs - 1}"
        )
    classes = max(outputs, labelled)
    if names is None:
        return tuple(map(str, range(classes)))
    if len(names) < classes or (outputs and len(names) > outputs):
        raise InputError(
            f"{len(names)} class names for {classes} classes: give one for each"
        )
    return tuple(names)


def _found(
    capture: Capture,
    data: Any,
    fitting: Samples | None,
    scaling: Scaling,
    features: int,
) -> Iterator[Finding]:
    """Say what is known before the study: what is given, and what is left out."""
    if fitting is not None and _is_given_numbers(capture.module, fitting):
        chosen = data.validation if isinstance(data, Dataset) else None
        yield from given_findings(capture, scaling, fitting, chosen)
    if features:
        yield _features(features)
    if capture.blocks:
        yield _blocks(capture)
    if capture.left_out:
        yield _left_out(capture.left_out)


def _is_given_numbers(module: nn.Module, samples: Samples) -> bool:
    """Return whether a module takes measurements as they are, and not indices."""
    scales = any(isinstance(child, Scale) for child in module.modules())
    return not scales and samples.inputs.dtype in (np.uint8, np.float32, np.float64)


def _are_features(outputs: int, classes: int, predict: Predict) -> bool:
    many = max(MANY_TIMES * classes, classes + MANY_MORE)
    return predict == "auto" and outputs >= many


def _features(outputs: int) -> Finding:
    return Finding(
        "features",
        f"The module's {outputs} outputs are taken for features, not logits",
        "The labels have far fewer classes, so predictions are left out. predict= says "
        "how to read logits from the outputs.",
        {"outputs": outputs},
        "rule of thumb",
    )


def _blocks(capture: Capture) -> Finding:
    names = list(capture.blocks)
    inside = sum(map(len, capture.blocks.values()))
    shown = names if len(names) <= NAMED else [names[0], "…", names[-1]]
    many = len(names) > 1
    return Finding(
        "blocks",
        f"{count(len(names))} {'blocks are' if many else 'block is'} studied as one "
        f"layer{' each' if many else ''}",
        f"{', '.join(shown)}. The {count(inside)} layers with weights inside are left "
        "out; --layers weights, or layers='weights', studies those instead.",
        {"blocks": {name: list(inner) for name, inner in capture.blocks.items()}},
        "counted",
    )


def _left_out(left_out: Mapping[str, str]) -> Finding:
    shown = [f"{name} ({why})" for name, why in left_out.items()]
    more = [f"{len(shown) - NAMED} more"] if len(shown) > NAMED else []
    be = "layer was" if len(shown) == 1 else "layers were"
    return Finding(
        "left out",
        f"{count(len(shown))} {be} left out",
        f"{listed([*shown[:NAMED], *more])}.",
        {"layers": dict(left_out)},
        "counted",
    )


def _input_layout(batch: Batch) -> Layout | None:
    """Return how inputs become rows; None for tokens and other whole numbers.

    None also for inputs of very many numbers, such as large photographs: their rows,
    kept of the samples that are asked for, would take more memory than all else.
    """
    first = batch.first
    if first is None or first.ndim < 1 or len(first) != len(batch.targets):
        return None
    if not first.is_floating_point() or first[0].numel() > WIDEST_INPUT:
        return None
    sequence = first.ndim == 3 and batch.mask is not None
    how = "mean" if sequence else "flatten"
    return Layout(samples=0, channels=-1, how=how, said=how, whole=not sequence)
