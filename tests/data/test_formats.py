"""The table of formats: what it says is so, and an entry and a module are a format."""

import importlib
import sys
from pathlib import Path
from types import MappingProxyType, ModuleType

import numpy as np
import pytest

import layerwise as lw
from layerwise import names
from layerwise.data import formats
from layerwise.data.labelled import Labelled
from layerwise.errors import InputError

FUNCTIONS = ("read_table", "read_batches", "read_file", "read_folder", "read_inputs",
             "open_rows", "row_names")  # fmt: skip


@pytest.mark.parametrize("name", names.FORMATS)
def test_a_format_has_the_functions_that_its_entry_names(name):
    module = importlib.import_module(f"layerwise.data.formats._{name}")
    there = tuple(function for function in FUNCTIONS if hasattr(module, function))
    assert {*there} == {*names.FORMATS[name].functions}


def test_every_reader_has_its_entry():
    modules = {file.stem for file in Path(formats.__file__).parent.glob("_[a-z]*.py")}
    assert modules - {"_mnist", "_pictures"} == {f"_{name}" for name in names.FORMATS}


@pytest.fixture
def toy(monkeypatch):
    """A format of files whose name is all that is in them: as many rows as that."""
    module = ModuleType("layerwise.data.formats._toy")

    def read_file(path, stored):
        rows = np.arange(2.0 * int(path.stem)).reshape(-1, 2)
        return Labelled(source=str(path), inputs=rows, labels=np.arange(len(rows)) % 2)

    module.read_file = read_file
    entry = names.FormatName("Toy", ".toy", ("read_file",))
    table = MappingProxyType({**names.FORMATS, "toy": entry})
    monkeypatch.setitem(sys.modules, module.__name__, module)
    for reader in (names, formats):
        monkeypatch.setattr(reader, "FORMATS", table)


@pytest.mark.usefixtures("toy")
def test_an_entry_and_a_module_are_a_new_format(tmp_path):
    (tmp_path / "100.toy").touch()
    assert len(lw.load(tmp_path / "100.toy").train) == 70
    (tmp_path / "x.dat").touch()
    with pytest.raises(InputError, match=r"give \.csv, .*\.toy, or a folder"):
        lw.load(tmp_path / "x.dat")


def test_a_file_without_a_suffix_is_no_format(tmp_path):
    (tmp_path / "data").touch()
    with pytest.raises(InputError, match="data: a file without a suffix is not read"):
        lw.load(tmp_path / "data")


def test_a_link_to_nothing_says_where_it_leads(tmp_path):
    (tmp_path / "t.csv").symlink_to("gone.csv")
    with pytest.raises(InputError, match=r"t\.csv: is a link to gone\.csv, which"):
        lw.load(tmp_path / "t.csv")
