"""Modules as people write them, each with its layers' values taken by plain hooks.

Every specimen says which layers a study has to find, and computes by hand, module by
module, what each of them gives: a forward hook, and the activation written out.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

N, CLASSES = 12, 3
"""Samples in a batch, and classes."""


@dataclass(frozen=True)
class Specimen:
    """A module, two batches, and what is to be found."""

    module: nn.Module
    batches: list[Any]
    expected: Callable[[nn.Module, Any], Mapping[str, Tensor]]
    logits: Callable[[Any], Tensor] = lambda output: output
    call: Callable[[nn.Module, Any], Any] = lambda module, batch: module(batch[0])
    look: Mapping[str, Any] = field(default_factory=dict)
    output: str | None = None
    tolerance: float = 1e-6


def hooked(module: nn.Module, *names: str) -> Callable[[Any], dict[str, list[Any]]]:
    """Return a function that runs something and returns copies of modules' outputs."""

    def run(call: Callable[[], Any]) -> dict[str, list[Any]]:
        seen: dict[str, list[Any]] = {name: [] for name in names}
        handles = []
        for name in names:

            def keep(_m, _i, output, name=name):
                first = output[0] if isinstance(output, tuple) else output
                seen[name].append(first.detach().clone())

            handles.append(module.get_submodule(name).register_forward_hook(keep))
        with torch.no_grad():
            call()
        for handle in handles:
            handle.remove()
        return seen

    return run


def labelled(*inputs: Tensor) -> tuple[Any, ...]:
    return (*inputs, torch.arange(len(inputs[0])) % CLASSES)


def rows(*shape: int, batches: int = 2) -> list[Any]:
    return [labelled(torch.randn(N, *shape)) for _ in range(batches)]


class Textbook(nn.Module):
    """One ReLU, used again and again."""

    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(6, 8), nn.Linear(8, 7)
        self.fc3, self.fc4 = nn.Linear(7, 5), nn.Linear(5, CLASSES)
        self.relu = nn.ReLU()

    def forward(self, x):
        x = self.relu(self.fc1(x))
        x = self.relu(self.fc2(x))
        return self.fc4(self.relu(self.fc3(x)))


def textbook() -> Specimen:
    def expected(module, batch):
        seen = hooked(module, "fc1", "fc2", "fc3", "fc4")(lambda: module(batch[0]))
        return {
            "fc1": F.relu(seen["fc1"][0]),
            "fc2": F.relu(seen["fc2"][0]),
            "fc3": F.relu(seen["fc3"][0]),
            "fc4": seen["fc4"][0],
        }

    return Specimen(Textbook(), rows(6), expected, output="fc4")


