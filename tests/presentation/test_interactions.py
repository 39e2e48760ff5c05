"""Every interaction of the page, by mouse and by keyboard, with all kinds of inputs."""

import csv
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from layerwise.presentation import page, report_payload, study_payload

pytestmark = [pytest.mark.browser, pytest.mark.slow("pages in a browser")]

KINDS = ("pictures", "table", "plane", "module")
HOW = ("mouse", "keyboard")


@pytest.fixture(scope="module")
def htmls(digits, iris, moons, module) -> dict[str, str]:
    reports = {"pictures": digits, "table": iris, "plane": moons}
    found = {kind: page(report_payload(report)) for kind, report in reports.items()}
    return found | {"module": page(study_payload(module))}


@pytest.fixture(scope="module")
def pages(chromium, htmls, opening, tmp_path_factory) -> Iterator[dict]:
    """One page of each kind, for all tests."""
    place = tmp_path_factory.mktemp("pages")
    found = {}
    for kind, html in htmls.items():
        path = place / f"{kind}.html"
        path.write_text(html, encoding="utf-8")
        found[kind] = opening(chromium, path)
        found[kind].go()
    yield found
    for one in found.values():
        one.context.close()


@pytest.fixture(params=KINDS)
def kind(request) -> str:
    return request.param


@pytest.fixture(params=HOW)
def how(request) -> str:
    return request.param


def anew(found):
    """Make a page as it is when it has just been opened, but for decisions."""
    found.tab.mouse.move(2, 2)
    found.tab.keyboard.press("Escape")
    if clear := found.tab.locator("#own button", has_text="clear").all():
        clear[0].click()
    found.tab.evaluate(
        """() => new Promise((done) => {
          addEventListener("hashchange", done, { once: true });
          location.hash = `#nothing=${performance.now()}`;
          document.activeElement.blur();
          scrollTo(0, 0);
        })"""
    )
    return found


@pytest.fixture
def seen(pages, kind) -> Iterator:
    """A page that has just been opened, as far as its tests can tell."""
    found = anew(pages[kind])
    yield found
    found.check()


def marked(found) -> int:
    """How many samples are marked, as the card says."""
    return int(found.one(".card .marked > p > b").inner_text().replace(",", ""))


def test_a_lasso_goes_through_all_layers(seen, how):
    before = seen.painted
    if how == "mouse":
        seen.drag("#scatters .plot >> nth=1", part=(0.1, 0.6))
    else:
        seen.one("#scatters .plot").focus()
        for key in ("ArrowRight", "+", "+", "m"):
            seen.tab.keyboard.press(key)
    seen.one(".marked").wait_for()
    assert marked(seen) >= 1
    assert seen.says("m=lasso")
    assert all(a != b for a, b in zip(before, seen.painted, strict=True))
    first = marked(seen)
    if how == "mouse":
        seen.tab.keyboard.down("Shift")
        seen.drag("#scatters .plot >> nth=1", part=(0.05, 0.98))
        seen.tab.keyboard.up("Shift")
    else:
        for key in ("ArrowLeft", "ArrowDown", "+", "+", "+", "Shift+M"):
            seen.tab.keyboard.press(key)
    assert seen.until(lambda: seen.link.count("lasso:") == 2)
    assert marked(seen) > first
    seen.tab.keyboard.press("Escape")
    assert seen.until(lambda: seen.count(".marked") == 0)


