"""What the processes of a job share, in real processes of ``torchrun``."""

import subprocess
import sys
import textwrap

import pytest

from layerwise import ranks
from layerwise.errors import InputError, MachineError


def launched(processes, program, tmp_path, timeout=100):
    """Run a program in so many processes; return how it ended."""
    path = tmp_path / "program.py"
    path.write_text(textwrap.dedent(program))
    command = [sys.executable, "-m", "torch.distributed.run", "--standalone"]
    command += [f"--nproc-per-node={processes}", str(path)]
    return subprocess.run(
        command, capture_output=True, text=True, check=False, timeout=timeout
    )


class TestOneProcess:
    def test_it_is_the_first_and_only_one(self):
        assert (ranks.rank(), ranks.world_size()) == (0, 1)
        assert ranks.is_first()
        ranks.join()
        assert not ranks.joined()
        ranks.leave()

    def test_everything_shared_is_its_own(self):
        tree = {"W": 1}
        assert ranks.all_summed(tree) is tree
        assert ranks.gathered(tree) == [tree]
        assert ranks.from_first(lambda: 3) == 3
        assert ranks.own_share(10) == slice(0, 10)

    def test_a_lone_variable_is_somebody_else_s(self, monkeypatch):
        monkeypatch.setenv("RANK", "3")
        monkeypatch.delenv("MASTER_ADDR", raising=False)
        assert ranks.rank() == 0

    def test_errors_of_an_exchange_are_the_machine_s(self):
        broken = "[gloo/transport/tcp/pair.cc] Connection closed"
        with pytest.raises(MachineError, match="is lost"), ranks.lost_rank():
            raise RuntimeError(broken)
        with pytest.raises(RuntimeError, match=r"^shapes$"), ranks.lost_rank():
            raise RuntimeError("shapes")


@pytest.mark.parametrize("samples", [0, 1, 2, 7, 12])
@pytest.mark.parametrize("processes", [1, 2, 3, 5])
def test_every_sample_has_one_rank(monkeypatch, samples, processes):
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("WORLD_SIZE", str(processes))
    taken, sizes = [], []
    for rank in range(processes):
        monkeypatch.setenv("RANK", str(rank))
        taken += list(range(samples))[ranks.own_share(samples)]
        sizes.append(len(taken) - sum(sizes))
    assert taken == list(range(samples))
    assert max(sizes) - min(sizes) <= 1


@pytest.mark.slow("several processes")
def test_three_processes_share(tmp_path):
    done = launched(
        3,
        """
        import sys

        import numpy as np
        from layerwise import ranks
        from layerwise.errors import InputError

        ranks.join()
        assert ranks.joined() and ranks.world_size() == 3
        own = {"a": np.full(2, 10.0**ranks.rank()), "n": (np.array(1 + ranks.rank()),)}
        total = ranks.all_summed(own)
        assert total["a"].tolist() == [111.0, 111.0] and total["n"][0] == 6
        assert own["a"].tolist() == [10.0**ranks.rank()] * 2
        assert ranks.gathered("abc"[ranks.rank()] * 2) == ["aa", "bb", "cc"]
        first = ranks.from_first(lambda: np.arange(3) * (1 + ranks.rank()))
        assert first.tolist() == [0, 1, 2]

        def fails():
            raise InputError("no such column")

        try:
            ranks.from_first(fails)
        except InputError as error:
            # One write each: `print` makes two, between which another's line gets.
            sys.stdout.write(f"rank {ranks.rank()}: {error}\\n")
        ranks.leave()
        """,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    said = sorted(done.stdout.splitlines())
    assert said == [f"rank {rank}: no such column" for rank in range(3)]


@pytest.mark.slow("several processes")
def test_a_lost_rank_is_an_error_of_the_machine(tmp_path):
    done = launched(
        2,
        """
        import os, signal
        import numpy as np
        from layerwise import ranks
        from layerwise.errors import MachineError

        # Or torchrun ends it before it has said what it met.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        ranks.join()
        if ranks.rank() == 1:
            os._exit(9)
        try:
            ranks.all_summed(np.ones(3))
        except MachineError as error:
            print(error, flush=True)
        """,
        tmp_path,
    )
    assert done.returncode != 0
    assert "rank 0 of 2: another rank is lost" in done.stdout + done.stderr


@pytest.mark.slow("several processes")
def test_a_process_that_ends_leaves_its_group(tmp_path):
    done = launched(
        2,
        """
        import atexit, os
        from layerwise import ranks

        # Registered before the group is joined, it is called after it is left.
        atexit.register(lambda: os.write(1, b"left\\n" * (not ranks.joined())))
        ranks.join()
        assert ranks.joined()
        """,
        tmp_path,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "left\n" * 2


@pytest.mark.slow("several processes")
def test_the_first_says_why_the_job_ends_before_the_others_end(tmp_path):
    done = launched(
        2,
        """
        import sys, time
        from layerwise import ranks
        from layerwise.cli import _main
        from layerwise.errors import InputError

        def fails(name, command):
            ranks.join()
            if ranks.is_first():
                time.sleep(2)
            raise InputError("no such thing")

        _main._done = fails
        sys.exit(_main.main(["run"]))
        """,
        tmp_path,
    )
    said = [line for line in done.stderr.splitlines() if line.startswith("layerwise")]
    assert said == ["layerwise: no such thing"]


def test_several_processes_need_torch(monkeypatch):
    monkeypatch.setenv("MASTER_ADDR", "localhost")
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(InputError, match=r"pip install 'layerwise\[torch\]'"):
        ranks.join()
