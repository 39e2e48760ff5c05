"""Anybody's module as a subject, and data of many kinds as its samples."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeAlias

import numpy as np
import torch
from jaxtyping import Float, Int
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
from layerwise.study.subjects._subject import Block, Case, Followed, Stage
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

Display: TypeAlias = Entry
"""What is shown of a batch's samples: pictures or texts."""


LOADED = 256
"""Of a torch data set so many samples are a batch."""


@dataclass(frozen=True, eq=False)
class Look:
    """How a module is to be looked into.

    Parameters
    ----------
    layers : str, type, or sequence of them, optional
        Names, globs of names or types of modules, or ``weights``; by default blocks,
        and the modules with weights outside of them, after their activation.
    reduce : str, int, callable, or mapping of str to one of them
        How a layer's positions become one row: their ``mean``, respecting an attention
        mask; ``flatten``; the place of a token (0, -1); or a function of the tensor.
    units : int or mapping of str to int, optional
        The axis of units, samples first; by default as the functions around tell.
    predict : callable or None
        From what the module returns to logits; None for a study without predictions. By
        default ``.logits``, one logit for two classes, or the tensor returned.
    display : str, int or callable, optional
        What is shown of each sample: pictures or texts, by key or place in a batch, or
        by a function of the batch. By default inputs that look like pictures.
    class_names : sequence of str, optional
        By class index.
    scaling : "range", "standard", "unit" or "none"
        Of inputs in arrays; fitted on training samples, on what is given to fit on, or
        on the samples themselves.
    labels, ids, mask : str, int or callable, optional
        Where a batch has them, if not under their usual names.
    """

    layers: Layers | None = None
    reduce: Reduce = "mean"
    units: Units | None = None
    predict: Predict = "auto"
    display: Display | None = None
    class_names: Sequence[str] | None = None
    scaling: str = "none"
    labels: Entry | None = None
    ids: Entry | None = None
    mask: Entry | None = None


@dataclass(frozen=True, eq=False)
class ModuleSubject:
    """A module, as it is looked into; see `Subject`."""

    capture: Capture
    class_names: tuple[str, ...]
    input_layout: Layout | None
    scaling: Scaling = field(
        default_factory=lambda: Scaling("none", np.zeros(()), np.ones(()))
    )

    @property
    def layer_names(self) -> tuple[str, ...]:
        """The input, where it is a table of numbers, and the layers."""
        names = tuple(layer.name for layer in self.capture.layers)
        return ("input", *names) if self.has_input else names

    @property
    def has_input(self) -> bool:
        """Whether the module is given numbers rather than, say, tokens."""
        return self.input_layout is not None

    @property
    def has_output(self) -> bool:
        """Whether the last layer is what the module says."""
        return self.capture.ends_in_output

    @property
    def seeking(self) -> int | None:
        """The input, or of texts and large pictures the layer in the middle.

        Late layers say what the module says, and early ones little.
        """
        hidden = len(self.layer_names) - self.has_output
        if self.has_input:
            return 0
        return (hidden - 1) // 2 if hidden > 0 else None

    @property
    def whole(self) -> frozenset[str]:
        """Layers used once, of which no positions are averaged or left out."""
        layers = self.capture.layers
        uses = Counter(layer.key.module for layer in layers)
        return frozenset(
            layer.name
            for layer in layers
            if layer.layout.whole and uses[layer.key.module] == 1
        )

    @property
    def output_weights(self) -> Float[np.ndarray, "units classes"] | None:
        """Those of a linear output on the rows of the layer before it."""
        weights = self.capture.output_weights
        # One logit for two classes is no row of weights for each class.
        if weights is None or weights.shape[1] != len(self.class_names):
            return None
        return weights.cpu().numpy()

    def probabilities(
        self, outputs: Float[np.ndarray, "rows classes"]
    ) -> Float[np.ndarray, "rows classes"]:
        """Return the softmax of logits."""
        raised = np.exp(outputs - outputs.max(axis=1, keepdims=True))
        return raised / raised.sum(axis=1, keepdims=True)


