"""What records show of themselves in a notebook: a picture, and over it the page."""

import base64
import html
import re

import nbformat
import pytest
from nbconvert import HTMLExporter

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
    shown = digits.study._repr_html_()
    assert "drawn here" not in shown
    whole = len(parts(shown)[1])
    monkeypatch.setattr(_notebook, "MOST_BYTES", whole - 1000)
    monkeypatch.setattr(_notebook, "SHOWN", 270)
    shown = digits.study._repr_html_()
    page = parts(shown)[1]
    assert len(page) <= whole - 1000
    assert '"count":135' in page
    assert "<small>135 of 270 samples are drawn here" in shown


def test_a_data_set_has_samples_and_figures(digits, iris):
    shown = digits.data._repr_html_()
    assert shown.count("<img") == 1
    assert ">1,258</td>" in shown
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


@pytest.fixture(scope="module")
def exported(digits, tmp_path_factory):
    """Three outputs of a notebook as HTML in a file, as nbconvert writes it."""
    cells = []
    for record in (digits.data, digits.result, digits.study):
        data = {"text/html": record._repr_html_(), "text/plain": repr(record)}
        output = nbformat.v4.new_output("display_data", data=data)
        cells.append(nbformat.v4.new_code_cell(outputs=[output]))
    exporter = HTMLExporter(mathjax_url="", require_js_url="")
    language = {"name": "python", "pygments_lexer": "python"}
    notebook = nbformat.v4.new_notebook(
        cells=cells, metadata={"language_info": language}
    )
    path = tmp_path_factory.mktemp("notebook") / "notebook.html"
    path.write_text(exporter.from_notebook_node(notebook)[0], encoding="utf-8")
    return path


@pytest.mark.browser
class TestInNbconvert:
    """Of JupyterLab and marimo, `docs/make_notebook.py` takes pictures."""

    @pytest.fixture
    def tab(self, chromium):
        context = chromium.new_context(viewport={"width": 1000, "height": 800})
        yield context.new_page()
        context.close()

    def test_both_pages_cover_their_pictures_and_can_be_touched(self, tab, exported):
        requests, errors = [], []
        tab.on("request", lambda request: requests.append(request.url))
        tab.on("console", lambda message: errors.append(message.text))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(exported.as_uri())
        frames = tab.locator("iframe").all()
        assert len(frames) == 2
        for frame in frames:
            frame.scroll_into_view_if_needed()
            page = frame.content_frame
            page.locator("html[data-ready]").wait_for(state="attached")
            below = tab.get_by_alt_text(frame.get_attribute("title"))
            outer, inner = frame.bounding_box(), below.bounding_box()
            assert (outer["x"], outer["y"]) == (inner["x"], inner["y"])
            assert outer["width"] >= inner["width"] > 0
            assert outer["height"] == _notebook.HEIGHT > inner["height"] > 0
            for chart in page.locator("svg.chart").all():
                scale = chart.evaluate("c => c.clientWidth / c.viewBox.baseVal.width")
                assert 0.7 < scale < 1.3  # of letters of 11.5 pixels
        finding = page.locator(".findings button").first
        finding.click()
        assert finding.get_attribute("aria-pressed") == "true"
        assert [u for u in requests if not u.startswith("data:")] == [exported.as_uri()]
        assert errors == []

    def test_without_frames_pictures_and_a_hint_take_no_more_room(self, tab, exported):
        whole = exported.read_text(encoding="utf-8")
        tab.set_content(re.sub(r"<iframe.*?</iframe>", "", whole, flags=re.DOTALL))
        assert tab.locator("iframe").count() == 0
        for picture in tab.locator("img[alt*=digits]").all():
            assert picture.evaluate("image => image.naturalWidth") > 500
        hints = tab.get_by_text(_notebook.UNTRUSTED).all()
        assert len(hints) == 2
        for hint in hints:
            grid = hint.locator("xpath=ancestor::div[contains(@style, 'grid;')]")
            picture = grid.locator("img").bounding_box()
            assert grid.bounding_box()["height"] < picture["height"] + 40