class Functional(nn.Module):
    """Every activation another function: of a module, of torch, of a tensor."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, 8)
        self.d, self.e = nn.Linear(8, 8), nn.Linear(8, CLASSES)

    def forward(self, x):
        x = F.gelu(self.a(x))
        x = self.b(x).tanh()
        x = torch.relu_(self.c(x))
        x = self.d(x)
        x = x * torch.sigmoid(x)
        return F.log_softmax(self.e(x), dim=1)


def functional() -> Specimen:
    def expected(module, batch):
        seen = hooked(module, *"abcde")(lambda: module(batch[0]))
        # The hook copies before relu_ works in place.
        return {
            "a": F.gelu(seen["a"][0]),
            "b": torch.tanh(seen["b"][0]),
            "c": F.relu(seen["c"][0]),
            "d": F.silu(seen["d"][0]),
            "e": seen["e"][0],
        }

    return Specimen(Functional(), rows(6), expected, output="e")


class Sequence(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(
            nn.Flatten(),
            nn.Linear(6, 8),
            nn.BatchNorm1d(8),
            nn.ReLU(inplace=True),
            nn.Dropout(0.5),
            nn.Linear(8, CLASSES),
        )


def sequential() -> Specimen:
    def expected(module, batch):
        seen = hooked(module, "2", "5")(lambda: module(batch[0]))
        return {"1": F.relu(seen["2"][0]), "5": seen["5"][0]}

    return Specimen(Sequence(), rows(2, 3), expected, output="5")


class Block(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(4)
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x):
        y = self.relu(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        y += x
        return self.relu(y)


class ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3, padding=1)
        self.layer1 = nn.Sequential(Block(), Block())
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(4, CLASSES)

    def forward(self, x):
        x = F.relu(F.max_pool2d(self.stem(x), 2), inplace=True)
        x = self.layer1(x)
        return self.fc(torch.flatten(self.pool(x), 1))


def resnet() -> Specimen:
    names = ["layer1.0.bn1", "layer1.0.conv2", "layer1.1.bn1", "layer1.1.conv2"]

    def expected(module, batch):
        seen = hooked(module, "stem", *names, "fc")(lambda: module(batch[0]))
        mean = {name: seen[name][0].mean(dim=(2, 3)) for name in names}
        return {
            "stem": F.relu(F.max_pool2d(seen["stem"][0], 2)).mean(dim=(2, 3)),
            "layer1.0.conv1": F.relu(seen[names[0]][0]).mean(dim=(2, 3)),
            "layer1.0.conv2": mean[names[1]],
            "layer1.1.conv1": F.relu(seen[names[2]][0]).mean(dim=(2, 3)),
            "layer1.1.conv2": mean[names[3]],
            "fc": seen["fc"][0],
        }

    look = {"layers": "weights"}
    return Specimen(ResNet(), rows(1, 8, 8), expected, look=look, output="fc")


def resnet_by_default() -> Specimen:
    """The outputs of its blocks, which end with an activation."""

    def expected(module, batch):
        names = ("stem", "layer1.0", "layer1.1", "fc")
        seen = hooked(module, *names)(lambda: module(batch[0]))
        stem = F.relu(F.max_pool2d(seen["stem"][0], 2))
        maps = {"stem": stem, "layer1.0": seen["layer1.0"][0]}
        maps["layer1.1"] = seen["layer1.1"][0]
        means = {name: one.mean(dim=(2, 3)) for name, one in maps.items()}
        return means | {"fc": seen["fc"][0]}

    return Specimen(ResNet(), rows(1, 8, 8), expected, output="fc")


def resnet_blocks() -> Specimen:
    """Layers by type, positions kept."""

    def expected(module, batch):
        names = ("layer1.0", "layer1.1")
        seen = hooked(module, *names)(lambda: module(batch[0]))
        return {name: seen[name][0].flatten(1) for name in names}

    look = {"layers": Block, "reduce": "flatten"}
    return Specimen(ResNet(), rows(1, 8, 8), expected, look=look)


class Encoder(nn.Module):
    """A transformer with a padding mask: the mean leaves the padding out."""

    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(20, 8)
        layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 1)
        self.head = nn.Linear(8, CLASSES)

    def forward(self, tokens, src_key_padding_mask):
        x = self.embed(tokens)
        x = self.encoder(x, src_key_padding_mask=src_key_padding_mask)
        kept = ~src_key_padding_mask[:, : x.shape[1], None]
        return self.head((x * kept).sum(dim=1) / kept.sum(dim=1))


def padded() -> list[Any]:
    made = []
    for _ in range(2):
        tokens = torch.randint(1, 20, (N, 5))
        lengths = torch.randint(1, 6, (N,))
        lengths[0] = 5
        mask = torch.arange(5)[None] >= lengths[:, None]
        made.append(labelled(tokens.masked_fill(mask, 0), mask))
    return made


def masked_mean(tensor: Tensor, padding: Tensor) -> Tensor:
    kept = (~padding[:, :, None]).float()
    return (tensor * kept).sum(dim=1) / kept.sum(dim=1)


def encoder() -> Specimen:
    names = ("encoder.layers.0.self_attn", "encoder.layers.0.linear1",
             "encoder.layers.0.linear2")  # fmt: skip

    def expected(module, batch):
        tokens, padding, _ = batch
        call = hooked(module, "embed", *names, "head")
        seen = call(lambda: module(tokens, padding))
        means = [
            masked_mean(tensor, padding)
            for tensor in (
                seen["embed"][0],
                seen[names[0]][0],
                F.relu(seen[names[1]][0]),
                seen[names[2]][0],
            )
        ]
        found = dict(zip(("embed", *names), means, strict=True))
        return found | {"head": seen["head"][0]}

    return Specimen(
        Encoder(), padded(), expected, call=lambda m, b: m(b[0], b[1]), output="head",
        look={"layers": "weights"}, tolerance=1e-5,
    )  # fmt: skip


def encoder_tokens() -> Specimen:
    """The first token of one layer, the last unmasked one of another."""

    def expected(module, batch):
        tokens, padding, _ = batch
        last = (~padding).sum(dim=1) - 1
        seen = hooked(module, "embed", "encoder.layers.0")(
            lambda: module(tokens, padding)
        )
        return {
            "embed": seen["embed"][0][:, 0],
            "encoder.layers.0": seen["encoder.layers.0"][0][torch.arange(N), last],
        }

    look = {
        "layers": ["embed", "encoder.layers.?"],
        "reduce": {"embed": 0, "encoder*": -1},
    }
    return Specimen(
        Encoder(), padded(), expected, call=lambda m, b: m(b[0], b[1]), look=look,
        tolerance=1e-5,
    )  # fmt: skip


class Recurrent(nn.Module):
    """A tuple as output, and positions before samples."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(4, 6)
        self.out = nn.Linear(6, CLASSES)

    def forward(self, x):
        states, _ = self.lstm(x.transpose(0, 1))
        return self.out(states[-1]), states


