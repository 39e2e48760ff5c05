"""Pages of many kinds, from no layer to thirty: each makes sense to the eye and ear."""

import json
from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import layerwise as lw
from layerwise.data import Dataset
from layerwise.presentation import (
    ComparedRun,
    SweepReport,
    comparison_payload,
    page,
    report_payload,
    study_payload,
    sweep_payload,
)
from layerwise.presentation.payload import Payload
from layerwise.sweeps import Axis, Sweep, SweepPoint

pytestmark = [pytest.mark.browser, pytest.mark.slow("pages in a browser")]

AXE = Path(__file__).parents[2] / "web/node_modules/axe-core/axe.min.js"

HOSTILE = (
    "<b>bold</b>",
    '"><script>document.documentElement.dataset.canary=1</script>',
    "'\"`\\ &amp; ${0} {{0}} %s",
    "数字 ⵣ \u202egnirts\u202c e\u0301",
    "long " * 60,
)
"""Names of columns and classes that want to be more than text."""

VIEWS = {
    "pictures": 4, "plane": 3, "deep": 6, "hundred": 3, "one": 3, "none": 2,
    "hostile table": 3, "module": 6, "activations": 1, "diverged": 0, "compare": 6,
    "sweep": 0,
}  # fmt: skip
"""Views of layers that a page of each kind has at first."""


def blobs(classes: int, samples: int, features: int = 4, **facts) -> Dataset:
    rng = np.random.default_rng(0)
    targets = np.arange(samples) % classes
    means = 3 * rng.normal(size=(classes, features))
    inputs = means[targets] + rng.normal(size=(samples, features))
    names = facts.pop("class_names", [f"class {i}" for i in range(classes)])
    return Dataset.from_arrays(inputs, targets, class_names=names, **facts)


def swept() -> SweepReport:
    def point(depth: int, init: str, status: str = "finished") -> SweepPoint:
        settings = {"depth": depth, "init": init}
        accuracy = 0.8 + depth / 100
        return SweepPoint(
            settings, status, 0.1, 5, 1, 0.5, 0.9, 0.4, accuracy, 1.0
        )  # fmt: skip

    axes = Axis("depth", (1, 2)), Axis("init", ("he", HOSTILE[0]))
    points = (point(1, "he"), point(2, "he"), point(1, HOSTILE[0]))
    points = (*points, point(2, HOSTILE[0], "diverged"))
    best = points[1]
    return SweepReport(
        Sweep(HOSTILE[1], axes, points), best, 0.9, {"seed": "0"}, {}, HOSTILE[1]
    )


def compared(report, diverged) -> tuple[ComparedRun, ...]:
    """Two studies of the same samples, a training alone, and one that diverged."""
    study, history = report.study, report.result.history
    samples = {"train": len(report.data.train), "test": len(report.data.test)}

    def summary(status: str, **training) -> dict:
        settings = {"status": status, "batch_size": 32, **training}
        data = {"name": "digits", "classes": [*study.class_names], "samples": samples}
        return {
            "data": data | {"scaling": "range"},
            "plan": {"data": "digits", "recipe": {"epochs": 3}},
            "network": {"hidden": training.get("seed")},
            "training": {"test_loss": None, "test_accuracy": None} | settings,
        }

    done = {"test_loss": 0.3, "test_accuracy": 0.8}
    return (
        ComparedRun("first", summary("finished", seed=0), history, study),
        ComparedRun(HOSTILE[1], summary("finished", seed=1), history, study),
        ComparedRun("alone", summary("finished", seed=2, **done), history),
        ComparedRun("boom", summary("diverged"), diverged.result.history),
    )


@pytest.fixture(scope="module")
def htmls(
    report_of, digits, iris, moons, module, diverged, tmp_path_factory
) -> Callable[[str], str]:
    """The page of a kind, made when it is first asked for."""
    place = tmp_path_factory.mktemp("data")

    def hostile_table() -> Payload:
        data = blobs(3, 300, 5)
        rows = [json.dumps(name, ensure_ascii=False) for name in HOSTILE]
        quoted = [f'"{json.loads(row).replace(chr(34), chr(34) * 2)}"' for row in rows]
        lines = [",".join([*quoted, "kind"])]
        for inputs, target in zip(data.train.inputs, data.train.targets, strict=True):
            lines.append(",".join([*map(str, inputs), quoted[target + 1]]))
        path = place / "<b>it's & \u202e数.csv"
        path.write_text("\n".join(lines), encoding="utf-8")
        return report_payload(
            report_of(lw.load(str(path), target="kind"), (6,), epochs=3)
        )

    def activations() -> Payload:
        rng = np.random.default_rng(0)
        y = np.arange(600) % 3
        rows = rng.normal(size=(600, 4)) + y[:, None]
        return study_payload(lw.inspect_activations({HOSTILE[1]: rows}, y))

    made = {
        "deep": lambda: report_payload(report_of(blobs(4, 300), (6,) * 30, epochs=2)),
        "hundred": lambda: report_payload(report_of(blobs(100, 1000), (12,), epochs=2)),
        "pictures": lambda: report_payload(digits),
        "plane": lambda: report_payload(moons),
        "one": lambda: report_payload(iris),
        "none": lambda: report_payload(report_of(blobs(2, 200), (), epochs=2)),
        "hostile table": hostile_table,
        "module": lambda: study_payload(module),
        "activations": activations,
        "diverged": lambda: report_payload(diverged),
        "compare": lambda: comparison_payload(
            compared(digits, diverged), ["a/report.html", None, None, None]
        ),
        "compare, the first without layers": lambda: comparison_payload(
            compared(digits, diverged)[::-1]
        ),
        "sweep": lambda: sweep_payload(swept(), {(0, 1): "best/report.html"}),
    }
    return cache(lambda kind: page(made[kind]()))


