"""MNIST and Fashion-MNIST: found on this machine, or downloaded once."""

import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from layerwise.data._records import Dataset, dataset
from layerwise.data.formats._idx import read_idx, unpacked
from layerwise.data.labelled import given_sets
from layerwise.errors import InputError
from layerwise.files import machine_errors, make_folder

if TYPE_CHECKING:
    from rich.progress import Progress

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

SILENCE_SECONDS = 10
"""How long a mirror may say nothing."""

DOWNLOAD_SECONDS = 300
DOWNLOAD_BYTES = 64 << 20
"""How long one file may take, and how large it may be (the largest have 26 MB)."""


@dataclass(frozen=True)
class ImageSet:
    """A published set of four IDX files, in a folder of its name.

    ``mirrors`` are addresses of folders that hold the files, packed with gzip;
    ``digests`` SHA-256 of each file's unpacked bytes, in the order of `FILES`: packed
    bytes differ from packer to packer.
    """

    name: str
    class_names: tuple[str, ...]
    mirrors: tuple[str, ...]
    digests: tuple[str, ...]


PUBLISHED = {
    "mnist": ImageSet(
        name="mnist",
        class_names=tuple("0123456789"),
        mirrors=(
            "https://storage.googleapis.com/cvdf-datasets/mnist/",
            "https://ossci-datasets.s3.amazonaws.com/mnist/",
        ),
        digests=(
            "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
            "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
            "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
            "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
        ),
    ),
    "fashion-mnist": ImageSet(
        name="fashion-mnist",
        class_names=(
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        mirrors=(
            "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",
            "https://storage.googleapis.com/tensorflow/tf-keras-datasets/",
        ),
        digests=(
            "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
            "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
            "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
            "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
        ),
    ),
}
"""The sets that can be downloaded, by name."""


def load_published(
    images: ImageSet, data_dir: str | os.PathLike[str] | None, seed: int
) -> Dataset:
    """Load a published set from the first place that has it.

    The places: ``data_dir`` alone where it is given; else the folder that
    LAYERWISE_DATA names, the user's cache, the mirrors.
    """
    if data_dir is not None:
        paths = _given(images.name, Path(data_dir))
    else:
        paths = _found(_folders(images.name)) or _downloaded(images)
    train_images, train_labels, test_images, test_labels = (
        read_idx(path, digest)
        for path, digest in zip(paths, images.digests, strict=True)
    )
    labelled = given_sets(
        images.name,
        (FILES[0], train_images, train_labels),
        (FILES[2], test_images, test_labels),
        class_names=images.class_names,
    )
    return dataset(labelled, images.name, seed)


def _given(name: str, folder: Path) -> list[Path]:
    """Return the four files in a folder that was named, or in its folder of the set."""
    if not folder.is_dir():
        raise InputError(f"--data-dir {folder}: there is no such folder")
    places = [folder / name, folder]
    if paths := _found(places):
        return paths
    place = places[0] if places[0].is_dir() else folder
    missing = [name for name in FILES if not _file(place, name)]
    raise InputError(
        f"--data-dir {folder}: looked for {name} in {places[0]} and in {folder}; "
        f"{place} lacks {', '.join(missing)} (plain or .gz): put them there"
    )


def _folders(name: str) -> list[Path]:
    """Return where the set may lie, in the order in which to look."""
    variable = os.environ.get("LAYERWISE_DATA")
    given = [Path(variable) / name] if variable else []
    return [*given, _cache() / name]


def _cache() -> Path:
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("layerwise", appauthor=False))


def _found(folders: Sequence[Path]) -> list[Path] | None:
    """Return the four files, plain or packed, of the first folder that has them all."""
    for folder in folders:
        present = [path for name in FILES if (path := _file(folder, name))]
        if len(present) == len(FILES):
            return present
    return None


def _file(folder: Path, name: str) -> Path | None:
    """Return a file of the set, plain or packed, in a folder."""
    return unpacked(folder / name) or unpacked(folder / f"{name}.gz")


def _downloaded(images: ImageSet) -> list[Path]:
    """Download what the user's cache lacks of the four files."""
    folder = make_folder(_cache() / images.name)
    paths = [folder / f"{name}.gz" for name in FILES]
    for path, digest in zip(paths, images.digests, strict=True):
        if not path.is_file():
            _download(images, path, digest)
    return paths


def _download(images: ImageSet, path: Path, digest: str) -> None:
    """Download one file: under a temporary name, checked, then renamed."""
    from requests import RequestException

    failures: list[str] = []
    for mirror in images.mirrors:
        with machine_errors(path), TemporaryDirectory(dir=path.parent) as folder:
            try:
                received = _retrieved(mirror + path.name, Path(folder))
                read_idx(received, digest)
            except (RequestException, TimeoutError, InputError) as error:
                failures.append(f"{mirror}: {type(error).__name__}")
            else:
                received.replace(path)
                return
    files = ", ".join(f"{name}.gz" for name in FILES)
    raise InputError(
        f"{images.name} is not on this machine and cannot be downloaded"
        f" ({'; '.join(failures)}): put {files} into {path.parent}, or into the folder"
        f" {images.name} of the one that --data-dir or LAYERWISE_DATA names"
    )


def _retrieved(address: str, folder: Path) -> Path:
    """Download ``address`` into ``folder``, in bounded time and space."""
    import pooch
    from rich.console import Console
    from rich.progress import Progress

    pooch.get_logger().setLevel("WARNING")
    console = Console(stderr=True)
    shown = console.is_terminal
    with Progress(console=console, transient=True, disable=not shown) as progress:
        limits: Any = _Limits(progress, address)
        downloader: Any = pooch.HTTPDownloader(
            timeout=SILENCE_SECONDS, progressbar=limits
        )
        received = pooch.retrieve(
            address, known_hash=None, path=folder, fname="file", downloader=downloader
        )
    return Path(received)


class _Limits:
    """What pooch takes for a progress bar: shows how far it is, and stops in time."""

    def __init__(self, progress: "Progress", address: str) -> None:
        self.total = 0
        self._received = 0
        self._end = time.monotonic() + DOWNLOAD_SECONDS
        self._progress = progress
        self._task = progress.add_task(address, total=None)

    def update(self, received: int) -> None:
        self._received += received
        if time.monotonic() > self._end:
            raise TimeoutError(f"not complete after {DOWNLOAD_SECONDS} s")
        if self._received > DOWNLOAD_BYTES:
            raise InputError(f"larger than {DOWNLOAD_BYTES:,} bytes")
        total = self.total or None
        self._progress.update(self._task, completed=self._received, total=total)

    def reset(self) -> None:
        self._received = 0

    def close(self) -> None:
        """Do nothing: the progress bar closes itself."""
