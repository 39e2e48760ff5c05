"""Which modules are layers: blocks by default, by glob, by use."""

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

import layerwise as lw
from layerwise.errors import InputError
from layerwise.modules import Reader, capture_of
from layerwise.modules.watching._choice import chosen_modules, inside_blocks
from layerwise.study import module_layers

N = 6


def named(module, *inputs, **options):
    """The layers' names, in forward order."""
    batch = Reader(module).read((*inputs, torch.arange(N) % 2))
    found = capture_of(module, batch, **options)
    return [layer.name for layer in found.layers]


class Attention(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.query, self.key, self.value = (nn.Linear(8, 8) for _ in range(3))

    def forward(self, x: Tensor) -> Tensor:
        scores = self.query(x) @ self.key(x).transpose(1, 2)
        return F.softmax(scores, dim=-1) @ self.value(x)


class BertLayer(nn.Module):
    """As transformers' are: a tuple, and attention in modules of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.attention, self.norm = Attention(), nn.LayerNorm(8)
        self.intermediate, self.output = nn.Linear(8, 16), nn.Linear(16, 8)

    def forward(self, x: Tensor) -> tuple[Tensor]:
        x = self.norm(x + self.attention(x))
        return (self.norm(x + self.output(F.gelu(self.intermediate(x)))),)


class Encoder(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.ModuleList([BertLayer() for _ in range(3)])

    def forward(self, x: Tensor) -> Tensor:
        for layer in self.layer:
            (x,) = layer(x)
        return x


class Bert(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.words, self.encoder = nn.Embedding(9, 8), Encoder()
        self.classifier = nn.Linear(8, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.classifier(self.encoder(self.words(tokens))[:, 0])


TOKENS = torch.arange(N * 5).reshape(N, 5) % 9
BLOCKS = [f"encoder.layer.{n}" for n in range(3)]
INSIDE = ["attention.query", "attention.key", "attention.value", "intermediate",
          "output"]  # fmt: skip


def test_the_outputs_of_a_transformer_s_blocks():
    assert named(Bert(), TOKENS) == ["words", *BLOCKS, "classifier"]
    every = named(Bert(), TOKENS, layers="weights")
    inside = [f"{block}.{name}" for block in BLOCKS for name in INSIDE]
    assert sorted(every) == sorted(["words", *inside, "classifier"])


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("encoder.layer.*", BLOCKS),
        ("encoder.layer.[02]", [BLOCKS[0], BLOCKS[2]]),
        ("*.layer.1", [BLOCKS[1]]),
        ("**.1", [BLOCKS[1]]),
        ("**.intermediate", [f"{block}.intermediate" for block in BLOCKS]),
        ("encoder.layer.1.*.query", [f"{BLOCKS[1]}.attention.query"]),
    ],
)
def test_a_star_ends_at_a_dot_and_two_do_not(glob, found):
    assert named(Bert(), TOKENS, layers=glob) == found


def test_a_study_says_what_is_inside_its_blocks():
    study = lw.inspect(
        Bert(), [(TOKENS, torch.arange(N) % 2)], fit_on=[(TOKENS, torch.arange(N) % 2)]
    )
    (found,) = [f for f in study.findings if f.kind == "blocks"]
    assert "encoder.layer.0, encoder.layer.1, encoder.layer.2" in found.text
    assert "The 15 layers with weights inside are left out" in found.text
    assert list(found.evidence["blocks"]) == BLOCKS


class Shared(Encoder):
    """One layer, used again and again, as ALBERT's."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.ModuleList([BertLayer()])

    def forward(self, x: Tensor) -> Tensor:
        for _ in range(3):
            (x,) = self.layer[0](x)
        return x


def test_a_block_that_is_shared_is_one_at_each_use():
    module = Bert()
    module.encoder = Shared()
    uses = [f"encoder.layer.0#{n}" for n in (1, 2, 3)]
    assert named(module, TOKENS) == ["words", *uses, "classifier"]


class Conv1D(nn.Module):
    """As GPT-2's: the weights the other way round, and ``addmm``."""

    def __init__(self, ins: int, outs: int) -> None:
        super().__init__()
        self.outs = outs
        self.weight = nn.Parameter(torch.randn(ins, outs))
        self.bias = nn.Parameter(torch.zeros(outs))

    def forward(self, x: Tensor) -> Tensor:
        shape = (*x.shape[:-1], self.outs)
        return torch.addmm(self.bias, x.view(-1, x.size(-1)), self.weight).view(shape)


def test_a_product_by_addmm_tells_the_axis():
    module = nn.Sequential(Conv1D(4, 7), nn.Tanh(), nn.Flatten(), nn.Linear(35, 2))
    batch = Reader(module).read((torch.randn(N, 5, 4), torch.arange(N) % 2))
    first = capture_of(module, batch).layers[0]
    assert (first.name, first.layout.said) == (
        "0",
        "mean of 5 positions, units: axis 2",
    )


class Uncalled(Bert):
    """Whose blocks are never called: what is in them is."""

    def forward(self, tokens: Tensor) -> Tensor:
        x = self.words(tokens)
        for layer in self.encoder.layer:
            x = x + layer.attention(x)
        return self.classifier(x[:, 0])


def test_of_a_block_that_is_not_called_what_is_inside():
    inside = [f"{b}.attention.{n}" for b in BLOCKS for n in ("query", "key", "value")]
    assert named(Uncalled(), TOKENS) == ["words", *inside, "classifier"]


class Conv(nn.Sequential):
    """A convolution, its normalisation and activation: one layer, and no block."""

    def __init__(self, ins: int, outs: int) -> None:
        super().__init__(nn.Conv2d(ins, outs, 1), nn.BatchNorm2d(outs), nn.ReLU())


class Inverted(nn.Module):
    def __init__(self, ins: int, outs: int) -> None:
        super().__init__()
        self.block = nn.Sequential(Conv(ins, 2 * ins), Conv(2 * ins, outs))

    def forward(self, x: Tensor) -> Tensor:
        return self.block(x)


def efficient() -> nn.Module:
    """Stages of one block and of more, as torchvision's EfficientNet has them."""
    stages = [
        Conv(3, 4),
        nn.Sequential(Inverted(4, 4)),
        nn.Sequential(Inverted(4, 4), Inverted(4, 6)),
        Conv(6, 6),
    ]
    return nn.Sequential(
        nn.Sequential(*stages), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(6, 2)
    )


def mobile() -> nn.Module:
    """As timm's MobileNets: the only block of its class is alone in its stage."""
    stages = [nn.Sequential(InceptionA(3, 4)), nn.Sequential(*Stage())]
    return nn.Sequential(
        nn.Sequential(*stages), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )


class InceptionA(Inverted):
    pass


class InceptionB(Inverted):
    pass


class Inception(nn.Module):
    """Blocks as attributes, one of them of a class of its own."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = Conv(3, 4)
        self.mixed1, self.mixed2, self.mixed3 = (InceptionA(4, 4) for _ in range(3))
        self.mixed4, self.fc = InceptionB(4, 6), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        x = self.mixed3(self.mixed2(self.mixed1(self.stem(x))))
        return self.fc(self.mixed4(x).mean(dim=(2, 3)))


class Towers(nn.Module):
    """Two of a class are no blocks: a network for each of two inputs."""

    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = Inverted(3, 4), Inverted(3, 4)
        self.fc = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.fc((self.left(x) * self.right(x)).mean(dim=(2, 3)))


@pytest.mark.parametrize(
    ("make", "layers"),
    [
        (efficient, ["0.0.0", "0.1.0", "0.2.0", "0.2.1", "0.3.0", "3"]),
        (mobile, ["0.0.0", "0.1.0", "0.1.1", "3"]),
        (Inception, ["stem.0", "mixed1", "mixed2", "mixed3", "mixed4", "fc"]),
        (
            Towers,
            [f"{side}.block.{n}.0" for side in ("left", "right") for n in (0, 1)]
            + ["fc"],
        ),
        (
            lambda: nn.Sequential(
                Conv(3, 4), Conv(4, 4), nn.Flatten(), nn.Linear(16, 2)
            ),
            ["0.0", "1.0", "3"],
        ),
    ],
)
def test_blocks_of_pictures(make, layers):
    assert named(make(), torch.randn(N, 3, 2, 2)) == layers


def test_of_blocks_in_blocks_the_outermost():
    stages = nn.Sequential(*[nn.Sequential(), nn.Sequential()])
    for stage in stages:
        stage.add_module("inner", Stage())
    assert list(inside_blocks(stages)) == ["0.inner", "1.inner"]


class Stage(nn.Sequential):
    def __init__(self) -> None:
        super().__init__(Inverted(4, 4), Inverted(4, 4))


class Repeated(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(4, 4), nn.Linear(4, 2)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        return self.act(self.fc2(self.act(self.fc1(x))))


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        ("act#2", ["act#2"]),
        (["act#1", "fc2"], ["act#1", "fc2"]),
        ("act", ["act#1", "act#2"]),
        ("act#*", ["act#1", "act#2"]),
    ],
)
def test_a_use_is_chosen_by_the_name_it_is_listed_under(layers, found):
    assert named(Repeated(), torch.randn(N, 4), layers=layers) == found


@pytest.mark.parametrize(
    ("layers", "said"),
    [
        ("act#3", "there is act#1 and act#2"),
        ("fc1#1", "there is fc1"),
        ("tanh#1", "the module has fc1, fc2 and act"),
    ],
)
def test_a_use_that_there_is_not(layers, said):
    with pytest.raises(InputError, match=said):
        named(Repeated(), torch.randn(N, 4), layers=layers)


def test_what_is_listed_is_what_may_be_asked_for():
    data = [(torch.randn(N, 4), torch.arange(N) % 2)]
    for layer in module_layers(Repeated(), data):
        assert named(Repeated(), data[0][0], layers=layer.name) == [layer.name]


def test_a_module_by_the_name_weights_is_found():
    module = nn.Sequential()
    module.add_module("weights", nn.Linear(4, 2))
    module.add_module("other", nn.Linear(2, 2))
    assert list(chosen_modules(module, "weights")) == ["weights"]
