"""Work that is not lost: killed, damaged, contended, out of room, not permitted."""

import json
import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from layerwise.cli import main
from layerwise.errors import InputError
from layerwise.experiment import Plan, Run, open_run, read_summary, reopen_run, train
from layerwise.files import read_tensors
from layerwise.model import MLP, load_network
from layerwise.training import Recipe, checkpoints_in
from layerwise.training._checkpoint import FORMAT

KILLS = Path(__file__).parents[1] / "benchmarks" / "kills.py"

PLAN = Plan(
    data="iris",
    architecture=MLP([8], dropout=0.2),
    recipe=Recipe(epochs=5, patience=4),
    checkpoint_every=0.0,
    keep_checkpoints=4,
)
"""Twenty steps, in four batches an epoch."""


@pytest.fixture(autouse=True)
def every_step(folder, monkeypatch):
    """A training looks up, and saves, after every step."""
    monkeypatch.setattr("layerwise.training._loop.CHUNK_SECONDS", 0)


def trained(out: Path, stop: int = 1000) -> Path:
    """A run on iris, interrupted after so many steps."""

    def watch(progress):
        if progress.step == stop:
            raise KeyboardInterrupt

    with open_run(PLAN, str(out)) as run:
        train(run, watch)
    return out


def outcome(run: Path) -> tuple[object, ...]:
    """All that a training ends in, the clock apart."""
    rows = (run / "history.csv").read_text().splitlines()
    last = checkpoints_in(run / "checkpoints")[0]
    tensors, _ = read_tensors(last, FORMAT)
    return (
        (run / "model.safetensors").read_bytes(),
        [row.split(",")[:4] + row.split(",")[5:] for row in rows],
        {name: (array.dtype, array.tobytes()) for name, array in tensors.items()},
        read_summary(run)["training"]["status"],
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """What a training ends in that was never stopped."""
    return outcome(trained(tmp_path_factory.mktemp("never") / "stopped"))


def names(run: Path) -> list[str]:
    return [path.name for path in checkpoints_in(run / "checkpoints")]


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-20] ^= 4
    path.write_bytes(content)


class TestCheckpoints:
    def test_the_last_n_are_kept_also_from_within_an_epoch(self, folder):
        run = trained(folder / "mine", stop=7)
        steps = [7, 6, 5, 4]
        assert names(run) == [f"step-{step:09d}.safetensors" for step in steps]

    def test_they_are_as_far_apart_as_was_asked(self, folder, monkeypatch):
        clock = iter(range(10_000))
        monkeypatch.setattr("layerwise.experiment._path.time.monotonic", clock.__next__)
        plan = replace(PLAN, checkpoint_every=5.0, keep_checkpoints=100)
        with open_run(plan, "mine") as run:
            train(run)
        # Every look at the clock is a second, and there is one after every step.
        steps = [int(name[5:14]) for name in names(folder / "mine")]
        assert steps == [20, 15, 10, 5]

    def test_options_are_kept_for_a_run_that_goes_on(self, folder):
        options = ["--checkpoint-every", "0.5", "--keep-checkpoints", "3"]
        main(["train", "iris", "--hidden", "8", "--epochs", "1", *options])
        plan = Plan.from_json(read_summary(folder / "runs" / "iris-1")["plan"])
        assert (plan.checkpoint_every, plan.keep_checkpoints) == (0.5, 3)
        assert " ".join(options) in plan.command()


