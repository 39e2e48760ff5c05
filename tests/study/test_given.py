"""What a module is given: its range, other scalings, mappings, what is no module."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import nn

import layerwise as lw
from layerwise.errors import InputError
from layerwise.study.subjects._module import module_case


def tensors(samples, scaling):
    inputs = torch.from_numpy(scaling.apply(samples.inputs, np.float32))
    return inputs, torch.from_numpy(samples.targets.astype(np.int64))


@pytest.fixture(scope="module")
def trained_on_range(digits):
    """A module trained on [-1, 1]."""
    torch.manual_seed(0)
    module = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 20), nn.ReLU(), nn.Linear(20, 10)
    )
    inputs, labels = tensors(
        digits.train, lw.data.fit_scaling(digits.train.inputs, "range")
    )
    optimiser = torch.optim.Adam(module.parameters(), 1e-2)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(inputs), labels).backward()
        optimiser.step()
    return module


def kinds(study):
    return {finding.kind: finding for finding in study.findings}


def test_the_range_is_said_and_the_scaling_of_a_far_lower_loss(
    trained_on_range, digits
):
    raw = lw.inspect(trained_on_range, digits)
    found = kinds(raw)
    assert raw.findings[0].kind == "module input"
    assert "from 0 to 16" in raw.findings[0].text
    assert found["input scaling"].evidence["scaling"] == "range"
    scaled = lw.inspect(trained_on_range, digits, scaling="range")
    assert "from -1 to 1" in scaled.findings[0].text
    assert "input scaling" not in kinds(scaled)
    inputs, labels = tensors(
        digits.test, lw.data.fit_scaling(digits.train.inputs, "range")
    )
    with torch.no_grad():
        right = (trained_on_range(inputs).argmax(dim=1) == labels).double().mean()
    assert scaled.accuracy.value == pytest.approx(right.item())
    assert scaled.accuracy.value > raw.accuracy.value


def test_what_is_shown_stays_raw(trained_on_range, digits):
    scaled = lw.inspect(trained_on_range, digits, scaling="range")
    shown = scaled.inputs[scaled.mistakes[:1]]
    assert np.array_equal(shown, digits.test.inputs[scaled.mistakes[:1]])


def test_batches_are_not_scaled(trained_on_range, digits):
    batches = [(torch.zeros(6, 64), torch.arange(6) % 2)]
    with pytest.raises(InputError, match="scaling='unit': batches are given"):
        lw.inspect(trained_on_range, batches, scaling="unit")


def test_unit_is_0_to_1():
    drawn = np.random.default_rng(0).normal(size=(50, 3))
    scaled = lw.data.fit_scaling(drawn, "unit").apply(drawn)
    assert np.allclose(scaled.min(axis=0), 0)
    assert np.allclose(scaled.max(axis=0), 1)
    pixels = np.array([[0, 51]], np.uint8)
    scaling = lw.data.fit_scaling(pixels, "unit")
    assert np.allclose(scaling.apply(pixels), [[0, 0.2]])


def test_inference_mode_around_and_inside(trained_on_range, digits):
    class Inside(nn.Module):
        def __init__(self):
            super().__init__()
            self.net = trained_on_range

        @torch.inference_mode()
        def forward(self, x):
            return self.net(x)

    expected = lw.inspect(trained_on_range, digits)
    with torch.inference_mode():
        around = lw.inspect(trained_on_range, digits)
    inside = lw.inspect(Inside(), digits)
    for found in (around, inside):
        assert np.array_equal(found.predictions, expected.predictions)
        for ours, theirs in zip(found, expected, strict=True):
            assert np.array_equal(ours.probe_predictions, theirs.probe_predictions)


def test_features_are_no_logits(digits):
    torch.manual_seed(0)
    backbone = nn.Sequential(nn.Flatten(), nn.Linear(64, 96), nn.ReLU())
    study = lw.inspect(backbone, digits, scaling="unit")
    assert study.predictions is None
    assert "96 outputs are taken for features" in kinds(study)["features"].text
    assert study.class_names == digits.class_names


def test_a_net_of_skorch_is_its_module(trained_on_range, digits):
    net = SimpleNamespace(module_=trained_on_range)
    ours, theirs = (lw.inspect(one, digits) for one in (net, trained_on_range))
    assert np.array_equal(ours.predictions, theirs.predictions)


def test_its_layers_are_listed_too(trained_on_range, digits):
    net = SimpleNamespace(module_=trained_on_range)
    expected = lw.study.module_layers(trained_on_range, digits)
    assert lw.study.module_layers(net, digits) == expected
    result = lw.fit(trained_on_range, digits, epochs=1)
    assert lw.study.module_layers(result.network, digits) == expected
    unfitted = SimpleNamespace(module=nn.Linear, initialize=print)
    with pytest.raises(InputError, match="has no module yet: fit it"):
        lw.study.module_layers(unfitted, digits)


class Broken(nn.Module):
    """Of which one part gives NaN for samples whose first number is above 2."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self.a, self.b, self.out = nn.Linear(4, 5), nn.Linear(5, 6), nn.Linear(6, 2)
        self.part = part

    def forward(self, x):
        def through(name, values):
            wrong = (x[:, :1] > 2) & (self.part == name)
            return torch.where(wrong, float("nan"), values)

        y = torch.relu(self.a(x))
        y = torch.relu(through("b", self.b(y)))
        return through("end", self.out(y))


