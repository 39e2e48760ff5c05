"""Wrong tables, pictures and arrays: one line that names file, place and what to do."""

import gzip
import io

import numpy as np
import pytest
from PIL import Image
from scipy.io import savemat

from layerwise.cli import main
from layerwise.data import Dataset, load, rows_to_predict
from layerwise.errors import InputError

ROWS = "".join(f"{n % 7},{'ab'[n % 2]},{n % 3 / 2}\n" for n in range(60))
GOOD = f"size,label,width\n{ROWS}"


def text(content, name="t.csv", **how):
    """A file of this text, and how it is to be read."""
    bytes_of = content if isinstance(content, bytes) else content.encode()
    return name, bytes_of, how


def changed(line, new):
    lines = GOOD.splitlines()
    lines[line] = new
    return text("\n".join(lines) + "\n")


def bytes_by(save, *arguments):
    """What a library writes to a file."""
    save(file := io.BytesIO(), *arguments)
    return file.getvalue()


NPY = bytes_by(np.save, np.arange(60.0).reshape(20, 3))
MAT = bytes_by(savemat, {"X": np.arange(60.0).reshape(20, 3), "y": np.arange(20) % 2})

WRONG = {
    "empty": (text(""), "t.csv: is empty: give"),
    "blank": (text("\n\n"), "t.csv: is empty: give"),
    "header alone": (text("a,label\n"), "t.csv: there are no rows"),
    "header alone, without an end": (text("a,label"), "t.csv: there are no rows"),
    "one column": (text("label\n1\n2\n"), "has one column, 'label': separate"),
    "a web page": (text("<!DOCTYPE html><p>"), "is a web page, not data"),
    "bytes": (text(b"a,b\n\0\1\0,2\n"), "holds bytes that are no text"),
    "too long a row": (changed(9, "1,a,0,7"), "line 10 has 4 fields where .* 3 col"),
    "too short a row": (changed(9, "1,a"), "line 10 has 2 fields where there are 3"),
    "open quote": (
        text(GOOD + '1,"a,0\n2,b,1\n'),
        "quotation mark is not closed|line 62 has",
    ),
    "two columns of a name": (text("a,a,label\n1,2,x\n"), "two columns are called 'a'"),
    "damaged gzip": (
        text(gzip.compress(GOOD.encode())[:60], "t.csv.gz"),
        "t.csv.gz: truncated or damaged",
    ),
    "no gzip": (text(GOOD, "t.csv.gz"), "t.csv.gz: truncated or damaged"),
    "a byte 0 far behind": (
        text(GOOD + ROWS * 200 + "1,a\0,0\n"),
        "row 12060, column 'label' .* holds a byte 0",
    ),
    "a quotation mark in a row": (
        changed(9, '1,"a,0'),
        "a quotation mark is not closed: close",
    ),
    "a title above the names": (text(f"Sizes\n{GOOD}"), "delete what stands above"),
    "thousands of names twice": (
        text(",".join(f"gene{n % 9000}" for n in range(18_000)) + ",label\n1\n"),
        "two columns are called 'gene0'",
    ),
    "thousands of names alone": (
        text(",".join(f"gene{n}" for n in range(18_000)), target="gene0"),
        "there are no rows: give some",
    ),
    "a name without an end": (
        text(f"size,{'a' * 200_000},label\n1,2,a\n", target="label"),
        "a field of more than 131,072 characters",
    ),
    "a name nearly right": (text(GOOD, target="labl"), "did you mean 'label'"),
    "no date": (
        text(
            "on,label\n"
            + "".join(
                f"2020-0{n % 8 + 1}-{n % 28 + 1:02},{'ab'[n % 2]}\n" for n in range(60)
            )
            + "soon,a\n"
        ),
        "row 60, column 'on' .* is 'soon', not a date",
    ),
    "all labels missing": (
        text("size,label\n" + "".join(f"{n},\n" for n in range(60)), target="label"),
        "'label' .* is missing, and 60 of 60 rows have no label",
    ),
    "no such target": (
        text(GOOD, target="kind"),
        r"there is no column 'kind': give target \(--target\) one of size, label, wid",
    ),
    "no such column": (
        text(GOOD, drop=["size", "kind"]),
        r"there is no column 'kind': give drop \(--drop\) one of size, label, wid",
    ),
    "no such group": (
        text(GOOD, group="kind"),
        r"there is no column 'kind': give group \(--group\) one of size, label, wid",
    ),
    "nearly a target": (text(GOOD, target="labels"), "'labels': did you mean 'label'"),
    "the target dropped": (
        text(GOOD, drop=["label"], target="label"),
        "column 'label' is the target, and cannot be left out",
    ),
    "the target as group": (
        text(GOOD, group="label", target="label"),
        "column 'label' is the target, and cannot be the group too",
    ),
    "two targets": (text("y,label,class\n1,2,3\n"), "label, class may all be labels"),
    "no target": (
        text(
            GOOD.replace("label", "kind")
            .replace("a", "q1")
            .replace("b", "q2")
            .replace("q1", "1")
            .replace("q2", "2")
        ),
        "name the column of the lab",
    ),
    "a label missing": (
        changed(9, "1,,0"),
        "row 8, column 'label' .* is missing, and 1",
    ),
    "amounts": (
        text("a,y\n" + "".join(f"{n},{n * n + 0.5}\n" for n in range(60))),
        "amounts are for",
    ),
    "whole amounts": (
        text("a,y\n" + "".join(f"{n},{n * n}\n" for n in range(60))),
        "look like amounts, not classes",
    ),
    "names as labels": (
        text("a,y\n" + "".join(f"{n % 5},name {n}\n" for n in range(60))),
        "most of them once: these are no classes",
    ),
    "one class": (text(GOOD.replace(",b,", ",a,")), "all rows are of class 'a'"),
    "labels alone": (text("label,x\na,1\nb,2\n" * 9, drop=["x"]), "no column is left"),
    "nothing left": (
        text("id,label\n" + "".join(f"{n},{'ab'[n % 2]}\n" for n in range(60))),
        "no column is left as an input .'id': left out: it numbers the rows",
    ),
    "too few rows": (text("a,label\n1,x\n2,y\n"), "2 rows are too few for a training"),
    "no number": (changed(9, "old,a,0"), "row 8, column 'size' .* is 'old', not a num"),
    "infinite": (changed(9, "inf,a,0"), "row 8, column 'size' .* is inf: fill or drop"),
    "too large": (changed(9, "1e30,a,0"), r"row 8, column 'size' .* is 1e\+30"),
    "missing, refused": (
        (*changed(9, ",a,0")[:2], {"missing": "refuse"}),
        "row 8, column 'size' .* is missing, and 1 of 60",
    ),
    "neither": (text(GOOD, missing="zero"), "missing 'zero': give median or refuse"),
    "no test file": (text(GOOD, test="no.csv"), "no.csv: no such file or folder"),
    "a test file nearly right": (text(GOOD, test="tt.csv"), r"did you mean t\.csv"),
    "a test set of training rows": (
        text(GOOD, test="t.csv"),
        "t.csv: is the training data and --test: give rows of their own",
    ),
    "a test set that is a folder": (text(GOOD, test="."), "no data in this folder"),
    "a size of no pictures": (text(GOOD, size=(4, 4)), "no picture files to resize"),
    "one array alone": (text(NPY, "X.npy"), "X.npy: holds one array: give the file of"),
    "labels that are not there": (text(NPY, "X.npy", labels="y.npy"), "y.npy: no such"),
    "a test set beside labels": (
        text(NPY, "X.npy", labels="X.npy", test="t.csv"),
        "t.csv: no such file",
    ),
    "a damaged NPY file": (text(NPY[:40], "X.npy"), "not an array in NumPy's format"),
    "half a MATLAB file": (text(MAT[:150], "t.mat"), "not a MATLAB file, or damaged"),
    "one name of a class": (text(GOOD, class_names="t.csv"), "t.csv: two classes are"),
    "no class names": (text(GOOD, class_names="no.txt"), "no.txt: cannot be read as"),
    "an unknown class": (text(GOOD, class_names=("a", "c")), "is 'b', none of the 2"),
    "no shape": (text(GOOD, shape=(0, 3)), "shape 0x3: give height and width"),
    "another shape": (text(GOOD, shape=(2, 2)), "2x2 has 4 pixels where there are 2"),
    "no size": (text(GOOD, size=(4,)), "size 4: give height and width"),
    "labels of a table": (text(GOOD, labels="y.npy"), "t.csv: no NPY file"),
    "another kind": (text(GOOD, "t.xyz"), ".xyz files are not read: give .csv, .npz"),
    "no Parquet": (text(GOOD, "t.parquet"), "t.parquet: not a Parquet file"),
    "no archive": (text(GOOD, "t.npz"), "t.npz: truncated or damaged"),
    "no MATLAB": (text(GOOD * 9, "t.mat"), "t.mat: not a MATLAB file, or damaged"),
    "a negative seed": (text(GOOD, seed=-1), "seed -1: give 0 or more"),
}


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.usefixtures("unchecked")
def test_one_line_says_what_is_wrong(case, tmp_path, monkeypatch):
    (name, content, how), line = WRONG[case]
    monkeypatch.chdir(tmp_path)
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=line) as caught:
        load(name, **how)
    assert len(str(caught.value).splitlines()) == 1
    assert len(WRONG) >= 60


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("label,width", "has no column 'size', .*: add or rename it, or train without"),
        ("label,wide", "has no columns 'size' and 'width', .*: add or rename them"),
        ("size,width", "no column 'label', which the training set has, but size, wid"),
    ],
)
def test_a_column_that_a_test_file_lacks_is_named(head, line, tmp_path):
    (tmp_path / "t.csv").write_text(GOOD)
    (tmp_path / "test.csv").write_text(f"{head}\na,1\n")
    with pytest.raises(InputError, match=rf"test\.csv: .*{line}"):
        load(tmp_path / "t.csv", test=str(tmp_path / "test.csv"))