def test_the_card_follows_a_sample(seen, how, kind):
    plot = seen.one("#scatters .plot")
    plot.focus()
    seen.tab.keyboard.press("ArrowRight")
    card = seen.one(".card .sample")
    card.wait_for()
    said = card.inner_text()
    assert re.search(r"^(test sample|row) \d", said)
    assert "labelled" in said
    assert "read by each layer" in said
    assert seen.count(".card .strip li") >= 2
    assert (seen.count(".card .picture") > 0) == (kind in ("pictures", "module"))
    assert (seen.count(".card .values") > 0) == (kind in ("table", "plane"))
    assert seen.says("f=")
    if how == "keyboard":
        seen.tab.keyboard.press("ArrowDown")
        assert seen.until(lambda: seen.one(".card .sample").inner_text() != said)
        return
    ring = plot.locator(".ring")
    box = plot.bounding_box()
    x = box["x"] + float(ring.get_attribute("cx"))
    y = box["y"] + float(ring.get_attribute("cy"))
    seen.tab.keyboard.press("Escape")
    assert seen.says("f=", there=False)
    assert seen.count(".card .sample") == 0
    seen.tab.mouse.move(x, y)
    assert seen.until(lambda: seen.count(".card .sample") == 1)
    assert card.inner_text() == said
    seen.tab.mouse.click(x, y)
    assert seen.says("f=")


def test_it_plays(seen, how, kind):
    if kind == "module":
        assert seen.count(".play") == seen.count(".time") == 0
        return
    end = seen.one(".epoch").inner_text()
    seen.act(seen.one(".play"), how)
    assert seen.until(lambda: seen.one(".epoch").inner_text() not in (end, "untrained"))
    assert seen.one(".play").get_attribute("aria-pressed") == "true"
    seen.act(seen.one(".play"), how)
    assert seen.one(".play").get_attribute("aria-pressed") == "false"
    stopped = seen.one(".epoch").inner_text()
    assert seen.says("e=")
    assert seen.one(".epoch").inner_text() == stopped


def test_tables_and_curves_follow_the_slider(seen, how, kind):
    if kind == "module":
        assert seen.count("input[aria-label=snapshot]") == 0
        return
    heat, curve = seen.one(".heat"), seen.one(".chart.follows .cursor")
    before = heat.inner_text(), curve.get_attribute("x1"), seen.painted
    slider = seen.one("input[aria-label=snapshot]")
    if how == "mouse":
        slider.click(position={"x": 2, "y": 6})
    else:
        seen.act(slider, how, "Home")
    assert seen.says("e=0")
    assert seen.one(".epoch").inner_text() == "untrained"
    after = heat.inner_text(), curve.get_attribute("x1"), seen.painted
    assert all(a != b for a, b in zip(before, after, strict=True))
    chart = seen.one(".chart.follows")
    chart.scroll_into_view_if_needed()
    if how == "mouse":
        box = chart.bounding_box()
        chart.click(position={"x": 0.8 * box["width"], "y": box["height"] / 2})
    else:
        chart.focus()
        for _ in range(20):
            seen.tab.keyboard.press("ArrowRight")
    assert seen.says("e=", there=False)
    assert heat.inner_text() == before[0]


def test_a_finding_shows_what_it_is_about(seen, how):
    button = seen.tab.locator(".findings button", has_text="errors")
    headline = button.get_attribute("title")
    seen.act(button, how)
    assert seen.says("m=errors")
    assert headline in seen.one(".card .finding").inner_text()
    assert marked(seen) == int(button.inner_text().split()[0])
    seen.act(button, how)
    assert seen.says("m=errors", there=False)
    assert seen.count(".card .finding") == 0


def test_a_confused_cell_has_its_samples(seen, how):
    cell = seen.tab.locator('.confusion td button:not([class="right"])').first
    wrong = int(cell.inner_text())
    said = re.fullmatch(
        r"labelled (.+), answered (.+): (\d+)", cell.get_attribute("aria-label")
    )
    assert said[1] != said[2]
    seen.act(cell, how)
    assert seen.says("m=cell:")
    assert marked(seen) == wrong == int(said[3])
    sheet = seen.tab.locator("#errors .sheet button")
    assert sheet.count() == wrong
    seen.act(sheet.first, how)
    assert seen.says("f=")
    who = f"labelled {said[1]}, answered {said[2]}"
    assert who in seen.one(".card .spoken").inner_text()


