"""``layerwise inspect package.module:NAME``: weights, data, errors of one line."""

import json
import sys

import pytest
import torch
from safetensors.torch import save_file

from layerwise.cli import main

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

number = 3
"""


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "models.py").write_text(MODELS)
    return tmp_path


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
        (["models.py:number", "digits"], "is a int: name a torch.nn.Module"),
        (["models.py:broken", "digits"], "fails: ValueError: no such thing"),
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


def test_without_torch_it_says_what_to_install(capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    line = said(capsys, "models.py:build", "digits")
    assert "pip install 'layerwise[torch]'" in line
