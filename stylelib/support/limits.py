"""Limits: how much memory and how many cores this process may use, from every place that can limit them.

These are the system, the containers around the process (control groups of both versions, nested ones too), the
process's own limit on its address space, and what JupyterHub says.
"""

import contextlib
import os
import pathlib
import re
from collections.abc import Iterator

import psutil

ROOT = pathlib.Path("/")  # of the files in which Linux keeps limits
UNITS = {"": 1, "K": 2**10, "M": 2**20, "G": 2**30, "T": 2**40}


def free_main_memory() -> int | None:
    """Return how many bytes of main memory this process can still use; None if the system does not say.

    Swap space does not count. Cached files that a container counts as used do, because the system drops them.
    """
    try:
        found = [int(psutil.virtual_memory().available)]
    except (OSError, RuntimeError, NotImplementedError):
        return None
    for folder in _control_groups("memory"):
        for limit, used, cached in (
            ("memory.max", "memory.current", "inactive_file"),
            ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
        ):
            with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
                statistics = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                inactive = int(statistics.get(cached, 0))
                found.append(_number(folder / limit) - _number(folder / used) + inactive)
    with contextlib.suppress(ImportError, OSError, ValueError, AttributeError, psutil.Error):  # Windows has none
        import resource

        limit_of_addresses = resource.getrlimit(resource.RLIMIT_AS)[0]
        if limit_of_addresses != resource.RLIM_INFINITY:
            found.append(limit_of_addresses - psutil.Process().memory_info().vms)
    if match := re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMGT]?)B?", os.environ.get("MEM_LIMIT", "").strip().upper()):
        found.append(int(float(match[1]) * UNITS[match[2]]) - _used_by_this_user())
    return min(found)


def cores() -> int:
    """Return how many cores this process may use, at least 1: the system's, or fewer if a quota allows fewer."""
    found = [float(os.cpu_count() or 1)]
    with contextlib.suppress(AttributeError, OSError):  # only some systems bind processes to cores
        found.append(len(os.sched_getaffinity(0)))
    for folder in _control_groups("cpu"):
        with contextlib.suppress(OSError, ValueError):  # no such file, or "max"
            quota, period = (folder / "cpu.max").read_text().split()
            found.append(int(quota) / int(period))
        with contextlib.suppress(OSError, ValueError):
            if (time := _number(folder / "cpu.cfs_quota_us")) > 0:
                found.append(time / _number(folder / "cpu.cfs_period_us"))
    with contextlib.suppress(ValueError):
        found.append(float(os.environ.get("CPU_LIMIT", "")))
    return max(1, int(min(number for number in found if number > 0)))


def _control_groups(controller: str) -> Iterator[pathlib.Path]:
    """Yield the folders of the control groups that this process is in, from its own to the outermost."""
    mounted = ROOT / "sys/fs/cgroup"
    places = {mounted: "/", mounted / controller: "/"}  # in a container, the group may be shown as the root
    with contextlib.suppress(OSError, ValueError):
        for line in (ROOT / "proc/self/cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                places[mounted] = path
            elif controller in controllers.split(","):
                places |= {mounted / controllers: path, mounted / controller: path}
    for place, path in places.items():
        parts = [part for part in path.split("/") if part not in ("", "..")]
        for depth in range(len(parts), -1, -1):
            yield place.joinpath(*parts[:depth])


def _number(path: pathlib.Path) -> int:
    return int(path.read_text())


def _used_by_this_user() -> int:
    """Return the memory of all processes of this user, which is what JupyterHub limits."""
    used = 0
    user = os.getuid() if hasattr(os, "getuid") else None
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):  # it has ended meanwhile
            if user is None or process.uids().real == user:
                used += process.memory_info().rss
    return used
