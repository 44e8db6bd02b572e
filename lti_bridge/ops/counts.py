"""Counts of every process of this node, summed: each process adds to files of its own.

The files are those of prometheus_client's multiprocess mode. It names them by process id, which
two containers on one folder share, and keeps a dead process's files for ever; here a process
takes the lowest *place* that no living one holds, by a lock that ends with it, and counts on where
the one before it stopped. So no count is lost when a process is killed, and none goes backwards
while any other process lives. The first process of a node to come begins anew.
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
from functools import lru_cache
from pathlib import Path
from typing import Any

from prometheus_client import Metric
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.utils import floatToGoString

# prometheus_client leaves these without types.
CountFile: Any = MmapedDict
SumOfFiles: Any = MultiProcessCollector
text_of_limit: Callable[[float], str] = floatToGoString
# Written in full at the start: on a full disk a write to a mapped hole would kill the process.
FILE_BYTES = 1024 * 1024
INFINITY = float("inf")
logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Counter:
    """Something that is counted; its name ends in _total."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


@dataclass(frozen=True)
class Histogram:
    """Something that is measured; `buckets` are upper limits, without the infinite one."""

    name: str
    help: str
    buckets: tuple[float, ...]
    labels: tuple[str, ...] = ()


class Counts:
    """This process's counts, kept in `folder` beside those of the node's other processes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = threading.Lock()
        self._files: dict[str, Any] = {}
        self._given_up = False

    def add(self, counter: Counter, labels: tuple[str, ...], amount: float = 1) -> None:
        """Count `amount` more; `labels` are the values, in the order of the counter's names."""
        with self._lock:
            if self._open():
                _increase(self._files["counter"], _key(counter, labels), amount)

    def observe(self, histogram: Histogram, labels: tuple[str, ...], value: float) -> None:
        """Take one measurement into account."""
        buckets, sum_key = _keys(histogram, labels)
        with self._lock:
            if not self._open():
                return
            file = self._files["histogram"]
            for key in buckets:  # the reader adds them up, and shows only those that are there
                file.read_value(key)
            _increase(file, buckets[bisect_left(histogram.buckets, value)], 1)
            _increase(file, sum_key, value)

    def read(self) -> Iterable[Metric]:
        """Return the sums over all processes of this node."""
        with self._lock:
            if not self._open():
                return []
        found: Iterable[Metric] = SumOfFiles(None, path=str(self._folder)).collect()
        return found

    def _open(self) -> bool:
        """Take a place at the first use; without one nothing is counted, and all else works."""
        if self._files or self._given_up:
            return not self._given_up
        held = ExitStack()
        try:
            self._files = _take_place(self._folder, held)
        except OSError as error:
            held.close()
            self._given_up = True
            logger.warning("metrics are not counted: %s", error.strerror)
            return False
        weakref.finalize(self, held.close)
        return True


@lru_cache(maxsize=4096)
def _key(counter: Counter, labels: tuple[str, ...]) -> str:
    family = counter.name.removesuffix("_total")
    return mmap_key(family, counter.name, list(counter.labels), list(labels), counter.help)


@lru_cache(maxsize=4096)
def _keys(histogram: Histogram, labels: tuple[str, ...]) -> tuple[list[str], str]:
    """Return the key of each bucket, and that of the sum."""
    name, names, values = histogram.name, list(histogram.labels), list(labels)
    buckets = [
        mmap_key(
            name,
            f"{name}_bucket",
            [*names, "le"],
            [*values, text_of_limit(limit)],
            histogram.help,
        )
        for limit in (*histogram.buckets, INFINITY)
    ]
    return buckets, mmap_key(name, f"{name}_sum", names, values, histogram.help)


def _increase(file: Any, key: str, amount: float) -> None:
    before, _ = file.read_value(key)
    file.write_value(key, before + amount, time.time())


def _take_place(folder: Path, held: ExitStack) -> dict[str, Any]:
    """Lock the lowest free place; `held` keeps it and its files open."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "choosing.lock").open("a") as choosing:
        fcntl.flock(choosing, fcntl.LOCK_EX)
        if not any(_is_held(lock) for lock in folder.glob("place*.lock")):
            for file in folder.glob("*.db"):
                file.unlink()
        for number in itertools.count():
            lock = held.enter_context((folder / f"place{number}.lock").open("a"))
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                lock.close()
        files = {}
        for kind in ("counter", "histogram"):
            files[kind] = CountFile(str(_full_length(folder / f"{kind}_{number}.db")))
            held.callback(files[kind].close)
    return files


def _is_held(path: Path) -> bool:
    with path.open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _full_length(path: Path) -> Path:
    """Make a file of zeros unless it is there; a reader never sees half of one."""
    if not path.exists():
        new = path.with_suffix(".new")
        new.write_bytes(bytes(FILE_BYTES))
        new.replace(path)
    return path