def test_what_is_not_finite_names_the_layer_and_the_sample():
    x = np.zeros((60, 4), np.float32)
    x[[7, 31], 0] = 3
    data = torch.from_numpy(x), torch.arange(60) % 2
    with pytest.raises(InputError, match=r"^out: unit 0 is nan for sample 7, and 2 of"):
        lw.inspect(Broken("b"), data)
    with pytest.raises(InputError, match=r"answer is NaN for sample 7: every layer's"):
        lw.inspect(Broken("end"), data)
    x[40, 2] = np.inf
    with pytest.raises(InputError, match=r"^input: unit 2 is inf for sample 40, and 1"):
        lw.inspect(Broken("none"), (torch.from_numpy(x), data[1]))


class OfMapping(nn.Module):
    """One mapping in, as SentenceTransformer takes it."""

    def __init__(self):
        super().__init__()
        self.embed, self.out = nn.Embedding(9, 6), nn.Linear(6, 3)

    def forward(self, features, **options):  # noqa: ARG002
        kept = features["attention_mask"][:, :, None].float()
        x = self.embed(features["input_ids"]) * kept
        return self.out(x.sum(dim=1) / kept.sum(dim=1))


@pytest.mark.parametrize("nested", [False, True])
def test_one_mapping_and_its_mask(nested):
    torch.manual_seed(0)
    tokens, labels = torch.randint(0, 9, (30, 5)), torch.arange(30) % 3
    mask = (torch.arange(5)[None] < torch.randint(1, 6, (30, 1))).long()
    given = {"input_ids": tokens, "attention_mask": mask}
    batch = ((given,), labels) if nested else {**given, "labels": labels}
    module = OfMapping()
    study = lw.inspect(module, [batch])
    kept = mask[:, :, None].float()
    with torch.no_grad():
        rows = (module.embed(tokens) * kept).sum(dim=1) / kept.sum(dim=1)
        expected = module(given).argmax(dim=1).numpy()
    assert np.array_equal(study.predictions, expected)
    (block,) = module_case(module, [batch]).scored.parts()[0]
    found = block.layers[0]
    assert np.allclose(found, rows, atol=1e-5)


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda m: torch.jit.trace(m, torch.randn(2, 64)), "TorchScript is not"),
        (torch.jit.script, "TorchScript is not"),
        (lambda _: nn.Sequential(nn.LazyLinear(3)), "lazy modules have no weights"),
        (lambda _: nn.Linear(64, 3, device="meta"), "weights are on the device meta"),
    ],
)
@pytest.mark.filterwarnings("ignore")
def test_what_is_not_supported_is_named(make, said, trained_on_range, digits):
    with pytest.raises(InputError, match=said):
        lw.inspect(make(trained_on_range), digits)


