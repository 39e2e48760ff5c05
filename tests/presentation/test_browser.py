"""The page in a real browser: what it says and saves, at any width, and attacks."""

import re
from pathlib import Path

import numpy as np
import pytest

from layerwise.presentation import page
from layerwise.presentation.payload import report_payload

pytestmark = [pytest.mark.browser, pytest.mark.slow("pages in a browser")]

CANARY = "document.documentElement.dataset.canary='ran'"


@pytest.fixture(scope="module")
def htmls(digits, iris, moons, hostile, diverged) -> dict[str, str]:
    reports = {
        "digits": digits, "iris": iris, "moons": moons, "hostile": hostile,
        "diverged": diverged,
    }  # fmt: skip
    return {name: page(report_payload(report)) for name, report in reports.items()}


@pytest.mark.parametrize("kind", ["digits", "iris", "moons", "hostile", "diverged"])
def test_it_asks_for_nothing_and_nothing_goes_wrong(htmls, opened, kind):
    with opened(htmls[kind]) as found:
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
        with opened(htmls["digits"], link) as found:
            assert found.tab.locator("#scatters .plot").count() == 4


class TestScatters:
    def test_the_card_tells_of_a_sample(self, htmls, opened, digits):
        study = digits.study
        place = int(np.flatnonzero(study.predictions != study.targets)[0])
        at = int(np.searchsorted(study.shown, place))
        with opened(htmls["digits"], f"#f={at}") as found:
            card = found.one(".card").inner_text()
            row = digits.data.test.rows[place]
            assert f"{row:,}" in card
            label, answer = study.targets[place], study.predictions[place]
            assert re.search(rf"labelled\s+{label}\s+network says\s+{answer}", card)
            said = [str(layer.probe_predictions[place]) for layer in study]
            order = r"\s+\w+\s+".join(said)
            assert re.search(rf"{order}\s+out", card), card
            assert found.tab.locator(".card .sample canvas, .card canvas").count() >= 1


class TestControls:
    def test_every_choice_is_made_by_keyboard(self, htmls, opened):
        with opened(htmls["digits"]) as found:
            buttons = found.tab.locator(".choice button")
            for place in range(buttons.count()):
                button = buttons.nth(place)
                button.focus()
                found.tab.keyboard.press("Enter")
                assert button.get_attribute("aria-pressed") == "true"

    def test_a_link_is_the_view(self, htmls, opened):
        with opened(htmls["digits"], "#e=1&b=discriminant&c=error") as found:
            pressed = found.tab.locator('.choice button[aria-pressed="true"]')
            assert pressed.all_inner_texts()[:2] == ["discriminant", "error"]
            assert "epoch 1" in found.text


class TestFindings:
    def test_each_button_leads_to_its_view(self, htmls, opened, digits):
        (run,) = report_payload(digits).content["runs"]
        links = {f["button"]: f["link"] for f in run["findings"] if "button" in f}
        with opened(htmls["digits"]) as found:
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
        with opened(htmls["digits"]) as found:
            said = found.one("#findings .note").inner_text()
            for mark in ("Counted", "Measured", "Rule of thumb"):
                assert f"{mark}: " in said
            share = found.tab.locator("#scatters .scatter small").nth(1)
            assert re.fullmatch(r"\d+ %", share.inner_text())
            title = share.get_attribute("title")
            assert title == f"shows {share.inner_text()} of the variance"


class TestOwn:
    def test_the_forward_pass_is_that_of_python(self, htmls, opened, iris):
        """At the middle of every feature, which is where the page begins."""
        network = iris.result.network
        middle = np.median(iris.data.train.inputs, axis=0)[None]
        said = iris.data.class_names[int(network.predict(middle)[0])]
        with opened(htmls["iris"], "#s=own") as found:
            place = found.tab.locator("#own button").first
            place.click()
            found.tab.locator("#own", has_text=said).wait_for(timeout=10_000)


class TestWithoutScript:
    def test_without_a_script_the_rest_is_there(self, htmls, opened):
        found = opened(htmls["digits"], wait=False, java_script_enabled=False)
        text = found.tab.locator("main.static").inner_text()
        assert "what each layer knows" in text
        assert "Simple methods for comparison" in text


class TestSaving:
    def test_a_figure_is_saved(self, htmls, opened):
        with opened(htmls["digits"]) as found:
            summary = found.one(".save summary")
            summary.focus()
            found.tab.keyboard.press("Enter")
            with found.tab.expect_download() as download:
                found.tab.locator(".save button", has_text="SVG").first.click()
            assert "<svg" in Path(download.value.path()).read_text()

    def test_marked_samples_are_saved_with_their_rows(self, htmls, opened, digits):
        with opened(htmls["digits"], "#m=errors") as found:
            with found.tab.expect_download() as download:
                found.tab.locator("button", has_text="CSV").first.click()
            lines = Path(download.value.path()).read_text().splitlines()
            study = digits.study
            assert len(lines) == 1 + len(study.mistakes)
            rows = {str(row) for row in digits.data.test.rows[study.mistakes]}
            found_rows = {row for line in lines[1:] for row in line.split(",")}
            assert rows <= found_rows


@pytest.mark.parametrize("width", [390, 1280, 2560])
def test_nothing_is_wider_than_the_window(htmls, opened, width):
    size = {"width": width, "height": 844}
    with opened(htmls["digits"], viewport=size) as found:
        wide = found.tab.evaluate("document.documentElement.scrollWidth")
        assert wide <= width


@pytest.mark.parametrize("asked", [True, False])
def test_a_finger_draws_when_asked_to(htmls, opened, asked):
    """Else it scrolls, as everywhere on a touch screen."""
    size = {"width": 390, "height": 844}
    options = {"viewport": size, "has_touch": True, "is_mobile": True}
    with opened(htmls["digits"], **options) as found:
        if asked:
            found.tab.get_by_role("button", name="draw around").tap()
            found.one(".plot.drawing").wait_for()
        session = found.context.new_cdp_session(found.tab)
        box = found.one("#scatters .plot").bounding_box()

        def touch(kind: str, *places: tuple[float, float]) -> None:
            points = [
                {"x": box["x"] + x * box["width"], "y": box["y"] + y * box["height"]}
                for x, y in places
            ]
            event = {"type": f"touch{kind}", "touchPoints": points}
            session.send("Input.dispatchTouchEvent", event)

        touch("Start", (0.1, 0.1))
        for corner in ((0.9, 0.1), (0.9, 0.9), (0.1, 0.9)):
            touch("Move", corner)
        touch("End")
        assert found.until(lambda: found.count(".marked") > 0) == asked


@pytest.mark.parametrize("width", [1100, 1280])
def test_the_first_view_says_what_its_numbers_are(htmls, opened, digits, width):
    first = digits.study.input
    with opened(htmls["digits"], viewport={"width": width, "height": 800}) as found:
        captions = found.tab.locator("#scatters figcaption").all_inner_texts()
        assert re.sub(r"\s+", " ", captions[0]) == (
            f"input probe {100 * first.probe_accuracy.value:.1f} % "
            f"{100 * sum(first.variance_shown):.0f} % of variance"
        )
        assert not any("probe" in one or "variance" in one for one in captions[1:])
        cut = "e => e.scrollWidth > e.clientWidth"
        assert not found.one("#scatters figcaption strong").evaluate(cut)


def test_there_is_no_wall_of_text(htmls, opened):
    with opened(htmls["digits"]) as found:
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
