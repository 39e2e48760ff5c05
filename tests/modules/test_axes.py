"""Which axis holds the units, and which the samples: of what shapes do not tell."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812

from layerwise.errors import InputError
from layerwise.modules import Reader, capture_of

N = 6


def capture(module, *inputs, layers=None, **options):
    torch.manual_seed(0)
    batch = Reader(module).read((*inputs, torch.arange(len(inputs[0])) % 3))
    with torch.no_grad():
        return capture_of(module, batch, layers, predict=None, **options), batch


def units(module, *inputs, layers="**", **options):
    """How many units each layer has, whose axis is said with it."""
    found, batch = capture(module, *inputs, layers=layers, **options)
    rows = found.rows(batch)[0]
    return {
        layer.name: own.shape[1] for layer, own in zip(found.layers, rows, strict=True)
    }


class Permute(nn.Module):
    def forward(self, x):
        return x.permute(0, 2, 3, 1)


class LastBlock(nn.Module):
    """Positions before channels, as in a Swin transformer."""

    def __init__(self, width):
        super().__init__()
        self.norm, self.mlp = nn.LayerNorm(width), nn.Linear(width, width)

    def forward(self, x):
        return x + F.gelu(self.mlp(self.norm(x)))


class Merge(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.reduction = nn.Linear(4 * width, 2 * width)

    def forward(self, x):
        quarters = [x[:, i::2, j::2] for i in (0, 1) for j in (0, 1)]
        return self.reduction(torch.cat(quarters, -1))


def swin():
    return nn.Sequential(
        nn.Sequential(nn.Conv2d(1, 12, 2, 2), Permute(), nn.LayerNorm(12)),
        LastBlock(12),
        Merge(12),
        LastBlock(24),
    )


def test_positions_before_channels():
    found = units(swin(), torch.randn(N, 1, 16, 16))
    assert found == {
        "0": 12, "0.0": 12, "0.1": 12, "0.2": 12, "1": 12, "1.norm": 12,
        "1.mlp": 12, "2": 24, "2.reduction": 24, "3": 24, "3.norm": 24, "3.mlp": 24,
    }  # fmt: skip


class ChannelNorm(nn.LayerNorm):
    """A normalisation of channels first, as in torchvision's ConvNeXt."""

    def forward(self, x):
        x = F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight)
        return x.permute(0, 3, 1, 2)


