"""Networks on disk: whole round trips, and files that mean harm."""

import json
import pickle
import re
import struct
from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

import layerwise as lw
from layerwise.arrays import named_leaves
from layerwise.data import Dataset
from layerwise.errors import InputError, MachineError
from layerwise.files import write_tensors
from layerwise.model import MLP, Linear, Sequential, SquaredError, initial_network

NAMES = ("</script><img onerror=x>", "<!-- \u2028 '\"\\")


@pytest.fixture(scope="module")
def network():
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(60, 3, 2)), np.arange(60) % 2
    data = Dataset.from_arrays(X, y, class_names=NAMES)
    mlp = MLP([5, 5], "gelu", normalise=True, dropout=0.25, residual=True)
    return initial_network(mlp, data, seed=1)


@pytest.fixture
def saved(network, tmp_path) -> Path:
    path = tmp_path / "model.safetensors"
    lw.save_network(network, path)
    return path


def contents(path: Path) -> tuple[dict[str, str], dict[str, np.ndarray]]:
    (length,) = struct.unpack("<Q", path.read_bytes()[:8])
    header = json.loads(path.read_bytes()[8 : 8 + length])
    return header["__metadata__"], load_file(path)


def rewritten(path: Path, settings=None, tensors=None, metadata=None) -> None:
    """Save the file again with other settings, tensors or metadata."""
    old, arrays = contents(path)
    arrays = {**arrays, **(tensors or {})}
    arrays = {name: array for name, array in arrays.items() if array is not None}
    if metadata:
        save_file(arrays, path, {**old, **metadata})
    else:
        write_tensors(path, arrays, json.loads(old["layerwise"]) | (settings or {}))


