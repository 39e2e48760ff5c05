"""What a page is given: the study's own numbers, one by one."""

import base64
import io
import json
from dataclasses import replace
from importlib.resources import files

import numpy as np
import pandas as pd
import pytest
from PIL import Image

import layerwise as lw
from layerwise.files import json_types
from layerwise.model import initial_network
from layerwise.presentation import SweepReport
from layerwise.presentation._colours import (
    CONTRAST,
    DARK,
    class_colours,
    contrast,
    lighter,
)
from layerwise.presentation._comparison import ComparedRun
from layerwise.presentation.payload import (
    Payload,
    comparison_payload,
    report_payload,
    study_payload,
    sweep_payload,
    with_fewer_shown,
)
from layerwise.presentation.payload._blocks import Blocks, Square
from layerwise.presentation.payload._run import finding_parts
from layerwise.presentation.payload._samples import Shown
from layerwise.study import Crowd, Finding, load_study, save_study
from layerwise.sweeps import Axis, Sweep, SweepPoint


def decoded(payload, ref):
    """An array as the page's script decodes it."""
    raw = base64.b64decode(payload.blocks[ref["block"]], validate=True)
    return np.frombuffer(raw, np.dtype(ref["dtype"])).reshape(ref["shape"])


@pytest.fixture(scope="module")
def page(digits):
    return report_payload(digits)


@pytest.fixture(scope="module")
def run(page):
    (run,) = page.content["runs"]
    return run


