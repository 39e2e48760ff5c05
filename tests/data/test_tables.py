"""Tables: columns of any kind become inputs, by a record fitted on training rows."""

import json

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import layerwise as lw
from layerwise.cli import main
from layerwise.data import Columns, Dataset
from layerwise.data.formats._csv import BLOCK_BYTES, read_batches
from layerwise.errors import InputError

RNG = np.random.default_rng(0)
ROWS = 400
CHURN = pd.DataFrame(
    {
        "customer": [f"C{number:04}" for number in range(ROWS)],
        "age": RNG.integers(18, 90, ROWS),
        "balance": RNG.normal(1000, 300, ROWS).round(2),
        "town": RNG.choice(["Ulm", "Köln", "Bonn <b>"], ROWS, p=[0.5, 0.3, 0.2]),
        "member": RNG.choice(["yes", "no"], ROWS),
        "since": pd.date_range("2019-01-07", periods=ROWS).strftime("%Y-%m-%d"),
        "note": [f"called on {number} and again" for number in range(ROWS)],
    }
)
CHURN["churn"] = np.where(CHURN.balance + 5 * CHURN.age > 1300, "stays", "goes")
CHURN.loc[3::40, "balance"] = np.nan


def written(folder, frame=CHURN, name="churn.csv", **how):
    path = folder / name
    frame.to_csv(path, index=False, **how)
    return path


@pytest.fixture
def churn(tmp_path) -> Dataset:
    return lw.load(written(tmp_path), target="churn")


def kinds(columns: Columns) -> dict[str, str]:
    return {column.name: column.kind for column in columns.columns}


