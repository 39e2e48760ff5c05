"""`layerwise export`: ONNX and torch's weights compute what the network does."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pandas as pd
import pytest

import layerwise as lw
from layerwise.cli import main
from layerwise.model import load_network
from layerwise.modules import onnx_of, plain_torch, run_onnx, run_plain

NETWORKS = {
    "relu": {"hidden": [7, 5]},
    "no hidden layer": {"hidden": []},
    "leaky, normalised": {"hidden": [6], "activation": "leaky-relu", "normalise": True},
    "gelu, dropout": {"hidden": [6, 6], "activation": "gelu", "dropout": 0.2},
    "tanh, softmax": {
        "hidden": [6],
        "activation": "tanh",
        "loss": "cross-entropy-on-probabilities",
    },
    "sigmoid": {"hidden": [6], "activation": "sigmoid", "loss": "squared-error"},
    "skips": {"hidden": [6, 6], "residual": True, "loss": "binary-cross-entropy"},
}


@pytest.fixture(scope="module")
def far() -> lw.Dataset:
    """Columns far from 0 beside their spread, as years are."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(300, 4)) * [1, 5, 0.1, 100] + [0, 2000, 3, -1e5]
    return lw.Dataset.from_arrays(X, rng.integers(0, 3, 300))


@pytest.mark.parametrize("name", NETWORKS)
def test_torch_s_own_layers_give_the_same(far, tmp_path, name):
    from safetensors.numpy import save_file

    network = lw.fit(lw.MLP(**NETWORKS[name]), far, epochs=2, engine="eager").network
    if name == "skips":
        with pytest.raises(lw.InputError, match="export it to onnx"):
            plain_torch(network)
        return
    weights, lines = plain_torch(network)
    # Newer versions of torch print settings (bias=) that older ones do not take.
    assert "nn.BatchNorm1d(4, eps=0, affine=False)," in lines
    save_file(weights, tmp_path / "weights.safetensors")
    inputs = far.test.inputs
    expected = network.predict_proba(inputs)
    found = run_plain(network, tmp_path / "weights.safetensors", inputs)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    # The lines need neither layerwise nor more than they say.
    np.save(tmp_path / "rows.npy", inputs)
    program = (
        "import sys; sys.modules['layerwise'] = None\n"
        f"{lines.replace('FILE', 'weights.safetensors')}"
        "import numpy, torch\n"
        "rows = torch.tensor(numpy.load('rows.npy'))\n"
        "numpy.save('logits.npy', module(rows.float()).detach().numpy())\n"
    )
    if name == "relu":  # a new process takes seconds
        subprocess.run([sys.executable, "-c", program], cwd=tmp_path, check=True)
        logits = np.load(tmp_path / "logits.npy")
        np.testing.assert_allclose(
            network.loss.probabilities(logits), expected, atol=1e-6
        )


@pytest.mark.slow("exports")
@pytest.mark.parametrize("name", NETWORKS)
def test_onnx_gives_the_same(far, name):
    network = lw.fit(lw.MLP(**NETWORKS[name]), far, epochs=2, engine="eager").network
    model = onnx_of(network, far.train.inputs)
    for rows in (far.test.inputs, far.test.inputs[:1]):
        found = run_onnx(model, rows)
        np.testing.assert_allclose(found, network.predict_proba(rows), atol=1e-5)


