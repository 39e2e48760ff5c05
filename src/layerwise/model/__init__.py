"""The mathematics by hand: layers, losses, initialisers, the MLP, the gradient check.

Everything here is pure and written over the array-API standard: the same lines run in
NumPy, to read and debug; under ``jax.jit``, to be fast; and on torch tensors.
"""

from layerwise.model._activations import (
    ACTIVATIONS,
    GELU,
    Activation,
    Identity,
    LeakyReLU,
    ReLU,
    Sigmoid,
    Tanh,
)
from layerwise.model._architecture import MLP, Architecture, TrainedNetwork, block_names
from layerwise.model._composition import Residual, Sequential, layers_within, slopes
from layerwise.model._gradcheck import (
    GradientCheck,
    GradientReport,
    gradcheck,
    own_targets,
)
from layerwise.model._layer import Counterpart, Draw, Layer, Noise, output_shape
from layerwise.model._layers import INITIALISERS, Dropout, LayerNorm, Linear, Softmax
from layerwise.model._losses import (
    LOSSES,
    BinaryCrossEntropy,
    CrossEntropy,
    CrossEntropyOnProbabilities,
    Loss,
    SquaredError,
    mean_loss,
    with_l2_penalty,
)
from layerwise.model._network import (
    BLOCK_ROWS,
    Batch,
    LossAndGradients,
    Network,
    flatten,
    hits,
    initial_network,
    load_network,
    loss_and_gradients,
    save_network,
    target_rows,
)

__all__ = [
    "ACTIVATIONS",
    "BLOCK_ROWS",
    "GELU",
    "INITIALISERS",
    "LOSSES",
    "MLP",
    "Activation",
    "Architecture",
    "Batch",
    "BinaryCrossEntropy",
    "Counterpart",
    "CrossEntropy",
    "CrossEntropyOnProbabilities",
    "Draw",
    "Dropout",
    "GradientCheck",
    "GradientReport",
    "Identity",
    "Layer",
    "LayerNorm",
    "LeakyReLU",
    "Linear",
    "Loss",
    "LossAndGradients",
    "Network",
    "Noise",
    "ReLU",
    "Residual",
    "Sequential",
    "Sigmoid",
    "Softmax",
    "SquaredError",
    "Tanh",
    "TrainedNetwork",
    "block_names",
    "flatten",
    "gradcheck",
    "hits",
    "initial_network",
    "layers_within",
    "load_network",
    "loss_and_gradients",
    "mean_loss",
    "output_shape",
    "own_targets",
    "save_network",
    "slopes",
    "target_rows",
    "with_l2_penalty",
]
