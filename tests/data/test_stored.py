"""Rows that stay in their files: NPY, IDX, safetensors, Parquet, memory maps."""

import pickle
import struct
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import layerwise as lw
from layerwise.data import (
    Samples,
    StoredRows,
    _stored as module,
    of_memory_map,
    open_rows,
    read_ahead,
    rows_in_files,
)
from layerwise.data.formats import _parquet
from layerwise.errors import InputError


@pytest.fixture
def parts(tmp_path):
    """Three NPY files, and the rows of all of them."""
    rows = np.random.default_rng(0).normal(size=(50, 3, 2)).astype(np.float32)
    paths = [tmp_path / f"{i}.npy" for i in range(3)]
    for path, part in zip(paths, np.split(rows, [7, 30]), strict=True):
        np.save(path, part)
    return paths, rows


def test_rows_of_several_files_look_like_one_array(parts):
    paths, rows = parts
    found = rows_in_files(paths)
    assert (found.shape, found.dtype, found.ndim) == (rows.shape, rows.dtype, 3)
    assert (found.size, found.nbytes, len(found)) == (rows.size, rows.nbytes, 50)
    assert np.array_equal(np.asarray(found), rows)
    assert np.asarray(found, np.float64).dtype == np.float64
    for index in (0, -1, 49, slice(5, 33), slice(None, None, 7), slice(40, 2, -3)):
        assert np.array_equal(found[index], rows[index])
    assert np.array_equal(found[3, 1], rows[3, 1])
    assert np.array_equal(found[4:9, 2], rows[4:9, 2])
    assert np.array_equal(found[rows[:, 0, 0] > 0], rows[rows[:, 0, 0] > 0])
    with pytest.raises(IndexError):
        found[50]


@settings(max_examples=60, deadline=None)
@given(data=st.data(), gap=st.integers(1, 200), chunk=st.integers(1, 400))
def test_any_positions_are_read(data, gap, chunk, tmp_path_factory):
    rows = np.arange(120, dtype=np.int32).reshape(40, 3)
    folder = tmp_path_factory.mktemp("rows")
    np.save(folder / "a.npy", rows[:11])
    np.save(folder / "b.npy", rows[11:])
    found, expected = rows_in_files([folder / "a.npy", folder / "b.npy"]), rows
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "GAP_BYTES", gap)
        patch.setattr(module, "CHUNK_BYTES", chunk)
        for _ in range(2):  # positions of positions
            size = len(expected)
            if not size:
                return
            wanted = np.array(data.draw(st.lists(st.integers(0, size - 1))), np.int64)
            found, expected = found.at(wanted), expected[wanted]
            assert np.array_equal(np.asarray(found), expected)


@pytest.mark.parametrize("size", [1, 7, 50, 100])
def test_reading_ahead_gives_all_blocks_in_order(parts, size):
    paths, rows = parts
    for source in (rows, rows_in_files(paths)):
        blocks = list(read_ahead(source, size))
        assert all(isinstance(block, np.ndarray) for block in blocks)
        assert {len(block) for block in blocks[:-1]} <= {size}
        assert np.array_equal(np.concatenate(blocks), rows)
    assert not list(read_ahead(rows_in_files(paths).at(slice(0, 0)), size))


def test_reading_ahead_reads_one_block_ahead_and_stops(parts, monkeypatch):
    paths, _ = parts
    reads = []
    read = module.RawFile.read

    def counted(file, start, stop):
        reads.append((start, stop))
        return read(file, start, stop)

    monkeypatch.setattr(module.RawFile, "read", counted)
    blocks = read_ahead(rows_in_files(paths[2:]), 5)
    next(blocks)
    blocks.close()
    assert len(reads) <= 2


def test_a_file_that_was_cut_since_is_named(parts):
    paths, _ = parts
    found = rows_in_files(paths)
    with paths[1].open("r+b") as file:
        file.truncate(200)
    with pytest.raises(InputError, match=r"1\.npy: ends before row 23: "):
        np.asarray(found)


