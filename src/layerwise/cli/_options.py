"""Options that several commands share, and how they end."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias, get_args

import tyro

from layerwise import names
from layerwise.cli._targets import built
from layerwise.errors import InputError
from layerwise.names import ScalingKind
from layerwise.wording import listed

if TYPE_CHECKING:
    from layerwise.data import Reading
    from layerwise.experiment import NamedModule, Plan

DONE, FAILED, DIVERGED, INTERRUPTED = 0, 1, 3, 130
"""Exit statuses; 2 and 4 are those of ``InputError`` and ``MachineError``."""

Outcome: TypeAlias = tuple[int, Any]
"""A command's exit status, and what ``--json`` prints: None where that is nothing."""

if TYPE_CHECKING:
    OneOf = Annotated
    Group = Annotated
else:

    class OneOf:
        """``OneOf[str, table]``: one of the names in a table."""

        def __class_getitem__(cls, of: tuple[type, Iterable[str]]) -> Any:
            return Literal[tuple(of[1])]

    class Group:
        """``Group[Options, "name"]``: options with a title of their own in help."""

        def __class_getitem__(cls, of: tuple[type, str]) -> Any:
            options, name = of
            named = Annotated[options, tyro.conf.arg(name=name, help="")]
            return tyro.conf.OmitArgPrefixes[named]


def shown(value: str | Iterable[str], text: str | None = None) -> Any:
    """Return how help shows an option that may be left out: a word, or its choices."""
    metavar = value if isinstance(value, str) else f"{{{','.join(value)}}}"
    return tyro.conf.arg(metavar=metavar, help_behavior_hint="", help=text)


FILES = listed(
    [kind.suffix for kind in names.formats_with("read_file", "read_table")], "or"
)
FOLDERS = listed([kind.title for kind in names.formats_with("read_folder")], "or")

Data: TypeAlias = Annotated[
    str,
    tyro.conf.Positional,
    tyro.conf.arg(
        metavar="DATA",
        help="moons, circles, spirals, blobs, digits, iris, mnist, fashion-mnist; or "
        f"the path of a {FILES} file, of a folder of {FOLDERS} files, or of a folder "
        "with one sub-folder of pictures per class",
    ),
]
RunFolder: TypeAlias = Annotated[
    str, tyro.conf.Positional, tyro.conf.arg(metavar="RUN", help="folder of the run")
]
Column: TypeAlias = Annotated[str | None, shown("COLUMN")]
File: TypeAlias = Annotated[str | None, shown("FILE")]
Scaling: TypeAlias = Annotated[ScalingKind | None, shown(get_args(ScalingKind))]
Size: TypeAlias = Annotated[str | None, shown("SIZE")]
Target: TypeAlias = Annotated[str | None, shown("MODULE:NAME")]
Folder: TypeAlias = Annotated[str | None, shown("FOLDER")]
TrainedModule: TypeAlias = Annotated[
    Target, tyro.conf.arg(help="the torch module that the run trained, if it did")
]
Count: TypeAlias = Annotated[int | None, shown("INT")]
Rate: TypeAlias = Annotated[float | None, shown("FLOAT")]
Suspects: TypeAlias = Annotated[int, tyro.conf.arg(metavar="N")]
Flag: TypeAlias = Annotated[
    tyro.conf.FlagCreatePairsOff[bool], tyro.conf.arg(help_behavior_hint="")
]


HIDDEN = re.compile(r"0*([1-9][0-9]*)(?:x0*([1-9][0-9]*))?")
"""Units, and of how many layers: what stands between the commas of ``--hidden``."""

BETWEEN = tuple(name for name in names.ACTIVATIONS if name != "identity")
"""Activations after a hidden layer; without one it is none."""

ELSEWHERE = [name for name, entry in names.ENGINES.items() if len(entry.devices) > 1]
"""Engines that have a choice of devices."""

SHAPING = ("hidden", "activation", "init", "normalise", "dropout", "residual")
"""Options that shape a network."""