@dataclass(frozen=True, eq=False)
class ModuleActivations:
    """What a module's layers give for the samples of a source; see `Activations`."""

    subject: ModuleSubject
    source: Source
    display: Display | None = None

    @property
    def targets(self) -> Int[np.ndarray, " samples"]:
        """The samples' classes."""
        return self.source.targets

    @property
    def inputs(self) -> np.ndarray | None:
        """All inputs, pictures with their channels last, where they are in memory."""
        inputs = self.source.inputs
        return None if inputs is None or self.display is not None else pictured(inputs)

    def parts(self) -> Sequence[Iterator[Block]]:
        """Return one pass over this rank's batches, none where it has none.

        A module is not run side by side with itself.
        """
        own = ranks.own_share(self.source.length)
        return [self._blocks(own)] if own.start < own.stop else []

    def blocks_at(self, positions: Int[np.ndarray, " some"]) -> Iterator[Block]:
        """Yield what every layer but the input gives, and the outputs, of some samples.

        A block's positions are places among those asked for, which have to ascend.
        """
        for at, batch in self.source.holding(positions):
            asked = np.isin(at, positions)
            rows, logits = self.subject.capture.rows(batch)
            yield Block(
                positions=np.searchsorted(positions, at[asked]),
                layers=tuple(own.cpu().numpy()[asked] for own in rows),
                outputs=None if logits is None else logits.cpu().numpy()[asked],
            )

    def rows(self, positions: Int[np.ndarray, " some"]) -> list[np.ndarray]:
        """Return what every layer but the input gives for the samples at positions."""
        ascending = np.sort(positions)
        blocks = [*self.blocks_at(ascending)]
        order = np.argsort(np.concatenate([block.positions for block in blocks]))
        order = order[np.searchsorted(ascending, positions)]
        layers = zip(*(block.layers for block in blocks), strict=True)
        return [np.concatenate(own)[order] for own in layers]

    def _blocks(self, own: slice) -> Iterator[Block]:
        gathered: list[tuple[np.ndarray, list[Tensor], np.ndarray | None]] = []
        for positions, batch in self.source.batches(own):
            gathered.append((positions, *self._captured(batch)))
            if sum(len(one[0]) for one in gathered) >= GATHERED:
                yield self._block(gathered)
                gathered = []
        if gathered:
            yield self._block(gathered)

    def _captured(self, batch: Batch) -> tuple[list[Tensor], np.ndarray | None]:
        """Return a batch's tensors (input, layers, logits), and what is shown of it."""
        rows, logits = self.subject.capture.rows(batch)
        layout, first = self.subject.input_layout, batch.first
        if layout is not None and first is not None:
            rows = [reduced(first, layout, batch.mask), *rows]
        if logits is not None:
            rows.append(logits)
        shown = None if self.inputs is not None else items_of(batch, self.display)
        return rows, shown

    def _block(
        self, gathered: list[tuple[np.ndarray, list[Tensor], np.ndarray | None]]
    ) -> Block:
        """Return batches as one block: one way from the device instead of many."""
        positions, tensors, items = zip(*gathered, strict=True)
        computed = [torch.cat(own) for own in zip(*tensors, strict=True)]
        arrays = [own.cpu().numpy() for own in computed]
        count = len(self.subject.layer_names)
        lost = np.isnan(arrays[count]).any(axis=1) if len(arrays) > count else []
        # Where a layer's rows are not finite, counting them names the layer.
        if np.any(lost) and all(np.isfinite(own).all() for own in arrays[:count]):
            first = np.concatenate(positions)[np.flatnonzero(lost)[0]]
            raise InputError(
                f"the module's answer is NaN for sample {first}: every layer's outputs "
                "are finite; check what follows the last of them"
            )
        shown = [one for one in items if one is not None]
        alike = len({one.shape[1:] for one in shown}) == 1
        return Block(
            positions=np.concatenate(positions),
            layers=tuple(arrays[:count]),
            inputs=arrays[0] if self.subject.has_input else None,
            outputs=arrays[count] if len(arrays) > count else None,
            items=np.concatenate(shown) if alike else None,
            # Other devices than CUDA's have no double precision.
            computed=tuple(computed[:count]) if computed[0].is_cuda else None,
        )


def first_look(module: nn.Module, data: Any, look: Look) -> Capture:
    """Return how a study would look into a module, by one batch of the data."""
    with torch.no_grad():
        source = _sources(module, data, None, look)[0]
        return _first_capture(module, source, look)[0]