def serious(found, **options) -> list:
    """What axe-core finds that keeps somebody from using the page."""
    if not found.tab.evaluate("'axe' in window"):
        found.tab.evaluate(AXE.read_text("utf-8"))
    options |= {"resultTypes": ["violations"], "selectors": False}
    result = found.tab.evaluate("(o) => axe.run(document.body, o)", options)
    return [
        (rule["id"], len(rule["nodes"]), rule["nodes"][0]["html"][:200])
        for rule in result["violations"]
        if rule["impact"] in ("serious", "critical")
    ]


@pytest.mark.parametrize("kind", VIEWS)
def test_it_makes_sense(htmls, opened, kind):
    with opened(htmls(kind)) as found:
        assert found.tab.evaluate("document.documentElement.dataset.canary") is None
        assert found.count("#scatters .plot") == VIEWS[kind]
        assert found.one("h1").inner_text() == found.tab.title()
        found.tab.evaluate(
            "document.querySelectorAll('details:not(.save)')"
            ".forEach((one) => { one.open = true; })"
        )
        words = found.text
        for nonsense in ("NaN", "undefined", "Infinity", "null", "[object"):
            assert nonsense not in words
        shapes = found.tab.evaluate(
            """() => [...document.querySelectorAll("svg *")].flatMap((one) =>
              [...one.attributes].map(({ value }) => value))"""
        )
        assert not any("NaN" in shape or "undefined" in shape for shape in shapes)
        if AXE.exists():
            assert serious(found) == []
            found.one(".theme").click()
            contrast = {"runOnly": ["color-contrast"]}
            assert (
                found.tab.evaluate("document.documentElement.dataset.theme") == "dark"
            )
            assert serious(found, **contrast) == []


def test_hostile_names_are_text(htmls, opened):
    with opened(htmls("hostile table")) as found:
        words = found.text
        title = found.one("h1").inner_text()
        assert title.startswith("<b>it's &")
        assert title.endswith("what each layer knows")
        assert "<b>bold</b>" in found.one("#own").inner_text()
        assert "script>" in words
        found.one("#scatters .plot").focus()
        found.tab.keyboard.press("ArrowRight")
        values = found.one(".card .values").inner_text()
        assert "<b>bold</b>" in values
        choice = found.one('select[aria-label="colour by a column"]')
        names = choice.locator("option").all_inner_texts()
        assert len(names) == 6
        assert max(map(len, names)) <= 30
        wide = found.tab.evaluate("document.documentElement.scrollWidth")
        assert wide <= 1280


@pytest.mark.parametrize("kind", ["compare", "deep", "sweep", "hostile table"])
def test_a_phone_has_room(htmls, opened, kind):
    size = {"width": 390, "height": 844}
    options = {"viewport": size, "has_touch": True, "is_mobile": True}
    with opened(htmls(kind), **options) as found:
        assert found.tab.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_plane_has_its_regions(htmls, opened):
    """They are seen where all points are hidden: nothing else is painted then."""
    with opened(htmls("plane"), "#h=0.1") as found:
        shades = found.tab.evaluate(
            """() => [...document.querySelectorAll("#scatters canvas")].map((view) => {
              const { width, height } = view;
              const { data } = view.getContext("2d").getImageData(0, 0, width, height);
              return new Set(new Uint32Array(data.buffer)).size;
            })"""
        )
        assert shades[0] > 20
        assert shades[1:] == [1, 1]


