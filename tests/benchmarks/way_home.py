"""Calls made for each grade, and the time from the exit until it is in the gradebook.

Learners go through the practice LMS and the practice SCORM Cloud on real HTTP; the bridge runs as
a web process and a worker process with its default settings.
"""

import dataclasses
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lti_bridge.core.db import is_sqlite
from tests.conftest import make_settings
from tests.story.cohort import Cohort, Learner, plan_learners, spread_lags
from tests.story.nodes import make_nodes
from tests.story.stage import Stage, close_stage, open_stage

LONGEST_LAG = 10.0
LAGS = tuple(range(9))
AT_ONCE = 6
QUIET_SECONDS = 120.0


@dataclasses.dataclass
class WayHome:
    """What one bridge needed for a cohort of completed courses."""

    database: str
    postbacks: str
    learners: int
    wrong_grades: int = 0
    reads: float = 0.0  # per completion, launch histories included
    histories: float = 0.0
    scores: float = 0.0
    tokens: int = 0
    # Seconds from the exit to the gradebook, the median by lag; "0" is no lag.
    seconds: dict[str, float] = dataclasses.field(default_factory=dict)

    @property
    def later_than_lag(self) -> float:
        """Return how long after the lag the median score comes, at the worst lag."""
        return max(took - float(lag) for lag, took in self.seconds.items() if lag != "0")


@dataclasses.dataclass(frozen=True)
class Size:
    """How many learners are counted, with lags from 0 to 10 s, and how many are timed then.

    `timed` ones come for each whole lag from 0 to 8 s. So few come `per_second` that none waits
    for another: a bridge that is behind looks late, and so less often than it means to.
    """

    learners: int
    timed: int
    per_second: float


def measure_way_home(database: str, url: str, postbacks: str, folder: Path, size: Size) -> WayHome:
    """Measure one bridge, with its rows in an empty database at `url`."""
    figure = WayHome(database, postbacks, size.learners)
    lags = spread_lags(size.learners, LONGEST_LAG)
    with bridge_nodes(url, postbacks, folder) as (stage, _, _):
        cohort = Cohort(stage, stage.activities["Fire safety"])
        _count(figure, cohort, plan_learners(size.learners, lags), size.per_second)
        _time(figure, cohort, size, size.learners + 1)
    return figure


@contextmanager
def bridge_nodes(url: str, postbacks: str, folder: Path) -> Iterator[tuple[Stage, int, int]]:
    """Run a bridge as an operator would: one web process, one worker, the queue beside its rows.

    Gives the stage, and the process ids of the web's arbiter and of the worker.
    """
    settings = make_settings(url, folder)
    if not is_sqlite(url):
        settings = dataclasses.replace(settings, queue_url=url)
    stage = open_stage(settings, "moodle", in_process=False)
    changes = {"LTI_BRIDGE_SCORM_CLOUD__POSTBACKS": postbacks}
    nodes = make_nodes(stage, folder / "nodes.log", changes)
    try:
        yield stage, nodes.start_web().pid, nodes.start_worker().pid
    finally:
        nodes.stop()
        close_stage(stage)


def _count(figure: WayHome, cohort: Cohort, learners: list[Learner], per_second: float) -> None:
    cohort.come(learners, at_once=AT_ONCE, per_second=per_second)
    cohort.wait_until_quiet(QUIET_SECONDS)
    counts, grades = cohort.counts(), cohort.grades()
    figure.wrong_grades = sum(grades[one.name] != one.score for one in learners)
    figure.reads = (counts.reads + counts.histories) / len(learners)
    figure.histories = counts.histories / len(learners)
    figure.scores = counts.scores / len(learners)
    figure.tokens = counts.tokens


def _time(figure: WayHome, cohort: Cohort, size: Size, first: int) -> None:
    learners = plan_learners(size.timed * len(LAGS), LAGS, first)
    learners = [dataclasses.replace(one, course="quiz", score=77) for one in learners]
    cohort.come(learners, at_once=AT_ONCE, per_second=size.per_second)
    cohort.wait_until_quiet(QUIET_SECONDS)
    took = cohort.seconds_to_gradebook()
    for lag in LAGS:
        same = [took[one.name] for one in learners if one.lag == lag]
        figure.seconds[str(lag)] = statistics.median(same)


def show_head() -> None:
    """Print the head of the table of counts and times."""
    head = f"{'way home':<36}{'reads':>8}{'history':>9}{'scores':>9}{'tokens':>9}"
    print(f"{head}{'no lag s':>10}{'lag + s':>9}", flush=True)


def show_row(figure: WayHome) -> None:
    """Print what one bridge needed; a run takes minutes, so each row comes when it is known."""
    name = f"{figure.database}, postbacks {figure.postbacks}"
    print(
        f"{name:<36}{figure.reads:>8.2f}{figure.histories:>9.2f}{figure.scores:>9.2f}"
        f"{figure.tokens:>9}{figure.seconds['0']:>10.2f}{figure.later_than_lag:>9.2f}",
        flush=True,
    )
    if figure.wrong_grades:
        print(f"    failed: {figure.wrong_grades} grades are wrong", flush=True)
