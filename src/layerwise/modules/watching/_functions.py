"""Functions by name: activations, and what may stand before one."""

ACTIVATIONS = frozenset([
    "relu", "relu6", "leaky_relu", "prelu", "rrelu", "elu", "selu", "celu", "gelu",
    "silu", "mish", "softplus", "softsign", "sigmoid", "logsigmoid", "hardsigmoid",
    "tanh", "hardtanh", "tanhshrink", "hardswish", "hardshrink", "softshrink",
    "threshold", "glu", "clamp", "clamp_min", "maximum",
])  # fmt: skip
"""Names of functions, without the underscore of those that work in place."""

ELEMENTWISE = ACTIVATIONS - {"glu", "rrelu"}
"""Those with a slope at every entry that a second call tells: no halves, no noise."""

POOLS = ("max_pool", "avg_pool", "lp_pool", "adaptive_avg_pool", "adaptive_max_pool")

CARRIERS = frozenset([
    "batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm",
    "local_response_norm", "normalize", "dropout", "alpha_dropout",
    "feature_alpha_dropout", "flatten", "unflatten", "reshape", "view", "permute",
    "transpose", "squeeze", "unsqueeze", "contiguous", "to", "float", "half",
    "bfloat16", "double", "type", "dequantize",
    *(f"{kind}{axes}d" for kind in (*POOLS, "dropout") for axes in (1, 2, 3)),
])  # fmt: skip
"""What may stand between a module and its activation; pooling hides as ``fn``."""

ENDS = {"softmax": "probabilities", "log_softmax": "logits", "sigmoid": "probabilities"}
"""What a module's last function makes of its output."""

CURVED = frozenset(["exp", "erf", "log", "pow", "__pow__", "square", "sqrt", "sin"])
"""Beside activations: what makes another's module one."""

PRODUCTS = frozenset({"mul", "__mul__", "__rmul__"})

IN_PLACE = frozenset([
    "__iadd__", "__isub__", "__imul__", "__itruediv__", "__ifloordiv__", "__imod__",
    "__ipow__", "__setitem__",
])  # fmt: skip
