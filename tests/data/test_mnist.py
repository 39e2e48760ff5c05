"""MNIST: the real one where it is at hand, and the way it is found and downloaded."""

import functools
import gzip
import hashlib
import http.server
import threading
from pathlib import Path

import numpy as np
import pytest

from layerwise.data import load
from layerwise.data._scaling import summary
from layerwise.data.formats import _mnist
from layerwise.data.formats._idx import read_idx
from layerwise.data.formats._mnist import FILES, PUBLISHED, ImageSet, load_published
from layerwise.errors import InputError

NOWHERE = "http://127.0.0.1:9/"
"""The discard port: nothing listens there."""


def test_the_known_facts(mnist_folder):
    data = load("mnist", data_dir=mnist_folder.parent)
    sets = (data.train, data.validation, data.test)
    assert [len(samples) for samples in sets] == [54_000, 6_000, 10_000]
    assert data.train.inputs.dtype == np.uint8
    assert (data.shape, data.is_image, data.scaling) == ((28, 28), True, "range")
    assert data.class_names == tuple("0123456789")
    assert data.test.targets[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    # Stratified: of each class a tenth, to the rounding of ten classes.
    counts = [np.bincount(samples.targets) for samples in sets]
    np.testing.assert_allclose(counts[1], (counts[0] + counts[1]) / 10, atol=1)


def test_the_figures_of_all_training_images(mnist_folder):
    images = read_idx(mnist_folder / f"{FILES[0]}.gz")
    labels = read_idx(mnist_folder / f"{FILES[1]}.gz")
    assert labels[:10].tolist() == [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]
    assert (images.shape, labels.shape) == ((60_000, 28, 28), (60_000,))
    figures, pooled = summary(images), summary(images).pooled()
    assert (pooled.minimum, pooled.maximum) == (0, 255)
    assert pooled.mean == 33.318421449829934
    assert int((figures.minimum == figures.maximum).sum()) == 67
    assert (figures.counts == 60_000).all()


@pytest.fixture
def cache(tmp_path, monkeypatch) -> Path:
    """An empty cache in place of the user's, and no LAYERWISE_DATA."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(_mnist, "_cache", lambda: folder)
    monkeypatch.delenv("LAYERWISE_DATA", raising=False)
    return folder


@pytest.fixture
def published(images, labels, to_idx) -> tuple[ImageSet, list[bytes]]:
    """A small set with digests of its own, and its four files."""
    contents = [to_idx(a) for a in (images, labels, images[:6], labels[:6])]
    digests = tuple(hashlib.sha256(content).hexdigest() for content in contents)
    return ImageSet("small", ("even", "odd"), (NOWHERE,), digests), contents


def stored(folder: Path, contents: list[bytes], pack=gzip.compress) -> Path:
    suffix = ".gz" if pack is gzip.compress else ""
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in zip(FILES, contents, strict=True):
        (folder / f"{name}{suffix}").write_bytes(pack(content))
    return folder


@pytest.mark.parametrize("pack", [gzip.compress, bytes])
def test_the_first_place_that_has_it_is_taken(
    tmp_path, cache, published, monkeypatch, pack
):
    small, contents = published
    wrong = [content[:-1] + b"x" for content in contents]
    places = [tmp_path / "option", tmp_path / "variable", cache]
    for folder in places:
        folder.mkdir()
    monkeypatch.setenv("LAYERWISE_DATA", str(places[1]))
    # From the last to the first: each place hides those behind it.
    for folder in reversed(places):
        option = folder if folder is places[0] else None
        with pytest.raises(InputError):
            load_published(small, option, seed=0)
        stored(folder / "small", contents, pack)
        data = load_published(small, option, seed=0)
        assert (data.name, len(data.test)) == ("small", 6)
        for path in (folder / "small").iterdir():
            path.write_bytes(wrong[FILES.index(path.name.removesuffix(".gz"))])


def test_another_set_under_the_name_is_refused(tmp_path, cache, published):
    small, contents = published
    stored(tmp_path / "here" / "small", [contents[0]] * 4)
    with pytest.raises(InputError, match=f"{FILES[1]}.gz: not the published file"):
        load_published(small, tmp_path / "here", seed=0)


def test_a_folder_that_does_not_exist_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"--data-dir .*gone: there is no such folder"):
        load("mnist", data_dir=tmp_path / "gone")


@pytest.fixture
def mirror(tmp_path):
    """Start a server of a folder; the address is returned."""
    servers = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *_arguments):
            pass

    def start(folder: Path) -> str:
        handler = functools.partial(Handler, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"http://127.0.0.1:{server.server_port}/"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


def with_mirrors(images: ImageSet, *mirrors: str) -> ImageSet:
    return ImageSet(images.name, images.class_names, mirrors, images.digests)


def test_the_second_mirror_is_asked(tmp_path, cache, published, mirror):
    small, contents = published
    address = mirror(stored(tmp_path / "mirror", contents))
    data = load_published(with_mirrors(small, NOWHERE, address), None, seed=0)
    assert data.class_names == ("even", "odd")
    kept = sorted(path.name for path in (cache / "small").iterdir())
    assert kept == sorted(f"{name}.gz" for name in FILES)
    # It is in the cache now: no mirror is needed any more.
    assert len(load_published(small, None, seed=0).test) == 6


def test_a_mirror_with_other_bytes_is_passed_over(tmp_path, cache, published, mirror):
    small, contents = published
    wrong = mirror(stored(tmp_path / "wrong", [c[:-1] + b"x" for c in contents]))
    right = mirror(stored(tmp_path / "right", contents))
    data = load_published(with_mirrors(small, wrong, right), None, seed=0)
    assert len(data.test) == 6
    with pytest.raises(InputError, match=f"{wrong}: InputError"):
        load_published(
            ImageSet("other", ("a", "b"), (wrong,), small.digests), None, seed=0
        )
    assert list((cache / "other").iterdir()) == []


@pytest.mark.parametrize(
    ("limit", "value", "reason"),
    [("DOWNLOAD_SECONDS", 0, "TimeoutError"), ("DOWNLOAD_BYTES", 100, "InputError")],
)
def test_a_download_is_bounded(
    tmp_path, cache, published, mirror, monkeypatch, limit, value, reason
):
    small, contents = published
    address = mirror(stored(tmp_path / "mirror", contents))
    monkeypatch.setattr(_mnist, limit, value)
    with pytest.raises(InputError, match=f"{address}: {reason}"):
        load_published(with_mirrors(small, address), None, seed=0)
    assert list((cache / "small").iterdir()) == []


def test_offline_it_says_where_to_put_the_files(cache, monkeypatch):
    for name in ("mnist", "fashion-mnist"):
        offline = with_mirrors(PUBLISHED[name], NOWHERE, NOWHERE)
        monkeypatch.setitem(PUBLISHED, name, offline)
        with pytest.raises(
            InputError, match=f"^{name} is not on this machine"
        ) as error:
            load(name)
        line = str(error.value)
        assert "\n" not in line
        for word in (*FILES, str(cache / name), "--data-dir", "LAYERWISE_DATA"):
            assert word in line


def test_every_published_set_has_two_mirrors_and_four_digests():
    for images in PUBLISHED.values():
        assert len(set(images.mirrors)) >= 2
        assert [len(digest) for digest in images.digests] == [64] * 4
        assert len(images.class_names) == 10


@pytest.mark.usefixtures("cache")
class TestFolderThatIsNamed:
    def test_files_directly_in_it_are_taken(self, tmp_path, published):
        small, contents = published
        data = load_published(small, stored(tmp_path / "mine", contents), 0)
        assert len(data.test) == 6

    def test_files_in_folders_of_their_names_are_taken(self, tmp_path, published):
        small, contents = published
        for name, content in zip(FILES, contents, strict=True):
            (tmp_path / name).mkdir()
            (tmp_path / name / name).write_bytes(content)
        assert len(load_published(small, tmp_path, 0).test) == 6

    def test_what_it_lacks_is_said_and_no_other_place_is_taken(
        self, tmp_path, cache, published
    ):
        small, contents = published
        stored(cache / "small", contents)
        folder = stored(tmp_path / "mine" / "small", contents)
        (folder / f"{FILES[3]}.gz").unlink()
        with pytest.raises(InputError) as caught:
            load_published(small, folder.parent, 0)
        said = str(caught.value)
        assert said.startswith(f"--data-dir {folder.parent}: looked for small in")
        assert f"{folder} lacks {FILES[3]} (plain or .gz)" in said
        assert FILES[0] not in said