class TestGoingOn:
    @pytest.mark.parametrize("stop", [1, 4, 6, 19])
    def test_the_same_bytes(self, folder, whole, capsys, stop):
        run = trained(folder / "cut", stop)
        assert main(["train", "--resume", "cut"]) == 0
        assert f"resuming from step {stop}\n" in capsys.readouterr().out
        assert outcome(run) == whole

    def test_from_the_last_good_one_where_the_newest_is_damaged(
        self, folder, whole, capsys
    ):
        run = trained(folder / "cut", stop=9)
        newest, second, *_ = checkpoints_in(run / "checkpoints")
        flip(newest)
        second.write_bytes(second.read_bytes()[:-1])
        assert main(["train", "--resume", "cut"]) == 0
        said = capsys.readouterr().out.splitlines()
        damaged = ", ".join(f"cut/checkpoints/{path.name}" for path in (newest, second))
        assert f"damaged: {damaged}; resuming from step 7" in said
        assert outcome(run) == whole

    def test_anew_where_none_is_good(self, folder, whole, capsys):
        run = trained(folder / "cut", stop=9)
        for path in checkpoints_in(run / "checkpoints"):
            flip(path)
        assert main(["train", "--resume", "cut"]) == 0
        assert "; starting from step 0\n" in capsys.readouterr().out
        assert outcome(run) == whole

    def test_anew_where_there_is_none_yet(self, folder, whole, capsys):
        with open_run(PLAN, "cut"):
            pass
        assert main(["train", "--resume", "cut"]) == 0
        assert "no checkpoint yet; starting from step 0\n" in capsys.readouterr().out
        assert outcome(folder / "cut") == whole

    def test_a_damaged_one_ahead_is_gone_once_a_new_one_is_written(self, folder):
        """Else it would be the newest, and be read in vain, at every resumption."""
        run = trained(folder / "cut", stop=9)
        flip(checkpoints_in(run / "checkpoints")[0])

        def watch(progress):
            raise KeyboardInterrupt

        with reopen_run("cut") as reopened:
            train(reopened, watch)
        assert names(run)[0] == "step-000000009.safetensors"
        flip(checkpoints_in(run / "checkpoints")[0])
        with reopen_run("cut") as reopened:
            assert reopened.checkpoint.state.step == 8

    def test_an_ended_training_has_nothing_to_resume(self, folder, refused):
        trained(folder / "mine")
        said = refused("train", "--resume", "mine")
        assert "nothing to resume" in said
        assert "layerwise report mine" in said

    def test_all_steps_were_done_when_it_was_killed(self, folder, whole, capsys):
        run = trained(folder / "mine")
        summary = json.loads((run / "summary.json").read_text())
        summary["training"] = {"status": "running"}
        (run / "summary.json").write_text(json.dumps(summary))
        assert main(["train", "--resume", "mine"]) == 0
        assert outcome(run) == whole
        assert "steps/s" not in capsys.readouterr().out
        assert read_summary(run)["training"]["steps_per_second"] is None

    def test_but_where_its_last_checkpoint_is_damaged(self, folder, whole, refused):
        run = trained(folder / "mine")
        flip(checkpoints_in(run / "checkpoints")[0])
        assert "damaged" in refused("report", "mine")
        assert main(["train", "--resume", "mine"]) == 0
        assert outcome(run) == whole

    def test_from_a_checkpoint_of_another_seed_it_does_not(self, folder, refused):
        trained(folder / "cut", stop=9)
        plan = replace(PLAN, recipe=replace(PLAN.recipe, seed=1))
        with open_run(plan, "other") as run:
            train(run)
        for path in checkpoints_in(folder / "cut" / "checkpoints"):
            path.unlink()
        ours, theirs = (folder / name / "checkpoints" for name in ("cut", "other"))
        checkpoints_in(theirs)[0].rename(ours / "step-000000009.safetensors")
        said = refused("train", "--resume", "cut")
        assert "step-000000009.safetensors: not a checkpoint of this training" in said

    def test_with_other_settings_it_does_not(self, folder, refused):
        run = trained(folder / "cut", stop=9)
        summary = json.loads((run / "summary.json").read_text())
        summary["plan"]["recipe"]["epochs"] = 6
        (run / "summary.json").write_text(json.dumps(summary))
        assert "not a checkpoint of this training" in refused(
            "train", "--resume", "cut"
        )

    def test_a_folder_of_a_run_killed_at_its_very_beginning_is_empty(self, folder):
        (folder / "mine").mkdir()
        for name in (".lock", ".summary.json.01234567.partial"):
            (folder / "mine" / name).touch()
        run = trained(folder / "mine")
        assert not list(run.glob(".*"))

    @pytest.mark.slow("long trainings")
    def test_report_of_a_patient_training_shows_the_network_that_was_kept(self, folder):
        options = ["--hidden", "8", "--patience", "1", "--learning-rate", "0.5"]
        main(["train", "iris", *options, "--epochs", "20", "--out", "mine"])
        before = read_summary(folder / "mine")["training"]
        assert before["epochs"] < 20
        assert main(["report", "mine"]) == 0
        assert read_summary(folder / "mine")["training"] == before


class TestTwoWriters:
    @pytest.mark.parametrize(
        "command",
        [
            ("train", "--resume", "mine"),
            ("run", "--resume", "mine"),
            ("report", "mine"),
        ],
    )
    def test_the_second_is_refused(self, folder, refused, command):
        run = trained(folder / "mine", stop=9)
        before = {path: path.read_bytes() for path in run.rglob("*.*")}
        code = (
            "import sys\nfrom pathlib import Path\n"
            "from layerwise.files import sole_writer\n"
            "with sole_writer(Path('mine')):\n"
            "    print('writing', flush=True)\n    sys.stdin.read()\n"
        )
        with subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as first:
            assert first.stdout is not None
            first.stdout.readline()
            said = refused(*command)
            assert f"mine: process {first.pid} on " in said
            first.kill()
        assert {path: path.read_bytes() for path in before} == before
        assert main(["train", "--resume", "mine"]) == 0

    def test_no_two_runs_get_the_same_number(self):
        with open_run(PLAN) as one, open_run(PLAN) as other:
            assert str(one.folder) == str(Path("runs") / "iris-1")
            assert str(other.folder) == str(Path("runs") / "iris-2")

    def test_a_chosen_folder_is_taken_once(self):
        with (
            open_run(PLAN, "mine"),
            pytest.raises(InputError, match="not empty"),
            open_run(PLAN, "mine"),
        ):
            pass