@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How the data is read, where it does not say so itself."""

    target: Column = None
    """column of the labels; by default label, target, class, y, or the only text one"""
    drop: Annotated[str, shown("COLUMNS")] = ""
    """columns to leave out, with commas between"""
    group: Column = None
    """column that says which rows belong together: they stay in one set"""
    test: File = None
    """file with the test set; default: drawn from the data"""
    validation: File = None
    """file with the validation set; default: drawn from the data"""
    class_names: File = None
    """text file with the names of classes 0, 1, …, one a line"""
    missing: Literal["median", "refuse"] = "median"
    """what missing numbers become: the median, or an error"""
    labels: File = None
    """.npy file with the labels, where DATA is a .npy file of the inputs"""
    shape: Size = None
    """shape of pictures whose pixels are columns or features: 28x28, or 32x32x3"""
    size: Size = None
    """height and width to resize pictures to: 64x64; by default their median"""

    def reading(self) -> "Reading":
        """Return these options as the data room takes them."""
        from layerwise.data import Reading

        read: dict[str, Any] = {
            "drop": tuple(filter(None, self.drop.split(","))),
            "class_names": self.class_names or (),
            "shape": sizes(self.shape, "--shape"),
            "size": sizes(self.size, "--size"),
        }
        return Reading(**chosen(Reading, vars(self) | read))


def chosen(record: type, given: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a record's fields are given: they are called as the options are."""
    return {one.name: given[one.name] for one in fields(record)}


def sizes(text: str | None, option: str) -> tuple[int, ...] | None:
    """Return the sizes that an option's text names.

    >>> sizes("28x28", "--shape")
    (28, 28)
    """
    if text is None:
        return None
    return tuple(whole(part, option) for part in text.lower().split("x"))


@dataclass(frozen=True, kw_only=True)
class DataOptions(ReadingOptions):
    """What the data is, and how it is read."""

    data: Data = "digits"
    data_dir: Folder = None
    """folder of the published sets; no other place is searched"""
    scaling: Scaling = None
    """input scaling: to [-1, 1], unit variance, [0, 1], none; default: by the data"""


@dataclass(frozen=True, kw_only=True)
class NetworkOptions:
    """The network that is trained."""

    hidden: Annotated[str, tyro.conf.arg(metavar="WIDTHS")] = "100,100,100,100"
    """hidden layer widths: 100,100 or 30x8 (eight layers of 30) or none"""
    module: Target = None
    """train your torch module: FILE.py:NAME or package.module:NAME (runs that code)"""
    activation: OneOf[str, BETWEEN] = "relu"
    """activation of the hidden layers"""
    init: OneOf[str, names.INITIALISERS] = "he"
    """initial weights"""
    normalise: Flag = False
    """add layer normalisation before each activation"""
    dropout: float = 0.0
    """dropout rate of the hidden units"""
    residual: Flag = False
    """add skip connections around hidden layers of equal width"""
    loss: OneOf[str, names.LOSSES] = "cross-entropy"
    """loss function"""


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """How it is trained."""

    optimizer: OneOf[str, names.OPTIMISERS] = "adamw"
    """optimisation algorithm"""
    learning_rate: Rate = None
    """peak learning rate; default: by the optimiser"""
    schedule: OneOf[str, names.SCHEDULES] = "one-cycle"
    """learning rate schedule"""
    batch_size: Count = None
    """samples per step; default: 128, or 32 below 10,000 samples"""
    epochs: Count = None
    """passes over the training set; default: 10, or 40 below 10,000 samples"""
    patience: Count = None
    """stop after N epochs without a lower validation loss, keep the best network"""
    class_weight: Annotated[
        OneOf[str, names.CLASS_WEIGHTS] | None, shown(names.CLASS_WEIGHTS)
    ] = None
    """balanced: weight samples so that all classes count the same in the loss"""
    evaluate_every: Annotated[int, tyro.conf.arg(metavar="EPOCHS")] = 1
    """evaluate every N epochs; 0: only at the end"""
    engine: Annotated[
        OneOf[str, (names.AUTO, *names.ENGINES)],
        tyro.conf.arg(
            help="what computes the steps: "
            + ", ".join(entry.library for entry in names.ENGINES.values())
            + "; auto: by the problem's size"
        ),
    ] = "auto"
    device: Annotated[
        OneOf[str, names.DEVICES] | None,
        shown(names.DEVICES, f"device for the engines {' and '.join(ELSEWHERE)}"),
    ] = None


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """What the report holds."""

    required_accuracy: float = 0.99
    """accuracy that predictions above the confidence threshold must reach"""
    suspects: Suspects = 0
    """list the N most suspicious labels: trains 15 more networks; 0: test set only"""
    snapshots: int = 7
    """networks to keep during training, most of them early"""