def module_case(
    module: nn.Module,
    data: Any,
    fit_on: Any = None,
    look: Look | None = None,
    snapshots: Sequence[Snapshot] = (),
) -> Case:
    """Return a module, and the samples to study it on, as a case.

    Parameters
    ----------
    module : nn.Module
    data, fit_on : Dataset, Samples, (X, y), or iterable of batches
        As for `inspect`.
    look : Look, optional
    snapshots : sequence of Snapshot
        The module on its way, as torch networks.

    Raises
    ------
    InputError
        If the data, the choices or the snapshots do not suit the module.
    """
    look = look or Look()
    scored, fitted, validation = _sources(module, data, fit_on, look)
    capture, batch = _first_capture(module, scored, look)
    logits = capture.logits(batch)
    outputs = 0 if logits is None else logits.shape[1]
    classes = _known_classes(look, data, [scored, fitted])
    features = look.predict == "auto" and _are_features(outputs, classes)
    if features:
        capture = replace(capture, predict=None, ends_in_output=False)
    names = _class_names(look, data, [scored, fitted], 0 if features else outputs)
    found = [
        *_found(capture, data, fit_on, look, outputs if features else 0),
        *running_findings(capture, scored if fitted is None else fitted),
    ]
    subject = ModuleSubject(capture, names, _input_layout(batch))

    def seen(source: Source | None) -> ModuleActivations | None:
        if source is None:
            return None
        return ModuleActivations(subject, source, look.display)

    def stages(followed: Followed, see: Callable[[Stage], Any]) -> list[Any]:
        fit_source = scored if fitted is None else fitted

        def stage(epoch: int | None, one: ModuleSubject, *, is_last: bool) -> Any:
            fit_rows = ModuleActivations(one, fit_source).rows(followed.fitting)
            seen = ModuleActivations(one, scored)
            targets = (
                fit_source.targets[followed.fitting],
                scored.targets[followed.sampled],
            )
            samples = [
                LayerSample(own, targets[0], other, targets[1])
                for own, other in zip(
                    fit_rows, seen.rows(followed.sampled), strict=True
                )
            ]
            shown = None if is_last else seen.blocks_at(followed.shown)
            return see(Stage(epoch, samples, shown))

        found, is_last = [], False
        # One module at a time: each is a copy, and may be large.
        for snapshot in snapshots:
            once = _once(subject, snapshot, batch, look)
            is_last = snapshot is snapshots[-1] and _same(snapshot.network, module)
            found.append(stage(snapshot.epoch, once, is_last=is_last))
        if found and not is_last:
            found.append(stage(None, subject, is_last=True))
        return found

    of_dataset = isinstance(data, Dataset)
    return Case(
        name=data.name if of_dataset else "samples",
        subject=subject,
        scored=ModuleActivations(subject, scored, look.display),
        fit_on=seen(fitted),
        validation=seen(validation),
        words=("training samples", "test samples")
        if of_dataset
        else ("samples given to fit on", "samples given"),
        part="test" if of_dataset else "samples",
        findings=found,
        origins=scored.origins,
        fitted_origins=(fitted or scored).origins,
        stages=stages if snapshots else None,
        columns=data.columns if of_dataset else None,
        answer=partial(_answer, capture, _scaling(data, fit_on, look)),
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


def _once(
    subject: ModuleSubject, snapshot: Snapshot, batch: Batch, look: Look
) -> ModuleSubject:
    """Return the module as it once was, looked into in the same way."""
    if not isinstance(snapshot.network, TorchNetwork):
        raise InputError("a module's snapshots are modules too: see lw.record")
    device = next(subject.capture.module.parameters()).device
    module = to_torch(snapshot.network).to(device)
    capture = _capture(module, batch, look)
    if capture.layers != subject.capture.layers:
        raise InputError(
            f"the snapshot of epoch {snapshot.epoch} has other layers than the module:"
            " give snapshots of this one"
        )
    return replace(subject, capture=capture)


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
    module: nn.Module, data: Any, fit_on: Any, look: Look
) -> tuple[Source, Source | None, Source | None]:
    """Return what is scored, what is fitted on, and what advice looks at."""
    module = unwrapped(module)
    scaling = _scaling(data, fit_on, look)
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
    fitting = None if look.scaling == "none" else _fitting(data, fit_on)
    if fitting is not None:
        return fit_scaling(fitting.inputs, look.scaling)
    if look.scaling == "none":
        return Scaling("none", np.zeros(()), np.ones(()))
    raise InputError(
        f"scaling={look.scaling!r}: batches are given to the module as they come: "
        "scale them where they are made"
    )


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


def _class_names(
    look: Look, data: Any, sources: Sequence[Source | None], outputs: int
) -> tuple[str, ...]:
    """Return a name for each class, of which there are as many as there are outputs."""
    highest = max(int(s.targets.max(initial=0)) for s in sources if s is not None)
    classes = max(outputs, highest + 1)
    if outputs and highest >= outputs:
        raise InputError(
            f"there is a label {highest}, and the module has {outputs} outputs, for "
            f"classes 0 to {outputs - 1}"
        )
    names = look.class_names
    if names is None and isinstance(data, Dataset):
        names = data.class_names
    if names is None:
        return tuple(map(str, range(classes)))
    if len(names) < classes or (outputs and len(names) > outputs):
        raise InputError(
            f"{len(names)} class names for {classes} classes: give one for each"
        )
    return tuple(names)


def _found(
    capture: Capture, data: Any, fit_on: Any, look: Look, features: int
) -> list[Finding]:
    """Return what is known before the study: what is given, and what is left out."""
    found: list[Finding] = []
    fitting = _fitting(data, fit_on)
    if fitting is not None and _is_given_numbers(capture.module, fitting):
        chosen = data.validation if isinstance(data, Dataset) else None
        scaling = _scaling(data, fit_on, look)
        found += given_findings(capture, scaling, fitting, chosen)
    if features:
        found.append(_features(features))
    if capture.blocks:
        found.append(_blocks(capture))
    if capture.left_out:
        found.append(_left_out(capture.left_out))
    return found


def _is_given_numbers(module: nn.Module, samples: Samples) -> bool:
    """Return whether a module takes measurements as they are, and not indices."""
    scales = any(isinstance(child, Scale) for child in module.modules())
    return not scales and samples.inputs.dtype in (np.uint8, np.float32, np.float64)


def _known_classes(look: Look, data: Any, sources: Sequence[Source | None]) -> int:
    if look.class_names is not None:
        return len(look.class_names)
    if isinstance(data, Dataset):
        return data.classes
    return 1 + max(int(s.targets.max(initial=0)) for s in sources if s is not None)


def _are_features(outputs: int, classes: int) -> bool:
    return outputs >= max(MANY_TIMES * classes, classes + MANY_MORE)


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
