"""What of a module's outputs is held: rows, of packed and quantised ones too."""

from weakref import ref

import pytest
import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

import layerwise as lw
from layerwise.modules import Reader, capture_of

N = 6


def read(module, *inputs):
    return Reader(module).read((*inputs, torch.arange(N) % 2))


class Counted(nn.Module):
    """Of whose layers' outputs it is counted how many live when the last is made."""

    def __init__(self) -> None:
        super().__init__()
        self.convs = nn.ModuleList(nn.Conv2d(1 if not n else 4, 4, 3, padding=1)
                                   for n in range(8))  # fmt: skip
        self.out = nn.Linear(4, 2)
        self.seen: list[ref[Tensor]] = []
        self.alive = 0

    def forward(self, x: Tensor) -> Tensor:
        self.seen = []
        for place, conv in enumerate(self.convs):
            x = conv(x)
            self.seen.append(ref(x))
            if place % 2:
                x = torch.relu(x)
                self.seen.append(ref(x))
        self.alive = sum(one() is not None for one in self.seen)
        return self.out(x.mean(dim=(2, 3)))


@pytest.mark.parametrize("inference", [False, True])
def test_no_output_is_held_once_its_row_is_taken(inference):
    module, batch = Counted(), read(Counted(), torch.randn(N, 1, 8, 8))
    with torch.inference_mode(inference):
        capture = capture_of(module, batch)
        assert module.alive == 1
        rows = capture.rows(batch)[0]
    assert module.alive == 1
    with torch.no_grad():
        module(batch.first)
        x, expected = batch.first, []
        for place, conv in enumerate(module.convs):
            x = torch.relu(conv(x)) if place % 2 else conv(x)
            expected.append(x.mean(dim=(2, 3)))
    assert all(torch.equal(*pair) for pair in zip(rows, expected, strict=False))


def test_a_token_s_row_does_not_hold_the_others():
    module = nn.Sequential(nn.Linear(4, 5), nn.Flatten(), nn.Linear(35, 2))
    batch = read(module, torch.randn(N, 7, 4))
    row = capture_of(module, batch, reduce={"0": 0}).rows(batch)[0][0]
    assert row.untyped_storage().nbytes() == N * 5 * 4


class Packed(nn.Module):
    """Sequences of several lengths, not sorted by them."""

    def __init__(self, batch_first: bool, kind: type[nn.RNNBase] = nn.LSTM) -> None:
        super().__init__()
        self.embed = nn.Linear(3, 4)
        self.rnn = kind(4, 5, batch_first=batch_first)
        self.first, self.out = batch_first, nn.Linear(5, 2)

    def forward(self, x: Tensor, lengths: Tensor) -> Tensor:
        x = self.embed(x)
        x = x if self.first else x.transpose(0, 1)
        packed = pack_padded_sequence(
            x, lengths, batch_first=self.first, enforce_sorted=False
        )
        states, _ = self.rnn(packed)
        padded, _ = pad_packed_sequence(states, batch_first=True)
        return self.out(padded.sum(dim=1))


@pytest.mark.parametrize("batch_first", [True, False])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_packed_sequences_are_averaged_over_their_own_lengths(batch_first, kind):
    torch.manual_seed(0)
    module = Packed(batch_first, kind)
    x, lengths = torch.randn(N, 7, 3), torch.tensor([3, 7, 1, 4, 2, 5])
    batch = read(module, x, lengths)
    capture = capture_of(module, batch)
    assert [layer.name for layer in capture.layers] == ["embed", "rnn", "out"]
    row = capture.rows(batch)[0][1]
    with torch.no_grad():
        alone = [module.rnn(module.embed(one[:n])[:, None] if not batch_first
                            else module.embed(one[None, :n]))[0].reshape(n, 5).mean(0)
                 for one, n in zip(x, lengths, strict=True)]  # fmt: skip
    assert torch.allclose(row, torch.stack(alone), atol=1e-6)
    last = capture_of(module, batch, reduce={"rnn": -1}).rows(batch)[0][1]
    with torch.no_grad():
        ends = [module.rnn(module.embed(one[:n])[:, None] if not batch_first
                           else module.embed(one[None, :n]))[0].reshape(n, 5)[-1]
                for one, n in zip(x, lengths, strict=True)]  # fmt: skip
    assert torch.allclose(last, torch.stack(ends), atol=1e-6)