def test_batches_to_train_on_are_named(trained_on_range, unchecked):
    batches = [(torch.zeros(6, 64), torch.arange(6) % 2)]
    with pytest.raises(InputError, match=r"Dataset, not .*list"):
        lw.fit(trained_on_range, batches)
    with (
        pytest.raises(InputError, match="Dataset, not"),
        lw.record(trained_on_range, batches),
    ):
        pass


def test_what_is_left_out_is_said():
    class Packed(nn.Module):
        def __init__(self):
            super().__init__()
            self.mix, self.out = nn.Linear(4, 4), nn.Linear(4, 3)

        def forward(self, x):
            return self.out(x) + self.mix(torch.cat([x, x])).sum() * 0

    study = lw.inspect(Packed(), (torch.randn(60, 4), torch.arange(60) % 3))
    found = kinds(study)["left out"]
    assert "mix (shape (120, 4), 2 for each sample, as of several inputs" in found.text


class Filters(nn.Module):
    """A second filter that is the first one turned by a position: equal on average."""

    def __init__(self, twice=False):
        super().__init__()
        self.conv = nn.Conv1d(1, 3, 3, padding=1, padding_mode="circular", bias=False)
        self.twice, self.mix, self.out = twice, nn.Linear(6, 6), nn.Linear(6, 2)
        with torch.no_grad():
            self.conv.weight[1] = self.conv.weight[0].roll(1, dims=-1)
            self.mix.weight[5] = self.mix.weight[0]
            self.mix.bias[5] = self.mix.bias[0]

    def forward(self, x):
        x = self.conv(x[:, None]).flatten(1)[:, :6]
        x = self.mix(x).relu()
        return self.out(self.mix(x).relu() if self.twice else x)


@pytest.mark.parametrize(
    ("twice", "reduce", "claimed"),
    [(False, "mean", ["mix"]), (True, "mean", []), (False, 0, ["mix"])],
)
def test_fewer_units_are_claimed_of_whole_outputs_alone(twice, reduce, claimed):
    torch.manual_seed(0)
    x = torch.randn(200, 8)
    study = lw.inspect(Filters(twice), (x, (x[:, 0] > 0).long()), reduce=reduce)
    if reduce == "mean":
        assert study.layers[0].duplicate.any()
    names = [
        n for f in study.findings if f.kind == "width" for n in f.evidence["units"]
    ]
    assert names == claimed


class Bag(nn.Module):
    """Of tokens: no table of numbers goes in."""

    def __init__(self):
        super().__init__()
        self.embed, self.mix = nn.Embedding(30, 16), nn.Linear(16, 16)
        self.last, self.out = nn.Linear(16, 16), nn.Linear(16, 3)

    def forward(self, tokens):
        x = torch.tanh(self.mix(self.embed(tokens).mean(dim=1)))
        return self.out(torch.tanh(self.last(x)))


def test_suspects_of_texts_have_neighbours_in_a_layer():
    torch.manual_seed(0)
    labels = torch.arange(600) % 3
    tokens = 10 * labels[:, None] + torch.randint(0, 10, (600, 8))
    module = Bag()
    optimiser = torch.optim.Adam(module.parameters(), 1e-2)
    for _ in range(40):
        optimiser.zero_grad()
        nn.functional.cross_entropy(module(tokens[:400]), labels[:400]).backward()
        optimiser.step()
    given = labels[400:].clone()
    given[[5, 77, 140]] = (given[[5, 77, 140]] + 1) % 3
    study = lw.inspect(
        module, (tokens[400:], given), fit_on=(tokens[:400], labels[:400])
    )
    assert study.input is None
    assert {suspect.position for suspect in study.suspects} == {5, 77, 140}
    for suspect in study.suspects:
        assert suspect.suggestion == labels[400 + suspect.position]
        assert suspect.neighbours_agreeing >= 8