@pytest.mark.parametrize("command", ["run", "train", "data", "sweep"])
@pytest.mark.parametrize(
    ("options", "line"),
    [
        (["--target", "kind"], "there is no column 'kind'"),
        (["--drop", "size,kind"], "there is no column 'kind'"),
        (["--shape", "2xq"], "--shape: 'q' is not a whole number"),
    ],
)
def test_commands_end_with_status_2(command, options, line, tmp_path, capsys):
    path = tmp_path / "t.csv"
    path.write_text(GOOD)
    vary = ["--vary", "seed=0,1"] if command == "sweep" else []
    status = main([command, str(path), *options, *vary, "--out", str(tmp_path / "out")])
    assert (status, line in capsys.readouterr().err) == (2, True)
    assert not (tmp_path / "out").exists()


def test_a_picture_of_another_kind_is_named(tmp_path):
    for name in "ab":
        (tmp_path / name).mkdir()
        for place in range(9):
            Image.fromarray(np.zeros((4, 4), np.uint8)).save(
                tmp_path / name / f"{place}.png"
            )
    (tmp_path / "a" / "5.png").write_bytes(b"<svg/>")
    with pytest.raises(InputError, match=r"5\.png: no picture that can be read"):
        load(tmp_path)


def test_a_wrong_value_in_a_shard_is_found_in_this_shard(tmp_path):
    """To predict, shards are read one by one: their rows are counted each from 0."""
    import pyarrow as pa
    from pyarrow import parquet

    frame = {"a": [*range(10)] * 4, "on": ["yes", "no"] * 20, "y": ["u", "v"] * 20}
    columns = Dataset.from_frame(pa.table(frame), "y").columns
    for shard, last in (("0.parquet", "no"), ("1.parquet", "perhaps")):
        rows = {"a": [1, 2, 3], "on": ["yes", "no", last]}
        parquet.write_table(pa.table(rows), tmp_path / shard)
    with pytest.raises(InputError, match=r"1\.parquet: row 2, column 'on'"):
        list(rows_to_predict(str(tmp_path), ("u", "v"), columns, shape=(2,)))