class TestWhatBecomesOfColumns:
    def test_each_has_its_kind(self, churn):
        assert kinds(churn.columns) == {
            "customer": "left out",
            "age": "number",
            "balance": "number",
            "town": "category",
            "member": "yes/no",
            "since": "date",
            "note": "left out",
        }
        assert churn.feature_names == (
            *("age", "balance", "balance (missing)"),
            *("town = Bonn <b>", "town = Köln", "town = Ulm", "member"),
            *("since year", "since month", "since weekday"),
        )

    def test_rows_are_what_the_file_says(self, churn):
        rows = churn.test.rows
        table = CHURN.iloc[rows]
        found = dict(zip(churn.feature_names, churn.test.inputs.T, strict=True))
        absent = table.balance.isna().to_numpy()
        assert absent.any()
        np.testing.assert_array_equal(found["age"], table.age)
        np.testing.assert_array_equal(found["balance (missing)"], absent)
        given = table.balance.to_numpy(np.float32)
        np.testing.assert_array_equal(found["balance"][~absent], given[~absent])
        median = CHURN.balance.iloc[churn.train.rows].median()
        np.testing.assert_array_equal(found["balance"][absent], np.float32(median))
        np.testing.assert_array_equal(found["town = Köln"], table.town == "Köln")
        np.testing.assert_array_equal(found["member"], table.member == "yes")
        dates = pd.to_datetime(table.since)
        np.testing.assert_array_equal(found["since year"], dates.dt.year)
        np.testing.assert_array_equal(found["since weekday"], dates.dt.day_of_week + 1)

    def test_what_is_left_out_is_said(self, churn):
        (said,) = churn.notes
        assert said.startswith("Columns are left out: 'customer' (280 different values")
        assert "'note' (280 different values in 280 rows)" in said

    def test_of_many_that_are_left_out_five_are_named(self):
        numbers = np.arange(200)
        notes = {f"note {i}": [f"{n} of {i}" for n in numbers] for i in range(25)}
        frame = pd.DataFrame({"x": numbers % 7, **notes, "y": numbers % 2})
        (said,) = Dataset.from_frame(frame, "y").notes
        assert said.count("different values") == 5
        assert said.endswith("and 20 more (layerwise data lists them).")

    def test_nothing_is_fitted_outside_the_training_set(self, churn):
        changed = CHURN.copy()
        held_out = np.concatenate([churn.validation.rows, churn.test.rows])
        for row in held_out:
            changed.loc[row, ["age", "balance"]] = [9e6, np.nan]
            changed.loc[row, ["town", "member", "note"]] = [f"T{row}", None, "same"]
            changed.loc[row, ["customer", "since"]] = ["C0000", None]
        other = Dataset.from_frame(changed, "churn")
        np.testing.assert_array_equal(other.train.rows, churn.train.rows)
        assert other.columns == churn.columns
        np.testing.assert_array_equal(other.train.inputs, churn.train.inputs)
        assert other.fitted_scaling.offset.tolist() == (
            churn.fitted_scaling.offset.tolist()
        )

    def test_rare_categories_share_one_input(self):
        frame = pd.DataFrame(
            {
                "kind": [*(["a", "b"] * 195), *[f"rare{n}" for n in range(10)]],
                "label": [0, 1] * 200,
            }
        )
        data = Dataset.from_frame(frame)
        assert data.feature_names == ("kind = a", "kind = b", "kind (other)")
        assert "one for the other" in data.columns.columns[0].done
        rows = data.columns.apply({"kind": ["b", "rare3", "never seen", None]})
        assert rows.tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 1], [0, 0, 1]]

    def test_inputs_of_a_column_are_limited(self):
        values = [f"v{number:02}" for number in range(50)] * 20
        frame = pd.DataFrame({"kind": values, "label": [0, 1] * 500})
        (column,) = Dataset.from_frame(frame).columns.columns
        assert (len(column.categories), column.others) == (30, 20)

    def test_numbers_of_rows_are_left_out(self):
        frame = CHURN[["age", "churn"]].assign(id=np.arange(ROWS)[::-1] + 1000)
        data = Dataset.from_frame(frame, "churn")
        assert data.notes == ("Column 'id' is left out: it numbers the rows.",)

    @pytest.mark.parametrize(
        "written", ["%d.%m.%Y", "%m/%d/%Y", "%Y/%m/%d", "%b %d %Y", "%Y-%m-%d %H:%M"]
    )
    def test_dates_as_they_are_written(self, written):
        dates = pd.date_range("2020-01-30 10:20", periods=ROWS)
        frame = pd.DataFrame({"on": dates.strftime(written), "y": CHURN.churn})
        data = Dataset.from_frame(frame)
        expected = np.stack([dates.year, dates.month, dates.day_of_week + 1], 1)
        np.testing.assert_array_equal(data.train.inputs, expected[data.train.rows])


class TestTheRecord:
    def test_it_is_text_and_back(self, churn):
        text = json.dumps(churn.columns.to_json())
        assert Columns.from_json(json.loads(text)) == churn.columns

    def test_it_goes_with_the_network(self, churn, tmp_path):
        network = lw.fit(lw.MLP([4]), churn, epochs=1, seed=0, engine="eager").network
        lw.save_network(network, tmp_path / "n.safetensors")
        loaded = lw.load_network(tmp_path / "n.safetensors")
        assert loaded.columns == churn.columns
        logits = loaded.logits(churn.test.inputs)
        table = CHURN.iloc[churn.test.rows]
        np.testing.assert_array_equal(loaded.logits(table), logits)
        turned = table[table.columns[::-1]].assign(more=1).drop(columns="note")
        with pytest.warns(UserWarning, match="not there in training: 'more'"):
            row = loaded.logits(turned.iloc[:1])
        np.testing.assert_array_equal(row, logits[:1])
        with pytest.raises(InputError, match="give rows by column names"):
            loaded.predict(table.to_numpy())

    @pytest.mark.parametrize(
        ("change", "line"),
        [
            ({"age": None}, "inputs: has no column 'age', which the network"),
            ({"age": "old"}, r"row 0, column 'age' .* is 'old', not a number"),
            ({"balance": np.inf}, r"row 0, column 'balance' .* is inf"),
            ({"member": "perhaps"}, r"row 0, column 'member' .* neither yes nor no"),
            ({"since": "soon"}, r"row 0, column 'since' .* is 'soon', not a date"),
        ],
    )
    def test_what_cannot_become_inputs_is_named(self, churn, change, line):
        ((name, value),) = change.items()
        table = CHURN.head(3).drop(columns=name)
        if value is not None:
            table = table.assign(**{name: value})
        with pytest.raises(InputError, match=line):
            churn.columns.apply(table)


