"""What people call things: parameters and gradients, arguments, methods, functions."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

__all__ = [
    "Names",
    "backward_of",
    "base_name",
    "counterpart",
    "is_bias",
    "is_flag",
    "is_gradient",
    "is_output",
    "is_rate",
    "is_target",
    "is_weight",
]

WEIGHT = ["w", "weight", "weights", "kernel", "theta", "matrix", "wt"]
BIAS = ["b", "bias", "biases", "beta", "offset", "intercept", "bs"]

FORWARD = (
    "forward", "__call__", "fwd", "forward_pass", "call", "fprop", "feedforward",
    "feed_forward",
)  # fmt: skip
BACKWARD = ("backward", "bwd", "backward_pass", "backprop", "bprop", "back")
UPDATE = (
    "update", "step", "apply_gradients", "apply_gradient", "update_params",
    "update_parameters", "update_weights", "optimize", "apply_update",
)  # fmt: skip
TRAINING = (
    "training_step", "train_step", "train_on_batch", "train_batch", "fit_batch",
    "learn", "train_one_batch", "update_mini_batch",
)  # fmt: skip
RESET = ("zero_grad", "zero_grads", "reset", "reset_gradients", "clear_gradients")
LOSS = ("loss", "compute_loss", "cost", "loss_fn", "objective")
GRADIENTS = ("gradient", "gradients", "grad", "compute_gradients", "backprop")

METHODS = {
    "forward": FORWARD,
    "backward": BACKWARD,
    "update": UPDATE,
    "training_step": TRAINING,
    "reset": RESET,
    "loss": LOSS,
    "gradients": GRADIENTS,
}

_BEFORE = re.compile(
    r"^(?:grad(?:ient)?s?_|delta_|nabla_|dl_?d?_?|d_|d(?=[a-z]))", re.IGNORECASE
)
_AFTER = re.compile(r"_(?:grad(?:ient)?s?|bar|delta|prime)$|\.(?:grad|gradient)$")
_HOLDER = re.compile(r"^(?:.*\.)?d?(?:grad(?:ient)?s?|dparams)\.(?=[^.]+$)")


@dataclass(frozen=True)
class Names:
    """A sheet's own names for things, where the usual ones do not fit.

    Parameters
    ----------
    own : mapping of str to str
        From what is usual to what the sheet says: ``forward``, ``backward``,
        ``update``, …, and ``weight``, ``grad_weight``, ``bias``, ``grad_bias``.
    """

    own: Mapping[str, str] = field(default_factory=dict[str, str])

    def method(self, role: str, found: Iterable[str]) -> str | None:
        """Return which of the names that were found plays a role, or None."""
        found = set(found)
        usual = (self.own[role],) if role in self.own else METHODS[role]
        return next((name for name in usual if name in found), None)

    def gradient_of(self, path: str) -> str | None:
        """Return the parameter that an attribute is called the gradient of, or None."""
        last = path.rpartition(".")[2]
        for usual, own in self.own.items():
            if own == last and usual.startswith("grad_"):
                return self.own.get(usual[5:], usual[5:])
        return base_name(path)


def base_name(path: str) -> str | None:
    """Return what a gradient's name says it is the gradient of, or None.

    >>> base_name("grad_weight"), base_name("dW"), base_name("grads.b"), base_name("W")
    ('weight', 'W', 'b', None)
    """
    held = _HOLDER.search(path)
    if held:
        rest = path[held.end() :]
        return base_name(rest) or rest
    if after := _AFTER.search(path):
        return path[: after.start()].rpartition(".")[2]
    last = path.rpartition(".")[2]
    before = _BEFORE.match(last)
    if before and len(last) > before.end():
        return last[before.end() :]
    if re.fullmatch(r"d[A-Z]\w*", last):
        return last[1:]
    return None


def counterpart(name: str, among: Iterable[str]) -> str | None:
    """Return the one of some parameters that a gradient's base name means, or None.

    >>> counterpart("W", ["weight", "bias"]), counterpart("w1", ["W1", "b1"])
    ('weight', 'W1')
    """
    among = list(among)
    ends = [one.rpartition(".")[2] for one in among]
    tests = (
        lambda end: end == name,
        lambda end: end.lower() == name.lower(),
        lambda end: _stem(end) == _stem(name),
    )
    for test in tests:
        hits = [one for one, end in zip(among, ends, strict=True) if test(end)]
        if len(hits) == 1:
            return hits[0]
    return None


def _stem(name: str) -> tuple[str, str]:
    """Return a name with its synonyms made one and without its number; and that.

    ``W1``, ``weights_1`` are ``weight`` and 1.
    """
    stem, number = re.fullmatch(r"(.*?)_?(\d*)", name.lower().strip("_")).groups()  # type: ignore[union-attr]
    plain = {"weight": WEIGHT, "bias": BIAS}
    return next((one for one, all_ in plain.items() if stem in all_), stem), number


def is_weight(name: str) -> bool:
    """Return whether an array's name is one of weights, with a number or without."""
    return _stem(name)[0] == "weight"


