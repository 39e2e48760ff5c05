"""The page in a real browser: every interaction by mouse and keyboard, and attacks."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

import layerwise as lw
from layerwise.presentation import page, study_page
from layerwise.presentation.payload import report_payload

pytestmark = pytest.mark.browser

CANARY = "document.documentElement.dataset.canary='ran'"


class Opened:
    """A page that was opened from a file, and what it did by itself."""

    def __init__(self, tab) -> None:
        self.tab = tab
        self.requests: list[str] = []
        self.errors: list[str] = []
        tab.on("request", lambda request: self.requests.append(request.url))
        tab.on("pageerror", lambda error: self.errors.append(str(error)))
        tab.on("console", self._said)

    def _said(self, message) -> None:
        if message.type in ("error", "warning"):
            self.errors.append(message.text)

    def one(self, selector: str):
        return self.tab.locator(selector).first

    @property
    def link(self) -> str:
        """What follows the number sign: the view."""
        return self.tab.evaluate("location.hash")

    def says(self, part: str, *, there: bool = True) -> bool:
        """Whether the link says so, in a while: it is written when nothing moves."""
        for _ in range(60):
            if (part in self.link) == there:
                return True
            self.tab.wait_for_timeout(50)
        return False

    @property
    def text(self) -> str:
        return self.tab.locator("#app").inner_text()


@pytest.fixture
def opened(chromium, tmp_path) -> Iterator[Callable[..., Opened]]:
    """Opens HTML from a file, in a context of its own, and waits until it is drawn."""
    contexts = []

    def open_(html: str, link: str = "", *, wait: bool = True, **options) -> Opened:
        path = Path(tmp_path / f"page{len(contexts)}.html")
        path.write_text(html, encoding="utf-8")
        size = {"width": 1280, "height": 800}
        context = chromium.new_context(**{"viewport": size} | options)
        contexts.append(context)
        found = Opened(context.new_page())
        found.tab.goto(path.as_uri() + link)
        if wait:
            found.tab.locator("html[data-ready]").wait_for(state="attached")
        return found

    yield open_
    for context in contexts:
        context.close()


@pytest.fixture(scope="module")
def htmls(digits, iris, moons, hostile, diverged) -> dict[str, str]:
    reports = {
        "digits": digits, "iris": iris, "moons": moons, "hostile": hostile,
        "diverged": diverged,
    }  # fmt: skip
    return {name: page(report) for name, report in reports.items()}


@contextmanager
def quiet(found: Opened) -> Iterator[Opened]:
    """After this block the page has asked for itself alone, and nothing went wrong."""
    yield found
    requests = [url for url in found.requests if not url.startswith(("data:", "blob:"))]
    assert len(requests) == 1, requests
    assert requests[0].startswith("file:")
    assert found.errors == []


@pytest.mark.parametrize("kind", ["digits", "iris", "moons", "hostile", "diverged"])
def test_it_asks_for_nothing_and_nothing_goes_wrong(htmls, opened, kind):
    with quiet(opened(htmls[kind])) as found:
        assert found.tab.evaluate("document.documentElement.dataset.canary") is None
        for section in found.tab.locator("section").all():
            section.scroll_into_view_if_needed()


class TestAttacks:
    def test_the_canary_would_run_without_a_policy(self, htmls, opened):
        html = re.sub(r"<meta http-equiv=[^>]*>", "", htmls["iris"])
        attack = f"<script>{CANARY}</script>"
        found = opened(html.replace("</body>", attack + "</body>"))
        assert found.tab.evaluate("document.documentElement.dataset.canary") == "ran"

    def test_the_policy_alone_keeps_it_still(self, htmls, opened):
        attack = f'<script>{CANARY}</script><img src=x onerror="{CANARY}">'
        found = opened(htmls["iris"].replace("</body>", attack + "</body>"))
        assert found.tab.evaluate("document.documentElement.dataset.canary") is None
        assert any("Content Security Policy" in error for error in found.errors)

    def test_escaping_alone_keeps_it_still(self, htmls, opened):
        found = opened(re.sub(r"<meta http-equiv=[^>]*>", "", htmls["hostile"]))
        for button in found.tab.locator(".findings button").all():
            button.click()
        assert found.tab.evaluate("document.documentElement.dataset.canary") is None
        assert "<img src=x onerror" in found.text

    @pytest.mark.parametrize(
        "link",
        [
            "#e=99&b=none&c=column:77&m=pair:1.99&f=-1&h=a.b&p=9&s=../x&l=x.999",
            "#m=" + "samples:" + ".".join(["1"] * 5000),
            "#c=<img src=x onerror=alert(1)>&m=cell:__proto__.constructor",
            "#%E0%A4%A&e=%00&__proto__=1&constructor=2",
            "#" + "&" * 3000,
        ],
    )
    def test_hostile_links_are_ignored(self, htmls, opened, link):
        with quiet(opened(htmls["digits"], link)) as found:
            assert found.tab.locator("#scatters .plot").count() == 4


class TestScatters:
    def test_a_lasso_marks_points_in_every_layer(self, htmls, opened):
        with quiet(opened(htmls["digits"])) as found:
            drag(found, "#scatters .plot >> nth=2")
            marked = found.one(".marked").inner_text()
            count = int(re.sub(r"\D", "", re.search(r"[\d,]+", marked)[0]))
            assert 5 < count <= 270
            found.one("#scatters .plot").focus()
            found.tab.keyboard.press("Escape")
            assert found.tab.locator(".marked").count() == 0

    def test_shift_adds_to_what_is_marked(self, htmls, opened):
        with quiet(opened(htmls["digits"])) as found:
            drag(found, "#scatters .plot >> nth=2", part=(0.2, 0.45))
            first = found.one(".marked").inner_text()
            found.tab.keyboard.down("Shift")
            drag(found, "#scatters .plot >> nth=2", part=(0.5, 0.95))
            found.tab.keyboard.up("Shift")
            assert found.one(".marked").inner_text() != first

    def test_arrow_keys_go_from_sample_to_sample(self, htmls, opened):
        with quiet(opened(htmls["digits"])) as found:
            found.one("#scatters .plot").focus()
            found.tab.keyboard.press("ArrowRight")
            first = found.one(".card").inner_text()
            assert "test sample" in first
            found.tab.keyboard.press("ArrowRight")
            found.tab.keyboard.press("ArrowDown")
            assert found.one(".card").inner_text() != first

    def test_the_card_tells_of_a_sample(self, htmls, opened, digits):
        study = digits.study
        place = int(np.flatnonzero(study.predictions != study.targets)[0])
        at = int(np.searchsorted(study.shown, place))
        with quiet(opened(htmls["digits"], f"#f={at}")) as found:
            card = found.one(".card").inner_text()
            row = digits.data.test.rows[place]
            assert f"{row:,}" in card
            label, answer = study.targets[place], study.predictions[place]
            assert re.search(rf"labelled\s+{label}\s+network says\s+{answer}", card)
            said = [str(layer.probe_predictions[place]) for layer in study]
            order = r"\s+\w+\s+".join(said)
            assert re.search(rf"{order}\s+out", card), card
            assert found.tab.locator(".card .sample canvas, .card canvas").count() >= 1


def drag(found: Opened, selector: str, part=(0.05, 0.95)) -> None:
    """Draw around a part of a view."""
    box = found.one(selector).bounding_box()
    low, high = part
    x = [box["x"] + box["width"] * share for share in (low, high)]
    y = [box["y"] + box["height"] * share for share in (low, high)]
    corners = [(x[0], y[0]), (x[1], y[0]), (x[1], y[1]), (x[0], y[1]), (x[0], y[0])]
    mouse = found.tab.mouse
    mouse.move(*corners[0])
    mouse.down()
    for corner in corners[1:]:
        mouse.move(*corner, steps=8)
    mouse.up()


class TestControls:
    def test_the_epoch_follows_the_slider_and_its_keys(self, htmls, opened):
        with quiet(opened(htmls["digits"])) as found:
            slider = found.one(".epoch input, input[type=range]")
            slider.focus()
            found.tab.keyboard.press("Home")
            assert found.says("e=0")
            assert "untrained" in found.text

    def test_it_plays_and_stops(self, htmls, opened):
        with quiet(opened(htmls["digits"])) as found:
            play = found.one(".play")
            play.focus()
            found.tab.keyboard.press("Enter")
            found.tab.wait_for_timeout(300)
            found.tab.keyboard.press("Enter")
            assert "e=" in found.link or found.text

    def test_every_choice_is_made_by_keyboard(self, htmls, opened):
        with quiet(opened(htmls["digits"])) as found:
            buttons = found.tab.locator(".choice button")
            for place in range(buttons.count()):
                button = buttons.nth(place)
                button.focus()
                found.tab.keyboard.press("Enter")
                assert button.get_attribute("aria-pressed") == "true"

    def test_classes_are_hidden_and_shown(self, htmls, opened):
        with quiet(opened(htmls["digits"])) as found:
            found.one(".classes button").click()
            assert found.says("h=0")
            found.one(".classes button").press("Enter")
            assert found.says("h=0", there=False)

    def test_a_link_is_the_view(self, htmls, opened):
        with quiet(opened(htmls["digits"], "#e=1&b=discriminant&c=error")) as found:
            pressed = found.tab.locator('.choice button[aria-pressed="true"]')
            assert pressed.all_inner_texts()[:2] == ["discriminant", "error"]
            assert "epoch 1" in found.text


class TestFindings:
    def test_each_button_leads_to_its_view(self, htmls, opened, digits):
        (run,) = report_payload(digits).content["runs"]
        links = {f["button"]: f["link"] for f in run["findings"] if "button" in f}
        with quiet(opened(htmls["digits"])) as found:
            buttons = found.tab.locator(".findings button")
            assert buttons.count() >= 5
            for place in range(buttons.count()):
                button = buttons.nth(place)
                link = links[button.inner_text()]
                button.focus()
                found.tab.keyboard.press("Enter")
                for part in link.split("&"):
                    assert part.startswith("s=") or found.says(part), link

    def test_marks_and_shares_are_explained(self, htmls, opened):
        with quiet(opened(htmls["digits"])) as found:
            said = found.one("#findings .note").inner_text()
            for mark in ("Counted", "Measured", "Rule of thumb"):
                assert f"{mark}: " in said
            share = found.one("#scatters .scatter small")
            assert re.fullmatch(r"shows \d+ %", share.inner_text())
            title = share.get_attribute("title")
            assert title == f"{share.inner_text()} of the variance"

    def test_a_confused_cell_marks_its_samples(self, htmls, opened, digits):
        counts = digits.study.confusion * (1 - np.eye(10, dtype=int))
        label, answer = np.unravel_index(counts.argmax(), counts.shape)
        with quiet(opened(htmls["digits"])) as found:
            button = found.tab.locator(
                ".confusion td button", has_text=re.compile(f"^{counts.max()}$")
            ).first
            button.focus()
            found.tab.keyboard.press("Enter")
            marked = found.one(".marked").inner_text()
            assert str(counts.max()) in marked
            assert counts[label, answer] == counts.max()
            assert found.says("m=cell:")

    def test_a_cell_of_the_heat_map_marks_what_is_missed(self, htmls, opened):
        with quiet(opened(htmls["digits"])) as found:
            cells = found.tab.locator(".heat td button")
            assert cells.count() == 40
            cells.nth(4).click()
            assert found.says("m=missed:")

    def test_suspects_are_worked_through_by_keyboard(self, htmls, opened):
        with quiet(opened(htmls["digits"])) as found:
            first = found.one(".suspect-list button")
            first.focus()
            found.tab.keyboard.press("ArrowRight")
            decide = found.tab.locator(".decide button")
            assert decide.count() >= 3
            decide.first.focus()
            found.tab.keyboard.press("Enter")
            with found.tab.expect_download() as download:
                found.tab.locator("#suspects button", has_text="CSV").first.click()
            text = Path(download.value.path()).read_text()
            assert "label" in text.splitlines()[0]


class TestOwn:
    def test_a_drawn_digit_has_a_star_in_every_layer(self, htmls, opened):
        with quiet(opened(htmls["digits"], "#s=own")) as found:
            canvas = found.one(".draw-picture canvas")
            canvas.scroll_into_view_if_needed()
            box = canvas.bounding_box()
            mouse = found.tab.mouse
            mouse.move(box["x"] + box["width"] / 2, box["y"] + 10)
            mouse.down()
            mouse.move(
                box["x"] + box["width"] / 2, box["y"] + box["height"] - 10, steps=10
            )
            mouse.up()
            found.tab.locator("#scatters .star").first.wait_for(state="attached")
            assert found.tab.locator("#scatters .star").count() == 4

    def test_features_are_set_by_keyboard(self, htmls, opened):
        with quiet(opened(htmls["iris"], "#s=own")) as found:
            first = found.one(".features input")
            first.focus()
            found.tab.keyboard.press("ArrowRight")
            found.tab.locator("#scatters .star").first.wait_for(state="attached")
            said = re.compile("setosa|versicolor|virginica")
            found.tab.locator("#own", has_text=said).wait_for(timeout=10_000)

    def test_the_forward_pass_is_that_of_python(self, htmls, opened, iris):
        """At the middle of every feature, which is where the page begins."""
        network = iris.result.network
        middle = np.median(iris.data.train.inputs, axis=0)[None]
        said = iris.data.class_names[int(network.predict(middle)[0])]
        with quiet(opened(htmls["iris"], "#s=own")) as found:
            place = found.tab.locator("#own button").first
            place.click()
            found.tab.locator("#own", has_text=said).wait_for(timeout=10_000)


class TestKinds:
    def test_a_plane_has_its_regions(self, htmls, opened):
        with quiet(opened(htmls["moons"])) as found:
            assert found.tab.locator("#scatters .plot").count() == 3

    def test_a_diverged_run_has_its_curves_and_says_so(self, htmls, opened):
        with quiet(opened(htmls["diverged"])) as found:
            assert "diverged" in found.text
            assert found.tab.locator("#scatters .plot").count() == 0
            assert found.tab.locator(".chart").count() >= 1

    def test_a_deep_network_shows_six_layers(self, opened, iris):
        network = lw.fit(lw.MLP([6] * 12), iris.data, epochs=1, engine="eager").network
        html = study_page(lw.inspect(network, iris.data))
        with quiet(opened(html)) as found:
            assert found.tab.locator("#scatters .plot").count() == 6
            assert "hidden12" in found.text or "output" in found.text

    def test_a_network_without_hidden_layers(self, opened, iris):
        network = lw.fit(lw.MLP([]), iris.data, epochs=1, engine="eager").network
        with quiet(opened(study_page(lw.inspect(network, iris.data)))) as found:
            assert found.tab.locator("#scatters .plot").count() == 2

    def test_a_study_without_answers(self, opened):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 100, 2000)
        rows = rng.normal(size=(2000, 4)) + y[:, None] % 7
        html = study_page(lw.inspect_activations({"fc": rows}, y))
        with quiet(opened(html)) as found:
            assert found.tab.locator("#scatters .plot").count() == 1
            assert found.tab.locator(".play").count() == 0

    def test_without_a_script_the_rest_is_there(self, htmls, opened):
        found = opened(htmls["digits"], wait=False, java_script_enabled=False)
        text = found.tab.locator("main.static").inner_text()
        assert "what each layer knows" in text
        assert "Simple methods for comparison" in text


class TestSaving:
    def test_a_figure_is_saved(self, htmls, opened):
        with quiet(opened(htmls["digits"])) as found:
            summary = found.one(".save summary")
            summary.focus()
            found.tab.keyboard.press("Enter")
            with found.tab.expect_download() as download:
                found.tab.locator(".save button", has_text="SVG").first.click()
            assert "<svg" in Path(download.value.path()).read_text()

    def test_marked_samples_are_saved_with_their_rows(self, htmls, opened, digits):
        with quiet(opened(htmls["digits"], "#m=errors")) as found:
            with found.tab.expect_download() as download:
                found.tab.locator("button", has_text="CSV").first.click()
            lines = Path(download.value.path()).read_text().splitlines()
            study = digits.study
            assert len(lines) == 1 + len(study.mistakes)
            rows = {str(row) for row in digits.data.test.rows[study.mistakes]}
            found_rows = {row for line in lines[1:] for row in line.split(",")}
            assert rows <= found_rows


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("kind", ["digits", "iris"])
def test_axe_finds_nothing_serious(htmls, opened, theme, kind):
    axe = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"
    if not axe.exists():
        pytest.skip("axe-core is not installed: npm ci in web/")
    found = opened(htmls[kind], color_scheme=theme)
    found.tab.evaluate(axe.read_text("utf-8"))
    result = found.tab.evaluate("axe.run(document.querySelector('#app'))")
    serious = [
        (rule["id"], len(rule["nodes"]), rule["nodes"][0]["html"][:200])
        for rule in result["violations"]
        if rule["impact"] in ("serious", "critical")
    ]
    assert serious == [], json.dumps(serious, indent=1)


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_nothing_is_wider_than_the_window(htmls, opened, width):
    size = {"width": width, "height": 844}
    with quiet(opened(htmls["digits"], viewport=size)) as found:
        wide = found.tab.evaluate("document.documentElement.scrollWidth")
        assert wide <= width


def test_a_touch_screen_has_a_button_to_draw(htmls, opened):
    size = {"width": 390, "height": 844}
    options = {"viewport": size, "has_touch": True, "is_mobile": True}
    with quiet(opened(htmls["digits"], **options)) as found:
        assert found.tab.get_by_role("button", name=re.compile("draw")).count() >= 1


def test_there_is_no_wall_of_text(htmls, opened):
    with quiet(opened(htmls["digits"])) as found:
        words = found.tab.evaluate(
            """() => {
              const seen = (box) => box.bottom > 0 && box.top < innerHeight;
              const walk = document.createTreeWalker(
                document.querySelector("#app"), NodeFilter.SHOW_TEXT);
              const texts = [[], []];
              while (walk.nextNode()) {
                const element = walk.currentNode.parentElement;
                if (!element.checkVisibility()) continue;
                texts[1].push(walk.currentNode.data);
                if (seen(element.getBoundingClientRect()))
                  texts[0].push(walk.currentNode.data);
              }
              return texts.map((all) =>
                all.join(" ").split(/\\s+/).filter((w) => /[a-z]{2}/i.test(w)).length);
            }"""
        )
        first, whole = words
        assert first <= 120
        assert whole <= 900