@dataclass(frozen=True, kw_only=True)
class OutputOptions:
    """Where the run is written, and how often."""

    out: Folder = None
    """folder of the run; default: runs/DATA-NUMBER"""
    resume: Folder = None
    """resume the run in this folder with its original settings"""
    checkpoint_every: Annotated[float, tyro.conf.arg(metavar="SECONDS")] = 5.0
    """seconds between checkpoints: the most work that a kill can lose"""
    keep_checkpoints: Annotated[int, tyro.conf.arg(metavar="N")] = 2
    """number of checkpoints to keep"""
    log_every: Count = None
    """print a line every N steps"""


@dataclass(frozen=True, kw_only=True)
class GeneralOptions:
    """Options of every command that reads data to train on."""

    seed: int = 0
    """seed for data, initial weights, shuffling and dropout"""
    json: Flag = False
    """print the summary as JSON on standard output, all else on standard error"""


@dataclass(frozen=True, kw_only=True)
class Training(GeneralOptions):
    """The options of a command that trains; help shows them by group."""

    data: Group[DataOptions, "data"] = field(default_factory=DataOptions)
    network: Group[NetworkOptions, "network"] = field(default_factory=NetworkOptions)
    training: Group[TrainingOptions, "training"] = field(
        default_factory=TrainingOptions
    )

    def plan(
        self, report: ReportOptions | None = None, output: OutputOptions | None = None
    ) -> "Plan":
        """Return the settings as the experiment takes them."""
        from layerwise.experiment import Plan
        from layerwise.model import MLP
        from layerwise.training import Recipe

        network = self.network
        given = vars(self.data) | vars(network) | vars(self.training)
        given |= vars(report or ReportOptions()) | vars(output or OutputOptions())
        given |= {"seed": self.seed, "hidden": widths(network.hidden)}
        named = named_module(network.module, self.seed, network.loss)
        if named is not None:
            self._check_module(named.target)
        given |= {
            "reading": self.data.reading(),
            "architecture": MLP(**chosen(MLP, given)),
            "recipe": Recipe(**chosen(Recipe, given)),
            "module": named,
        }
        return Plan(**chosen(Plan, given))

    def _check_module(self, target: str) -> None:
        """Refuse options that shape a network where a module brings its own shape."""
        from layerwise.training import Task, engine_kind

        for option in fields(NetworkOptions):
            changed = getattr(self.network, option.name) != option.default
            if option.name in SHAPING and changed:
                raise InputError(
                    f"--{option.name} is for layerwise's own network, and {target} "
                    "brings its layers"
                )
        engine_kind(Task(is_module=True), self.training.engine)


def named_module(
    target: str | None, seed: int = 0, loss: str = "cross-entropy"
) -> "NamedModule | None":
    """Return the torch module that ``--module`` names, its parameters drawn by seed."""
    if target is None:
        return None
    from layerwise.arrays import require_torch
    from layerwise.experiment import NamedModule

    require_torch("training a module").manual_seed(seed)
    return NamedModule(built(target), loss, target)


def widths(text: str) -> tuple[int, ...]:
    """Return the hidden widths that ``--hidden`` names.

    >>> widths("100,50"), widths("30x3"), widths("none")
    ((100, 50), (30, 30, 30), ())
    """
    if text == "none":
        return ()
    found: list[int] = []
    for part in text.split(","):
        made = HIDDEN.fullmatch(part.strip())
        if made is None:
            raise InputError(
                f"--hidden: {part!r} is not a width; write 100,50 or 30x8 (eight "
                "layers of 30) or none"
            )
        units, layers = made.groups("1")
        found += [int(units)] * int(layers)
    return tuple(found)


def page_in(folder: str | Path) -> str:
    """Return the link to a folder's page."""
    return (Path(folder).resolve() / "report.html").as_uri()


def refuse_none(count: int | None, option: str) -> None:
    """Refuse a count of 0 or less, where one is given."""
    if count is not None and count < 1:
        raise InputError(f"{option} {count}: give a whole number of at least 1")


def whole(text: str, option: str) -> int:
    """Return the whole number of at least 1 that an option's text is."""
    if not text.strip().isdecimal() or int(text) < 1:
        raise InputError(f"{option}: {text!r} is not a whole number of at least 1")
    return int(text)