def is_bias(name: str) -> bool:
    """Return whether an array's name is one of a bias, with a number or without."""
    return _stem(name)[0] == "bias"


def _matching(pattern: str, flags: int = 0) -> Callable[[str], bool]:
    whole = re.compile(pattern, flags)
    return lambda name: whole.fullmatch(name) is not None


is_target = _matching(
    r"t|y|ys|yb|labels?|targets?|truth|gt|y_?true|y_?batch|t_?batch|true|actual"
    r"|expected|desired|ground_truth|one_?hot|classes|y_?one_?hot|answers?",
    re.IGNORECASE,
)
"""Whether an argument's name is one of targets."""

is_gradient = _matching(
    r"g|gs|grads?|gradients?|upstream\w*|d[a-zA-Z]\w?|dout\w*|delta\w*|error\w*"
    r"|(?:output|out|incoming|next)_(?:grad|gradient|error|delta)\w*"
    r"|(?:grad|gradient)_\w+|\w+_(?:grad|gradient|bar)|d_?l?_?d?_?(?:out|y|z|a|h)\w*"
)
"""Whether an argument's name is one of a gradient from above."""

is_output = _matching(
    r"o|outs?|outputs?|y_?hat|y_?pred\w*|pred\w*|probs?|probabilities|a\d|al"
    r"|scores?|logits",
    re.IGNORECASE,
)
"""Whether an argument's name is one of a network's outputs."""

is_flag = _matching(
    r"remember|train|training|is_train(?:ing)?|train_?mode|mode|train_flg|keep|cache"
    r"|save|store"
)
"""Whether an argument says that this is training."""

is_rate = _matching(r"lr|learning_?rate|rate|eta|alpha|step_?size|stepsize|η")
"""Whether an argument is a learning rate."""


_ENDS = (
    "backward", "bwd", "back", "backprop", "grad", "gradient", "derivative", "deriv",
    "prime", "der", "d", "dash", "jacobian",
)  # fmt: skip


def backward_of(forward: str, among: Iterable[str]) -> str | None:
    """Return the function that a function's derivative stands in, by its name.

    >>> backward_of("affine_forward", ["affine_backward", "relu_backward"])
    'affine_backward'
    >>> backward_of("relu", ["relu_derivative"]), backward_of("relu", ["drelu"])
    ('relu_derivative', 'drelu')
    """
    stem = re.sub(r"_(?:forward|fwd|fw|f)$|^(?:forward|fwd)_", "", forward)
    low = stem.lower()
    wanted = {f"{low}_{end}" for end in _ENDS} | {f"{end}_{low}" for end in _ENDS}
    wanted |= {f"d{low}", f"{low}grad", f"{low}prime", f"{low}derivative"}
    wanted |= {f"{low}backward", f"grad{low}", f"{low}gradient", f"{low}_dx"}
    return next(
        (one for one in among if one != forward and one.lower() in wanted), None
    )
