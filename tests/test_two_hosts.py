"""The study on two hosts, as two network namespaces with a cable between them."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import pytest

HOSTS = ("layerwise-a", "layerwise-b")
CABLE = ("lw-a", "lw-b")
ADDRESSES = ("10.213.77.1", "10.213.77.2")


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


@pytest.fixture
def hosts() -> Iterator[tuple[str, ...]]:
    """Two namespaces that know nothing but each other."""
    if not sys.platform.startswith("linux") or os.geteuid() or not shutil.which("ip"):
        pytest.skip("network namespaces need root on Linux, and ip")
    made: list[str] = []
    try:
        try:
            for host in HOSTS:
                ip("netns", "add", host)
                made.append(host)
            ip("link", "add", CABLE[0], "type", "veth", "peer", "name", CABLE[1])
        except subprocess.CalledProcessError as error:
            pytest.skip(f"no network namespaces here: {error.stderr!r}")
        for host, end, address in zip(HOSTS, CABLE, ADDRESSES, strict=True):
            ip("link", "set", end, "netns", host)
            ip("-n", host, "addr", "add", f"{address}/24", "dev", end)
            ip("-n", host, "link", "set", end, "up")
            ip("-n", host, "link", "set", "lo", "up")
        yield HOSTS
    finally:
        for host in made:
            ip("netns", "delete", host)


@pytest.mark.slow("several processes")
def test_two_hosts_give_the_study_of_one(hosts, tmp_path):
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, 2000)
    rows = rng.normal(size=(2000, 6)) + 2 * np.eye(3, 6)[labels]
    np.save(tmp_path / "fc1.npy", rows)
    (tmp_path / "labels").mkdir()
    np.save(tmp_path / "labels" / "y.npy", labels)
    study = ["-m", "layerwise", "inspect", "--json"]
    study += ["--activations", str(tmp_path / "*.npy")]
    study += ["--labels", str(tmp_path / "labels" / "y.npy")]
    alone = subprocess.run(
        [sys.executable, *study], capture_output=True, text=True, check=True
    )
    jobs = []
    for number, (host, end) in enumerate(zip(hosts, CABLE, strict=True)):
        launch = ["ip", "netns", "exec", host, sys.executable]
        launch += ["-m", "torch.distributed.run", "--nnodes=2", "--nproc-per-node=1"]
        launch += [f"--node-rank={number}", f"--master-addr={ADDRESSES[0]}"]
        jobs.append(
            subprocess.Popen(
                [*launch, "--master-port=29517", *study],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "GLOO_SOCKET_IFNAME": end},
            )
        )
    said = [job.communicate(timeout=120) for job in jobs]
    assert [job.returncode for job in jobs] == [0, 0], said
    assert said[1][0] == ""
    expected = json.loads(alone.stdout)
    for layer, due in zip(
        json.loads(said[0][0])["layers"], expected["layers"], strict=True
    ):
        assert layer["probe_accuracy"] == due["probe_accuracy"]
        assert layer["measures"]["values"] == pytest.approx(
            due["measures"]["values"], rel=1e-9, nan_ok=True
        )
