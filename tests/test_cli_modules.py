"""``layerwise inspect package.module:NAME``: weights, data, errors of one line."""

import contextlib
import json
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from layerwise.cli import main

pytestmark = pytest.mark.usefixtures("unpainted", "unchecked")

MODELS = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, hidden=12):
        super().__init__()
        self.fc1, self.fc2 = nn.Linear(64, hidden), nn.Linear(hidden, 10)

    def forward(self, x):
        return self.fc2(self.fc1(x.flatten(1)).relu())

def build():
    torch.manual_seed(0)
    return Net()

def batches():
    torch.manual_seed(1)
    return [(torch.randn(40, 8, 8), torch.arange(40) % 10) for _ in range(3)]

def arguments():
    return {"data": batches(), "fit_on": batches(), "class_names": list("abcdefghij")}

def broken():
    raise ValueError("no such thing")

class Broken(Net):
    def __init__(self):
        raise OSError("no such thing")

class Sized(Net):
    def __init__(self, hidden):
        super().__init__(hidden)

number = 3
"""


@pytest.fixture(autouse=True)
def models(folder):
    (folder / "models.py").write_text(MODELS)


def net():
    from importlib.util import module_from_spec, spec_from_file_location

    spec = spec_from_file_location("models", "models.py")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def said(capsys, *arguments):
    assert main(["inspect", *arguments]) == 2
    captured = capsys.readouterr()
    (line,) = captured.err.strip().splitlines()[-1:]
    assert captured.out == ""
    return line


def test_a_module_and_a_set_by_name(folder, capsys):
    assert main(["inspect", "models.py:build", "digits", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert [layer["name"] for layer in summary["layers"]] == ["fc1", "fc2"]
    page = (folder / "inspect-build" / "report.html").read_text()
    assert "layerwise inspect models.py:build digits" in page


def test_own_batches_and_arguments(folder, capsys):
    command = ["inspect", "models.py:build", "--data", "models.py:arguments"]
    assert main([*command, "--layers", "fc1", "--out", "mine", "--json"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert [layer["name"] for layer in summary["layers"]] == ["fc1"]
    assert summary["fitted_on"] == "120 samples given to fit on"
    assert (folder / "mine" / "report.html").is_file()


def test_the_list_names_the_default_choice(capsys):
    command = ["inspect", "models.py:build", "--data", "models.py:batches", "--list"]
    assert main([*command, "--json"]) == 0
    layers = json.loads(capsys.readouterr().out)
    assert [(one["name"], one["shape"], one["chosen"]) for one in layers] == [
        ("fc1", [12], True),
        ("fc2", [10], True),
    ]


@pytest.mark.parametrize("form", ["safetensors", "pt", "lightning", "wrapped"])
def test_weights_are_the_files(form, capsys, folder):
    torch.manual_seed(5)
    module = net().Net()
    state = module.state_dict()
    paths = {"safetensors": "net.safetensors", "lightning": "net.ckpt"}
    path = paths.get(form, "net.pth")
    if form == "safetensors":
        save_file(state, path)
    elif form == "pt":
        torch.save(state, path)
    else:
        prefix = {"lightning": "model.", "wrapped": "module."}[form]
        named = {prefix + name: tensor for name, tensor in state.items()}
        named["loss.weight"] = torch.ones(3)
        torch.save({"state_dict": named, "epoch": 3}, path)
    command = ["inspect", "models.py:build", "--data", "models.py:batches"]
    assert main([*command, "--weights", path, "--json"]) == 0
    captured = capsys.readouterr()
    accuracy = json.loads(captured.out)["accuracy"]
    batches = net().batches()
    with torch.no_grad():
        right = [(module(x).argmax(dim=1) == y) for x, y in batches]
    assert accuracy == torch.cat(right).double().mean().item()
    stripped = form in ("lightning", "wrapped")
    assert ("was stripped, 1 other entries left out" in captured.err) is stripped


def test_weights_that_are_not_the_module_s(capsys):
    module = net()
    state = module.Net().state_dict()
    data = ("--data", "models.py:batches", "--weights")
    save_file({"fc1.weight": state["fc1.weight"]}, "part.safetensors")
    line = said(capsys, "models.py:build", *data, "part.safetensors")
    assert "part.safetensors: lacks fc1.bias, fc2.weight and fc2.bias" in line
    save_file(module.Net(9).state_dict(), "small.safetensors")
    line = said(capsys, "models.py:build", *data, "small.safetensors")
    assert "fc1.weight has shape (9, 64), in the module (12, 64)" in line
    save_file(state | {"fc3.weight": torch.ones(1)}, "more.safetensors")
    line = said(capsys, "models.py:build", *data, "more.safetensors")
    assert "holds fc3.weight, which the module lacks" in line
    line = said(capsys, "models.py:build", *data, "none.pt")
    assert "none.pt: no such file" in line
    line = said(capsys, "models.py:build", *data, "small2.safetensors")
    assert "did you mean small.safetensors?" in line


@pytest.mark.parametrize("suffix", ["pt", "pth", "ckpt", "bin"])
def test_no_file_runs_code(suffix, capsys, folder):
    """A pickle that would write a file is refused, and nothing is written."""

    class Canary:
        def __reduce__(self):
            return (open, (str(folder / "canary"), "w"))

    torch.save({"fc1.weight": Canary()}, f"net.{suffix}")
    line = said(capsys, "models.py:build", "digits", "--weights", f"net.{suffix}")
    assert "cannot be read as weights alone" in line
    assert not (folder / "canary").exists()


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        (["models.py:build"], "either DATA or --data"),
        (["models.py:build", "digits", "--data", "models.py:batches"], "either DATA"),
        (["models.py:nothing", "digits"], "has no 'nothing'"),
        (["model.py:build", "digits"], "did you mean models.py?"),
        (["models.py:number", "digits"], "is an int: name a torch.nn.Module"),
        (["models.py:broken", "digits"], "fails: ValueError: no such thing"),
        (["models.py:Broken", "digits"], "Broken fails: OSError: no such thing"),
        (["models.py:Sized", "digits"], "'hidden': name an object, net = Sized(…)"),
        (["nowhere.models:build", "digits"], "cannot be imported"),
        (["models.py:build", "iris"], "the module fails on a batch of shape"),
        (["models.py:build", "digits", "--layers", "x*"], "chooses nothing"),
        (["models.py:build", "digits", "--reduce", "most"], "reduce='most'"),
        (["models.py:build", "digits", "--weights", "models.py"], "are read from"),
        (["models.py:build", "digits", "--suspects", "5"], "is for layerwise's own"),
    ],
)
def test_errors_are_one_line(arguments, part, capsys):
    assert part in said(capsys, *arguments)


class NoTorch:
    """A finder that finds no torch, as where it is not installed."""

    @staticmethod
    def find_spec(name, *_):
        if name == "torch":
            raise ModuleNotFoundError(name)


def test_without_torch_it_says_what_to_install(capsys, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch", raising=False)
    monkeypatch.setattr(sys, "meta_path", [NoTorch, *sys.meta_path])
    line = said(capsys, "models.py:build", "digits")
    assert "pip install 'layerwise[torch]'" in line


def test_listing_reads_one_batch(folder, capsys):
    text = """