def dynamic() -> nn.Module:
    quantised = torch.ao.nn.quantized.dynamic
    return nn.Sequential(
        quantised.Linear(4, 8), nn.ReLU(), nn.Linear(8, 6), quantised.Linear(6, 2)
    )


class Static(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        quantised = torch.ao.nn.quantized
        self.quant = quantised.Quantize(0.1, 60, torch.quint8)
        self.conv = quantised.Conv2d(1, 4, 3)
        self.fc, self.back = quantised.Linear(16, 2), quantised.DeQuantize()

    def forward(self, x: Tensor) -> Tensor:
        x = torch.relu(self.conv(self.quant(x)))
        return self.back(self.fc(x.flatten(1)))


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")  # they go some day
@pytest.mark.parametrize(
    ("make", "shape", "layers"),
    [
        (dynamic, (4,), {"0": 8, "2": 6, "3": 2}),
        (Static, (1, 4, 4), {"conv": 4, "fc": 2}),
    ],
)
def test_quantised_layers_are_layers(make, shape, layers):
    module = make()
    batch = read(module, torch.randn(N, *shape))
    capture = capture_of(module, batch)
    rows = capture.rows(batch)[0]
    names = [layer.name for layer in capture.layers]
    assert dict(zip(names, [row.shape[1] for row in rows], strict=True)) == layers
    assert capture.ends_in_output
    if make is dynamic:
        assert torch.equal(rows[0], torch.relu(module[0](batch.first)))
    else:
        found = module.conv(module.quant(batch.first)).dequantize().relu()
        assert torch.equal(rows[0], found.mean(dim=(2, 3)))


class Own(Tensor):
    """Weights of a class of its own, as torchao's: a linear map, and little else."""

    @classmethod
    def __torch_function__(cls, func, types, args=(), kwargs=None):
        name = getattr(func, "__name__", "")
        if name in ("float", "add", "matmul", "T", "to"):
            raise NotImplementedError(f"{cls.__name__} dispatch: no {name}")
        found = super().__torch_function__(func, types, args, kwargs or {})
        return found.as_subclass(Tensor) if name == "linear" else found


def test_weights_of_a_class_of_their_own():
    module = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 2))
    for at in (0, 2):
        own = module[at].weight.detach().as_subclass(Own)
        module[at].weight = nn.Parameter(own, requires_grad=False)
    batch = read(module, torch.randn(N, 4))
    capture = capture_of(module, batch)
    assert [layer.name for layer in capture.layers] == ["0", "2"]
    assert capture.output_weights is None


class Siamese(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.encoder, self.head = nn.Linear(4, 5), nn.Linear(5, 2)

    def forward(self, a: Tensor, b: Tensor) -> Tensor:
        a, b = self.encoder(torch.cat([a, b])).chunk(2)
        return self.head((a - b).abs())


class Graph(nn.Module):
    """Nodes of graphs, so many of each, and their sums."""

    def __init__(self) -> None:
        super().__init__()
        self.nodes, self.head = nn.Linear(4, 5), nn.Linear(5, 2)

    def forward(self, x: Tensor, graph: Tensor) -> Tensor:
        x = self.nodes(x)
        return self.head(torch.zeros(N, 5).index_add(0, graph, x))


@pytest.mark.parametrize(
    ("make", "inputs", "left_out"),
    [
        (Siamese, (torch.randn(N, 4), torch.randn(N, 4)),
         {"encoder": "shape (12, 5), 2 for each sample, as of several inputs in one "
                     "batch"}),
        (Graph, (torch.randn(17, 4), torch.arange(17) % N),
         {"nodes": "shape (17, 5), not one for each sample"}),
    ],
)  # fmt: skip
def test_rows_of_other_things_than_samples_are_listed(make, inputs, left_out):
    module = make()
    labels = torch.arange(N) % 2
    assert capture_of(module, read(module, *inputs)).left_out == left_out
    batches = [(*inputs, labels), (*inputs, labels)]
    study = lw.inspect(module, batches)
    (found,) = [f for f in study.findings if f.kind == "left out"]
    assert found.evidence["layers"] == left_out
    ((name, why),) = left_out.items()
    assert f"{name} ({why})" in found.text
