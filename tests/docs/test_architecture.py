"""The architecture names the rooms in the order of imports, and every dependency."""

import re
import tomllib
from collections import Counter

import pytest
from packaging.requirements import Requirement

MOST = 15
"""Modules in a folder: more of them want rooms with names."""


@pytest.fixture
def page(repository):
    return (repository / "docs" / "architecture.md").read_text("utf-8")


@pytest.fixture
def settings(repository):
    return tomllib.loads((repository / "pyproject.toml").read_text("utf-8"))


def rows(page, heading):
    """The first cells of the table below a heading."""
    section = page.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^\| (?!---)([^|]+) \|", section, re.MULTILINE)[1:]


def test_the_rooms_are_those_that_import_linter_holds_apart(page, settings):
    named = [re.sub(r"[`/]|\.py", "", cell) for cell in rows(page, "The rooms")]
    layers = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    for layer in layers:
        siblings = {name.strip() for name in layer.split("|")}
        assert set(named[: len(siblings)]) == siblings
        named = named[len(siblings) :]
    assert named == []


def test_no_folder_has_more_files_than_one_reads_the_names_of(repository):
    rooms = repository / "src" / "layerwise"
    files = [file.relative_to(rooms) for file in rooms.rglob("_[a-z]*.py")]
    crowds = Counter(file.parent.as_posix() for file in files)
    assert crowds["data/formats"] > 5
    assert {room for room, crowd in crowds.items() if crowd > MOST} == set()


def test_every_dependency_has_its_reason(page, settings):
    project = settings["project"]
    extras = project["optional-dependencies"].values()
    declared = [*project["dependencies"], *(one for extra in extras for one in extra)]
    named = [cell.split()[0] for cell in rows(page, "Dependencies")]
    assert sorted(named) == sorted(Requirement(one).name for one in declared)
    tools = [tool for group in settings["dependency-groups"].values() for tool in group]
    others = {Requirement(tool).name for tool in tools} - set(named)
    sentence = page.split("\nTo test:")[1].split("\n")[0]
    assert [name for name in sorted(others) if name not in sentence] == []