class TestSamples:
    def test_are_those_of_the_study(self, page, digits):
        study, samples = digits.study, page.content["samples"]
        assert samples["count"] == samples["moving"] == samples["scored"] == 270
        assert samples["part"] == "test sample"
        positions = decoded(page, samples["positions"])
        assert np.array_equal(positions, study.shown)
        assert np.array_equal(
            decoded(page, samples["labels"]), study.targets[positions]
        )
        rows = decoded(page, samples["source"]["row"])
        assert np.array_equal(rows, digits.data.test.rows[positions])

    def test_pictures_are_the_inputs(self, page, digits):
        found = page.content["samples"]["pictures"]
        assert (found["width"], found["height"], found["ink"]) == (8, 8, True)
        (sheet,) = found["sheets"]
        image = Image.open(io.BytesIO(base64.b64decode(page.blocks[sheet])))
        pixels = np.asarray(image.convert("L"))
        for place in (0, 33, 269):
            top, left = 8 * (place // 32), 8 * (place % 32)
            own = pixels[top : top + 8, left : left + 8].astype(int)
            expected = digits.study.inputs[digits.study.shown[place]] * (255 / 16)
            assert np.abs(own - expected).max() <= 17

    def test_neighbours_are_the_nearest_training_samples(self, page, digits):
        samples, others = page.content["samples"], page.content["others"]
        of, at = (decoded(page, samples["neighbours"][n]) for n in ("of", "at"))
        near, shown = digits.study.nearest, digits.study.shown
        positions = decoded(page, others["positions"])
        assert np.array_equal(shown[of], near.positions)
        assert np.array_equal(positions[at], near.neighbours)
        labels = decoded(page, others["labels"])
        assert np.array_equal(labels, digits.data.train.targets[positions])
        assert others["part"] == "training sample"

    def test_suspects_are_found_among_them(self, page, digits):
        for one, suspect in zip(
            page.content["suspects"], digits.study.suspects, strict=True
        ):
            assert one["in"] == "samples"
            assert digits.study.shown[one["at"]] == suspect.position
            assert (one["label"], one["since"]) == (suspect.label, suspect.since)

    def test_a_training_suspect_is_among_the_others(self, digits):
        suspect = replace(
            digits.study.suspects[0], part="training", position=77, nearest=(5, 9, 2, 1)
        )
        study = replace(digits.study, suspects=(suspect,))
        found = report_payload(replace(digits, study=study))
        (one,) = found.content["suspects"]
        positions = decoded(found, found.content["others"]["positions"])
        assert one["in"] == "others"
        assert positions[one["at"]] == 77
        assert {5, 9, 2} <= set(positions.tolist())

    def test_a_table_has_columns(self, iris):
        found = report_payload(iris)
        columns = found.content["samples"]["columns"]
        assert [c["name"] for c in columns] == [*iris.data.feature_names]
        shown = iris.study.shown
        for place, column in enumerate(columns):
            expected = iris.data.test.inputs[shown, place].astype(np.float32)
            assert np.array_equal(decoded(found, column["values"]), expected)

    def test_a_category_is_one_column(self):
        rng = np.random.default_rng(0)
        towns = rng.choice(["a", "</script>", "c"], 300)
        frame = pd.DataFrame({"town": towns, "x": rng.normal(size=300)})
        data = lw.Dataset.from_arrays(frame, (frame.x > 0).astype(int))
        study = lw.inspect(initial_network(lw.MLP([4]), data), data)
        shown, blocks = Shown.of(study, data), Blocks()
        town, x = shown.samples(blocks)["columns"]
        page = Payload("", {}, blocks.texts)
        rows = data.test.rows[study.shown]
        said = [town["levels"][int(v)] for v in decoded(page, town["values"])]
        assert said == towns[rows].tolist()
        exact = frame.x.to_numpy()[rows].astype(np.float32)
        assert np.array_equal(decoded(page, x["values"]), exact)
        assert (town["name"], x["name"]) == ("town", "x")

    def test_columns_that_are_no_inputs_are_there_to_colour_by(self, tmp_path):
        rng = np.random.default_rng(0)
        frame = pd.DataFrame({"x": rng.normal(size=300)})
        frame["shop"] = rng.choice(["<b>", "Ulm", None], 300)
        frame["paid"] = rng.random(300) < 0.5
        frame["price"] = rng.normal(size=300)
        frame["note"] = [f"written on {number}" for number in range(300)]
        frame["country"] = "DE"
        frame["phone"] = 4_930_123_456_789 + rng.integers(9, size=300)
        dropped = ["shop", "paid", "price", "country", "phone"]
        frame["y"] = (frame.x > 0).astype(int)
        data = lw.Dataset.from_frame(frame, "y", drop=dropped)
        saved = tmp_path / "study.safetensors"
        save_study(lw.inspect(initial_network(lw.MLP([4]), data), data), saved, {})
        study, _ = load_study(saved, data.test.inputs)
        shown, blocks = Shown.of(study, data), Blocks()
        x, *columns = shown.samples(blocks)["columns"]
        assert x["role"] == "feature"
        assert [c["name"] for c in columns] == ["shop", "paid", "price"]
        assert {c["role"] for c in columns} == {"metadata"}
        page = Payload("", {}, blocks.texts)
        shop, paid, price = (decoded(page, c["values"]) for c in columns)
        rows = frame.loc[data.test.rows[study.shown]]
        names = [None if np.isnan(v) else columns[0]["levels"][int(v)] for v in shop]
        assert (
            names
            == rows["shop"].astype(object).where(rows["shop"].notna(), None).tolist()
        )
        assert columns[1]["levels"] == ["no", "yes"]
        assert np.array_equal(paid, rows["paid"])
        assert np.array_equal(price, rows["price"].astype(np.float32))


class TestRun:
    def test_layers_and_snapshots_are_the_studys(self, run, digits):
        study = digits.study
        assert [x["name"] for x in run["layers"]] == [x.name for x in study]
        assert [x["units"] for x in run["layers"]] == [x.units for x in study]
        for one, layer in zip(run["layers"], study, strict=True):
            assert one["accuracy"][-1] == layer.probe_accuracy.value
        past = [s.layers[1].measures.values["probe_accuracy"] for s in study.snapshots]
        assert run["layers"][2]["accuracy"][:-1] == past[:-1]
        assert [s["epoch"] for s in run["snapshots"]] == [0, 1, 2, 3]
        assert run["snapshots"][0]["label"] == "untrained"
        assert run["snapshots"][-1]["accuracy"] == study.accuracy.value

    def test_answers_and_confidence(self, page, run, digits):
        study = digits.study
        answers, sure = run["answers"], run["confidence"]
        shown = study.shown
        assert np.array_equal(decoded(page, answers["last"]), study.predictions[shown])
        exact = study.confidence[shown] * 65535
        assert np.abs(decoded(page, sure["last"]) - exact).max() <= 0.5
        for place, snapshot in enumerate(study.snapshots[:-1]):
            own = decoded(page, answers["before"])[place]
            assert np.array_equal(own, snapshot.predictions)
            own = decoded(page, sure["before"])[place]
            assert np.abs(own - snapshot.confidence * 65535).max() <= 0.5
        assert np.array_equal(decoded(page, run["settled"]), study.settled[shown])
        for own, layer in zip(decoded(page, run["readings"]), study, strict=True):
            assert np.array_equal(own, layer.probe_predictions[shown])

    @pytest.mark.parametrize("name", ["principal", "discriminant", "fixed"])
    def test_scatters_are_the_frames(self, page, run, digits, name):
        """Up to one shift and scale for all snapshots of a layer."""
        plane = {"principal": "components", "discriminant": "discriminants"}
        (basis,) = (b for b in run["bases"] if b["id"] == name)
        last = decoded(page, basis["positions"]["last"]).astype(float)
        before = decoded(page, basis["positions"]["before"]).astype(float)
        frames = [
            [layer.frames[plane.get(name, "fixed")] for layer in snapshot.layers]
            for snapshot in digits.study.snapshots
        ]
        assert before.shape == (3, 3, 270, 2)
        for layer in range(3):
            ours = np.concatenate([*before[:, layer], last[1 + layer]])
            theirs = np.concatenate([frames[s][layer] for s in range(4)]).astype(float)
            centre, half = (theirs.min(0) + theirs.max(0)) / 2, np.ptp(theirs, axis=0)
            expected = (theirs - centre) / (half.max() / 2) * 32767
            assert np.abs(ours - expected).max() < 1
            assert np.abs(ours).max() == 32767

    def test_recall_and_confusion(self, page, run, digits):
        study = digits.study
        recall = decoded(page, run["recall"])
        assert recall.shape == (4, 4, 10)
        for place, layer in enumerate(study):
            own = layer.probe_recall.astype(np.float32)
            assert np.array_equal(recall[-1, place], own)
        early = study.snapshots[1].layers[0].measures.by_class["probe_recall"]
        assert np.array_equal(recall[1, 1], early.astype(np.float32))
        assert run["recallOf"] == [270] * 4
        counts = decoded(page, run["confusion"])
        assert np.array_equal(counts[-1], study.confusion)
        said = study.snapshots[2].predictions
        assert counts[2, 3, 8] == np.sum((study.targets == 3) & (said == 8))
        assert counts.sum(axis=(1, 2)).tolist() == run["confusionOf"] == [270] * 4

    def test_pairs(self, page, run, digits):
        for one, pair in zip(run["pairs"], digits.study.pairs, strict=True):
            a, b = one["classes"]
            assert (a, b) == pair.classes
            counts = digits.study.confusion
            assert one["confused"] == counts[a, b] + counts[b, a]
            assert np.array_equal(decoded(page, one["samples"]), pair.samples)
            exact = np.clip(10_000 * pair.along, -32767, 32767)
            assert np.abs(decoded(page, one["along"]) - exact).max() <= 0.5

    def test_findings_stand_in_their_order_with_buttons(self, run, digits):
        heads = [finding["headline"] for finding in run["findings"]]
        said = [finding.headline for finding in digits.study.findings]
        place = heads.index(said[0].replace(" %", "\u202f%"))
        assert len(heads[place:]) >= len(said)
        buttons = {f["kind"]: f for f in run["findings"] if "button" in f}
        wrong = len(digits.study.mistakes)
        assert buttons["accuracy"]["button"] == f"{wrong} errors"
        assert buttons["accuracy"]["link"] == "m=errors"
        pairs = [f for f in digits.study.findings if f.kind == "mixed pair"]
        a, b = map(digits.study.class_names.index, pairs[-1].evidence["classes"])
        assert buttons["mixed pair"]["link"] == f"m=pair:{a}.{b}&p={a}.{b}"

    def test_curves_are_the_history(self, run, digits):
        charts = {chart["id"]: chart for chart in run["charts"]}
        epochs = digits.result.history.epochs
        lines = {line["name"]: line for line in charts["loss"]["lines"]}
        assert lines["validation set"]["x"] == [1, 2, 3]
        assert lines["validation set"]["y"] == pytest.approx(
            [epoch.validation_loss for epoch in epochs], rel=1e-4
        )
        layers = [line["name"] for line in charts["gradients"]["lines"]]
        assert layers == [*digits.result.network.layer_names]


class TestForward:
    """What the page's script makes of the operations, taken in NumPy."""

    def passed(self, page, network, x):  # noqa: C901 - a case for each operation
        layers, kept = [], []
        for op in network["ops"]:
            match op["op"]:
                case "scale":
                    offset, divisor = (
                        decoded(page, op[n]) for n in ("offset", "divisor")
                    )
                    x = (x - offset) / divisor
                case "linear":
                    weights = decoded(page, op["weights"]).astype(np.float32)
                    x = x @ weights + decoded(page, op["biases"])
                case "activation":
                    x = np.maximum(x, 0) if op["name"] == "relu" else np.tanh(x)
                case "layernorm":
                    centred = x - x.mean(-1, keepdims=True)
                    size = np.sqrt((centred**2).mean(-1, keepdims=True) + op["epsilon"])
                    gain, shift = (decoded(page, op[n]) for n in ("gain", "shift"))
                    x = centred / size * gain + shift
                case "keep":
                    kept.append(x)
                case "add":
                    x = x + kept.pop()
                case "read":
                    layers.append(x)
        return layers

    def test_the_network_answers_as_itself_and_lands_on_its_points(self, page, digits):
        (run,) = page.content["runs"]
        network, study = run["network"], digits.study
        inputs = study.inputs[study.shown].reshape(270, -1).astype(np.float32)
        layers = self.passed(page, network, inputs)
        assert np.array_equal(layers[-1].argmax(1), study.predictions[study.shown])
        for basis in run["bases"]:
            last = decoded(page, basis["positions"]["last"]) / 32767
            for own, rows, placing in zip(
                last, layers, network["planes"][basis["id"]], strict=True
            ):
                found = rows @ decoded(page, placing["axes"]) + placing["offset"]
                assert np.abs(found - own).max() < 0.02

    def test_blocks_of_other_makes_are_written_too(self, iris):
        settings = {"normalise": True, "residual": True, "activation": "tanh"}
        trained = lw.MLP([6, 6], **settings)
        result = lw.fit(trained, iris.data, epochs=2, engine="eager")
        network, study = result.network, lw.inspect(result.network, iris.data)
        page = report_payload(replace(iris, result=result, study=study))
        (run,) = page.content["runs"]
        assert {"keep", "add", "layernorm"} < {op["op"] for op in run["network"]["ops"]}
        inputs = iris.data.test.inputs.astype(np.float32)
        layers = self.passed(page, run["network"], inputs)
        assert layers[-1] == pytest.approx(network.logits(inputs), abs=0.02)
        features = run["network"]["input"]["features"]
        assert [f["minimum"] for f in features] == iris.data.train.inputs.min(
            0
        ).tolist()

    def test_what_is_set_by_hand_is_what_the_columns_hold(self, customers):
        """Of 47 inputs five columns: the inputs of a sample follow from its values."""
        page, data = report_payload(customers), customers.result.data
        features = page.content["runs"][0]["network"]["input"]["features"]
        town, shop, age, size, paid = features
        assert (town["choices"][:2], town["choices"][-1]) == (["</b>", "T0"], "(other)")
        assert (town["middle"], town["spread"]) == (0, True)
        assert shop["choices"][shop["middle"]] == "number 0"
        assert (age["step"], age["middle"] % 1) == (1, 0)
        assert size["step"] == (size["maximum"] - size["minimum"]) / 200
        assert (paid["choices"], paid["middle"]) == (["no", "yes"], 1)
        columns = page.content["samples"]["columns"]
        assert [c["name"] for c in columns] == [f["name"] for f in features]
        assert columns[0]["levels"] == town["choices"]
        values = [decoded(page, column["values"]) for column in columns]
        inputs = [
            v[:, None] == np.arange(len(f["choices"])) if f.get("spread") else v
            for v, f in zip(values, features, strict=True)
        ]
        expected = data.test.inputs[customers.study.shown].astype(np.float32)
        assert np.array_equal(np.column_stack(inputs), expected)
        assert expected.shape[1] == 47

    def test_a_plane_has_its_regions_under_its_points(self, moons):
        page = report_payload(moons)
        (run,) = page.content["runs"]
        said = decoded(page, run["regions"]["answers"])
        assert len(said) == len(run["snapshots"])
        last = decoded(page, run["bases"][0]["positions"]["last"])[0] / 32767
        size = said.shape[1]
        column = np.clip(((last[:, 0] + 1) / 2 * size).astype(int), 0, size - 1)
        row = np.clip(((1 - last[:, 1]) / 2 * size).astype(int), 0, size - 1)
        study = moons.study
        same = said[-1, row, column] == study.predictions[study.shown]
        assert same.mean() > 0.9
        network = run["network"]
        (layer,) = self.passed(
            page, {"ops": network["ops"][:2]}, study.inputs[study.shown]
        )
        placing = network["planes"]["principal"][0]
        found = layer @ decoded(page, placing["axes"]) + placing["offset"]
        assert np.abs(found - last).max() < 1e-3


class TestOthers:
    def test_everything_is_json(self, page, moons, diverged, hostile):
        for found in (page, *map(report_payload, (moons, diverged, hostile))):
            text = json.dumps(found.content, allow_nan=False)
            refs = text.count('"block"')
            assert refs <= len(found.blocks)

    def test_a_diverged_run_has_curves_and_no_layers(self, diverged):
        (run,) = report_payload(diverged).content["runs"]
        assert run["layers"] == run["bases"] == []
        assert run["warning"].startswith("The training diverged")
        assert run["charts"][0]["id"] == "loss"

    def test_a_study_alone(self, digits):
        found = study_payload(digits.study, "layerwise inspect x")
        (run,) = found.content["runs"]
        assert found.content["facts"] == [["to reproduce", "layerwise inspect x"]]
        assert "network" not in run
        assert len(run["bases"]) == 3

    def test_activations_that_were_stored(self):
        rng = np.random.default_rng(0)
        y = rng.integers(0, 3, 300)
        study = lw.inspect_activations({"fc": rng.normal(size=(300, 4))}, y)
        found = study_payload(study)
        (run,) = found.content["runs"]
        assert "answers" not in run
        assert [b["id"] for b in run["bases"]] == ["principal", "discriminant"]
        assert "before" not in run["bases"][0]["positions"]
        assert found.content["samples"]["part"] == "row"

    def test_a_crowd_stands_behind_those_that_move(self, digits):
        study = digits.study
        crowd = Crowd(study.shown, tuple(dict(layer.planes) for layer in study))
        few = with_fewer_shown(study, 100)
        page = study_payload(replace(few, crowd=crowd))
        samples = page.content["samples"]
        assert (samples["moving"], samples["count"]) == (100, 270)
        positions = decoded(page, samples["positions"])
        assert np.array_equal(positions[:100], few.shown)
        basis = page.content["runs"][0]["bases"][0]["positions"]
        assert basis["before"]["shape"] == [3, 3, 100, 2]
        last = decoded(page, basis["last"])[1].astype(float)
        place = np.searchsorted(study.shown, positions)
        whole = study.layers[0].turned("components")[place].astype(float)
        for axis in range(2):
            slope = np.corrcoef(last[:, axis], whole[:, axis])[0, 1]
            assert slope == pytest.approx(1, abs=1e-6)

    def test_fewer_shown_are_a_part(self, digits):
        few = with_fewer_shown(digits.study, 60)
        assert len(few.shown) == 60
        kept = np.searchsorted(digits.study.shown, few.shown)
        for own, whole in zip(few, digits.study, strict=True):
            assert np.array_equal(
                own.turned("components"), whole.turned("components")[kept]
            )
        for pair in few.pairs:
            assert set(few.targets[few.shown[pair.samples]]) <= set(pair.classes)
        assert study_payload(few).content["samples"]["count"] == 60
        assert with_fewer_shown(digits.study, 1000) is digits.study

    def test_runs_share_their_samples(self, digits):
        study = digits.study
        other = replace(study, targets=np.roll(study.targets, 1))
        summary = {
            "data": {"name": "digits", "classes": [*study.class_names], "samples":
                     {"train": 5}, "scaling": "range"},
            "plan": {"data": "digits", "recipe": {"epochs": 3}},
            "network": {},
            "training": {"status": "finished", "test_loss": None, "batch_size": 32},
        }  # fmt: skip
        history = digits.result.history
        runs = tuple(
            ComparedRun(name, summary, history, own)
            for name, own in (("a", study), ("b", study), ("c", other), ("d", None))
        )
        page = comparison_payload(runs, ["a/report.html", None])
        content = page.content
        assert content["name"] == "digits"
        assert [len(run["layers"]) for run in content["runs"]] == [4, 4, 0, 0]
        assert [run.get("warning") for run in content["runs"]] == [
            None, None, "no scatter plots: studied on other samples", None
        ]  # fmt: skip
        assert content["runs"][0]["href"] == "a/report.html"
        assert "href" not in content["runs"][1]
        assert content["runs"][3]["charts"]

    def test_a_sweep_has_its_cells(self):
        def point(depth, width, status="finished"):
            return SweepPoint(
                {"depth": depth, "width": width}, status, 0.1, 5, 1, 0.5, 0.9, 0.4,
                depth / 10 + width / 100, 1.0,
            )  # fmt: skip

        points = [point(1, 8), point(2, 8), point(1, 16), point(2, 16, "diverged")]
        axes = Axis("depth", (1, 2)), Axis("width", (8, 16))
        sweep = Sweep("moons", axes, tuple(points))
        report = SweepReport(sweep, points[1], 0.91, {"seed": "0"}, {}, "layerwise")
        found = sweep_payload(report, {(0, 1): "best/report.html"}).content["sweep"]
        assert found["columns"] == {"name": "depth", "values": ["1", "2"]}
        assert found["rows"] == {"name": "width", "values": ["8", "16"]}
        cells = {(cell["row"], cell["column"]): cell for cell in found["cells"]}
        assert cells[0, 1]["accuracy"] == pytest.approx(0.28)
        assert cells[0, 1]["best"]
        assert cells[0, 1]["href"] == "best/report.html"
        assert cells[1, 1]["diverged"] == 1
        assert cells[1, 1]["accuracy"] is None

    def test_coloured_pictures_are_small_sheets(self):
        rng = np.random.default_rng(0)
        blocks = Blocks()
        items = rng.integers(0, 255, (40, 64, 64, 3)).astype(np.uint8)
        found = blocks.pictures("sheet", items)
        assert (found["width"], found["height"], found["ink"]) == (32, 32, False)
        image = Image.open(io.BytesIO(base64.b64decode(blocks.texts["sheet-0"])))
        assert (image.format, image.size) == ("JPEG", (1024, 64))

    def test_what_is_not_finite_is_null(self):
        told = {"a": np.float32("nan"), "b": (1, float("inf")), "c": np.arange(2)}
        assert json_types(told) == {"a": None, "b": [1, None], "c": [0, 1]}

    def test_a_point_alone_has_a_square(self):
        square = Square.around(np.zeros((1, 2)))
        assert square.whole(np.zeros((1, 2))).tolist() == [[0, 0]]

    def test_text_samples_are_texts(self, digits):
        texts = np.array([f"text {i}" for i in range(270)], object)
        study = replace(digits.study, inputs=texts, nearest=None)
        samples = study_payload(study).content["samples"]
        assert samples["texts"][5] == f"text {study.shown[5]}"

    def test_class_colours_stand_out_on_dark(self):
        style = files("layerwise.presentation") / "assets/bundle.css"
        assert f"--paper:{DARK}" in style.read_text("utf-8")
        for colour in class_colours(30):
            assert contrast(lighter(colour), DARK) >= CONTRAST


def test_a_class_that_is_seldom_found_has_a_button(digits):
    shown = Shown.of(digits.study)
    evidence = {"found": [9, 2, 12], "samples_of_class": [9, 12, 12]}
    (part,) = finding_parts(shown, [Finding("simple method", "", "", evidence)])
    assert (part["button"], part["link"]) == ("1: 2 of 12 found", "m=class:1")
    (part,) = finding_parts(shown, [Finding("simple method", "", "", {})])
    assert "button" not in part


def test_a_button_counts_the_suspects_that_its_list_has(digits):
    """A finding is of those that are contradicted by all: fewer than are listed."""
    finding = Finding("suspect labels", "", "", {"suspects": 2, "of": 3})
    (part,) = finding_parts(Shown.of(digits.study), [finding])
    assert part["button"] == "3 suspicious labels"
    (part,) = finding_parts(Shown.of(replace(digits.study, suspects=())), [finding])
    assert "button" not in part


def test_a_class_that_is_a_word_has_quotes_on_buttons(moons):
    pair = Finding("mixed pair", "", "", {"classes": ["upper", "lower"]})
    wide = Finding("spread", "", "", {"class": "lower"})
    parts = finding_parts(Shown.of(moons.study), [pair, wide])
    assert [part["button"] for part in parts] == [
        '"upper" and "lower" confused',
        'class "lower" varies most',
    ]
