"""The door to torch: what is asked of modules before a study, without importing it."""

from dataclasses import replace
from typing import Any, NamedTuple, Unpack

from layerwise.study._inspect import LookOptions, module_of


class ModuleLayer(NamedTuple):
    """A module that could be studied.

    Parameters
    ----------
    name, kind : str
        Its name, and that of its class.
    shape : tuple of int
        Of what it gives for one sample.
    rows : str
        How that becomes one row of numbers, or why it does not.
    chosen : bool
        Whether it is studied.
    """

    name: str
    kind: str
    shape: tuple[int, ...]
    rows: str
    chosen: bool


def module_layers(
    module: Any, data: Any, **look: Unpack[LookOptions]
) -> tuple[ModuleLayer, ...]:
    """Return every module in a module, with how its output becomes a row.

    Parameters
    ----------
    module, data, **look
        As for `inspect`; one batch is passed.

    Raises
    ------
    InputError
        As for `inspect`.
    """
    from layerwise.study.subjects._module import Look, first_look

    module, given = module_of(module), Look(**look)
    chosen = {layer.name for layer in first_look(module, data, given).layers}
    every = first_look(module, data, replace(given, layers="**"))
    found = (
        ModuleLayer(
            layer.name, layer.kind, layer.shape, layer.layout.said, layer.name in chosen
        )
        for layer in every.layers
    )
    left_out = (
        ModuleLayer(name, _kind(every, name), (), f"left out: {why}", chosen=False)
        for name, why in every.left_out.items()
    )
    return (*found, *left_out)


def _kind(capture: Any, name: str) -> str:
    return type(capture.chosen[name.partition("#")[0]]).__name__