@pytest.mark.parametrize("bad", [np.nan, -np.inf])
def test_a_value_that_is_not_finite_is_named_when_it_is_read(parts, bad):
    paths, rows = parts
    changed = rows[7:30].copy()
    changed[4, 2, 1] = bad
    np.save(paths[1], changed)
    found = rows_in_files(paths)
    assert len(found[:7]) == 7
    with pytest.raises(InputError, match=rf"1\.npy: row 4, column 2, 1 .* is {bad}"):
        found[5:20]


def test_inputs_that_are_too_large_are_named_when_they_are_read(tmp_path):
    rows = np.ones((40, 3), np.float32)
    rows[8, 1] = 2.0**63
    np.save(tmp_path / "X.npy", rows)
    np.save(tmp_path / "y.npy", np.arange(40) % 2)
    data = lw.load(tmp_path, stored=True)
    with pytest.raises(InputError, match=r"X\.npy: row 8, column 1 .*is 9\.2.*e\+18: "):
        data.in_memory()
    found = rows_in_files([tmp_path / "X.npy"])  # activations may be as large
    assert found[8][1] == 2.0**63


def test_files_of_other_shapes_are_named(tmp_path):
    np.save(tmp_path / "a.npy", np.ones((3, 2)))
    np.save(tmp_path / "b.npy", np.ones((3, 4)))
    with pytest.raises(InputError, match=r"b\.npy: rows have shape \(4,\)"):
        rows_in_files([tmp_path / "a.npy", tmp_path / "b.npy"])
    with pytest.raises(InputError, match="no files"):
        rows_in_files([])


class TestFormats:
    def test_what_is_no_npy_file_is_named(self, tmp_path):
        path = tmp_path / "a.npy"
        for rows, said in (
            (np.ones((3, 2), order="F"), "column by column"),
            (np.empty((0, 2)), r"the shape \(0, 2\)"),
            (np.array(3.0), r"the shape \(\)"),
        ):
            np.save(path, rows)
            with pytest.raises(InputError, match=said):
                open_rows(path)
        np.save(path, np.array([{}]), allow_pickle=True)
        with pytest.raises(InputError, match="Python objects"):
            open_rows(path)
        path.write_bytes(b"nothing")
        with pytest.raises(InputError, match=r"a\.npy: not an array"):
            open_rows(path)
        np.save(path, np.ones((30, 2)))
        path.write_bytes(path.read_bytes()[:-1])
        with pytest.raises(InputError, match="480 bytes, the file holds 479"):
            open_rows(path)

    def test_unknown_files_are_named(self, tmp_path):
        with pytest.raises(InputError, match=r"x\.npy: no such file"):
            open_rows(tmp_path / "x.npy")
        (tmp_path / "x").mkdir()
        with pytest.raises(InputError, match="x: is a folder: name a file in it"):
            open_rows(tmp_path / "x")
        (tmp_path / "x.txt").touch()
        with pytest.raises(InputError, match=r"\.txt: give \.npy, \.parquet"):
            open_rows(tmp_path / "x.txt")

    def test_tensors_of_safetensors(self, tmp_path):
        from safetensors.numpy import save_file

        rng = np.random.default_rng(1)
        tensors = {
            "a": rng.normal(size=(20, 3)),
            "b": rng.integers(0, 9, 20),
            "c": rng.normal(size=(20, 2)).astype(np.float16),
        }
        path = tmp_path / "acts.safetensors"
        save_file(tensors, path)
        for name, array in tensors.items():
            found = rows_in_files([path], name)
            assert found.dtype == array.dtype
            assert np.array_equal(np.asarray(found), array)
        with pytest.raises(InputError, match="holds a, b, c: name one"):
            open_rows(path)
        with pytest.raises(InputError, match="holds no 'd', but a, b, c"):
            open_rows(path, "d")
        save_file({"only": tensors["a"]}, path)
        assert np.array_equal(np.asarray(rows_in_files([path])), tensors["a"])

    def test_bfloat16_becomes_float32(self, tmp_path):
        import torch
        from safetensors.torch import save_file

        rows = torch.randn(9, 4, generator=torch.Generator().manual_seed(0))
        rows = rows.to(torch.bfloat16)
        save_file({"x": rows}, tmp_path / "x.safetensors")
        found = rows_in_files([tmp_path / "x.safetensors"])
        assert found.dtype == np.float32
        assert np.array_equal(np.asarray(found), rows.float().numpy())
        assert np.array_equal(found[2:5], rows[2:5].float().numpy())

    @pytest.mark.parametrize(
        ("header", "said"),
        [
            (b"{", "unreadable"),
            (b"[1]", "unreadable"),
            (b'{"x":{"dtype":"F32"}}', "unreadable"),
            (b'{"x":{"dtype":"F32","shape":[1e999],"data_offsets":[0,4]}}', "shape"),
            (b'{"x":{"dtype":"F32","shape":[%d],"data_offsets":[0,4]}}' % 10**30, "sh"),
            (b'{"x":{"dtype":"F32","shape":[-4],"data_offsets":[0,4]}}', "shape"),
            (
                b'{"x":{"dtype":"F32","shape":[4],"data_offsets":[0,99]}}',
                "outside of the file",
            ),
            (
                b'{"x":{"dtype":"F32","shape":[1000000],"data_offsets":[0,4000000]}}',
                "declares 4,000,000 bytes",
            ),
            (
                b'{"x":{"dtype":"F8_E5M2","shape":[4],"data_offsets":[0,4]}}',
                "dtype F8_E5M2",
            ),
        ],
    )
    def test_damaged_safetensors_are_named(self, tmp_path, header, said):
        path = tmp_path / "x.safetensors"
        path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(16))
        with pytest.raises(InputError, match=said):
            open_rows(path)
        path.write_bytes(b"abc")
        with pytest.raises(InputError, match="not a safetensors file"):
            open_rows(path)


