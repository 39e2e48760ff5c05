"""The tutorial can be followed: its commands and programs run and say what it shows."""

from pathlib import Path

import pytest


@pytest.mark.slow("documents")
def test_the_tutorial_can_be_followed(follow):
    follow("tutorial.md")
    curves = Path("moons-depth.png").read_bytes()
    assert curves.startswith(b"\x89PNG")


def test_pictures_are_small(repository):
    pictures = sorted((repository / "docs" / "pictures").glob("*"))
    assert {picture.suffix for picture in pictures} == {".png", ".webp"}
    large = [p for p in pictures if p.stat().st_size > 300_000]
    assert [picture.name for picture in large] == ["page-learning.webp"]  # it moves
    assert large[0].stat().st_size < 3_000_000


def test_every_picture_is_shown_and_described(documents, repository):
    shown = "".join(document.read_text("utf-8") for document in documents)
    for picture in (repository / "docs" / "pictures").glob("*"):
        assert f"pictures/{picture.name}" in shown, picture.name
    assert "![]" not in shown
