"""The names of what can be chosen, and what belongs to a name; nothing is loaded.

The command line offers them, `layerwise.sweeps` varies them, and the room that a table
stands for turns its entries into objects: there is no second list.
"""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias

from layerwise.errors import InputError

__all__ = [
    "ACTIVATIONS",
    "AUTO",
    "DEVICES",
    "ENGINES",
    "FORMATS",
    "INITIALISERS",
    "LOSSES",
    "OPTIMISERS",
    "SCHEDULES",
    "EngineName",
    "FormatName",
    "OptimiserName",
    "ScalingKind",
    "checked",
    "formats_with",
]


class OptimiserName(NamedTuple):
    """An optimiser: a class of ``training/_recipe.py`` and what it is made with.

    ``learning_rate`` is the schedule's peak where none is given.
    """

    kind: str
    learning_rate: float
    settings: Mapping[str, Any] = MappingProxyType({})


class EngineName(NamedTuple):
    """An engine: what it computes with, and where it can."""

    library: str
    devices: tuple[str, ...]


class FormatName(NamedTuple):
    """A format of data files: its title in sentences, and how the files' names end.

    ``suffix`` is empty where they end in no certain way; ``others`` are more endings.
    ``functions`` are those in ``data/formats/__init__.py`` that its module has.
    """

    title: str
    suffix: str
    functions: tuple[str, ...]
    others: tuple[str, ...] = ()


ACTIVATIONS = MappingProxyType(
    {
        "relu": "ReLU",
        "leaky-relu": "LeakyReLU",
        "tanh": "Tanh",
        "sigmoid": "Sigmoid",
        "gelu": "GELU",
        "identity": "Identity",
    }
)
"""Classes of ``model/_layers.py``."""

INITIALISERS = ("he", "glorot", "lecun", "normal", "orthogonal")
"""Functions of ``model/_layers.py``."""

LOSSES = MappingProxyType(
    {
        "cross-entropy": "CrossEntropy",
        "cross-entropy-on-probabilities": "CrossEntropyOnProbabilities",
        "binary-cross-entropy": "BinaryCrossEntropy",
        "squared-error": "SquaredError",
    }
)
"""Classes of ``model/_losses.py``."""

OPTIMISERS = MappingProxyType(
    {
        "sgd": OptimiserName("SGD", learning_rate=0.05),
        "momentum": OptimiserName("Momentum", learning_rate=0.02),
        "adam": OptimiserName("Adam", learning_rate=3e-3),
        "adamw": OptimiserName("Adam", 3e-3, MappingProxyType({"weight_decay": 0.01})),
    }
)

SCHEDULES = ("constant", "cosine", "one-cycle")
"""Functions of ``training/_recipe.py``."""

CLASS_WEIGHTS = ("balanced",)

FORMATS = MappingProxyType(
    {
        "csv": FormatName(
            "CSV",
            ".csv",
            ("read_table", "read_batches"),
            (".tsv", ".csv.gz", ".tsv.gz"),
        ),
        "npz": FormatName("NPZ", ".npz", ("read_file", "read_inputs")),
        "npy": FormatName("NPY", ".npy", ("read_folder", "read_inputs", "open_rows")),
        "idx": FormatName("IDX", "", ("read_folder", "read_inputs")),
        "parquet": FormatName(
            "Parquet",
            ".parquet",
            (
                "read_table",
                "read_batches",
                "read_file",
                "read_folder",
                "read_inputs",
                "open_rows",
            ),
        ),
        "mat": FormatName("MATLAB", ".mat", ("read_file", "read_inputs")),
        "safetensors": FormatName(
            "safetensors", ".safetensors", ("open_rows", "row_names")
        ),
    }
)
"""Modules of ``data/formats``."""

ScalingKind: TypeAlias = Literal["range", "standard", "unit", "none"]

AUTO = "auto"
"""The engine that suits the problem: of several that do the last one below."""

ENGINES = MappingProxyType(
    {
        "compiled": EngineName("XLA", ("cpu", "gpu", "tpu")),
        "eager": EngineName("NumPy", ("cpu",)),
        "torch": EngineName("PyTorch", ("cpu", "gpu")),
    }
)

DEVICES = tuple(dict.fromkeys(d for entry in ENGINES.values() for d in entry.devices))


def checked(what: str, name: str, known: Collection[str]) -> str:
    """Return the name.

    Raises
    ------
    InputError
        If it is not known; ``what`` says what was to be chosen.
    """
    if name not in known:
        raise InputError(f"{what} {name!r} is unknown; choose of {', '.join(known)}")
    return name


def formats_with(*functions: str) -> tuple[FormatName, ...]:
    """Return what the names of the formats that have one of the functions stand for."""
    return tuple(
        kind for kind in FORMATS.values() if not {*functions}.isdisjoint(kind.functions)
    )