class TestParquet:
    @pytest.fixture
    def pq(self):
        import pyarrow.parquet

        return pyarrow.parquet

    @pytest.fixture
    def table(self):
        import pyarrow as pa

        rng = np.random.default_rng(2)
        rows = rng.normal(size=(100, 3)).astype(np.float32)
        labels = rng.integers(0, 4, 100)
        columns = {f"u{i}": rows[:, i] for i in range(3)}
        lists = pa.FixedSizeListArray.from_arrays(pa.array(rows.ravel()), 3)
        names = [f"c{label}" for label in labels]
        return rows, labels, pa.table({**columns, "y": labels}), lists, names

    def test_columns_of_floats_make_rows(self, pq, table, tmp_path):
        rows, labels, columns, _, _ = table
        path = tmp_path / "a.parquet"
        pq.write_table(columns, path, row_group_size=17)
        found = rows_in_files([path])
        assert (found.shape, found.dtype) == ((100, 3), np.float32)
        assert np.array_equal(np.asarray(found), rows)
        assert np.array_equal(found[10:60], rows[10:60])
        assert np.array_equal(found[np.array([99, 3, 50])], rows[[99, 3, 50]])
        assert np.array_equal(np.asarray(rows_in_files([path], "y")), labels)
        with pytest.raises(InputError, match="has no column 'z', but u0, u1, u2, y"):
            open_rows(path, "z")

    def test_a_column_of_lists_makes_rows_in_shards(self, pq, table, tmp_path):
        import pyarrow as pa

        rows, _, _, lists, names = table
        for start in (0, 40):
            part = slice(start, start + 40 if start == 0 else 100)
            shard = pa.table({"acts": lists[part], "name": names[part]})
            pq.write_table(shard, tmp_path / f"{start:02}.parquet", row_group_size=9)
        paths = sorted(tmp_path.glob("*.parquet"))
        assert np.array_equal(np.asarray(rows_in_files(paths)), rows)
        assert np.asarray(rows_in_files(paths, "name")).tolist() == names

    def test_what_cannot_be_rows_is_named(self, pq, tmp_path):
        import pyarrow as pa

        path = tmp_path / "a.parquet"
        for columns, said in (
            ({"y": [1, 2]}, "no columns of floats"),
            ({"x": [[1.0], [1.0, 2.0]]}, "lists of different lengths, 1 and 2: give"),
            ({"x": [[1.0], [1.0, 2.0, 3.0]]}, "different lengths, 1 and 3"),
            ({"x": [1.0, None]}, r"row 1, column 'x' \(counted from 0\) is missing"),
            ({"x": [[1, 2], [None, 4]]}, "row 1, column 'x' .* is missing"),
            ({"x": [[1, 2], None, [3, 4]]}, "row 1, column 'x' .* is missing"),
            ({"x": [["a"], ["b"]]}, "column 'x' holds list<.*string>: give lists"),
        ):
            pq.write_table(pa.table(columns), path)
            with pytest.raises(InputError, match=said):
                open_rows(path)
        path.write_bytes(b"nothing")
        with pytest.raises(InputError, match=r"a\.parquet: not a Parquet file"):
            open_rows(path)


