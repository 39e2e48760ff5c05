"""What the page on checking gradients shows is what is printed."""

import re

import pytest

from layerwise.sheets import SLIPS


@pytest.mark.usefixtures("follow", "unchecked")
def test_the_page(read):
    assert read("gradcheck.md").complete


def test_every_slip_is_in_the_table(repository):
    page = (repository / "docs" / "gradcheck.md").read_text("utf-8")
    table = page.split("| slip | sentence |")[1].split("\n\n")[0]
    named = re.findall(r"`([\w-]+)`", table)
    assert sorted(named) == sorted(SLIPS)
