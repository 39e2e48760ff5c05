"""The terminal's table of the modules that could be looked at."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from layerwise.study import ModuleLayer

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_module_layers"]


def print_module_layers(console: "Console", layers: Sequence[ModuleLayer]) -> None:
    """Print a line for each module, a mark before those that are looked at."""
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False)
    for head in ("", "layer", "module", "shape", "as a row"):
        table.add_column(head, no_wrap=head == "layer")
    for layer in layers:
        table.add_row(
            "•" if layer.chosen else "",
            Text(layer.name, style="bold" if layer.chosen else ""),
            Text(layer.kind),
            " × ".join(map(str, layer.shape)) or "1",
            layer.rows,
        )
    console.print(table)
    console.print("• is looked at; choose others by --layers 'GLOB'", markup=False)