def recurrent() -> Specimen:
    def expected(module, batch):
        seen = hooked(module, "lstm", "out")(lambda: module(batch[0]))
        return {"lstm": seen["lstm"][0].mean(dim=0), "out": seen["out"][0]}

    return Specimen(
        Recurrent(), rows(7, 4), expected, lambda output: output[0], output="out"
    )


class Shared(nn.Module):
    """A layer that is used twice."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.out = nn.Linear(6, 6), nn.Linear(6, CLASSES)

    def forward(self, x):
        x = F.relu(self.inner(x))
        x = torch.tanh(self.inner(x))
        return {"features": x, "logits": self.out(x)}


def shared() -> Specimen:
    def expected(module, batch):
        seen = hooked(module, "inner", "out")(lambda: module(batch[0]))
        first, second = seen["inner"]
        return {
            "inner#1": F.relu(first),
            "inner#2": torch.tanh(second),
            "out": seen["out"][0],
        }

    return Specimen(
        Shared(), rows(6), expected, lambda output: output["logits"], output="out"
    )


class Nested(nn.Module):
    """Containers in containers, called with names from a nested batch."""

    def __init__(self) -> None:
        super().__init__()
        self.towers = nn.ModuleDict(
            {
                "left": nn.Sequential(nn.Linear(3, 4), nn.SiLU()),
                "right": nn.ModuleList([nn.Linear(3, 4), nn.Linear(4, 4)]),
            }
        )
        self.join = nn.Linear(8, CLASSES)

    def forward(self, left, right):
        right = self.towers["right"][1](self.towers["right"][0](right).relu())
        return self.join(torch.cat([self.towers["left"](left), right], dim=1))


def nested() -> Specimen:
    def batch():
        left, right, labels = labelled(torch.randn(N, 3), torch.randn(N, 3))
        return {"left": left, "right": right, "text": ["a"] * N}, labels

    def call(module, batch):
        return module(batch[0]["left"], batch[0]["right"])

    def expected(module, batch):
        names = ("towers.right.0", "towers.right.1", "towers.left.0", "join")
        seen = hooked(module, *names)(lambda: call(module, batch))
        return {
            "towers.right.0": F.relu(seen["towers.right.0"][0]),
            "towers.right.1": seen["towers.right.1"][0],
            "towers.left.0": F.silu(seen["towers.left.0"][0]),
            "join": seen["join"][0],
        }

    return Specimen(Nested(), [batch(), batch()], expected, call=call, output="join")


class OneLogit(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.hidden, self.out = nn.Linear(6, 8), nn.Linear(8, 1)

    def forward(self, x):
        return torch.sigmoid(self.out(self.hidden(x).relu())).squeeze(1)


def one_logit() -> Specimen:
    """A probability: two classes."""

    def expected(module, batch):
        seen = hooked(module, "hidden", "out")(lambda: module(batch[0]))
        return {
            "hidden": F.relu(seen["hidden"][0]),
            "out": torch.sigmoid(seen["out"][0]),
        }

    def logits(output):
        return torch.stack([torch.zeros_like(output), torch.logit(output)], dim=1)

    batches = [(x, y % 2) for x, y in rows(6)]
    return Specimen(OneLogit(), batches, expected, logits, output="out", tolerance=1e-5)


class Answer(NamedTuple):
    loss: Any
    logits: Tensor


class WithLogits(nn.Module):
    """Layer norms, a custom activation, and ``.logits``, as of a language model."""

    class Swish(nn.Module):
        def forward(self, x):
            return x * torch.sigmoid(1.7 * x)

    class RMSNorm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.rand(8))

        def forward(self, x):
            return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * self.weight

    def __init__(self) -> None:
        super().__init__()
        self.first, self.norm = nn.Linear(6, 8), self.RMSNorm()
        self.act, self.second = self.Swish(), nn.Linear(8, 8)
        self.layer_norm, self.classifier = nn.LayerNorm(8), nn.Linear(8, CLASSES)

    def forward(self, features):
        x = self.act(self.norm(self.first(features)))
        x = F.elu(self.layer_norm(self.second(x)))
        return Answer(None, self.classifier(x))


def with_logits() -> Specimen:
    batches = [{"features": x, "labels": y} for x, y in rows(6)]

    def expected(module, batch):
        seen = hooked(module, "norm", "layer_norm", "classifier")(
            lambda: module(batch["features"])
        )
        first = seen["norm"][0]
        return {
            "first": first * torch.sigmoid(1.7 * first),
            "second": F.elu(seen["layer_norm"][0]),
            "classifier": seen["classifier"][0],
        }

    return Specimen(
        WithLogits(), batches, expected, lambda output: output.logits,
        lambda m, b: m(b["features"]), output="classifier",
    )  # fmt: skip


class Changed(nn.Module):
    """A layer's output that is changed in place afterwards, once through a view."""

    def __init__(self) -> None:
        super().__init__()
        self.a, self.b, self.c = nn.Linear(6, 8), nn.Linear(8, 8), nn.Linear(8, CLASSES)

    def forward(self, x):
        x = self.a(x)
        x += 1
        x = self.b(torch.relu(x))
        left, _ = x.chunk(2, dim=1)
        left.zero_()
        return self.c(x)


