"""The command that looks inside: a saved network, or anybody's torch module."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from layerwise.cli._options import (
    DONE,
    File,
    Flag,
    Folder,
    Group,
    Outcome,
    ReadingOptions,
    Scaling,
    Suspects,
    Target,
    page_in,
    shown,
)
from layerwise.cli._stored import StoredOptions
from layerwise.cli._targets import built, called, imported
from layerwise.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console

    from layerwise.experiment import Plan
    from layerwise.study import CountingOptions, Study


GIVEN = ("module input", "input scaling")
"""Findings on what a module was given: they stand before its layers, with details."""


@dataclass(frozen=True, kw_only=True)
class InspectedOptions(ReadingOptions):
    """The data that a network is inspected with, and how it is read."""

    labels: Annotated[
        File,
        tyro.conf.arg(
            help="labels of --activations: FILE or FILE:COLUMN, several as "
            "NAME=FILE,NAME=FILE; or of DATA, where it is a .npy file of the inputs"
        ),
    ] = None
    data_dir: Folder = None
    """folder of the published sets; no other place is searched"""
    seed: int = 0
    """seed for data: the one that the network was trained with"""


@dataclass(frozen=True, kw_only=True)
class ModuleOptions:
    """How a torch module is made, fed and inspected."""

    weights: File = None
    """weights of the module: safetensors, .pt, .pth, .ckpt or .bin (weights only)"""
    loader: Annotated[Target, tyro.conf.arg(name="data")] = None
    """your own batches instead of DATA: DataLoader, or mapping of data, fit_on, …"""
    layers: Annotated[
        tyro.conf.UseAppendAction[tuple[str, ...]],
        tyro.conf.arg(
            metavar="GLOB",
            help_behavior_hint="(repeatable)",
            help="modules to inspect: 'encoder.layer.*' (* ends at a dot, ** does "
            "not), or weights: all that have some; default: blocks, and modules with "
            "weights outside blocks",
        ),
    ] = ()
    reduce: Annotated[str, tyro.conf.arg(metavar="{mean,flatten,PLACE}")] = "mean"
    """positions to one row: mean, flatten, or the index of one token (0, -1)"""
    units: Annotated[int | None, shown("AXIS")] = None
    """axis of the units, samples first (-1: last); default: known from the layers"""
    scaling: Scaling = None
    """scaling of a module's inputs: to [-1, 1], unit variance, [0, 1]; default: none"""
    list: Flag = False
    """list the layers of the module: names, shapes, which are inspected; then exit"""


