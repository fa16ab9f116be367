"""Memory and cores: every place that can limit them is known, and the tightest limit counts."""

import os
import subprocess
import sys

import psutil
import pytest
import torch

from stylelib.support import limits, machine
from stylelib.sweeps.workers import useful_workers

pytestmark = pytest.mark.fault(18)
GB = 10**9
V1 = {"memory.limit_in_bytes": "9223372036854771712", "memory.usage_in_bytes": "0", "memory.stat": "cache 1"}
UNLIMITED = {"memory.max": "max", "memory.current": f"{9 * GB}", "memory.stat": "anon 1"}


@pytest.fixture(autouse=True)
def machine_of_64(monkeypatch, tmp_path):
    """A machine with 64 GB and 64 cores, without any limit."""

    class Memory:
        available = 64 * GB

    monkeypatch.setattr(psutil, "virtual_memory", lambda: Memory)
    monkeypatch.setattr(os, "cpu_count", lambda: 64)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    monkeypatch.setattr(limits, "ROOT", tmp_path)
    for name in ("MEM_LIMIT", "CPU_LIMIT", "MEM_GUARANTEE"):
        monkeypatch.delenv(name, raising=False)


def memory_group(limit, used, inactive=0, version=2):
    """The files of a control group."""
    if version == 2:
        return {
            "memory.max": f"{limit}\n",
            "memory.current": f"{used}\n",
            "memory.stat": f"anon 5\ninactive_file {inactive}\n",
        }
    stat = f"cache 5\ninactive_file 1\ntotal_inactive_file {inactive}\n"
    return {"memory.limit_in_bytes": f"{limit}\n", "memory.usage_in_bytes": f"{used}\n", "memory.stat": stat}


def plant(root, tree):
    """Write files by the name of their folder: {folder: {name: text}}, and what /proc says."""
    for folder, files in tree.items():
        for name, text in files.items():
            (root / folder).mkdir(parents=True, exist_ok=True)
            (root / folder / name).write_text(text)


V1_PROC = {"cgroup": "12:memory:/docker/ab\n4:cpu,cpuacct:/docker/ab\n0::/init\n"}
MEMORY = {  # {what limits it: (files, bytes that are free)}
    "nothing": ({}, 64 * GB),
    "a container, version 2": ({"sys/fs/cgroup": memory_group(3000, 2500, 500)}, 1000),
    "a container without a limit": ({"sys/fs/cgroup": UNLIMITED}, 64 * GB),
    "a limit larger than the machine": ({"sys/fs/cgroup": memory_group(99 * GB, 0)}, 64 * GB),
    "a group of its own, version 2": (
        {"proc/self": {"cgroup": "0::/user.slice/job\n"}, "sys/fs/cgroup/user.slice/job": memory_group(9 * GB, 2 * GB)},
        7 * GB,
    ),
    "a slice around it": (
        {
            "proc/self": {"cgroup": "0::/user.slice/u1/job\n"},
            "sys/fs/cgroup/user.slice/u1/job": UNLIMITED,
            "sys/fs/cgroup/user.slice/u1": memory_group(8 * GB, 7 * GB),
            "sys/fs/cgroup/user.slice": memory_group(40 * GB, 9 * GB),
        },
        GB,
    ),
    "a tighter slice further out": (
        {
            "proc/self": {"cgroup": "0::/pods/one\n"},
            "sys/fs/cgroup/pods/one": memory_group(8 * GB, GB),
            "sys/fs/cgroup/pods": memory_group(10 * GB, 8 * GB, GB),
        },
        3 * GB,
    ),
    "a container, version 1": ({"sys/fs/cgroup/memory": memory_group(4 * GB, 3 * GB, GB, version=1)}, 2 * GB),
    "a nested container, version 1": (
        {"proc/self": V1_PROC, "sys/fs/cgroup/memory/docker/ab": memory_group(5 * GB, GB, version=1),
         "sys/fs/cgroup/memory": V1},
        4 * GB,
    ),
    "both versions side by side": (
        {"proc/self": V1_PROC, "sys/fs/cgroup/memory/docker/ab": memory_group(5 * GB, GB, version=1),
         "sys/fs/cgroup/init": memory_group(3 * GB, GB)},
        2 * GB,
    ),
    "a path that is outside of what is mounted": (
        {"proc/self": {"cgroup": "0::/../../outside\n"}, "sys/fs/cgroup": memory_group(3 * GB, GB)}, 2 * GB,
    ),
    "files that are nonsense": (
        {"proc/self": {"cgroup": "nonsense\n:::\n"}, "sys/fs/cgroup": {"memory.max": "much", "memory.stat": "a b c"}},
        64 * GB,
    ),
    "more used than allowed": ({"sys/fs/cgroup": memory_group(1000, 3000)}, -2000),
}  # fmt: skip