def changed() -> Specimen:
    def expected(module, batch):
        seen = hooked(module, *"abc")(lambda: module(batch[0]))
        return {name: seen[name][0] for name in "abc"}

    return Specimen(Changed(), rows(6), expected, output="c")


class Convolution(nn.Module):
    """Of one axis, parametrised, with pooling before the activation."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.utils.parametrizations.weight_norm(nn.Conv1d(2, 5, 3))
        self.pool, self.out = nn.MaxPool1d(2), nn.Linear(5 * 4, CLASSES)

    def forward(self, x):
        return self.out(F.leaky_relu(self.pool(self.conv(x))).flatten(1))


def convolution() -> Specimen:
    def expected(module, batch):
        seen = hooked(module, "pool", "out")(lambda: module(batch[0]))
        return {
            "conv": F.leaky_relu(seen["pool"][0]).mean(dim=2),
            "out": seen["out"][0],
        }

    return Specimen(Convolution(), rows(2, 10), expected, output="out")


def bfloat16() -> Specimen:
    module = Textbook().to(torch.bfloat16)
    batches = [(x.to(torch.bfloat16), y) for x, y in rows(6)]
    made = textbook()
    return Specimen(module, batches, made.expected, output="fc4")


MADE = (
    textbook, functional, sequential, resnet, resnet_by_default, resnet_blocks, encoder,
    encoder_tokens, recurrent, shared, nested, one_logit, with_logits, changed,
    convolution, bfloat16,
)  # fmt: skip

ZOO: dict[str, Callable[[], Specimen]] = {made.__name__: made for made in MADE}
