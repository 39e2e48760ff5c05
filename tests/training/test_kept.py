"""Programs kept between processes: the same bytes, and only where it is safe."""

import os
import subprocess
import sys

import jax
import numpy as np
import pytest

from layerwise.training.engines import _kept

FIT = (
    "import hashlib, sys, jax, layerwise as lw\n"
    "events = []\n"
    "jax.monitoring.register_event_listener(lambda event, **_: events.append(event))\n"
    "found = lw.fit(lw.MLP([5]), lw.load('iris'), epochs=2, engine='compiled')\n"
    "arrays = jax.tree.leaves(found.network.parameters)\n"
    "digest = hashlib.sha256(b''.join(array.tobytes() for array in arrays))\n"
    "print(digest.hexdigest(), sum('cache_hits' in event for event in events))\n"
    "assert jax.config.jax_compilation_cache_dir is None\n"
)


@pytest.fixture
def kept_in(tmp_path, monkeypatch):
    """Return what gives a folder for programs, as a new process would."""
    root = tmp_path / "programs"
    monkeypatch.setenv(_kept.VARIABLE, str(root))
    _kept._folder.cache_clear()  # an earlier test's, which stays for a process

    def folder():
        _kept._folder.cache_clear()
        return _kept._folder()

    yield folder
    _kept._folder.cache_clear()


def fitted(root):
    """Fit in a new process; return the digest of what came out, and cache hits."""
    said = subprocess.run(
        [sys.executable, "-c", FIT],
        env=os.environ | {_kept.VARIABLE: str(root)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stderr == ""
    digest, hits = said.stdout.split()
    return digest, int(hits)


@pytest.mark.slow("processes")
def test_the_second_process_loads_what_the_first_compiled(tmp_path):
    root = tmp_path / "programs"
    without, none = fitted("off")
    first, tried = fitted(root)
    second, hits = fitted(root)
    assert first == second == without
    assert none == 0
    assert hits > tried
    # A byte of machine code that has changed is not run.
    for entry in root.glob("*/jit__run*-cache"):
        content = bytearray(entry.read_bytes())
        content[len(content) // 2] ^= 1
        entry.write_bytes(content)
    third, fewer = fitted(root)
    assert third == without
    assert fewer == hits - 1


def test_a_folder_that_others_can_write_to_is_not_used(kept_in, tmp_path):
    root = tmp_path / "programs"
    folder = kept_in()
    assert folder is not None
    assert folder.parent == root
    assert root.stat().st_mode & 0o777 == 0o700
    for changed in (root, folder):
        changed.chmod(0o770)
        assert kept_in() is None
        changed.chmod(0o700)
    assert kept_in() == folder


def test_a_link_is_not_followed(kept_in, tmp_path):
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "programs").symlink_to(tmp_path / "elsewhere")
    assert kept_in() is None


def test_another_processor_or_build_has_another_folder(kept_in, monkeypatch, tmp_path):
    folder = kept_in()
    processor = tmp_path / "cpuinfo"
    processor.write_text("processor : 0\nflags : fpu sse2\n")
    monkeypatch.setattr(_kept, "PROCESSOR", processor)
    other = kept_in()
    assert other is not None
    assert other != folder
    monkeypatch.setattr(_kept, "version", lambda package: f"{package} 0.0.1")
    assert kept_in() not in (folder, other)
    processor.write_text("nothing is known of it\n")
    assert kept_in() is None


def test_a_processor_whose_programs_are_refused_is_asked_once(
    kept_in, monkeypatch, capfd
):
    tries = []
    compiled = jax.jit

    def noisy(function):
        tries.append(function)
        os.write(2, b"Loading XLA:CPU AOT result. Target machine feature +x\n")
        return compiled(function)

    monkeypatch.setattr(_kept.jax, "jit", noisy)
    assert kept_in() is None
    assert kept_in() is None
    assert len(tries) == 2  # written once, read once
    assert capfd.readouterr().err == ""


def test_the_oldest_programs_and_other_builds_go(kept_in, monkeypatch):
    folder = kept_in()
    for number in range(3):
        entry = folder / f"jit_{number}-cache"
        entry.write_bytes(np.random.default_rng(number).bytes(1000))
        os.utime(entry, (number, number))
    _kept._seal(folder)
    (folder / "jit_unsealed-cache").write_bytes(b"by whom?")
    old = folder.with_name("0" * 16)
    old.mkdir()
    os.utime(old, (0, 0))
    monkeypatch.setattr(_kept, "MOST_BYTES", 5000)
    assert kept_in() == folder
    left = {entry.name for entry in _kept._entries(folder)}
    assert {"jit_2-cache", "jit_1-cache"} <= left
    assert not {"jit_0-cache", "jit_unsealed-cache"} & left
    assert not old.exists()
    assert not (folder / "jit_0-cache.sha256").exists()


def test_what_the_user_has_set_stands(kept_in, tmp_path):
    own = str(tmp_path / "own")
    jax.config.update("jax_compilation_cache_dir", own)
    try:
        with _kept.kept_programs():
            assert jax.config.jax_compilation_cache_dir == own
    finally:
        jax.config.update("jax_compilation_cache_dir", None)
    with _kept.kept_programs():
        assert jax.config.jax_compilation_cache_dir == str(kept_in())
    assert jax.config.jax_compilation_cache_dir is None