def test_a_cell_of_the_heat_map_marks_what_is_missed(seen, how):
    cell = seen.tab.locator(".heat td button", has_not_text="100").first
    seen.act(cell, how)
    assert seen.says("m=missed:")
    assert cell.get_attribute("aria-pressed") == "true"
    assert marked(seen) >= 1
    assert "missed by" in seen.one(".card .marked").inner_text()


def test_a_sample_of_ones_own(seen, how, kind):
    own = seen.one("#own")
    if kind == "module":
        assert seen.count("#own") == 0
        assert "your own" not in seen.text
        return
    assert "nothing yet" in own.inner_text()
    if kind == "pictures":
        canvas = seen.one(".draw-picture canvas")
        canvas.scroll_into_view_if_needed()
        if how == "mouse":
            box = canvas.bounding_box()
            middle = box["x"] + box["width"] / 2
            seen.tab.mouse.move(middle, box["y"] + 20)
            seen.tab.mouse.down()
            seen.tab.mouse.move(middle, box["y"] + box["height"] - 20, steps=9)
            seen.tab.mouse.up()
        else:
            canvas.focus()
            for key in (" ", "Shift+ArrowDown", "Shift+ArrowDown", "Shift+ArrowLeft"):
                seen.tab.keyboard.press(key)
    elif how == "mouse":
        own.locator("button", has_text="place it").click()
    else:
        seen.act(own.locator("input").first, how, "ArrowRight")
    views = seen.count("#scatters .plot")
    assert seen.until(lambda: seen.count("#scatters .star") == views)
    assert "network says" in own.inner_text()
    assert seen.count("#own .bars li") >= 2
    assert seen.count("#own .plot") == views
    clear = own.locator("button", has_text="clear")
    seen.act(clear, how)
    assert seen.until(lambda: seen.count(".star") == 0)


def test_a_choice_of_ones_own(customers, opened, how):
    """Inputs follow a category's name; the network answers as it does in Python."""
    network = customers.result.network
    with opened(page(report_payload(customers)), "#s=own") as found:
        own = found.one("#own")
        assert own.locator("label span").all_inner_texts() == [
            "town", "shop", "age", "size", "paid",
        ]  # fmt: skip
        town, _, paid = own.locator("select").all()
        names = town.locator("option").all_inner_texts()
        row = {"shop": "number 0", "age": 53, "size": 0.0, "paid": True}
        own.locator("button", has_text="place it").click()
        for name, key in (("T0", "ArrowDown"), (names[-2], "End"), ("</b>", "Home")):
            if how == "mouse":
                town.select_option(label=name)
            else:
                found.act(town, how, key)
                if key == "End":  # the last one is what all others are
                    found.tab.keyboard.press("ArrowUp")
            assert town.evaluate("e => e.selectedOptions[0].text") == name
            (said,) = network.predict({**row, "town": name}, names=True)
            assert own.locator(".answer .chip").first.inner_text() == said
        assert paid.evaluate("e => e.selectedOptions[0].text") == "yes"
        found.act(found.one("#scatters .plot"), "keyboard", "ArrowRight")
        if how == "mouse":
            found.one("#scatters .plot").click()
        taken = own.locator("button", has_text="from the pinned sample")
        found.act(taken, how)
        of_sample = found.tab.locator(".card .values tr", has_text="town").inner_text()
        name = town.evaluate("e => e.selectedOptions[0].text")
        assert of_sample.split() == ["town", name]


def test_suspicious_labels_are_worked_through(seen, how, kind, tmp_path):
    first = seen.one(".suspect-list button")
    if how == "mouse":
        seen.tab.locator(".suspect-list button").nth(1).click()
        seen.tab.locator(".decide button", has_text="relabel").click()
    else:
        first.focus()
        for key in ("ArrowRight", "r", "ArrowLeft", "ArrowLeft", "k"):
            seen.tab.keyboard.press(key)
    decided = 1 if how == "mouse" else 2
    assert f"{decided} of 3 decided" in seen.one(".decide").inner_text()
    with seen.tab.expect_download() as download:
        seen.act(seen.one(".decide .csv"), how)
    with Path(download.value.path()).open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["decision"] for row in rows] == ["keep", "relabel"][2 - decided :]
    assert all(row["label"] != row["suggestion"] for row in rows)
    # Decisions do not stand in the link: the next test begins without any.
    seen.go()
    seen.requests.pop()


