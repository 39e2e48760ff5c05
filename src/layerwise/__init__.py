"""Train a network by hand-derived backpropagation, then see what each layer knows.

>>> import layerwise as lw
>>> data = lw.load("iris")
>>> result = lw.fit(lw.MLP([16]), data, seed=0)
>>> result.network.predict(data.test.inputs).shape
(22,)
"""

from importlib import import_module
from typing import Any

# Every public name and its room; nothing is imported before it is asked for.
_ROOMS = {
    "BinaryCrossEntropy": "model",
    "CrossEntropy": "model",
    "CrossEntropyOnProbabilities": "model",
    "Dataset": "data",
    "Dropout": "model",
    "GELU": "model",
    "InputError": "errors",
    "Layer": "model",
    "LayerNorm": "model",
    "LayerwiseError": "errors",
    "LeakyReLU": "model",
    "Linear": "model",
    "MLP": "model",
    "MLPClassifier": "estimators",
    "MLPRegressor": "estimators",
    "MachineError": "errors",
    "Moments": "statistics",
    "Network": "model",
    "PCA": "estimators",
    "ReLU": "model",
    "Recipe": "training",
    "Residual": "model",
    "Samples": "data",
    "Sequential": "model",
    "Sigmoid": "model",
    "Softmax": "model",
    "SquaredError": "model",
    "Study": "study",
    "Tanh": "model",
    "TorchModule": "modules",
    "diagnose": "diagnosis",
    "explain": "training",
    "fit": "training",
    "fix": "diagnosis",
    "from_torch": "modules",
    "gradcheck": "sheets",
    "inspect": "study",
    "inspect_activations": "study",
    "load": "data",
    "load_network": "model",
    "record": "training",
    "save_network": "model",
    "scaling_module": "modules",
    "similarity_between": "study",
    "suspects": "study",
    "to_torch": "modules",
}

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
