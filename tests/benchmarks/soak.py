"""Memory of a web and a worker process while learners come and finish for an hour."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tests.story.cohort import Cohort, plan_learners

from .servers import resident_megabytes, resident_megabytes_of
from .way_home import bridge_nodes

PER_SECOND = 4.0
AT_ONCE = 1  # the web process has few threads; what matters here is how many have come
BATCH = 240
QUIET_SECONDS = 120.0
SAMPLES = 12


@dataclass
class Memory:
    """Resident megabytes of one process, from batch to batch of learners."""

    name: str
    megabytes: list[float] = field(default_factory=list)


@dataclass
class Soak:
    """What an hour of load left behind."""

    learners: int
    wrong_grades: int
    memories: list[Memory]


def measure_soak(directory: Path, minutes: float) -> Soak:
    """Let learners come on SQLite for so long: each launches, finishes, exits, and is graded."""
    url = f"sqlite:///{directory / 'soak.sqlite3'}"
    with bridge_nodes(url, "off", directory) as (stage, web, worker):
        cohort = Cohort(stage, stage.activities["Fire safety"])
        watched: dict[str, Callable[[], float]] = {
            "web worker": lambda: resident_megabytes(web),
            "queue worker": lambda: resident_megabytes_of(worker),
        }
        memories = [Memory(name) for name in watched]
        learners, wrong = 0, 0
        ends = time.monotonic() + minutes * 60
        while time.monotonic() < ends:
            batch = plan_learners(BATCH, [0.0], learners + 1)
            cohort.come(batch, at_once=AT_ONCE, per_second=PER_SECOND)
            cohort.wait_until_quiet(QUIET_SECONDS)
            grades = cohort.grades()
            learners += len(batch)
            wrong += sum(grades[one.name] != one.score for one in batch)
            for memory in memories:
                memory.megabytes.append(watched[memory.name]())
    return Soak(learners, wrong, memories)


def show_soak(soak: Soak, minutes: float) -> None:
    """Print how memory went, at a dozen moments."""
    print(f"{soak.learners} learners in {minutes:g} minutes, {soak.wrong_grades} wrong grades")
    for memory in soak.memories:
        step = max(1, len(memory.megabytes) // SAMPLES)
        shown = ", ".join(f"{size:.0f}" for size in memory.megabytes[::step])
        ratio = memory.megabytes[-1] / memory.megabytes[len(memory.megabytes) // 4]
        print(f"{memory.name}: {shown} MB; the end is {ratio:.2f} x the first quarter's")
