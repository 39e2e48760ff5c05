"""Train a network by hand-derived backpropagation, then see what each layer knows.

>>> import layerwise as lw
>>> data = lw.load("iris")
>>> result = lw.fit(lw.MLP([16]), data, seed=0)
>>> result.network.predict(data.test.inputs).shape
(22,)
"""

from importlib import import_module
from typing import Any

# Every public name by its room; nothing is imported before it is asked for.
_NAMES = {
    "data": ["Dataset", "Samples", "load"],
    "diagnosis": ["diagnose", "fix"],
    "errors": ["InputError", "LayerwiseError", "MachineError"],
    "estimators": ["MLPClassifier", "MLPRegressor", "PCA"],
    "model": [
        "BinaryCrossEntropy", "CrossEntropy", "CrossEntropyOnProbabilities", "Dropout",
        "GELU", "Layer", "LayerNorm", "LeakyReLU", "Linear", "MLP", "Network", "ReLU",
        "Residual", "Sequential", "Sigmoid", "Softmax", "SquaredError", "Tanh",
        "load_network", "save_network",
    ],
    "modules": ["TorchModule", "from_torch", "scaling_module", "to_torch"],
    "sheets": ["gradcheck"],
    "statistics": ["Moments"],
    "study": [
        "Study", "inspect", "inspect_activations", "similarity_between", "suspects",
    ],
    "training": ["Recipe", "explain", "fit", "record"],
}  # fmt: skip
_ROOMS = {name: room for room, names in _NAMES.items() for name in names}

__all__ = ["__version__", "plot", *_ROOMS]  # noqa: PLE0604  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        return import_module("importlib.metadata").version("layerwise")
    if name == "plot":
        return import_module("layerwise.plot")
    if name not in _ROOMS:
        raise AttributeError(f"module 'layerwise' has no attribute {name!r}")
    if _ROOMS[name] == "modules":
        require_torch = import_module("layerwise.arrays").require_torch
        require_torch(f"lw.{name}")
    return getattr(import_module(f"layerwise.{_ROOMS[name]}"), name)


def __dir__() -> list[str]:
    return __all__