@dataclass(frozen=True, kw_only=True)
class InspectCommand:
    """Inspect a saved network or a torch module: what each layer knows.

    Examples
    --------
        layerwise inspect runs/mnist-1 mnist
        layerwise inspect model.safetensors my-data.npz --json
        layerwise inspect runs/mnist-1 mnist --suspects 50 --out to-correct
        layerwise inspect mypackage.models:build --weights net.safetensors mnist
        layerwise inspect models.py:build --weights net.ckpt --data loaders.py:test
        layerwise inspect models.py:build --data loaders.py:test --list
        layerwise inspect --activations 'acts/*.npy' --labels y.npy --dry-run
        layerwise inspect --activations 'a/*.npy' --labels y.npy --part 3/9 --out 3
        torchrun --nproc-per-node 4 -m layerwise inspect runs/mnist-1 mnist
    """

    network: Annotated[str | None, shown("NET"), tyro.conf.Positional] = None
    """run folder, model.safetensors, or torch module FILE.py:NAME (runs that code)"""
    data: Annotated[str | None, shown("DATA"), tyro.conf.Positional] = None
    """data set, by name or path as for run; large files are read in blocks"""
    precision: Literal["exact", "fast"] = "exact"
    """exact: float64; fast: float32 products with a measured error"""
    max_units: int = 2048
    """project wider layers to N dimensions"""
    required_accuracy: float = 0.99
    """accuracy that predictions above the confidence threshold must reach"""
    suspects: Suspects = 0
    """list the N most suspicious labels and write them to suspects.csv"""
    out: Folder = None
    """folder of the page or of suspects.csv; with --part the file"""
    json: Flag = False
    """print layers and findings as JSON on standard output"""
    reading: Group[InspectedOptions, "data"] = field(default_factory=InspectedOptions)
    module: Group[ModuleOptions, "module"] = field(default_factory=ModuleOptions)
    stored: Group[StoredOptions, "stored activations"] = field(
        default_factory=StoredOptions
    )

    def __call__(self, console: "Console") -> Outcome:
        stored, labels = self.stored, self.reading.labels
        if stored.activations is not None or (labels and self.data is None):
            from layerwise.study import Counting

            if self.network is not None:
                raise InputError("give NET and DATA, or --activations and --labels")
            self._refuse_module("these are stored activations")
            counting = Counting(self.precision, self.max_units)
            return stored.study(console, labels, counting, self.out)
        if stored.dry_run or stored.part:
            raise InputError("--dry-run and --part are for --activations")
        if self.network is None:
            raise InputError("give NET and DATA, or --activations GLOB --labels FILE")
        if ":" in self.network and not Path(self.network).exists():
            return self._module(console, self.network)
        if self.data is None:
            raise InputError("name the DATA to inspect the network with")
        self._refuse_module(f"{self.network} is layerwise's own network")
        return self._network(console, self.network, self.data)

    def _refuse_module(self, why: str) -> None:
        """Refuse options that would mean nothing."""
        for option in fields(self.module):
            if getattr(self.module, option.name) != option.default:
                name = {"loader": "data"}.get(option.name, option.name)
                raise InputError(f"--{name} is for torch modules, and {why}")

    def _network(self, console: "Console", path: str, name: str) -> Outcome:
        from layerwise import experiment, presentation, ranks
        from layerwise.model import load_network

        ranks.join()
        plan = self._plan(name)
        network, data = ranks.in_all(
            lambda: experiment.data_for(load_network(path), plan)
        )
        with presentation.RowsBar(console) as bar:
            study = experiment.look_inside(
                network, data, plan, judged=bar.judged, **self._counting(bar)
            )
        _show(console, study)
        if self.suspects:
            presentation.print_suspects(console, study.suspects, study.class_names)
            file = ranks.from_first(
                lambda: experiment.write_suspects(study, Path(self.out or "."))
            )
            console.print(f"\nlabels to check: {file}", soft_wrap=True)
        return DONE, study.summary()

    def _module(self, console: "Console", target: str) -> Outcome:
        from layerwise import presentation, ranks, study as inspection
        from layerwise.arrays import require_torch

        require_torch("inspecting a module")
        ranks.join()
        if self.suspects:
            raise InputError(
                "--suspects trains networks anew, and is for layerwise's own: a "
                "module's doubtful labels stand on its page"
            )
        module, note = ranks.in_all(lambda: self._loaded(target))
        if note:
            console.print(note, soft_wrap=True)
        given = ranks.in_all(self._given)
        if self.module.list:
            options = {k: v for k, v in given.items() if k not in ("data", "fit_on")}
            layers = inspection.module_layers(module, given["data"], **options)
            presentation.print_module_layers(console, layers)
            return DONE, [layer._asdict() for layer in layers]
        with presentation.RowsBar(console) as bar:
            study = inspection.inspect(
                module,
                **given,
                required_accuracy=self.required_accuracy,
                **self._counting(bar),
            )
            page = ranks.from_first(lambda: self._page(study, target))
        first = [one for one in study.findings if one.kind in GIVEN]
        presentation.print_details(console, first)
        _show(console, study, "see the page")
        console.print(f"\npage: {page_in(page.parent)}", soft_wrap=True)
        return DONE, study.summary()

    def _loaded(self, target: str) -> tuple[Any, str]:
        """Return the module with its weights, and what is to be said of these."""
        from layerwise.modules import load_weights

        module, weights = built(target), self.module.weights
        return module, load_weights(module, weights) if weights else ""

    def _plan(self, data: str) -> "Plan":
        from layerwise import experiment
        from layerwise.training import Recipe

        return experiment.Plan(
            data,
            self.reading.data_dir,
            reading=self.reading.reading(),
            recipe=Recipe(seed=self.reading.seed),
            required_accuracy=self.required_accuracy,
            suspects=self.suspects,
        )

    def _given(self) -> dict[str, Any]:
        """Return the arguments of ``inspect`` that the options name."""
        from layerwise import experiment

        if (self.data is None) == (self.module.loader is None):
            raise InputError("give the data: either DATA or --data MODULE:NAME")
        given: dict[str, Any] = {}
        if self.data is not None:
            given["data"] = experiment.load_data(self._plan(self.data))
        else:
            loaded = called(str(self.module.loader), imported(str(self.module.loader)))
            given = dict(loaded) if isinstance(loaded, Mapping) else {"data": loaded}
            if "data" not in given:
                raise InputError(
                    f"{self.module.loader}: a mapping of arguments needs 'data'"
                )
        reduce = self.module.reduce
        is_place = reduce.removeprefix("-").isdecimal()
        chosen = {
            "layers": list(self.module.layers) or None,
            "scaling": self.module.scaling,
            "units": self.module.units,
            "reduce": int(reduce) if is_place else reduce if reduce != "mean" else None,
        }
        return given | {k: v for k, v in chosen.items() if v is not None}

    def _counting(self, watch: Callable[[int, int], None]) -> "CountingOptions":
        return {
            "precision": self.precision,
            "max_units": self.max_units,
            "watch": watch,
        }

    def _page(self, study: "Study", target: str) -> Path:
        from layerwise.files import make_folder

        name = target.rpartition(":")[2]
        folder = make_folder(Path(self.out or f"inspect-{name}"))
        return study.report(folder / "report.html", command=self._command(target))

    def _command(self, target: str) -> str:
        options = [
            ("--weights", self.module.weights),
            ("--data", self.module.loader),
            *(("--layers", f"'{glob}'") for glob in self.module.layers),
            ("--reduce", None if self.module.reduce == "mean" else self.module.reduce),
            ("--units", self.module.units),
            ("--scaling", self.module.scaling),
        ]
        words = ["layerwise inspect", target, *([self.data] if self.data else [])]
        words += [f"{option} {value}" for option, value in options if value is not None]
        return " ".join(words)


def _show(console: "Console", study: "Study", rest: str = "--json") -> None:
    from layerwise import presentation

    presentation.print_layers(console, study)
    others = [one for one in study.findings if one.kind not in GIVEN]
    presentation.print_findings(console, others, rest)