class TestParquetAsDataSet:
    """`lw.load` of Parquet: one file, or the shards in a folder."""

    @pytest.fixture
    def shards(self, tmp_path):
        """Two shards of rows of lists, an id beside them, and what they hold."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        rng = np.random.default_rng(3)
        rows = rng.integers(0, 256, (400, 6)).astype(np.uint8)
        labels = np.array(["no", "yes"])[rng.integers(0, 2, 400)]
        folder = tmp_path / "shards"
        folder.mkdir()
        for number, part in enumerate((slice(250), slice(250, None))):
            lists = pa.FixedSizeListArray.from_arrays(pa.array(rows[part].ravel()), 6)
            table = {
                "id": [f"sample {i}" for i in range(len(rows[part]))],
                "pixels": lists,
                "Label": pa.array(labels[part]).dictionary_encode(),
            }
            path = folder / f"{number}.parquet"
            pq.write_table(pa.table(table), path, row_group_size=70)
        return folder, rows, labels

    @pytest.mark.parametrize("stored", [False, True])
    def test_shards_are_the_arrays_they_were_made_of(self, shards, stored):
        folder, rows, labels = shards
        data = lw.load(folder, stored=stored)
        expected = lw.Dataset.from_arrays(rows, labels)
        assert data.class_names == ("no", "yes")
        assert data.feature_names is None
        for found, part in ((data.train, expected.train), (data.test, expected.test)):
            assert isinstance(found.inputs, StoredRows) == stored
            assert found.inputs.dtype == np.uint8
            assert np.array_equal(np.asarray(found.inputs), part.inputs)
            assert np.array_equal(found.targets, part.targets)

    def test_a_study_leaves_them_where_they_are(self, shards):
        folder, _, _ = shards
        held, stays = lw.load(folder), lw.load(folder, stored=True)
        network = lw.fit(lw.MLP([5]), held, epochs=1, seed=0, engine="eager").network
        studies = [lw.inspect(network, data) for data in (held, stays)]
        for one, other in zip(*(study.layers for study in studies), strict=True):
            assert np.array_equal(one.moments.scatter, other.moments.scatter)
            assert np.array_equal(one.probe_predictions, other.probe_predictions)

    def test_each_row_group_is_read_once_by_each_of_several_threads(
        self, shards, monkeypatch
    ):
        folder, rows, _ = shards
        inputs = lw.load(folder / "0.parquet", stored=True).train.inputs
        whole = inputs.files[0]
        read, numbers = [], _parquet._numbers
        monkeypatch.setattr(
            _parquet,
            "_numbers",
            lambda *given: read.append(threading.get_ident()) or numbers(*given),
        )
        both = threading.Barrier(2)

        def passed(groups):
            both.wait()
            return [whole.read(at, at + 10) for at in range(*groups, 10)]

        with ThreadPoolExecutor(2) as pool:
            halves = list(pool.map(passed, [(0, 140), (140, 250)]))
        assert np.array_equal(np.concatenate([*halves[0], *halves[1]]), rows[:250])
        assert sorted(read.count(one) for one in set(read)) == [2, 2]

    def test_what_was_read_does_not_travel_with_it(self, shards):
        file = lw.load(shards[0], stored=True).train.inputs.files[0]
        small = len(pickle.dumps(file))
        file.read(0, 70)
        travelled = pickle.loads(pickle.dumps(file))
        assert len(pickle.dumps(file)) == small
        assert np.array_equal(travelled.read(60, 80), shards[1][60:80])

    def test_a_table_has_named_columns(self, tmp_path):
        import pyarrow as pa
        import pyarrow.parquet as pq

        rng = np.random.default_rng(0)
        width, count = rng.normal(size=200), rng.integers(0, 9, 200)
        target = (width > 0).astype(int)
        path = tmp_path / "t.parquet"
        pq.write_table(pa.table({"w": width, "target": target, "n": count}), path)
        data = lw.load(path)
        assert (data.feature_names, data.class_names) == (("w", "n"), ("0", "1"))
        expected = lw.Dataset.from_arrays(np.stack([width, count], 1), target)
        assert np.array_equal(data.train.inputs, expected.train.inputs)

    def test_y_is_a_coordinate_where_another_column_is_the_label(self, tmp_path):
        import pyarrow as pa
        import pyarrow.parquet as pq

        x, y = np.random.default_rng(0).normal(size=(2, 200))
        path = tmp_path / "plane.parquet"
        pq.write_table(pa.table({"x": x, "y": y, "label": y > x}), path)
        assert lw.load(path).feature_names == ("x", "y")

    def test_columns_beside_lists_are_said_to_be_left_out(self, tmp_path):
        import pyarrow as pa
        import pyarrow.parquet as pq

        vectors = np.random.default_rng(0).normal(size=(200, 3))
        columns = {"v": list(vectors), "age": np.arange(200) % 7}
        columns |= {"town": ["Ulm"] * 200, "label": vectors[:, 0] > 0}
        path = tmp_path / "t.parquet"
        pq.write_table(pa.table(columns), path)
        data = lw.load(path)
        assert data.shape == (3,)
        line = "Left out: 'age', 'town'. The lists in 'v' are the inputs."
        assert data.notes == (line,)

    @pytest.mark.parametrize(
        ("columns", "said"),
        [
            ({"x": [1.0], "kind": [1]}, "columns x, kind: name the column"),
            ({"y": [1]}, "labels alone"),
            ({"y": [1], "a": [[1]], "b": [[2]]}, "holds lists a, b: keep one"),
            ({"Label": [1], "class": ["a"], "w": [1.0]}, "Label, class may all be lab"),
            ({"y": [1, None], "a": [1.0, 2.0]}, "row 1, column 'y' .* is missing"),
            ({"y": [1, 2] * 9, "a": [1.0, np.inf] * 9}, "row 1, column 'a' .* is inf"),
        ],
    )
    def test_what_is_no_data_set_is_told(self, tmp_path, columns, said):
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = tmp_path / "t.parquet"
        pq.write_table(pa.table(columns), path)
        with pytest.raises(InputError, match=rf"t\.parquet: .*{said}"):
            lw.load(path)

    def test_text_does_not_stay_in_its_file(self, tmp_path):
        import pyarrow as pa
        import pyarrow.parquet as pq

        path = tmp_path / "t.parquet"
        pq.write_table(pa.table({"y": [1], "town": ["Ulm"]}), path)
        with pytest.raises(InputError, match="column 'town' holds string: encode it"):
            lw.load(path, stored=True)

    def test_a_row_group_that_would_not_fit_is_refused_unread(
        self, shards, monkeypatch
    ):
        monkeypatch.setattr(_parquet, "MAX_BYTES", 70 * 6 - 1)
        monkeypatch.setattr(_parquet.ParquetFile, "read", None)
        with pytest.raises(InputError, match="a row group declares 420 values"):
            lw.load(shards[0])


class TestMemoryMaps:
    def test_rows_of_a_map_are_read_from_its_file(self, tmp_path):
        rows = np.arange(60, dtype=np.int16).reshape(20, 3)
        np.save(tmp_path / "a.npy", rows)
        mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
        for view, due in (
            (mapped, rows),
            (mapped[4:9], rows[4:9]),
            (np.asarray(mapped)[4:][2:].view(), rows[6:]),
        ):
            found = of_memory_map(view)
            assert isinstance(found, StoredRows)
            assert np.array_equal(np.asarray(found), due)

    def test_other_arrays_stay_as_they_are(self, tmp_path):
        np.save(tmp_path / "a.npy", np.ones((20, 3)))
        private = np.load(tmp_path / "a.npy", mmap_mode="c")
        mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
        for array in (np.ones((2, 2)), private, mapped[:, 1:], mapped[:0], [[1.0]]):
            assert of_memory_map(array) is array


class TestLoading:
    def test_a_folder_of_npy_files(self, tmp_path):
        rng = np.random.default_rng(3)
        rows, labels = rng.integers(0, 256, (200, 5), np.uint8), rng.integers(0, 3, 200)
        np.save(tmp_path / "X.npy", rows)
        np.save(tmp_path / "y.npy", labels)
        np.save(tmp_path / "class_names.npy", np.array(["a", "b", "c"]))
        held = lw.load(tmp_path)
        expected = lw.Dataset.from_arrays(rows, labels)
        stays = lw.load(tmp_path / "X.npy", stored=True)
        assert isinstance(held.train.inputs, np.ndarray)
        assert isinstance(stays.train.inputs, StoredRows)
        assert stays.class_names == ("a", "b", "c")
        for part in ("train", "validation", "test"):
            due = getattr(expected, part)
            for data in (held, stays):
                found = getattr(data, part)
                assert np.array_equal(np.asarray(found.inputs), due.inputs)
                assert np.array_equal(found.targets, due.targets)
        assert isinstance(stays.train.in_memory().inputs, np.ndarray)

    def test_a_folder_is_named_wherever_one_stands(self, tmp_path, monkeypatch):
        folder = tmp_path / "mine"
        folder.mkdir()
        np.save(folder / "X.npy", np.random.default_rng(0).normal(size=(60, 2)))
        np.save(folder / "y.npy", np.arange(60) % 2)
        monkeypatch.chdir(folder)
        assert lw.load(".").name == lw.load("X.npy").name == "mine"

    @pytest.mark.parametrize("engine", ["compiled", "eager", "torch"])
    @pytest.mark.slow("long trainings")
    def test_what_stays_in_files_is_trained_on_like_any_other(self, tmp_path, engine):
        rng = np.random.default_rng(3)
        np.save(tmp_path / "X.npy", rng.integers(0, 256, (200, 5), np.uint8))
        np.save(tmp_path / "y.npy", rng.integers(0, 3, 200))
        results = [
            lw.fit(lw.MLP([4]), lw.load(tmp_path, stored=stored), engine=engine)
            for stored in (True, False)
        ]
        stays, held = (result.history.losses for result in results)
        assert np.array_equal(stays, held)
        assert lw.diagnose(results[0]) == lw.diagnose(results[1])

    def test_a_folder_with_other_files_is_told(self, tmp_path):
        np.save(tmp_path / "features.npy", np.ones((3, 2)))
        with pytest.raises(InputError, match="holds 'features': save X and y"):
            lw.load(tmp_path)

    def test_plain_idx_files(self, tmp_path):
        rng = np.random.default_rng(4)
        images, labels = rng.integers(0, 256, (60, 4, 4), np.uint8), np.arange(60) % 3
        header = struct.pack(">HBB3I", 0, 8, 3, 60, 4, 4)
        (tmp_path / "train-images-idx3-ubyte").write_bytes(header + images.tobytes())
        header = struct.pack(">HBBI", 0, 8, 1, 60)
        data = header + labels.astype(np.uint8).tobytes()
        (tmp_path / "train-labels-idx1-ubyte").write_bytes(data)
        stays, held = lw.load(tmp_path, stored=True), lw.load(tmp_path)
        assert isinstance(stays.train.inputs, StoredRows)
        assert isinstance(held.train.inputs, np.ndarray)
        assert np.array_equal(np.asarray(stays.test.inputs), held.test.inputs)
        with (tmp_path / "train-images-idx3-ubyte").open("ab") as file:
            file.write(b"x")
        with pytest.raises(InputError, match="960 bytes, the file holds 961"):
            lw.load(tmp_path, stored=True)

    def test_a_sample_of_samples_stays_in_the_file(self, parts):
        paths, rows = parts
        samples = Samples(rows_in_files(paths), np.arange(50) % 2)
        half = samples.at(np.arange(0, 50, 2)).at(slice(3, 9))
        assert isinstance(half.inputs, StoredRows)
        assert np.array_equal(np.asarray(half.inputs), rows[6:18:2])


def test_loading_what_stays_reads_labels_alone(tmp_path):
    """Two gigabytes, most of them a hole in the file, in a process with 300 MB."""
    from numpy.lib import format as npy

    rows = 2_000_000
    with (tmp_path / "X.npy").open("wb") as file:
        header = {"descr": "|u1", "fortran_order": False, "shape": (rows, 1000)}
        npy.write_array_header_1_0(file, header)
        file.truncate(file.tell() + rows * 1000)
    np.save(tmp_path / "y.npy", (np.arange(rows) % 7).astype(np.uint8))
    if not Path("/proc/self/status").exists():
        pytest.skip("who says how much memory a process took at most?")
    # Not ru_maxrss: a process begins with that of the one that started it.
    code = (
        "import re, sys, layerwise as lw\n"
        "data = lw.load(sys.argv[1], stored=True)\n"
        "data.train.inputs[:1000], data.test.inputs[-1]\n"
        "status = open('/proc/self/status').read()\n"
        "print(len(data.train), re.search(r'VmHWM:\\s+(\\d+) kB', status)[1])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
    )
    count, peak = map(int, done.stdout.split())
    assert count == 1_400_000
    assert peak * 1024 < 300e6


def test_one_row_group_takes_about_its_floats(tmp_path):
    """What pandas writes is one group: not decoded beside the array, but by batches."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    if not Path("/proc/self/status").exists():
        pytest.skip("who says how much memory a process took at most?")
    rng = np.random.default_rng(0)
    columns = {f"u{i}": rng.normal(size=4_000_000) for i in range(4)}
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path, row_group_size=4_000_000)
    code = (
        "import re, sys, numpy as np, pyarrow.parquet\n"
        "from pathlib import Path\n"
        "from layerwise.data import rows_in_files\n"
        "def peak():\n"
        "    status = open('/proc/self/status').read()\n"
        "    return int(re.search(r'VmHWM:\\s+(\\d+) kB', status)[1]) * 1024\n"
        "files = rows_in_files([Path(sys.argv[1])])\n"
        "begin = peak()\n"
        "rows = np.asarray(files)\n"
        "print(rows.nbytes, peak() - begin)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(path)],
        capture_output=True,
        text=True,
        check=True,
    )
    floats, taken = map(int, done.stdout.split())
    assert floats == 8 * 4 * 4_000_000
    assert taken < 2 * floats
