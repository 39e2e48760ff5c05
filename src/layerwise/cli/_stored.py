"""Stored activations on the command line: studied at once, or in parts and joined."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from layerwise.cli._options import DONE, File, Flag, Outcome, shown, whole
from layerwise.errors import InputError
from layerwise.names import formats_with
from layerwise.wording import listed

if TYPE_CHECKING:
    from rich.console import Console

    from layerwise.study import Counting, Study

ROWS = listed([kind.suffix for kind in formats_with("open_rows")], "or")


@dataclass(frozen=True, kw_only=True)
class StoredOptions:
    """Where activations are stored, and which part of them is counted."""

    activations: Annotated[
        str | None,
        shown(
            "GLOB",
            f"stored activations instead of NET and DATA ({ROWS}): one file per "
            "layer, or one folder of parts per layer",
        ),
    ] = None
    dry_run: Flag = False
    """estimate time, memory and I/O, then exit"""
    part: Annotated[str | None, shown("I/N")] = None
    """count only part I of N and write it to --out; join parts with merge"""

    def study(
        self,
        console: "Console",
        labels_at: str | None,
        counting: "Counting",
        out: str | None,
    ) -> Outcome:
        """Study what is stored, or count a part of it, or say what it will cost."""
        from layerwise import experiment, presentation, ranks, study as inspection

        if self.activations is None or labels_at is None:
            raise InputError("give both --activations GLOB and --labels FILE")
        labels = experiment.stored_labels(labels_at)
        rows = len(next(iter(labels.values())))
        layers = experiment.stored_activations(self.activations, rows)
        number, parts = self._part()
        if self.dry_run:
            costs = experiment.stored_forecast(layers, labels, counting)
            presentation.print_forecast(console, costs, max(parts, ranks.world_size()))
            return DONE, None
        if self.part is not None:
            if out is None:
                raise InputError("--part: say where to write it, --out FILE")
            if ranks.world_size() > 1:
                raise InputError("--part is for array jobs: start it without torchrun")
            with presentation.RowsBar(console) as bar:
                part = inspection.count_activations(
                    layers, labels, replace(counting, watch=bar), (number, parts)
                )
            inspection.save_counted(part, out)
            console.print(f"part {number} of {parts} in {out}", soft_wrap=True)
            return DONE, None
        ranks.join()
        with presentation.RowsBar(console) as bar:
            studies = inspection.inspect_activations(
                layers,
                labels,
                precision=counting.precision,
                max_units=counting.max_units,
                watch=bar,
            )
        _show(console, studies)
        if out is not None:
            for page in ranks.from_first(lambda: _pages(studies, Path(out))):
                console.print(f"page in {page}", soft_wrap=True)
        return DONE, _summary(studies)

    def _part(self) -> tuple[int, int]:
        if self.part is None:
            return 1, 1
        number, slash, parts = self.part.partition("/")
        if not slash:
            raise InputError(f"--part {self.part}: write I/N, such as 3/16")
        return whole(number, "--part"), whole(parts, "--part")


def _pages(studies: "Mapping[str, Study]", folder: Path) -> list[Path]:
    """Write a page on each column of labels into a folder."""
    from layerwise.files import make_folder

    make_folder(folder)
    names = [re.sub(r"[^\w-]", "-", f"-{name}") for name in studies]
    ends = names if len(names) > 1 else [""]
    return [
        study.report(folder / f"report{end}.html")
        for end, study in zip(ends, studies.values(), strict=True)
    ]


def _show(console: "Console", studies: "Mapping[str, Study]") -> None:
    from layerwise import presentation

    for name, study in studies.items():
        heading = f"{name}: " if len(studies) > 1 else ""
        counted = f"fitted on {study.fitted_on}, scored on {study.scored_on}"
        console.print(f"{heading}{counted}")
        presentation.print_layers(console, study)
        presentation.print_findings(console, study.findings)


def _summary(studies: "Mapping[str, Study]") -> Any:
    """Return what is known by the columns of labels; of a single one without a name."""
    found = {name: study.summary() for name, study in studies.items()}
    return found if len(found) > 1 else next(iter(found.values()))


@dataclass(frozen=True, kw_only=True)
class MergeCommand:
    """Join the parts that `inspect --part` wrote and study the whole.

    Examples
    --------
        layerwise merge parts/*.part
        layerwise merge parts/1?.part --out tens.part
    """

    parts: Annotated[
        tuple[str, ...], tyro.conf.Positional, tyro.conf.arg(metavar="PART")
    ]
    """files that inspect --part wrote"""
    out: File = None
    """write the joined parts to this file instead of studying them"""
    json: Flag = False
    """print layers and findings as JSON on standard output"""

    def __call__(self, console: "Console") -> Outcome:
        from layerwise import experiment, study as inspection

        whole = experiment.joined_parts(self.parts)
        if self.out is not None:
            inspection.save_counted(whole, self.out)
            console.print(f"{len(self.parts)} parts in {self.out}", soft_wrap=True)
            return DONE, None
        with console.status("inspecting every layer"):
            studies = inspection.studies_of(whole)
        _show(console, studies)
        return DONE, _summary(studies)