class TestCompare:
    @pytest.mark.parametrize("how", ["mouse", "keyboard"])
    def test_one_lasso_goes_through_all_runs(self, htmls, opened, how):
        with opened(htmls("compare")) as found:
            before = found.painted
            assert len(before) == 6
            if how == "mouse":
                found.drag(".run:nth-child(2) .plot >> nth=1", part=(0.1, 0.6))
            else:
                found.one(".run:nth-child(2) .plot >> nth=1").focus()
                for key in ("ArrowRight", "+", "+", "m"):
                    found.tab.keyboard.press(key)
            found.one(".marked").wait_for()
            assert "drawn in hidden" in found.one(".marked").inner_text()
            assert HOSTILE[1][:8] in found.one(".marked").inner_text()
            after = found.painted
            assert all(a != b for a, b in zip(before, after, strict=True))
            # The second run is the first again, and is painted as it is.
            assert after[:3] == after[3:]
            assert found.says("m=lasso:1.")

    def test_each_run_says_what_it_came_to(self, htmls, opened, digits):
        with opened(htmls("compare")) as found:
            assert found.tab.title() == "digits: 4 runs compared"
            first, second, alone, boom = found.tab.locator(
                ".run > header"
            ).all_inner_texts()
            accuracy = 100 * digits.study.accuracy.value
            assert f"{accuracy:.1f} %" in first
            assert HOSTILE[1][:30] in second
            assert "80.0 %" in alone
            assert "diverged" in boom
            assert "–" not in boom
            (link,) = found.tab.locator(".run h2 a").all()
            assert link.get_attribute("href") == "a/report.html"
            found.go("#e=1")
            texts = found.tab.locator(".run > header").all_inner_texts()
            assert [("shown: epoch" in text) for text in texts] == [
                True,
                True,
                False,
                False,
            ]

    def test_a_first_run_without_layers_leaves_time_colours_and_marks(
        self, htmls, opened, digits
    ):
        link = "#e=1&c=error&m=errors"
        with opened(htmls("compare, the first without layers"), link) as found:
            assert found.count("#scatters .plot") == 6
            assert found.one(".epoch").inner_text() == "epoch 1"
            pressed = found.tab.locator('.choice button[aria-pressed="true"]')
            assert "error" in pressed.all_inner_texts()
            before = digits.study.snapshots[1].predictions
            wrong = before != digits.study.targets[digits.study.shown]
            marked = found.one(".card .marked > p > b").inner_text()
            assert int(marked) == wrong.sum() > 0
            follows = found.one(".run:has(.follows) h3").inner_text()
            assert follows.startswith(HOSTILE[1][:20])
            # What is wrong with a run stands in its column, not above all of them.
            assert found.count(".warning") == 0

    def test_a_card_has_every_run(self, htmls, opened):
        with opened(htmls("compare"), "#f=3") as found:
            card = found.one(".card .sample").inner_text()
            assert "first" in card
            assert card.count("read by each layer") == 2


class TestSweep:
    def test_cells_open_their_run(self, htmls, opened):
        with opened(htmls("sweep")) as found:
            cells = found.tab.locator(".phase .cell")
            texts = cells.all_inner_texts()
            assert [text.split()[0] for text in texts] == ["81.0", "82.0", "81.0", "–"]
            assert "★" in texts[1]
            assert "1d" in texts[3]
            (link,) = found.tab.locator(".phase a").all()
            assert link.get_attribute("href") == "best/report.html"
            assert "An underlined cell opens its run." in found.text
            link.focus()
            found.check()
            # Where it leads to is not there: the browser says so, not the page.
            with found.tab.expect_request("**/best/report.html"):
                found.tab.keyboard.press("Enter")
            found.requests.pop()


class TestCharts:
    def test_the_line_of_the_epoch_is_in_every_chart(self, htmls, opened):
        """Also where records of a chart end before the training does."""
        with opened(htmls("one")) as found:
            cursors = found.tab.locator(".chart.follows .cursor")
            assert cursors.count() >= 3
            ends = {cursor.get_attribute("x1") for cursor in cursors.all()}
            grid = found.one(".chart.follows .grid").get_attribute("x2")
            assert ends == {grid}

    def test_one_point_is_a_circle(self, htmls, opened):
        with opened(htmls("diverged")) as found:
            lines = found.tab.locator(".chart .line")
            assert lines.count() == 9
            for line in lines.all():
                box = line.bounding_box()
                assert box["width"] > 4
                assert box["height"] > 4

    def test_of_many_layers_some_are_named(self, htmls, opened):
        with opened(htmls("deep")) as found:
            chart = found.tab.locator(".lines", has_text="Gradient norm")
            names = chart.locator(".start").all_text_contents()
            assert names[0] == "hidden1"
            assert 5 <= len(names) <= 10
            strokes = {
                line.get_attribute("stroke") for line in chart.locator(".line").all()
            }
            assert len(strokes) == 31


LINKS = (
    "#e=99&b=none&c=column:77&m=lasso:9.9.9.9.1.1.1.1.1.1&f=-1&h=a.b&l=x.999&s=own",
    "#e=1&m=lasso:1.0.0.2.-900.-900.900.-900.900.900&r=77&p=0.0.0",
    '#c="><script>document.documentElement.dataset.canary=1</script>&m=<b>',
    "#%F0%28%8C%28=%00&&&===&constructor=1&__proto__=2&toString=3&e=1e0&f=0x1",
    "#f=999999999&m=cell:99.99+settled:99+unsure:0+samples:" + "9." * 500 + "9",
)


@pytest.mark.parametrize("kind", ["compare", "sweep", "diverged", "none"])
def test_hostile_links_are_ignored(htmls, opened, kind):
    with opened(htmls(kind), LINKS[0]) as found:
        for link in LINKS:
            found.tab.evaluate("link => { location.hash = link; }", link)
            assert found.tab.evaluate("document.documentElement.dataset.canary") is None
            assert found.count("#scatters .plot") == VIEWS[kind]
            assert found.count(".failed") == 0
            assert found.count("[data-ready] h1") == 1
            for nonsense in ("NaN", "undefined"):
                assert nonsense not in found.text