import torch
from torch.utils.data import DataLoader, IterableDataset

class Endless(IterableDataset):
    def __iter__(self):
        yield torch.zeros(8, 8), 1
        yield torch.zeros(8, 8), 0
        raise RuntimeError("a second batch was read")

loader = DataLoader(Endless(), batch_size=2)
"""
    (folder / "loaders.py").write_text(text)
    command = ["inspect", "models.py:build", "--data", "loaders.py:loader"]
    assert main([*command, "--list"]) == 0
    assert "fc2" in capsys.readouterr().out


def test_a_file_hides_no_module_and_sees_those_beside_it(folder, capsys):
    (folder / "beside.py").write_text("from models import Net\n")
    (folder / "json.py").write_text("from beside import Net\n")
    before = sys.modules["json"]
    sys.modules.pop("models", None)
    assert main(["inspect", "json.py:Net", "digits", "--json"]) == 0
    assert sys.modules["json"] is before
    assert json.loads(capsys.readouterr().out)["layers"][0]["name"] == "fc1"
    assert str(folder) not in sys.path


TRAINED = ("digits", "--module", "models.py:build", "--epochs", "3")


@pytest.fixture(scope="module")
def ran(tmp_path_factory):
    """A run's folder, made once."""
    folder = tmp_path_factory.mktemp("ran")
    (folder / "models.py").write_text(MODELS)
    with contextlib.chdir(folder):
        assert main(["run", *TRAINED, "--out", "mine"]) == 0
    return folder / "mine"


