"""How a module is looked into, settled once on its first batch."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from layerwise.errors import InputError, MachineError
from layerwise.modules._calling import evaluation, unwrapped
from layerwise.modules._choice import Layers, chosen_modules
from layerwise.modules._outputs import Predict, answer_of, logits_of
from layerwise.modules._reading import Batch
from layerwise.modules._reduction import Layout, Reduce, layout_of, reduced
from layerwise.modules._tracking import Key, Watched, watched

__all__ = ["Capture", "Captured", "Layer", "capture_of"]


class Layer(NamedTuple):
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


class Captured(NamedTuple):
    """What a batch gives.

    Parameters
    ----------
    rows : list of Tensor, shape (samples, units)
        Of every layer.
    logits : Tensor or None, shape (samples, classes)
    """

    rows: list[Tensor]
    logits: Tensor | None


@dataclass(frozen=True, eq=False)
class Capture:
    """How a module is looked into.

    Parameters
    ----------
    module : nn.Module
        Without wrappers.
    chosen : mapping of str to nn.Module
    layers : tuple of Layer
        In forward order.
    predict : callable, ``auto`` or None
    ends_in_output : bool
        Whether the last layer is the output.
    output_weights : Tensor or None, shape (units, classes)
        Of a linear output on the rows of the layer before it.
    copy : bool
        Whether values are copied as soon as they are there.
    """

    module: nn.Module
    chosen: Mapping[str, nn.Module]
    predict: Predict
    layers: tuple[Layer, ...] = ()
    ends_in_output: bool = False
    output_weights: Tensor | None = None
    copy: bool = False

    def rows(self, batch: Batch) -> Captured:
        """Pass a batch, and return every layer's rows.

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
            rows.append(reduced(seen.values[layer.key], layer.layout, batch.mask))
        return Captured(rows, self._logits(seen, batch))

    def watched(self, batch: Batch) -> Watched:
        """Pass a batch, a second time where a value was changed behind our back."""
        seen = self._pass(batch, copy=self.copy)
        return self._pass(batch, copy=True) if seen.changed else seen

    def _pass(self, batch: Batch, *, copy: bool) -> Watched:
        def answer(output: Any) -> Any:
            return answer_of(output, self.predict)

        def call() -> Any:
            return self.module(*batch.arguments.positional, **batch.arguments.named)

        try:
            with evaluation(self.module), torch.no_grad():
                return watched(self.module, self.chosen, call, answer, copy=copy)
        except torch.OutOfMemoryError as error:
            raise MachineError(f"the module needs more memory: {error}") from error
        except InputError:
            raise
        except Exception as error:
            shapes = [
                str(tuple(one.shape))
                for one in batch.arguments.values()
                if isinstance(one, Tensor)
            ]
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
) -> Capture:
    """Pass a first batch, and settle which layers there are and how they become rows.

    Raises
    ------
    InputError
        If a layer that was asked for gives nothing for each sample, or is not used.
    """
    module = unwrapped(module)
    capture = Capture(module, chosen_modules(module, layers), predict)
    seen = capture.watched(batch)
    found = _layers(capture, seen, len(batch.targets), reduce)
    if layers is not None and not found:
        raise InputError(f"layers={layers!r}: none gives rows of one for each sample")
    if not found:
        raise InputError("no module with weights gives one row for each sample")
    last = found[-1]
    capture = replace(capture, layers=found, copy=seen.changed)
    if seen.origin != last.key:
        return capture
    weights = _output_weights(capture, batch)
    return replace(capture, ends_in_output=True, output_weights=weights)


def _layers(
    capture: Capture, seen: Watched, samples: int, reduce: Reduce
) -> tuple[Layer, ...]:
    uses = dict.fromkeys(capture.chosen, 0)
    for key in seen.values:
        uses[key.module] = max(uses[key.module], key.use + 1)
    found: list[Layer] = []
    for key, tensor in seen.values.items():
        child = capture.chosen[key.module]
        layout = layout_of(key.module, child, tensor, samples, reduce)
        if layout is None:
            continue
        name = key.module if uses[key.module] == 1 else f"{key.module}#{key.use + 1}"
        shape = tuple(tensor.movedim(layout.samples, 0).shape[1:])
        found.append(Layer(name, key, type(child).__name__, shape, layout))
    return tuple(found)


def _output_weights(capture: Capture, batch: Batch) -> Tensor | None:
    """Return the output's weights, if it is linear in the rows of the layer before."""
    last = capture.chosen[capture.layers[-1].key.module]
    weight, bias = getattr(last, "weight", None), getattr(last, "bias", None)
    if len(capture.layers) < 2 or not isinstance(last, nn.Linear) or weight is None:
        return None
    rows, _ = capture.rows(batch)
    before, after = rows[-2].float(), rows[-1].float()
    if before.shape[1] != weight.shape[1]:
        return None
    expected = before @ weight.detach().float().T
    expected = expected if bias is None else expected + bias.detach().float()
    close = (expected - after).abs().max() <= 1e-2 * after.abs().max()
    return weight.detach().float().T if bool(close) else None