@pytest.mark.parametrize("kind", MEMORY)
def test_the_tightest_limit_of_memory_counts(kind, tmp_path):
    tree, free = MEMORY[kind]
    plant(tmp_path, tree)
    assert machine.free_memory(torch.device("cpu")) == free


@pytest.mark.parametrize(
    "said, limit", [("3000000000", 3 * GB), ("2G", 2 * 2**30), ("512M", 2**29), ("1.5 GB", 3 * 2**29)]
)
def test_jupyterhubs_limit_counts_what_all_the_users_processes_hold(said, limit, monkeypatch):
    monkeypatch.setenv("MEM_LIMIT", said)
    monkeypatch.setattr(limits, "_used_by_this_user", lambda: 10**8)
    assert limits.free_main_memory() == limit - 10**8


@pytest.mark.parametrize("said", ["", "much", "-5", "1e9"])
def test_a_limit_of_jupyterhub_that_is_none_does_not_count(said, monkeypatch):
    monkeypatch.setenv("MEM_LIMIT", said)
    assert limits.free_main_memory() == 64 * GB


def test_the_users_processes_are_counted():
    assert limits._used_by_this_user() >= psutil.Process().memory_info().rss > 10**7


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not limit addresses")
def test_a_limit_on_addresses_counts():
    code = (
        "import resource, psutil; from stylelib.support import limits; used = psutil.Process().memory_info().vms; "
        "resource.setrlimit(resource.RLIMIT_AS, (used + 10**9, -1)); print(limits.free_main_memory())"
    )
    environment = {name: value for name, value in os.environ.items() if name != "MEM_LIMIT"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment)
    assert 0.5e9 < int(done.stdout) <= 1e9


CORES = {  # {what limits them: (files, CPU_LIMIT, cores)}
    "nothing": ({}, "", 64),
    "a quota, version 2": ({"sys/fs/cgroup": {"cpu.max": "200000 100000\n"}}, "", 2),
    "no quota, version 2": ({"sys/fs/cgroup": {"cpu.max": "max 100000\n"}}, "", 64),
    "half a core": ({"sys/fs/cgroup": {"cpu.max": "50000 100000\n"}}, "", 1),
    "two and a half cores": ({"sys/fs/cgroup": {"cpu.max": "250000 100000\n"}}, "", 2),
    "a slice around it": (
        {"proc/self": {"cgroup": "0::/a/b\n"}, "sys/fs/cgroup/a/b": {"cpu.max": "800000 100000"},
         "sys/fs/cgroup/a": {"cpu.max": "300000 100000"}}, "", 3,
    ),
    "a quota, version 1": (
        {"proc/self": V1_PROC, "sys/fs/cgroup/cpu,cpuacct/docker/ab":
         {"cpu.cfs_quota_us": "400000\n", "cpu.cfs_period_us": "100000\n"}}, "", 4,
    ),
    "no quota, version 1": ({"sys/fs/cgroup/cpu": {"cpu.cfs_quota_us": "-1", "cpu.cfs_period_us": "100000"}}, "", 64),
    "JupyterHub": ({}, "1.5", 1),
    "JupyterHub and a quota": ({"sys/fs/cgroup": {"cpu.max": "200000 100000"}}, "8", 2),
    "nonsense": ({"sys/fs/cgroup": {"cpu.max": "fast"}}, "all of them", 64),
    "a limit of nothing": ({"sys/fs/cgroup": {"cpu.max": "0 100000"}}, "0", 64),
}  # fmt: skip


@pytest.mark.parametrize("kind", CORES)
def test_the_tightest_limit_of_cores_counts(kind, tmp_path, monkeypatch):
    tree, said, found = CORES[kind]
    plant(tmp_path, tree)
    monkeypatch.setenv("CPU_LIMIT", said)
    assert limits.cores() == found


def test_cores_that_a_process_is_bound_to_count(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {3, 5, 7}, raising=False)
    assert limits.cores() == 3


@pytest.mark.parametrize("said, threads", [(None, 2), ("7", 7)])
def test_torch_takes_as_many_threads_as_a_quota_allows_unless_it_is_told(said, threads, tmp_path, monkeypatch):
    plant(tmp_path, {"sys/fs/cgroup": {"cpu.max": "200000 100000\n"}})
    found = [7]
    monkeypatch.setattr(torch, "get_num_threads", lambda: found[-1])
    monkeypatch.setattr(torch, "set_num_threads", found.append)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if said:
        monkeypatch.setenv("OMP_NUM_THREADS", said)
    machine.limit_threads()
    assert found[-1] == threads
    monkeypatch.setattr("stylelib.sweeps.workers.pick_device", lambda: torch.device("cpu"))
    assert useful_workers() == 2, "a sweep starts no more workers than that"