def refused(path: Path) -> str:
    with pytest.raises(InputError) as caught:
        lw.load_network(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message
    return message.removeprefix(f"{path}: ")


class TestRoundTrip:
    def test_everything_comes_back_to_the_byte(self, network, saved):
        loaded = lw.load_network(saved)
        assert loaded.architecture == network.architecture
        assert (loaded.shape, loaded.class_names) == (network.shape, NAMES)
        assert loaded.scaling.kind == network.scaling.kind
        pairs = zip(
            named_leaves((loaded.parameters, loaded.scaling.to_arrays())),
            named_leaves((network.parameters, network.scaling.to_arrays())),
            strict=True,
        )
        for (name, ours), (other, theirs) in pairs:
            assert name == other
            assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
            assert ours.tobytes() == theirs.tobytes()
        inputs = np.random.default_rng(2).normal(size=(50, 3, 2))
        assert loaded.logits(inputs).tobytes() == network.logits(inputs).tobytes()

    def test_one_network_is_always_the_same_file(self, saved, tmp_path):
        for again in (tmp_path / str(i) for i in range(10)):
            lw.save_network(lw.load_network(saved), again)
            assert again.read_bytes() == saved.read_bytes()

    def test_a_runs_folder_will_do(self, saved):
        assert lw.load_network(saved.parent).class_names == NAMES

    def test_paths_may_be_strings(self, network, tmp_path):
        lw.save_network(network, str(tmp_path / "x"))
        assert lw.load_network(str(tmp_path / "x")).class_names == NAMES

    @pytest.mark.parametrize("hidden", [[], [3]])
    def test_any_depth(self, iris, tmp_path, hidden):
        network = initial_network(
            MLP(hidden, init="orthogonal"), iris, dtype=np.float64
        )
        lw.save_network(network, tmp_path / "x")
        loaded = lw.load_network(tmp_path / "x").logits(iris.test.inputs)
        assert loaded.tobytes() == network.logits(iris.test.inputs).tobytes()

    def test_ones_own_architecture_cannot_be_saved(self, iris, tmp_path):
        class Own:
            def build(self, inputs: int, outputs: int) -> Sequential:
                return Sequential((Sequential((Linear(outputs + 0 * inputs),)),))

            def loss_function(self) -> SquaredError:
                return SquaredError()

        with pytest.raises(
            InputError, match=r"^only an MLP can be saved .* not a Own$"
        ):
            lw.save_network(initial_network(Own(), iris), tmp_path / "x")

    def test_a_missing_folder_is_the_machines_fault(self, network, tmp_path):
        with pytest.raises(MachineError, match="nowhere"):
            lw.save_network(network, tmp_path / "nowhere" / "x")


class Canary:
    """Whoever unpickles it makes the file that is named."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


class TestHostileFiles:
    def test_no_file(self, tmp_path):
        assert "no such file" in refused(tmp_path / "x.safetensors")
        with pytest.raises(InputError, match=r"model\.safetensors: no such file"):
            lw.load_network(tmp_path)

    @pytest.mark.parametrize("content", [b"", b"x", b"PK\x03\x04" + bytes(100)])
    def test_not_safetensors(self, tmp_path, content):
        path = tmp_path / "x"
        path.write_bytes(content)
        assert refused(path).startswith("not a safetensors file")

    def test_a_pickle_is_not_opened(self, tmp_path):
        canary, path = tmp_path / "canary", tmp_path / "x"
        path.write_bytes(pickle.dumps(Canary(canary)))
        refused(path)
        assert not canary.exists()

    def test_truncated_anywhere(self, saved):
        content = saved.read_bytes()
        for length in range(0, len(content), 37):
            saved.write_bytes(content[:length])
            refused(saved)

    def test_one_byte_too_many(self, saved):
        saved.write_bytes(saved.read_bytes() + b"\0")
        refused(saved)

    def test_a_header_that_declares_terabytes(self, tmp_path):
        header = json.dumps(
            {"W": {"dtype": "F32", "shape": [10**12], "data_offsets": [0, 4 * 10**12]}}
        ).encode()
        path = tmp_path / "x"
        path.write_bytes(struct.pack("<Q", len(header)) + header)
        refused(path)
        path.write_bytes(struct.pack("<Q", 2**63))
        refused(path)

    @pytest.mark.parametrize("bit", [0x01, 0x20, 0x80])
    def test_every_flipped_byte(self, saved, bit):
        """Of the header, the digest (0x20 makes a capital of a letter), the tensors."""
        content = saved.read_bytes()
        for place in range(len(content)):
            flipped = bytearray(content)
            flipped[place] ^= bit
            saved.write_bytes(flipped)
            refused(saved)

    def test_other_peoples_safetensors(self, tmp_path):
        save_file({"W": np.ones(3)}, tmp_path / "x")
        assert refused(tmp_path / "x").startswith("not a network-1")
        save_file({"W": np.ones(3)}, tmp_path / "x", {"format": "pt"})
        assert refused(tmp_path / "x").startswith("not a network-1")

    @pytest.mark.parametrize(
        "settings", ["", "{", "[]", "3", "null", "{}", "[" * 100_000]
    )
    def test_settings_that_are_none(self, saved, settings):
        rewritten(saved, metadata={"layerwise": settings})
        refused(saved)

    @pytest.mark.parametrize(
        "settings",
        [
            {"mlp": None},
            {"mlp": {"hidden": [5, 5], "colour": "red"}},
            {"mlp": {"hidden": "many"}},
            {"mlp": {"hidden": [5, 5], "activation": ["gelu"]}},
            {"mlp": {"hidden": [5, 5], "activation": "os.system"}},
            {"mlp": {"hidden": [5, 5], "dropout": "half"}},
            {"mlp": {"hidden": [5]}},
            {"mlp": {"hidden": [4, 5]}},
            {"shape": [3, 3]},
            {"shape": [-3, -2]},
            {"shape": [6, 0]},
            {"shape": []},
            {"shape": 6},
            {"class_names": []},
            {"class_names": ["one"]},
            {"class_names": None},
            {"scaling": "log"},
            {"scaling": None},
        ],
        ids=json.dumps,
    )
    @pytest.mark.usefixtures("unchecked")
    def test_settings_that_do_not_fit_the_tensors(self, saved, settings):
        rewritten(saved, settings=settings)
        refused(saved)

    @pytest.mark.parametrize(
        "settings",
        [
            {"shape": [10**7, 10**7]},
            {"mlp": {"hidden": [10**6, 10**6]}},
            {"mlp": {"hidden": [5, 10**12]}},
            {"shape": [10**30]},
        ],
        ids=json.dumps,
    )
    def test_sizes_are_compared_with_the_bytes_before_memory_is_taken(
        self, saved, settings
    ):
        rewritten(saved, settings=settings)
        assert re.search("parameters|scaling|shape", refused(saved))

    @pytest.mark.parametrize(
        "tensors",
        [
            {"parameters.0.0.W": np.ones((5, 6), np.float32)},
            {"parameters.0.0.b": np.ones((5, 1), np.float32)},
            {"parameters.2.0.b": None},
            {"parameters.0.0.W": None},
            {"parameters.0.0.W": np.ones((6, 5), np.int64)},
            {"parameters.0.0.b": np.ones(5, bool)},
            {"scaling.offset": None},
            {"scaling.offset": np.ones(4), "scaling.divisor": np.ones(4)},
        ],
        ids=lambda tensors: next(iter(tensors)),
    )
    def test_tensors_that_are_missing_or_misshapen(self, saved, tensors):
        rewritten(saved, tensors=tensors)
        name = next(iter(tensors))
        assert name.split(".")[-1] in refused(saved) or "scaling" in refused(saved)

    def test_a_dtype_that_numpy_lacks(self, saved):
        header, _ = contents(saved)
        spec = {"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}
        text = json.dumps({"__metadata__": header, "W": spec}).encode()
        saved.write_bytes(struct.pack("<Q", len(text)) + text + bytes(2))
        refused(saved)
