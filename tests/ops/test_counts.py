"""Counts are summed over processes, survive their end, and begin anew with the first."""

import subprocess
import sys
from pathlib import Path

import pytest

from lti_bridge.ops.counts import FILE_BYTES, Counter, Counts, Histogram

DONE = Counter("done_total", "Things done.", ("how",))
WAIT = Histogram("wait_seconds", "How long it took.", (1, 5), ("where",))

COUNTING = """
import sys, time
from pathlib import Path
from tests.ops.test_counts import DONE, Counts
counts = Counts(Path(sys.argv[1]))
counts.add(DONE, ("well",), 3)
print("counted", flush=True)
time.sleep(60)
"""


def samples(counts: Counts) -> dict[tuple[str, ...], float]:
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in counts.read()
        for sample in family.samples
    }


def start_process(folder: Path) -> subprocess.Popen[str]:
    """Start another process that counts 3 and then waits to be killed."""
    command = [sys.executable, "-c", COUNTING, str(folder)]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, cwd=Path(__file__).parents[2]
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "counted\n"
    return process


def kill(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.communicate()


def places(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob("place*.lock"))


def test_counter_adds_up(tmp_path):
    counts = Counts(tmp_path)

    counts.add(DONE, ("well",))
    counts.add(DONE, ("well",), 2)
    counts.add(DONE, ("badly",))

    assert samples(counts) == {("done_total", "well"): 3, ("done_total", "badly"): 1}


@pytest.mark.parametrize(
    "value, buckets",
    [(0.5, [1, 1, 1]), (1, [1, 1, 1]), (4, [0, 1, 1]), (9, [0, 0, 1])],
    ids=["below the first limit", "at the first limit", "between limits", "above all"],
)
def test_histogram_shows_every_bucket(tmp_path, value, buckets):
    counts = Counts(tmp_path)

    counts.observe(WAIT, ("here",), value)

    found = samples(counts)
    limits = ("1.0", "5.0", "+Inf")
    assert [found["wait_seconds_bucket", "here", limit] for limit in limits] == buckets
    assert found["wait_seconds_count", "here"] == 1
    assert found["wait_seconds_sum", "here"] == value


def test_processes_are_summed(tmp_path):
    counts = Counts(tmp_path)
    counts.add(DONE, ("well",))
    processes = [start_process(tmp_path) for _ in range(2)]

    try:
        assert samples(counts) == {("done_total", "well"): 7}
        assert len(places(tmp_path)) == 3
    finally:
        for process in processes:
            kill(process)


def test_killed_process_keeps_its_counts(tmp_path):
    counts = Counts(tmp_path)
    counts.add(DONE, ("well",))

    kill(start_process(tmp_path))

    assert samples(counts) == {("done_total", "well"): 4}


def test_place_of_the_dead_is_taken_over(tmp_path):
    """However often a worker is killed and started again, the folder does not grow."""
    counts = Counts(tmp_path)
    counts.add(DONE, ("well",))

    for _ in range(3):
        kill(start_process(tmp_path))

    assert samples(counts) == {("done_total", "well"): 10}
    assert places(tmp_path) == ["place0.lock", "place1.lock"]


def test_first_process_begins_anew(tmp_path):
    """What an older version left behind is not shown permanently."""
    kill(start_process(tmp_path))

    counts = Counts(tmp_path)

    assert samples(counts) == {}


def test_files_have_their_full_length(tmp_path):
    """A hole in a mapped file would end the process on a full disk."""
    Counts(tmp_path).add(DONE, ("well",))

    for path in tmp_path.glob("*.db"):
        assert path.stat().st_size == FILE_BYTES
        assert path.stat().st_blocks * 512 >= FILE_BYTES


def test_unusable_folder_stops_no_request(tmp_path, caplog):
    (tmp_path / "metrics").write_text("a file where the folder should be")
    counts = Counts(tmp_path / "metrics")

    counts.add(DONE, ("well",))
    counts.observe(WAIT, ("here",), 1)

    assert list(counts.read()) == []
    assert [record.getMessage() for record in caplog.records] == [
        "metrics are not counted: File exists"
    ]