AMOUNTS = pd.DataFrame(
    {
        "rate": [f"{at % 90}%" for at in range(200)],
        "price": [f"€{1000 + 7 * at:,}.50" if at % 9 else "" for at in range(200)],
        "people": [f"{900 + 3 * at:,}" for at in range(200)],
        "change": [f"-$ {3 * at}" if at % 2 else f"$-{3 * at}" for at in range(200)],
        "mixed": [f"€{at % 5}" if at % 2 else f"${at % 5}" for at in range(200)],
        "kind": ["low"] * 100 + ["high"] * 100,
    }
)


class TestAmounts:
    """Numbers written with signs and commas are numbers, in training and after it."""

    def test_they_are_read_as_numbers(self, tmp_path):
        data = lw.load(written(tmp_path, AMOUNTS), target="kind")
        done = {column.name: column.done for column in data.columns.columns}
        assert kinds(data.columns)["mixed"] == "category"
        assert done["rate"] == "read without %"
        assert done["price"].startswith("read without €; missing values become the")
        assert done["people"] == "read without commas"
        rows = data.train.rows
        inputs = dict(zip(data.feature_names, data.train.inputs.T, strict=True))
        np.testing.assert_array_equal(inputs["rate"], rows % 90)
        np.testing.assert_array_equal(inputs["people"], 900 + 3 * rows)
        np.testing.assert_array_equal(inputs["change"], -3 * rows)
        there = rows % 9 > 0
        price = inputs["price"][there]
        np.testing.assert_array_equal(price, 1000.5 + 7 * rows[there])

    def test_new_rows_are_read_alike_and_other_signs_refused(self, tmp_path):
        data = lw.load(written(tmp_path, AMOUNTS), target="kind")
        columns = Columns.from_json(json.loads(json.dumps(data.columns.to_json())))
        path = written(tmp_path, AMOUNTS.drop(columns="kind"), "new.csv")
        read = np.concatenate([columns.apply(t) for t in read_batches(path, columns)])
        np.testing.assert_array_equal(read, columns.apply(AMOUNTS))
        np.testing.assert_array_equal(read[data.test.rows], data.test.inputs)
        other = AMOUNTS.head(3).assign(price=["€1", "$2", "3"])
        with pytest.raises(InputError, match=r"row 1, column 'price' .* is '\$2', not"):
            columns.apply(other)

    def test_they_are_not_guessed_to_be_the_labels(self, tmp_path):
        few = AMOUNTS.assign(rate=[f"{at % 4}0 %" for at in range(200)])
        data = lw.load(written(tmp_path, few.drop(columns="mixed")))
        assert data.columns.target == "kind"

    def test_a_sign_in_a_file_is_one_of_those(self, tmp_path):
        record = lw.load(written(tmp_path, AMOUNTS), target="kind").columns.to_json()
        rate = next(c for c in record["columns"] if c["name"] == "rate")
        rate["fitted"]["sign"] = "]"
        with pytest.raises(InputError, match="sign"):
            Columns.from_json(record)