def test_colours_say_something_else(seen, how):
    colours = seen.tab.locator('.choice[aria-label="colour"] button')
    names = colours.all_inner_texts()
    assert names == ["class", "error", "confidence", "settled in"]
    pictures = [seen.painted]
    for place in range(1, 4):
        seen.act(colours.nth(place), how)
        assert seen.says(f"c={names[place].split()[0]}")
        assert seen.count(".key") == 1
        pictures.append(seen.painted)
    for view in zip(*pictures, strict=True):
        assert len(set(view)) == 4
    seen.act(colours.first, how)
    assert seen.count(".key") == 0


def test_a_column_colours(seen, how, kind):
    choice = seen.tab.locator('select[aria-label="colour by a column"]')
    assert choice.count() == (kind in ("table", "plane"))
    if not choice.count():
        return
    before = seen.painted
    if how == "mouse":
        choice.select_option(index=1)
    else:
        seen.act(choice, how, "ArrowDown")
    assert seen.says("c=column:0")
    assert all(a != b for a, b in zip(before, seen.painted, strict=True))


def test_a_class_is_hidden(seen, how):
    button = seen.one(".classes button")
    before = seen.painted
    seen.act(button, how)
    assert seen.says("h=0")
    assert button.get_attribute("aria-pressed") == "false"
    assert all(a != b for a, b in zip(before, seen.painted, strict=True))
    seen.act(button, how)
    assert seen.says("h=0", there=False)
    assert seen.painted == before


def test_axes(seen, how):
    axes = seen.tab.locator('.choice[aria-label="axes"] button')
    before = seen.painted
    seen.act(axes.nth(1), how)
    assert seen.says("b=discriminant")
    assert any(a != b for a, b in zip(before, seen.painted, strict=True))


def test_a_link_is_the_view(seen, how, kind):
    """Set a view, leave it, and come back by its link."""
    seen.act(seen.tab.locator(".choice button", has_text="discriminant"), how)
    seen.act(seen.tab.locator(".choice button", has_text="confidence"), how)
    seen.act(seen.tab.locator('.confusion td button:not([class="right"])').first, how)
    seen.act(seen.one(".classes button"), how)
    assert seen.says("h=0")
    link, view = seen.link, seen.painted
    card = seen.one(".card .marked").inner_text()
    seen.tab.evaluate("location.hash = ''")
    assert seen.until(lambda: seen.count(".card .marked") == 0)
    assert seen.painted != view
    seen.tab.evaluate("link => { location.hash = link; }", link)
    seen.one(".card .marked").wait_for()
    assert seen.one(".card .marked").inner_text() == card
    assert seen.painted == view


def test_six_of_many_layers_are_chosen(pages, how):
    found = anew(pages["module"])
    assert found.count("#scatters .plot") == 6
    found.act(found.one(".choose summary"), how)
    buttons = found.tab.locator(".choose button")
    layers = buttons.count()
    assert layers == 10
    names = found.tab.locator("#scatters .scatter strong")
    shown = names.all_inner_texts()
    off = found.tab.locator('.choose button[aria-pressed="false"]').first
    name = off.inner_text().split()[0]
    found.act(off, how)
    assert found.until(lambda: names.count() == 7)
    assert found.says("l=")
    assert name in names.all_inner_texts()
    found.act(found.tab.locator('.choose button[aria-pressed="true"]').first, how)
    assert found.until(lambda: names.count() == 6)
    assert names.all_inner_texts() != shown
    assert all(found.painted)
    found.act(found.one(".choose summary"), how)
    found.check()
