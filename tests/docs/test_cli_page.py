"""The page of commands is what the program says of itself."""

import importlib
import re

import pytest

from layerwise.cli._commands import COMMANDS


@pytest.fixture
def make_cli(repository, monkeypatch):
    monkeypatch.syspath_prepend(repository / "docs")
    return importlib.import_module("make_cli")


def test_the_page_is_current(make_cli, repository):
    """To fix it: python docs/make_cli.py."""
    page = (repository / "docs" / "cli.md").read_text("utf-8")
    assert page == make_cli.document()


def test_every_command_has_its_section(make_cli):
    assert list(make_cli.COMMANDS) == list(COMMANDS)


def test_help_shows_many_options_in_groups(make_cli):
    """As many as one finds something among: half a screen."""
    page = make_cli.document()
    parts = re.split("^## layerwise (.*)$", page, flags=re.MULTILINE)[1:]
    for command, said in zip(parts[::2], parts[1::2], strict=True):
        groups = re.split("^ -{40,}$", said, flags=re.MULTILINE)[1:]
        counts = [len(re.findall("^  -", group, re.MULTILINE)) for group in groups]
        assert sum(counts) > 1, command
        assert max(counts) <= 12, command


def test_the_trainings_of_a_search_for_suspects_are_counted(make_cli):
    from layerwise.study.labels._out_of_fold import FOLDS
    from layerwise.study.labels._suspects import ROUNDS

    assert ROUNDS * FOLDS == 15
    assert "trains 15 more networks" in " ".join(make_cli.document().split())
