"""Counters and histograms, summed over all processes of this node.

The files have the format of prometheus_client's multiprocess mode. That mode names files by process
id, which containers that share a folder reuse, and keeps the files of ended processes. Here a
process locks the lowest free *place* and continues its files, so a killed process loses no count
and the folder does not grow. The first process on a node starts from zero.
"""

import fcntl
import itertools
import logging
import threading
import time
import weakref
from bisect import bisect_left
from collections.abc import Callable, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

from prometheus_client import Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.utils import floatToGoString

# Not typed in prometheus_client.
CountFile: Any = MmapedDict
SumOfFiles: Any = MultiProcessCollector
text_of_limit: Callable[[float], str] = floatToGoString
# Allocated in full: on a full disk, a write to a hole of a mapped file kills the process.
FILE_BYTES = 1024 * 1024
INFINITY = float("inf")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Counter:
    """A counter metric; its name ends in _total."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Histogram:
    """A histogram metric; `buckets` are upper limits, without +Inf."""

    name: str
    help: str
    buckets: tuple[float, ...]
    labels: tuple[str, ...] = ()


class Counts:
    """This process's counts, stored in `folder` with those of the node's other processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()

    def add(self, counter: Counter, labels: tuple[str, ...], amount: float = 1) -> None:
        """Add `amount`; `labels` are values in the order of the counter's label names."""
        with self._lock:
            if self._files:
                _increase(self._files["counter"], _key(counter, labels), amount)

    def observe(self, histogram: Histogram, labels: tuple[str, ...], value: float) -> None:
        """Record one measurement in a histogram."""
        buckets, sum_key = _keys(histogram, labels)
        with self._lock:
            if self._files:
                file = self._files["histogram"]
                for key in buckets:  # the reader sums buckets, and needs all of them
                    file.read_value(key)
                _increase(file, buckets[bisect_left(histogram.buckets, value)], 1)
                _increase(file, sum_key, value)

    def read(self) -> Iterable[Metric]:
        """Return the sums over all processes of this node."""
        with self._lock:
            if not self._files:
                return []
        found: Iterable[Metric] = SumOfFiles(None, path=str(self._folder)).collect()
        return found

    @cached_property
    def _files(self) -> dict[str, Any]:
        """Take a place at first use; without a place nothing is counted."""
        try:
            with ExitStack() as held:
                files = _take_place(self._folder, held)
                weakref.finalize(self, held.pop_all().close)
                return files
        except OSError as error:
            logger.warning("metrics are not counted: %s", error.strerror)
            return {}


def _key(counter: Counter, labels: tuple[str, ...]) -> str:
    family = counter.name.removesuffix("_total")
    return mmap_key(family, counter.name, list(counter.labels), list(labels), counter.help)


@lru_cache(maxsize=4096)
def _keys(histogram: Histogram, labels: tuple[str, ...]) -> tuple[list[str], str]:
    """Return the keys of the buckets and of the sum."""
    name, names, values = histogram.name, list(histogram.labels), list(labels)
    limits = [text_of_limit(limit) for limit in (*histogram.buckets, INFINITY)]
    buckets = [
        mmap_key(name, f"{name}_bucket", [*names, "le"], [*values, limit], histogram.help)
        for limit in limits
    ]
    return buckets, mmap_key(name, f"{name}_sum", names, values, histogram.help)


def _increase(file: Any, key: str, amount: float) -> None:
    before, _ = file.read_value(key)
    file.write_value(key, before + amount, time.time())


def _take_place(folder: Path, held: ExitStack) -> dict[str, Any]:
    """Lock the lowest free place; `held` closes its lock and files."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "choosing.lock").open("a") as choosing:
        fcntl.flock(choosing, fcntl.LOCK_EX)
        with ExitStack() as trying:
            if all([_lock(path, trying) for path in folder.glob("place*.lock")]):
                for file in folder.glob("*.db"):
                    file.unlink()
        places = itertools.count()
        number = next(n for n in places if _lock(folder / f"place{n}.lock", held))
        files = {}
        for kind in ("counter", "histogram"):
            files[kind] = CountFile(str(_full_length(folder / f"{kind}_{number}.db")))
            held.callback(files[kind].close)
    return files


def _lock(path: Path, held: ExitStack) -> bool:
    """Lock a file until `held` ends; False when another process holds it."""
    lock = path.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        lock.close()
        return False
    held.enter_context(lock)
    return True


def _full_length(path: Path) -> Path:
    """Create a file of zeros if it is missing, atomically for readers."""
    if not path.exists():
        new = path.with_suffix(".new")
        new.write_bytes(bytes(FILE_BYTES))
        new.replace(path)
    return path
