"""What a shell sees of a process: streams of any kind, signals, a home that is shut."""

import os
import signal
import subprocess
import sys
import time

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals, sh")

RUN = [
    sys.executable,
    "-m",
    "layerwise",
    "run",
    "iris",
    "--epochs",
    "1",
    "--hidden",
    "4",
]


def ran(tmp_path, **environment):
    return subprocess.run(
        RUN,
        cwd=tmp_path,
        env=os.environ | environment,
        capture_output=True,
        check=False,
    )


@pytest.mark.slow("processes")
@pytest.mark.parametrize(
    "environment",
    [
        {"PYTHONIOENCODING": "ascii"},
        {"PYTHONIOENCODING": "latin-1"},
        {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
        {"HOME": "/proc/no-home", "XDG_CACHE_HOME": "", "XDG_CONFIG_HOME": ""},
    ],
    ids=["ascii", "latin-1", "C", "no home"],
)
def test_whatever_the_environment_the_run_ends_without_a_word_on_stderr(
    tmp_path, environment
):
    done = ran(tmp_path, **environment)
    assert (done.returncode, done.stderr) == (0, b"")
    assert b"runs/iris-1/report.html" in done.stdout
    assert ("HOME" in environment) != (b"?" in done.stdout)


@pytest.mark.slow("processes")
def test_figures_are_drawn_without_a_word_where_no_home_can_be_written_to(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "layerwise", "data", "iris", "--out", "figures"],
        cwd=tmp_path,
        env=os.environ | {"HOME": "/proc/no-home", "XDG_CACHE_HOME": "",
                          "XDG_CONFIG_HOME": "", "MPLCONFIGDIR": ""},
        capture_output=True,
        check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, b"")
    assert list((tmp_path / "figures").glob("*.png"))


@pytest.mark.slow("processes")
def test_all_streams_closed(tmp_path):
    closed = ["sh", "-c", 'exec "$0" "$@" <&- >&- 2>&-', *RUN]
    assert subprocess.run(closed, cwd=tmp_path, check=False).returncode == 0
    assert (tmp_path / "runs" / "iris-1" / "report.html").stat().st_size > 100_000


def test_streams_are_as_before_afterwards(monkeypatch, capfd):
    from layerwise.cli import main

    errors = sys.__stdout__.errors
    monkeypatch.setattr(sys, "stdout", sys.__stdout__)
    with pytest.raises(SystemExit):
        main(["--version"])
    assert sys.stdout.errors == errors


def started(tmp_path, *arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "layerwise", *arguments],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


LOADING = """
import os, signal, sys, threading
sys.argv = ["layerwise", "data", "iris"]
class Sent:
    def find_spec(self, name, path=None, target=None):
        if name == "tyro":
            os.kill(os.getpid(), signal.SIGINT)
            for _ in range(1000): pass
sys.meta_path.insert(0, Sent())
from layerwise.__main__ import main
sys.exit(main())
"""


def test_an_interrupt_while_the_command_loads_ends_it_in_silence(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", LOADING], capture_output=True, cwd=tmp_path, check=False
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_a_library_loads_waits_for_it(tmp_path, number):
    code = LOADING.replace('"tyro"', '"numpy"').replace("SIGINT", number.name)
    whole = "print(hasattr(sys.modules.get('numpy'), 'ndarray'))"
    code = f"import atexit\natexit.register(lambda: {whole})\n{code}"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, cwd=tmp_path, check=False
    )
    assert done.returncode == 128 + number
    assert (done.stdout, done.stderr) == (b"True\n", b"layerwise: interrupted\n")


@pytest.mark.slow("killed processes")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_it_trains(tmp_path, number):
    options = ("--epochs", "2000", "--hidden", "30", "--checkpoint-every", "0")
    with started(tmp_path, "run", "digits", *options, "--out", "mine") as process:
        checkpoints = tmp_path / "mine" / "checkpoints"
        wait_for(lambda: any(checkpoints.glob("*.safetensors")))
        if number == signal.SIGINT:
            os.killpg(process.pid, number)  # as a terminal does
        else:
            process.send_signal(number)
        out, said = process.communicate(timeout=60)
        wait_for(lambda: not living(process.pid), 10)
    assert process.returncode == 128 + number
    assert "o continue: layerwise run --resume mine" in " ".join(out.split())
    assert said == ""


def living(group: int) -> list[str]:
    """The processes of a group that run, but for those that nobody waits for."""
    listed = subprocess.run(
        ["ps", "-e", "-o", "pgid=,stat=,args="],
        capture_output=True,
        text=True,
        check=True,
    )
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    return [row[-1] for row in rows if int(row[0]) == group and row[1][0] != "Z"]


def wait_for(condition, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.05)
