"""What the page on checking gradients shows is what is printed."""

import importlib
import re
import sys

import pytest

from layerwise.sheets import SLIPS


@pytest.mark.usefixtures("follow", "unchecked")
def test_the_page(read, tmp_path, monkeypatch):
    assert read("gradcheck.md").complete
    monkeypatch.syspath_prepend(tmp_path)
    test_sheet = importlib.import_module("test_sheet")
    for name in ("test_sheet", "sheet"):
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(AssertionError, match=r"line 15: self\.db = gradient\.mean"):
        test_sheet.test_linear()


def test_every_slip_is_in_the_table(repository):
    page = (repository / "docs" / "gradcheck.md").read_text("utf-8")
    table = page.split("| slip | sentence |")[1].split("\n\n")[0]
    named = re.findall(r"`([\w-]+)`", table)
    assert sorted(named) == sorted(SLIPS)
