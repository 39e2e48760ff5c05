"""How a module is looked into, settled once on its first batch."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy

from layerwise.errors import InputError, MachineError
from layerwise.modules._calling import (
    Predict,
    answer_of,
    evaluation,
    logits_of,
    unwrapped,
)
from layerwise.modules._reading import Batch, without_last
from layerwise.modules.watching._choice import (
    Layers,
    chosen_modules,
    inside_blocks,
    is_asked_for,
    refuse_other_uses,
)
from layerwise.modules.watching._reduction import (
    Layout,
    Reduce,
    Units,
    layout_of,
    reduced,
)
from layerwise.modules.watching._tracking import Key, Watched, share_storage, watched


class CapturedLayer(NamedTuple):
    """One layer that is looked at.

    Parameters
    ----------
    name : str
        The module's, with ``#1``, ``#2``, … where it is used more than once.
    key : Key
        Which use of which module.
    kind : str
        The module's class.
    shape : tuple of int
        Of what it gives for one sample of the first batch.
    layout : Layout
    """

    name: str
    key: Key
    kind: str
    shape: tuple[int, ...]
    layout: Layout


@dataclass(frozen=True, eq=False)
class Capture:
    """How a module is looked into.

    Parameters
    ----------
    module : nn.Module
        Without wrappers.
    chosen : mapping of str to nn.Module
    layers : tuple of CapturedLayer
        In forward order.
    predict : callable, ``auto`` or None
    ends_in_output : bool
        Whether the last layer is the output.
    output_weights : Tensor or None, shape (units, classes)
        Of a linear output on the rows of the layer before it.
    left_out : mapping of str to str
        Chosen modules that are no layers here, and why.
    awaited : frozenset of Key
        Layers whose rows are taken after an activation.
    blocks : mapping of str to sequence of str
        Layers that were chosen as blocks, and what has weights inside them.
    """

    module: nn.Module
    chosen: Mapping[str, nn.Module]
    predict: Predict
    layers: tuple[CapturedLayer, ...] = ()
    ends_in_output: bool = False
    output_weights: Tensor | None = None
    left_out: Mapping[str, str] = field(default_factory=dict[str, str])
    awaited: frozenset[Key] = frozenset()
    blocks: Mapping[str, Sequence[str]] = field(default_factory=dict[str, Any])

    def rows(self, batch: Batch) -> tuple[list[Tensor], Tensor | None]:
        """Pass a batch, and return every layer's rows, and what `logits` returns.

        Raises
        ------
        InputError
            If the module fails, or does not use its layers as for the first batch.
        """
        seen = self.watched(batch)
        rows: list[Tensor] = []
        for layer in self.layers:
            if layer.key not in seen.values:
                raise InputError(
                    f"{layer.name} was used for the first batch and is not for another:"
                    " choose layers that are always used"
                )
            own = seen.values[layer.key]
            if len(own) != len(batch.targets):
                raise InputError(
                    f"{layer.name} gives {len(own):,} rows for {len(batch.targets):,} "
                    "samples of another batch: leave it out by layers="
                )
            rows.append(own)
        return rows, self._logits(seen, batch)

    def logits(self, batch: Batch) -> Tensor | None:
        """Pass a batch, and return its logits, shape (samples, classes), if any."""
        return self._logits(self.watched(batch), batch)

    def watched(self, batch: Batch) -> Watched:
        """Pass a batch, a second time where a value was changed behind our back."""
        seen = self._pass(batch, copy=False)
        return self._pass(batch, copy=True) if seen.changed else seen

    def _pass(self, batch: Batch, *, copy: bool) -> Watched:
        given = batch.arguments
        layouts = {layer.key: layer.layout for layer in self.layers}

        def keep(key: Key, tensor: Tensor, counts: Tensor | None) -> Tensor:
            if key not in layouts:
                return torch.empty(tensor.shape, device="meta")
            mask = batch.mask if counts is None else counts
            rows = reduced(tensor, layouts[key], mask)
            # A view would hold all of it, and change with it.
            return rows.clone() if share_storage(rows, tensor) else rows

        try:
            with evaluation(self.module), torch.no_grad():
                return watched(
                    self.module,
                    self.chosen,
                    partial(self.module, *given.positional, **given.named),
                    partial(answer_of, predict=self.predict),
                    copy=copy,
                    keep=keep,
                    awaited=self.awaited,
                )
        except torch.OutOfMemoryError as error:
            raise MachineError(f"the module needs more memory: {error}") from error
        except InputError:
            raise
        except Exception as error:
            tensors = [one for one in given.values() if isinstance(one, Tensor)]
            shapes = [str(tuple(one.shape)) for one in tensors]
            said = str(error).strip().partition("\n")[0]
            raise InputError(
                f"the module fails on a batch of shape {', '.join(shapes)}: "
                f"{type(error).__name__}: {said}"
            ) from error

    def _logits(self, seen: Watched, batch: Batch) -> Tensor | None:
        if self.predict is None:
            return None
        ends = "logits" if callable(self.predict) else seen.ends
        return logits_of(seen.answer, len(batch.targets), ends=ends)


def capture_of(
    module: nn.Module,
    batch: Batch,
    layers: Layers | None = None,
    reduce: Reduce = "mean",
    predict: Predict = "auto",
    units: Units | None = None,
) -> Capture:
    """Pass a first batch, and settle which layers there are and how they become rows.

    Raises
    ------
    InputError
        If a layer that was asked for gives nothing for each sample, or is not used.
    """
    module = unwrapped(module)
    _refuse(module)
    laid_out = partial(layout_of, reduce=reduce, units=units)
    without: set[str] = set()
    while True:
        chosen = chosen_modules(module, layers, without)
        capture = Capture(module, chosen, predict)
        seen = capture.watched(batch)
        fewer = _with_fewer(capture, batch)
        found, left_out = _layers(
            capture, seen, fewer, len(batch.targets), layers, laid_out
        )
        blocks = inside_blocks(module, without) if layers is None else {}
        # Of a block that is not called, or gives no rows, what is inside is taken.
        hidden = blocks.keys() & left_out.keys()
        if not hidden:
            break
        without |= hidden
    if not found:
        raise InputError(_none_found(layers, left_out))
    last = found[-1]
    capture = replace(
        capture, layers=found, left_out=left_out, blocks=blocks, awaited=seen.activated
    )
    if seen.origin != last.key:
        return capture
    weights = _output_weights(capture, batch)
    return replace(capture, ends_in_output=True, output_weights=weights)


def _refuse(module: nn.Module) -> None:
    """Raise an error for a module that cannot be passed, or whose layers are hidden."""
    kind, parameters = type(module).__name__, [*module.parameters()]
    if isinstance(module, torch.jit.ScriptModule):
        raise InputError(
            f"{kind}: TorchScript is not supported, its layers cannot be watched: "
            "give the module as it was before torch.jit.trace or torch.jit.script"
        )
    if any(is_lazy(parameter) for parameter in parameters):
        raise InputError(
            f"{kind}: lazy modules have no weights yet: pass a batch through it first"
        )
    if any(parameter.is_meta for parameter in parameters):
        raise InputError(
            f"{kind}: its weights are on the device meta, which holds no values: load "
            "them first"
        )


NAMED = 4
"""So many layers that are left out are named in an error."""


def _none_found(layers: Layers | None, left_out: Mapping[str, str]) -> str:
    asked = "no module with weights" if layers is None else f"layers={layers!r}: none"
    why = [f"{name}: {reason}" for name, reason in left_out.items()]
    more = "; …" if len(why) > NAMED else ""
    said = f" ({'; '.join(why[:NAMED])}{more})" if why else ""
    return f"{asked} gives one row for each sample{said}"


def _with_fewer(capture: Capture, batch: Batch) -> Watched | None:
    """Pass all samples but the last; None where the module does not let one go.

    The axis that is then shorter is that of the samples, whatever other axes are as
    long by chance.
    """
    samples = len(batch.targets)
    for axis in (0, 1):
        short = without_last(batch, axis)
        if short is None or samples < 2:
            continue
        try:
            seen = capture.watched(short)
        except InputError:
            continue
        answer = seen.answer
        if not isinstance(answer, Tensor) or answer.shape[:1] in ((samples - 1,), ()):
            return seen
    return None


def _layers(
    capture: Capture,
    seen: Watched,
    fewer: Watched | None,
    samples: int,
    layers: Layers | None,
    laid_out: Callable[..., Layout | None],
) -> tuple[tuple[CapturedLayer, ...], dict[str, str]]:
    """Return the layers, and what is none of them with the reason."""
    uses = dict.fromkeys(capture.chosen, 0)
    for key in seen.values:
        uses[key.module] = max(uses[key.module], key.use + 1)
    found: list[CapturedLayer] = []
    names: list[str] = []
    left_out = {
        name: "not used, or gives no tensor" for name, used in uses.items() if not used
    }
    for key, tensor in seen.values.items():
        child = capture.chosen[key.module]
        name = key.module if uses[key.module] == 1 else f"{key.module}#{key.use + 1}"
        names.append(name)
        if not is_asked_for(name, key.module, child, layers):
            continue
        other = None if fewer is None else fewer.values.get(key)
        axis = _sample_axis(child, tensor, other, samples)
        if axis is None:
            left_out[name] = _why_no_row(tensor, other, samples)
            continue
        layout = laid_out(key.module, child, tensor, axis, seen.axes.get(key))
        if layout is None:
            left_out[name] = (
                f"shape {tuple(tensor.shape)}, and nothing tells which axis holds the "
                "units: give units=, such as units=-1"
            )
            continue
        shape = tuple(tensor.movedim(axis, 0).shape[1:])
        found.append(CapturedLayer(name, key, type(child).__name__, shape, layout))
    refuse_other_uses(layers, [*names, *left_out])
    return tuple(found), left_out


def _why_no_row(tensor: Tensor, fewer: Tensor | None, samples: int) -> str:
    """Return why a tensor gives no row for each sample."""
    many = len(tensor) // samples if tensor.ndim else 0
    follows = fewer is None or len(fewer) == many * (samples - 1)
    shape = f"shape {tuple(tensor.shape)}"
    if many > 1 and len(tensor) == many * samples and follows:
        return f"{shape}, {many} for each sample, as of several inputs in one batch"
    return f"{shape}, not one for each sample"


def _sample_axis(
    module: nn.Module, tensor: Tensor, fewer: Tensor | None, samples: int
) -> int | None:
    """Return the axis of samples: that which is shorter where there is one fewer."""
    axes = [axis for axis, size in enumerate(tensor.shape) if size == samples]
    if fewer is not None:
        if fewer.ndim != tensor.ndim:
            return None
        return next((a for a in axes if fewer.shape[a] == samples - 1), None)
    if tensor.ndim < 2:
        return 0 if axes else None
    axes = [axis for axis in axes if axis < 2]
    sequence = tensor.ndim == 3 and getattr(module, "batch_first", True) is False
    return (axes[-1] if sequence else axes[0]) if axes else None


def _output_weights(capture: Capture, batch: Batch) -> Tensor | None:
    """Return the output's weights, if it is linear in the rows of the layer before."""
    last = capture.chosen[capture.layers[-1].key.module]
    if len(capture.layers) < 2 or not isinstance(last, nn.Linear):
        return None
    rows, _ = capture.rows(batch)
    before, after = rows[-2].float(), rows[-1].float()
    # Weights may be of a class of its own, quantised for example, with few functions.
    try:
        weight = last.weight.detach().float()
        plain = torch.zeros(weight.shape, device=weight.device).add(weight)
    except (NotImplementedError, RuntimeError, TypeError):
        return None
    if before.shape[1] != plain.shape[1]:
        return None
    bias: Tensor | None = getattr(last, "bias", None)
    expected = before @ plain.T
    expected = expected if bias is None else expected + bias.detach().float()
    close = (expected - after).abs().max() <= 1e-2 * after.abs().max()
    return plain.T if bool(close) else None