class TestForms:
    """The same table in any form is the same data set."""

    @pytest.mark.parametrize(
        ("name", "how"),
        [
            ("a.csv", {}),
            ("a.csv.gz", {}),
            ("a.tsv", {"sep": "\t"}),
            ("a.csv", {"sep": ";", "decimal": ","}),
            ("a.csv", {"encoding": "utf-8-sig"}),
            ("a.csv", {"encoding": "utf-16"}),
            ("a.csv", {"encoding": "latin-1"}),
            ("a.csv", {"sep": "|", "lineterminator": "\r\n"}),
        ],
    )
    def test_texts(self, churn, tmp_path, name, how):
        data = lw.load(written(tmp_path, name=name, **how), target="churn")
        assert data.columns == churn.columns
        np.testing.assert_array_equal(data.test.inputs, churn.test.inputs)
        latin = how.get("encoding") == "latin-1"
        assert latin == ("was read as Latin-1" in str(data.notes))

    def test_lines_that_go_on_between_quotation_marks(self, tmp_path):
        """Longer than the blocks that Arrow reads side by side."""
        rows = 1200
        texts = ['"' + f"{number},\nx\n" * 700 + '"' for number in range(rows)]
        lines = [f"{n % 7},{text},{n % 2}" for n, text in enumerate(texts)]
        path = tmp_path / "t.csv"
        path.write_text("\n".join(["size,text,label", *lines]))
        assert path.stat().st_size > BLOCK_BYTES
        data = lw.load(path)
        sets = [data.train, data.validation, data.test]
        assert sum(map(len, sets)) == rows
        for part in sets:
            assert part.inputs[:, 0].tolist() == (part.rows % 7).tolist()

    def test_thousands_of_columns_with_long_names(self, tmp_path):
        names = [f"expression of the gene number {number}" for number in range(2100)]
        table = pd.DataFrame(RNG.integers(0, 9, (40, 2100)), columns=names)
        table["kind"] = np.arange(40) % 2
        data = lw.load(written(tmp_path, table), target="kind")
        assert data.feature_names == tuple(names)

    @pytest.mark.parametrize(
        "frame", [CHURN, pl.from_pandas(CHURN), pa.Table.from_pandas(CHURN)]
    )
    def test_frames(self, churn, frame):
        data = Dataset.from_frame(frame, "churn")
        assert data.columns == churn.columns
        np.testing.assert_array_equal(data.test.inputs, churn.test.inputs)

    def test_parquet_with_categories_and_an_index(self, churn, tmp_path):
        frame = CHURN.astype({"town": "category", "member": "category"})
        frame = frame.set_index(np.arange(ROWS) + 7)
        frame.to_parquet(tmp_path / "churn.parquet")
        data = lw.load(tmp_path / "churn.parquet", target="churn")
        assert data.feature_names == churn.feature_names
        np.testing.assert_array_equal(data.test.inputs, churn.test.inputs)

    def test_an_index_is_no_column(self, churn, tmp_path):
        CHURN.to_csv(tmp_path / "churn.csv")
        data = lw.load(tmp_path / "churn.csv", target="churn")
        np.testing.assert_array_equal(data.test.inputs, churn.test.inputs)
        assert "'(index)' (it has no name, as an index has none)" in str(data.notes)
        shifted = Dataset.from_frame(CHURN.set_index(np.arange(ROWS)[::-1]), "churn")
        assert shifted.columns == churn.columns

    def test_numbers_alone_keep_their_dtype(self):
        frame = pd.DataFrame({"a": RNG.normal(size=60), "b": np.arange(60) % 7})
        frame["label"] = [0, 1] * 30
        data = Dataset.from_frame(frame)
        expected = Dataset.from_arrays(frame[["a", "b"]].to_numpy(), frame.label)
        assert data.train.inputs.dtype == np.float64
        np.testing.assert_array_equal(data.train.inputs, expected.train.inputs)


