"""Kill trainings at random moments, go on with them, and compare what comes out.

    python benchmarks/kills.py --kills 200

Every training is a process of its own, and every kill is SIGKILL: no handler runs and
nothing is flushed. After a kill no file may be half written; the training that goes on
may be killed again; what it ends in must be, to the byte, what a training ends in that
was never stopped: the network, every step's loss, and the checkpoint with the
optimiser's slots and the networks on the way. Exit status 1 where anything differs.
"""

import argparse
import hashlib
import json
import multiprocessing
import random
import tempfile
import time
from collections import Counter
from collections.abc import Collection
from pathlib import Path

from layerwise.errors import InputError
from layerwise.experiment import Plan, open_run, read_summary, reopen_run, train
from layerwise.files import read_tensors
from layerwise.model import MLP
from layerwise.training import Recipe, checkpoints_in
from layerwise.training._checkpoint import FORMAT

MOST_KILLS = 3
"""How often one training is killed before it may end."""

PRELOADED = ["layerwise.experiment", "jax", "scipy.optimize"]

ENDED = "after its end"


def plan(engine: str) -> Plan:
    """Return a short training that writes a checkpoint whenever it looks up."""
    return Plan(
        data="iris",
        architecture=MLP([16], dropout=0.2),
        recipe=Recipe(epochs=20, engine=engine, patience=19),
        checkpoint_every=0.0,
        keep_checkpoints=3,
    )


def go_on(folder: str, engine: str) -> None:
    """Train to the end, from wherever the folder stands."""
    from layerwise.training import _loop

    _loop.CHUNK_SECONDS = 0.002
    try:
        opened = reopen_run(folder)
        run = opened.__enter__()
    except InputError as error:
        if "not a run" not in str(error):
            raise
        opened = open_run(plan(engine), folder)
        run = opened.__enter__()
    train(run)
    opened.__exit__(None, None, None)


def stage(folder: Path) -> str:
    """Say how far a killed training had come; what files there are must be whole."""
    if not (folder / "summary.json").exists():
        return "before its summary"
    status = read_summary(folder)["training"]["status"]
    found = checkpoints_in(folder / "checkpoints")
    for path in [*found, *folder.glob("model.safetensors")]:
        read_tensors(path, "network-1" if path.stem == "model" else FORMAT)
    if list(folder.rglob(".*.partial")):
        return "while writing a file"
    if status != "running":
        return ENDED
    return "between checkpoints" if found else "before its first checkpoint"


def outcome(folder: Path, allowed: Collection[str] = ()) -> str:
    """Return a digest of all that a training ends in, the clock apart.

    Nothing else is left but what is allowed: of a training that was killed when all
    was written the lock file, which the next writer takes over.
    """
    assert read_summary(folder)["training"]["status"] == "finished"
    left = {path.name for path in folder.rglob(".*")}.difference(allowed)
    assert not left, left
    digest = hashlib.sha256((folder / "model.safetensors").read_bytes())
    for row in (folder / "history.csv").read_text().splitlines():
        cells = row.split(",")
        digest.update(",".join(cells[:4] + cells[5:]).encode())
    tensors, _ = read_tensors(checkpoints_in(folder / "checkpoints")[0], FORMAT)
    for name in sorted(tensors):
        digest.update(name.encode() + tensors[name].tobytes())
    return digest.hexdigest()


class Trainings:
    """Starts trainings, each in a process that a server forks: none waits for imports.

    Parameters
    ----------
    engine : str
    place : Path
        Where their folders are.
    """

    def __init__(self, engine, place):
        self._processes = multiprocessing.get_context("forkserver")
        self._processes.set_forkserver_preload(PRELOADED)
        self._engine = engine
        self.place = place

    def start(self, name):
        """Return the folder and the process of a training that begins or goes on."""
        folder = self.place / name
        arguments = (str(folder), self._engine)
        process = self._processes.Process(target=go_on, args=arguments)
        process.start()
        return folder, process

    def finish(self, name):
        """Train to the end and return the folder."""
        folder, process = self.start(name)
        process.join()
        assert process.exitcode == 0
        return folder

    def kill(self, name, seconds):
        """Kill a training after so many seconds; return its stage, or None if over."""
        folder, process = self.start(name)
        process.join(seconds)
        if process.exitcode is not None:
            return None
        process.kill()
        process.join()
        return stage(folder)


def measured(trainings, kills, seed):
    """Kill so often; count the kills by stage, and the outcomes that differ."""
    expected = outcome(trainings.finish("whole"))
    began = time.monotonic()
    assert outcome(trainings.finish("again")) == expected
    seconds = time.monotonic() - began
    moments = random.Random(seed)
    stages, differ, number = Counter(), 0, 0
    while stages.total() < kills:
        number += 1
        name = f"killed-{number}"
        reached = ""
        for _ in range(min(MOST_KILLS, kills - stages.total())):
            reached = trainings.kill(name, moments.uniform(0, seconds))
            if reached is None:
                break
            stages[reached] += 1
        if reached not in (None, ENDED):
            trainings.finish(name)
        allowed = [".lock"] if reached == ENDED else []
        differ += outcome(trainings.place / name, allowed) != expected
    return {
        "kills": stages.total(),
        "trainings": number,
        "differ": differ,
        "seconds_of_a_training": round(seconds, 2),
        "stages": dict(stages.most_common()),
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--engine", choices=["eager", "compiled"], default="eager")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        trainings = Trainings(options.engine, Path(place))
        found = measured(trainings, options.kills, options.seed)
    print(json.dumps(found))
    return int(found["differ"] > 0)


if __name__ == "__main__":
    raise SystemExit(main())