class ConvNeXtBlock(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(10, 10, 3, padding=1, groups=10)
        self.norm, self.wide, self.back = (
            nn.LayerNorm(10), nn.Linear(10, 40), nn.Linear(40, 10),
        )  # fmt: skip

    def forward(self, x):
        y = self.norm(self.conv(x).permute(0, 2, 3, 1))
        return x + self.back(F.gelu(self.wide(y))).permute(0, 3, 1, 2)


def test_a_block_of_both_kinds():
    module = nn.Sequential(nn.Conv2d(1, 10, 2, 2), ChannelNorm(10), ConvNeXtBlock())
    assert units(module, torch.randn(N, 1, 16, 16)) == {
        "0": 10, "1": 10, "2": 10, "2.conv": 10, "2.norm": 10, "2.wide": 40,
        "2.back": 10,
    }  # fmt: skip


class Patches(nn.Module):
    """Patches, a class token and positions, as in a vision transformer."""

    class Embed(nn.Module):
        def __init__(self):
            super().__init__()
            self.projection = nn.Conv2d(1, 20, 4, 4)

        def forward(self, x):
            return self.projection(x).flatten(2).transpose(1, 2)

    def __init__(self):
        super().__init__()
        self.embed = self.Embed()
        self.token = nn.Parameter(torch.randn(1, 1, 20))
        self.places = nn.Parameter(torch.randn(1, 17, 20))
        self.dropout = nn.Dropout(0.1)

    def forward(self, x):
        token = self.token.expand(len(x), -1, -1)
        return self.dropout(torch.cat([token, self.embed(x)], dim=1) + self.places)


def test_patches_of_a_picture():
    module = nn.Sequential(Patches(), nn.Linear(20, 5))
    assert units(module, torch.randn(N, 1, 16, 16)) == {
        "0": 20, "0.embed": 20, "0.embed.projection": 20, "0.dropout": 20, "1": 5,
    }  # fmt: skip


class Frames(nn.Module):
    """A recurrent encoder, and convolutions over time beside a linear map."""

    def __init__(self):
        super().__init__()
        self.gru = nn.GRU(4, 8, batch_first=True)
        self.conv, self.project = nn.Conv1d(8, 9, 3, padding=1), nn.Linear(9, 7)

    def forward(self, x):
        states, _ = self.gru(x)
        return self.project(F.gelu(self.conv(states.transpose(1, 2)).transpose(1, 2)))


@pytest.mark.parametrize("frames", [11, 7, 8, 9])
def test_frames_of_a_recording(frames):
    """As many frames as units too: sizes decide nothing."""
    module = nn.Sequential(nn.Sequential(Frames()), nn.ReLU(), nn.Linear(7, 3))
    assert units(module, torch.randn(N, frames, 4)) == {
        "0": 7, "0.0": 7, "0.0.gru": 8, "0.0.conv": 9, "0.0.project": 7, "1": 7,
        "2": 3,
    }  # fmt: skip


def test_an_activation_after_the_axes_moved_is_averaged_over_positions():
    module = Frames()
    found, batch = capture(module, torch.randn(N, 11, 4), layers="conv")
    module.eval()
    with torch.no_grad():
        states = module.gru(batch.arguments.positional[0])[0]
        expected = F.gelu(module.conv(states.transpose(1, 2))).mean(dim=2)
    assert torch.allclose(found.rows(batch)[0][0], expected, atol=1e-6)


class Mixer(nn.Module):
    """Of what it gives, nothing tells the axis."""

    def forward(self, x):
        return torch.einsum("nij,nkj->nik", x, x).tanh()


class Mixed(nn.Module):
    def __init__(self, reads):
        super().__init__()
        self.mixer, self.reads, self.out = Mixer(), reads, nn.Linear(5, 3)

    def forward(self, x):
        x = self.mixer(x)
        return self.out(x if self.reads else x.mean(dim=1))


def test_what_reads_a_layer_tells_its_axis():
    module = Mixed(reads=True)
    found, _ = capture(module, torch.randn(N, 5, 9), layers="mixer")
    assert found.layers[0].layout.channels == 2


def test_where_nothing_tells_the_axis_there_is_no_guess():
    module, inputs = Mixed(reads=False), torch.randn(N, 5, 9)
    found, _ = capture(module, inputs, layers="**")
    assert [layer.name for layer in found.layers] == ["out"]
    assert "units=-1" in found.left_out["mixer"]
    with pytest.raises(InputError, match=r"mixer: shape \(6, 5, 5\).*units=-1"):
        capture(module, inputs, layers="mixer")
    assert units(module, inputs, layers="mixer", units=-1) == {"mixer": 5}
    asked, _ = capture(module, inputs, layers="mixer", units={"mix*": 1})
    assert asked.layers[0].layout.channels == 1
    assert units(module, inputs, layers="mixer", reduce="flatten") == {"mixer": 25}


@pytest.mark.parametrize("axis", [0, 3, -3])
def test_an_axis_that_is_not_there(axis):
    with pytest.raises(InputError, match="axis from 1 to 2, or -1"):
        capture(Mixed(reads=False), torch.randn(N, 5, 9), layers="mixer", units=axis)


def test_the_axis_is_said():
    found, _ = capture(swin(), torch.randn(N, 1, 16, 16), layers=["0.0", "0.2"])
    assert [layer.layout.said for layer in found.layers] == [
        "mean of 64 positions, units: axis 1",
        "mean of 64 positions, units: axis 3",
    ]


class Places(nn.Module):
    """Embedded positions, as many as samples, that are none."""

    def __init__(self, places):
        super().__init__()
        self.register_buffer("at", torch.arange(places)[None])
        self.tokens, self.places = nn.Embedding(9, 4), nn.Embedding(places, 4)

    def forward(self, tokens):
        return self.tokens(tokens) + self.places(self.at)


def test_positions_as_many_as_samples_are_no_samples():
    tokens = torch.arange(N * N).reshape(N, N) % 9
    found, _ = capture(Places(N), tokens)
    assert [layer.name for layer in found.layers] == ["tokens"]
    assert "not one for each sample" in found.left_out["places"]


class Turned(nn.Module):
    """Sequences first inside, and as many steps as samples."""

    def __init__(self):
        super().__init__()
        layer = nn.TransformerEncoderLayer(4, 2, 8)
        self.encoder = nn.TransformerEncoder(layer, 1, enable_nested_tensor=False)
        self.gru, self.out = nn.GRU(4, 5), nn.Linear(5, 3)

    def forward(self, x):
        return self.out(self.gru(self.encoder(x.transpose(0, 1)))[0][-1])


def test_as_many_steps_as_samples():
    module, x = Turned(), torch.randn(N, N, 4)
    layers = ["encoder", "encoder.layers.0.linear1", "gru"]
    found, batch = capture(module, x, layers=layers)
    module.eval()
    with torch.no_grad():
        encoded = module.encoder(x.transpose(0, 1))
        states = module.gru(encoded)[0]
    by_name = {
        layer.name: own
        for layer, own in zip(found.layers, found.rows(batch)[0], strict=True)
    }
    assert torch.allclose(by_name["encoder"], encoded.mean(dim=0), atol=1e-5)
    assert torch.allclose(by_name["gru"], states.mean(dim=0), atol=1e-5)
    assert by_name["encoder.layers.0.linear1"].shape == (N, 8)


class ConvNormAct(nn.Sequential):
    def __init__(self):
        super().__init__(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU())


class BatchNormAct(nn.BatchNorm2d):
    """As timm writes it: the activation inside the normalisation."""

    def __init__(self, units):
        super().__init__(units)
        self.act = nn.SiLU()

    def forward(self, x):
        return self.act(super().forward(x))


class FusedNorm(nn.Module):
    """No modules inside, and an activation."""

    def __init__(self, units):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(units))

    def forward(self, x):
        return F.relu(F.batch_norm(x, None, None, self.weight, training=True))


class ScaledNormConv(nn.Conv2d):
    """A convolution with "norm" in its name."""


@pytest.mark.parametrize(
    "made",
    [
        ConvNormAct,
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3), BatchNormAct(4)),
        lambda: nn.Sequential(nn.Conv2d(1, 4, 3), FusedNorm(4)),
        lambda: nn.Sequential(ScaledNormConv(1, 4, 3), nn.ReLU()),
    ],
)
def test_a_name_hides_no_activation(made):
    block = made()
    module = nn.Sequential(block, nn.Flatten(), nn.LazyLinear(3))
    inputs = torch.randn(N, 1, 8, 8)
    module(inputs)
    found, batch = capture(module, inputs)
    module.eval()
    with torch.no_grad():
        expected = block(batch.arguments.positional[0]).mean(dim=(2, 3))
    assert [layer.name for layer in found.layers] == ["0.0", "2"]
    rows = found.rows(batch)[0][0]
    assert isinstance(rows, Tensor)
    assert np.allclose(rows, expected, atol=1e-6)