class TestWhatIsAsked:
    def test_sets_of_their_own(self, tmp_path):
        paths = [
            str(written(tmp_path, CHURN.iloc[start:stop], f"{start}.csv"))
            for start, stop in ((0, 250), (250, 320), (320, 400))
        ]
        data = lw.load(paths[0], target="churn", validation=paths[1], test=paths[2])
        sizes = [len(part) for part in (data.train, data.validation, data.test)]
        assert sizes == [250, 70, 80]
        assert "Validation and test set are the ones given" in data.origin
        assert data.test.where.named(3) == "row 3"
        table = CHURN.iloc[320:]
        np.testing.assert_array_equal(data.test.inputs[:, 0], table.age)
        expected = table.churn.map(list(data.class_names).index)
        np.testing.assert_array_equal(data.test.targets, expected)

    def test_no_group_stands_in_two_sets(self):
        frame = CHURN[["age", "churn"]].assign(house=np.arange(ROWS) // 5 * 31 % 77)
        data = Dataset.from_frame(frame, "churn", group="house")
        houses = [
            set(frame.house.iloc[part.rows])
            for part in (data.train, data.validation, data.test)
        ]
        assert sum(map(len, houses)) == len(set.union(*houses)) == 77
        assert abs(len(data.test) - 60) < 12
        assert "no group stands in two of them" in data.origin
        assert data.feature_names == ("age",)

    def test_dropped_columns_are_no_inputs(self, tmp_path):
        how = {"drop": ["town", "since"], "target": "churn"}
        data = lw.load(written(tmp_path), **how)
        assert not any("town" in name or "since" in name for name in data.feature_names)
        assert "town" not in str(data.notes)

    def test_names_of_classes(self, tmp_path):
        (tmp_path / "names.txt").write_text("läuft\n\nkaputt <b>\n", "utf-8")
        frame = pd.DataFrame({"a": RNG.normal(size=60), "state": [0, 1, 1] * 20})
        path = written(tmp_path, frame)
        names = str(tmp_path / "names.txt")
        data = lw.load(path, target="state", class_names=names)
        assert data.class_names == ("läuft", "kaputt <b>")
        assert data.columns.labels == ("0", "1")
        again = lw.load(
            path, target="state", columns=data.columns, class_names=data.class_names
        )
        np.testing.assert_array_equal(again.test.targets, data.test.targets)

    @pytest.mark.parametrize("name", ["label", "Target", "CLASS", "y"])
    def test_the_target_is_guessed_by_its_name(self, name):
        frame = CHURN.rename(columns={"churn": name})
        data = Dataset.from_frame(frame)
        assert data.class_names == ("goes", "stays")
        assert f"Column {name!r} is taken for the labels." in data.notes

    def test_the_only_text_that_repeats_is_the_target(self):
        data = Dataset.from_frame(CHURN[["age", "customer", "churn"]])
        assert data.class_names == ("goes", "stays")
        assert "it is the only one of texts that repeat" in str(data.notes)

    def test_what_is_in_doubt_is_not_guessed(self):
        with pytest.raises(
            InputError, match=r"town, member and churn may all be labels: name"
        ):
            Dataset.from_frame(CHURN)
        with pytest.raises(InputError, match=r"'chrun': did you mean 'churn'\?"):
            Dataset.from_frame(CHURN, target="chrun")


class TestLeaks:
    """A column that alone tells the label is named before all else."""

    @pytest.mark.parametrize("kind", ["text", "number", "date"])
    def test_a_column_that_tells_the_label_is_named(self, kind):
        goes = CHURN.churn == "goes"
        told = {
            "text": np.where(goes, "closed", "open"),
            "number": np.where(goes, RNG.uniform(5, 9, ROWS), RNG.uniform(0, 4, ROWS)),
            "date": np.where(goes, "2020-05-05", "2021-06-06"),
        }
        data = Dataset.from_frame(CHURN.assign(state=told[kind]), "churn")
        first, *_ = data.remarks
        assert first.startswith("Column 'state' alone gives the label of 100 % of the")
        assert "--drop 'state'" in first
        assert "state" in str(data.columns.names)

    def test_columns_that_do_not_are_not(self):
        some = np.random.default_rng(1).random(ROWS) < 0.1
        noisy = np.where(some, "stays", CHURN.churn)
        data = Dataset.from_frame(CHURN.assign(state=noisy), "churn")
        assert "alone gives the label" not in str(data.remarks)

    def test_nor_is_what_the_commonest_class_explains(self):
        frame = pd.DataFrame({"a": RNG.normal(size=1000), "b": RNG.normal(size=1000)})
        frame["label"] = (np.arange(1000) % 150 == 0).astype(int)
        assert "alone gives the label" not in str(Dataset.from_frame(frame).remarks)


@pytest.mark.slow("whole runs")
def test_a_table_goes_from_file_to_page_and_back(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    written(tmp_path)
    quick = ["--hidden", "8", "--epochs", "2", "--target", "churn", "--out", "run"]
    assert main(["run", "churn.csv", *quick]) == 0
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    record = Columns.from_json(summary["data"]["columns"])
    assert record == lw.load_network("run").columns
    columns = {one["name"]: one for one in summary["data"]["columns"]["columns"]}
    assert 0 < columns["balance"]["missing"] < 0.1
    assert (columns["age"]["missing"], columns["age"]["values"]) == (0.0, "18 to 89")
    assert columns["note"]["missing"] is None
    assert (tmp_path / "run" / "report.html").exists()
    assert summary["importance"]["of"] == 5
    assert summary["weak_spots"]["spots"] == []
    assert main(["report", "run"]) == 0
    again = json.loads((tmp_path / "run" / "summary.json").read_text())
    told = ("importance", "weak_spots", "findings", "classes", "balanced_accuracy")
    assert {name: again[name] for name in told} == {
        name: summary[name] for name in told
    }
    assert again["data"] == summary["data"]
    assert main(["inspect", "run", "churn.csv", "--target", "churn"]) == 0
    assert "Traceback" not in capsys.readouterr().err


def test_columns_that_are_no_inputs_have_the_same_levels_in_all_sets(tmp_path):
    rows = [f"{n * n % 7},{'ab'[n % 2]},{n % 2}\n" for n in range(40)]
    further = ["1,new,0\n", "2,b,1\n", "3,,0\n", "4,a,1\n"]
    (tmp_path / "a.csv").write_text("".join(["x,shop,y\n", *rows]))
    (tmp_path / "b.csv").write_text("".join(["x,shop,y\n", *further]))
    data = lw.load(
        str(tmp_path / "a.csv"), target="y", drop=["shop"], test=str(tmp_path / "b.csv")
    )
    (train,), (test,) = data.train.where.beside, data.test.where.beside
    assert train.levels == ("a", "b")
    assert np.array_equal(train.values, data.train.rows % 2)
    assert test.levels == ("a", "b", "new")
    assert np.array_equal(test.values, [2, 1, np.nan, 0], equal_nan=True)


@pytest.mark.parametrize(
    ("first", "rows", "target"),
    [
        ("5.1,3.5,setosa", "4.9,3.0,{}", "column 3"),
        ("39, State-gov, a", "50, {0}-gov, {0}", "column 3"),
        ("2019,2020,kind", "7,8,{}", "kind"),
        ("0,1,setosa", "4.9,3.0,{}", "setosa"),  # these may count the columns
    ],
)
def test_a_first_line_that_is_a_row_is_no_line_of_names(first, rows, target, tmp_path):
    """As in UCI's files: a text of the first row stands in other rows too."""
    lines = [rows.format(word) for word in ("setosa", "a", "State") * 30]
    (tmp_path / "t.csv").write_text("\n".join([first, *lines]))
    data = lw.load(tmp_path / "t.csv", target=target)
    is_row = target == "column 3"
    total = sum(map(len, (data.train, data.validation, data.test)))
    assert total == 90 + is_row
    assert any("has no line of names" in note for note in data.notes) == is_row