@pytest.mark.slow("exports")
def test_a_run_is_exported_and_checked(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert (
        main(["train", "digits", "--hidden", "8", "--epochs", "2", "--out", "run"]) == 0
    )
    capsys.readouterr()
    assert main(["export", "run"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "run/model.onnx: probabilities differ by" in said
    assert "on 269 validation samples, which is rounding" in said
    session = onnxruntime.InferenceSession("run/model.onnx")
    test = lw.load("digits").test.inputs
    (found,) = session.run(None, {"inputs": np.array(test)})
    expected = load_network("run").predict_proba(test)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # Bytes go in, as they are.
    assert session.get_inputs()[0].type == "tensor(uint8)"
    assert json.loads(_metadata("run/model.onnx")["class_names"]) == list("0123456789")


def _metadata(path: str | Path) -> dict[str, str]:
    return {entry.key: entry.value for entry in onnx.load(path).metadata_props}


@pytest.mark.slow("exports")
def test_a_table_s_columns_stand_in_the_metadata(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    town, year = rng.choice(["York", "Hull"], 400), rng.integers(1990, 2020, 400)
    table = pd.DataFrame({"town": town, "year": year, "target": year > 2005})
    table.to_csv("table.csv", index=False)
    options = ["--hidden", "8", "--epochs", "2", "--out", "run"]
    assert main(["train", "table.csv", *options]) == 0
    assert main(["export", "run", "--out", "table.onnx"]) == 0
    said = _metadata("table.onnx")
    network = load_network("run")
    rows, expected = network.columns.apply(table), network.predict_proba(table)
    session = onnxruntime.InferenceSession("table.onnx")
    for part in (slice(None), slice(3, 4)):
        (found,) = session.run(None, {"inputs": rows[part]})
        np.testing.assert_allclose(found, expected[part], atol=1e-5)
    assert json.loads(said["input_names"]) == list(network.columns.names)
    record = json.dumps(network.columns.to_json())
    assert json.loads(said["columns"]) == json.loads(record)


@pytest.mark.slow("exports")
@pytest.mark.parametrize("normalise", [[], ["--normalise"]])
def test_the_lines_that_are_printed_load_pictures_in_torch(
    tmp_path, monkeypatch, capsys, normalise
):
    monkeypatch.chdir(tmp_path)
    options = ["--hidden", "8", "--epochs", "2", "--out", "run", *normalise]
    assert main(["train", "digits", *options]) == 0
    capsys.readouterr()
    assert main(["export", "run", "--to", "torch", "--json"]) == 0
    lines = json.loads(capsys.readouterr().out)["lines"]
    network, inputs = load_network("run"), np.array(lw.load("digits").test.inputs)
    np.save("rows.npy", inputs)
    program = (
        "import sys; sys.modules['layerwise'] = None\n"
        f"import numpy, torch\n{lines}\n"
        "rows = torch.tensor(numpy.load('rows.npy'))\n"
        "numpy.save('logits.npy', module(rows.float()).detach().numpy())\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
    found = network.loss.probabilities(np.load("logits.npy"))
    np.testing.assert_allclose(found, network.predict_proba(inputs), atol=1e-6)


@pytest.mark.slow("exports")
def test_a_module_is_exported(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    Path("nets.py").write_text(
        "from torch import nn\n"
        "def build():\n"
        "    return nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))\n"
    )
    named = ["--module", "nets.py:build"]
    for out, more in (("plain", []), ("scaled", ["--scaling", "standard"])):
        options = ["--epochs", "2", "--out", out, *more]
        assert main(["train", "iris", *named, *options]) == 0
        assert main(["export", out, *named]) == 0
    assert main(["export", "plain", *named, "--to", "torch"]) == 0
    capsys.readouterr()
    assert main(["export", "scaled", *named, "--to", "torch"]) == 2
    assert "export it to onnx" in capsys.readouterr().err


def test_what_cannot_be_exported_is_said(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["export", "nowhere"]) == 2
    assert "nowhere" in capsys.readouterr().err
    for out, line in (
        (".", "is a folder: name a file in it"),
        ("no/m", "no folder no"),
    ):
        assert main(["export", "nowhere", "--out", out]) == 2
        assert f"--out {out}: " in (said := capsys.readouterr().err)
        assert line in said
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    data = lw.load("iris")
    network = lw.fit(lw.MLP([3]), data, epochs=1, engine="eager").network
    with pytest.raises(lw.InputError, match=r"pip install 'layerwise\[onnx,torch\]'"):
        onnx_of(network, data.train.inputs)
