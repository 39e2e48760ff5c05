"""What records show of themselves in a notebook: a picture, and over it the page."""

import base64
import html
import re

import pytest

import layerwise as lw
from layerwise.presentation import _notebook


def parts(shown: str) -> tuple[bytes, str]:
    """The picture and the page."""
    (picture,) = re.findall(r'src="data:image/png;base64,([^"]+)"', shown)
    (page,) = re.findall(r'srcdoc="([^"]*)"', shown)
    return base64.b64decode(picture), html.unescape(page)


@pytest.mark.parametrize("record", ["study", "result"])
def test_a_picture_and_over_it_the_page(digits, record):
    shown = getattr(digits, record)._repr_html_()
    picture, page = parts(shown)
    assert picture.startswith(b"\x89PNG")
    assert page.startswith("<!doctype html>")
    assert page.endswith("</html>")
    (rights,) = re.findall(r'sandbox="([^"]*)"', shown)
    assert rights == "allow-scripts allow-downloads"


def test_of_many_samples_fewer_are_shown(digits, monkeypatch):
    whole = len(parts(digits.study._repr_html_())[1])
    monkeypatch.setattr(_notebook, "MOST_BYTES", whole - 1000)
    monkeypatch.setattr(_notebook, "SHOWN", 270)
    page = parts(digits.study._repr_html_())[1]
    assert len(page) <= whole - 1000
    assert '"count":135' in page


def test_a_data_set_has_samples_and_figures(digits, iris):
    shown = digits.data._repr_html_()
    assert shown.count("<img") == 1
    assert "<td>1,258</td>" in shown
    assert "<img" not in iris.data._repr_html_()


def test_names_are_text(hostile):
    for shown in (hostile.data._repr_html_(), hostile.result._repr_html_()):
        outside = re.sub(r'srcdoc="[^"]*"', "", shown)
        assert "<script" not in outside
        assert 'onerror="document' not in outside


def test_a_gradient_check_shows_its_checks():
    shown = lw.gradcheck(lw.Tanh())._repr_html_()
    assert shown.startswith("<pre>Tanh")
    assert "differences" in shown