class TestNoRoom:
    """On a file system of a megabyte, and under a limit for the size of files."""

    def test_for_a_new_run(self, small_disk, fill, refused):
        fill(small_disk)
        said = refused("train", "iris", "--out", str(small_disk / "a" / "b"), status=4)
        assert str(small_disk / "a" / "b") in said
        assert "No space left on device" in said
        assert [path.name for path in small_disk.iterdir()] == ["filler"]

    @pytest.mark.parametrize(
        ("spare", "file"), [(0, ".lock"), (1, "checkpoints/step-000000010.safetensors")]
    )
    def test_while_it_trains(self, small_disk, fill, whole, refused, spare, file):
        run = trained(small_disk / "mine", stop=9)
        before = {path: path.read_bytes() for path in run.rglob("*.*")}
        fill(small_disk, spare)
        said = refused("train", "--resume", str(run), status=4)
        assert f"{run / file}: cannot be written (No space left on device)" in said
        assert {path: path.read_bytes() for path in run.rglob("*.*")} == before
        (small_disk / "filler").unlink()
        assert main(["train", "--resume", str(run)]) == 0
        assert outcome(run) == whole

    def test_under_a_limit(self, folder, whole):
        """Smaller than a checkpoint, larger than a summary: it is met in training."""
        trained(folder / "mine", stop=9)
        before = names(folder / "mine")
        code = (
            "import resource\n"
            "resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))\n"
            "from layerwise.cli import main\n"
            "raise SystemExit(main(['train', '--resume', 'mine']))\n"
        )
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False
        )
        assert done.returncode == 4, done.stderr
        assert len(done.stderr.splitlines()) == 1
        assert "mine/checkpoints/step-0000000" in done.stderr
        assert "File too large" in done.stderr
        assert "To continue: layerwise train --resume mine" in done.stdout
        assert names(folder / "mine") == before
        assert not list((folder / "mine").rglob(".*"))
        assert main(["train", "--resume", "mine"]) == 0
        assert outcome(folder / "mine") == whole


class TestNoPermission:
    def test_for_a_new_run(self, folder, unprivileged):
        (folder / "theirs").mkdir(mode=0o500)
        done = unprivileged("-m", "layerwise", "train", "iris", "--out", "theirs/mine")
        assert done.returncode == 4
        assert len(done.stderr.splitlines()) == 1
        assert "theirs/mine: cannot be written (Permission denied)" in done.stderr
        assert not list((folder / "theirs").iterdir())

    def test_for_a_run_that_is_to_go_on(self, folder, unprivileged):
        run = trained(folder / "mine", stop=9)
        before = {path: path.read_bytes() for path in run.rglob("*.*")}
        for path in (run, run / "checkpoints"):
            path.chmod(0o500)
        done = unprivileged("-m", "layerwise", "train", "--resume", "mine")
        assert done.returncode == 4
        assert "mine/.lock: cannot be written (Permission denied)" in done.stderr
        assert {path: path.read_bytes() for path in run.rglob("*.*")} == before
        for path in (run, run / "checkpoints"):
            path.chmod(0o700)


class Canary:
    """Whoever unpickles it makes the file that is named."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


def opened(run: Path) -> Run:
    with reopen_run(str(run)) as found:
        return found


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("model.safetensors", load_network),
        ("summary.json", opened),
        ("study.safetensors", lambda run: read_tensors(run / "study.safetensors", "x")),
    ],
)
def test_no_file_of_a_run_runs_code(folder, name, read):
    run, canary = trained(folder / "mine", stop=9), folder / "canary"
    (run / name).write_bytes(pickle.dumps(Canary(canary)))
    with pytest.raises(InputError):
        read(run)
    assert not canary.exists()


def test_no_checkpoint_runs_code(folder):
    run, canary = trained(folder / "mine", stop=9), folder / "canary"
    newest = checkpoints_in(run / "checkpoints")[0]
    newest.write_bytes(pickle.dumps(Canary(canary)))
    assert opened(run).checkpoint.state.step == 8
    assert not canary.exists()


def killed(*options: str) -> dict[str, object]:
    done = subprocess.run(
        [sys.executable, str(KILLS), *options],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize(
    ("kills", "engine"),
    [
        (4, "eager"),
        pytest.param(12, "eager", marks=pytest.mark.slow("killed processes")),
        pytest.param(3, "compiled", marks=pytest.mark.slow("killed processes")),
    ],
)
def test_killed_at_random_moments_it_ends_in_the_same_bytes(kills, engine):
    """``benchmarks/kills.py`` does so two hundred times."""
    said = killed("--kills", str(kills), "--engine", engine)
    assert said["kills"] == kills
    assert said["differ"] == 0