class TestTraining:
    """``layerwise run --module``: the whole path, for a module of one's own."""

    @pytest.fixture
    def summary(self, ran, folder):
        """The run's summary, and the run in the current folder."""
        shutil.copytree(ran, folder / "mine")
        return json.loads((ran / "summary.json").read_text("utf-8"))

    def test_from_the_data_to_the_page(self, summary, folder, digits):
        assert summary["network"]["module"] == "models.py:build"
        assert summary["network"]["layers"] == ["fc1", "fc2"]
        assert [one["name"] for one in summary["layers"]] == ["fc1", "fc2"]
        assert "training" in {finding["kind"] for finding in summary["findings"]}
        page = (folder / "mine" / "report.html").read_text("utf-8")
        assert "Linear(in_features=64, out_features=12" in page
        assert "layerwise run digits --epochs 3 --module models.py:build" in page
        trained = net().Net()
        trained.load_state_dict(load_file(folder / "mine" / "model.safetensors"))
        inputs = torch.from_numpy(digits.test.inputs.astype(np.float32))
        with torch.no_grad():
            right = trained(inputs).argmax(dim=1).numpy() == digits.test.targets
        assert right.mean() == summary["training"]["test_accuracy"] > 0.8

    def test_its_file_and_its_folder_are_looked_into(self, summary, capsys):
        weights = "mine/model.safetensors"
        command = ["inspect", "models.py:build", "--weights", weights, "digits"]
        assert main([*command, "--json"]) == 0
        inside = json.loads(capsys.readouterr().out)
        probes = [one["probe_accuracy"] for one in summary["layers"]]
        assert [one["probe_accuracy"] for one in inside["layers"]] == probes
        message = "whose code no file holds: layerwise inspect MODULE:NAME --weights"
        assert message in said(capsys, "mine", "digits")

    @pytest.mark.usefixtures("summary")
    @pytest.mark.slow("long trainings")
    def test_its_page_is_made_again_where_the_module_is_named(self, folder, capsys):
        before = (folder / "mine" / "summary.json").read_bytes()
        for command in ("report", "diagnose"):
            assert main([command, "mine"]) == 2
            assert "--module models.py:build" in capsys.readouterr().err
        assert main(["report", "mine", "--module", "models.py:build"]) == 0
        assert main(["diagnose", "mine", "--module", "models.py:build"]) == 0
        assert (folder / "mine" / "summary.json").read_bytes() == before

    @pytest.mark.slow("killed processes")
    def test_a_killed_training_goes_on_to_the_same_bytes(self, folder):
        command = ["train", *TRAINED, "--batch-size", "1", "--epochs", "1"]
        assert main([*command, "--out", "whole"]) == 0
        arguments = [*command, "--checkpoint-every", "0", "--out", "killed"]
        process = subprocess.Popen([sys.executable, "-m", "layerwise", *arguments])
        while not list((folder / "killed").glob("checkpoints/step-*.safetensors")):
            assert process.poll() is None
            time.sleep(0.05)
        process.kill()
        assert process.wait() == -signal.SIGKILL
        again = ["train", "--resume", "killed", "--module", "models.py:build"]
        assert main(again) == 0
        whole, killed = (
            (folder / name / "model.safetensors").read_bytes()
            for name in ("whole", "killed")
        )
        assert whole == killed

    @pytest.mark.slow("long trainings")
    def test_what_is_wrong_with_it_is_mended(self, folder, capsys):
        command = [*TRAINED, "--optimizer", "sgd", "--learning-rate", "1e-7"]
        assert main(["train", *command, "--out", "slow"]) == 0
        capsys.readouterr()
        again = ["diagnose", "slow", "--module", "models.py:build", "--fix", "--json"]
        assert main(again) == 0
        found = json.loads(capsys.readouterr().out)
        assert found["fixed"]["training"]["learning_rate"] > 1e-5
        assert found["fixed"]["network"]["module"] == "models.py:build"
        assert (folder / "slow-fixed-1" / "model.safetensors").exists()

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            (("--hidden", "10"), "--hidden is for layerwise's own network"),
            (("--dropout", "0.1"), "models.py:build brings its layers"),
            (("--suspects", "5"), "a module's doubtful labels stand on its page"),
            (("--engine", "eager"), "cannot train a module of torch"),
        ],
    )
    def test_what_a_module_leaves_no_room_for_is_refused(
        self, folder, capsys, options, message
    ):
        assert main(["run", *TRAINED, *options]) == 2
        assert message in capsys.readouterr().err
        assert not (folder / "runs").exists()

    def test_its_inputs_are_scaled_where_that_is_asked_for(
        self, folder, capsys, digits
    ):
        command = [*TRAINED, "--scaling", "range", "--out", "scaled"]
        assert main(["run", *command]) == 0
        summary = json.loads((folder / "scaled" / "summary.json").read_text("utf-8"))
        assert summary["data"]["scaling"] == "range"
        kinds = {finding["kind"] for finding in summary["findings"]}
        assert not kinds & {"module input", "input scaling"}
        page = (folder / "scaled" / "report.html").read_text("utf-8")
        assert "--scaling range" in page
        held = load_file(folder / "scaled" / "model.safetensors")
        trained = net().Net()
        own = {n.removeprefix("module."): t for n, t in held.items() if "fc" in n}
        trained.load_state_dict(own)
        inputs = digits.test.inputs.astype(np.float32) / 8 - 1
        with torch.no_grad():
            said = trained(torch.from_numpy(inputs)).argmax(dim=1).numpy()
        right = np.mean(said == digits.test.targets)
        assert right == summary["training"]["test_accuracy"] > 0.6
        again = ["inspect", "models.py:Net", "digits", "--weights"]
        assert main([*again, "scaled/model.safetensors"]) == 0
        said = capsys.readouterr().out
        assert "scaling of the inputs among them: give --scaling as in training" in said

    def test_a_module_is_for_runs_that_train_one(self, capsys):
        assert main(["train", "iris", "--epochs", "1", "--out", "ours"]) == 0
        assert main(["report", "ours", "--module", "models.py:build"]) == 2
        assert "leave out --module" in capsys.readouterr().err
        vary = ["--vary", "seed=0..1"]
        assert main(["sweep", *TRAINED, *vary]) == 2
        assert "leave out --module" in capsys.readouterr().err
