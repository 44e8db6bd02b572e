"""One whole run in one mode, within a time."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.crash.learners import Learner, make_learners
from tests.crash.reaper import Reaper
from tests.crash.report import Figures, make_figures
from tests.crash.verdict import judge
from tests.crash.world import LEASE_SECONDS, Mode, World, open_world

CLICK_SECONDS = 60


@dataclass(frozen=True)
class Size:
    """How large a run is; `pause_seconds` lie between two kills, about."""

    learners: int
    kills: int
    seed: str
    minutes: float
    pause_seconds: float
    sessions_per_second: float
    troubles: bool = True


def run_crash(
    mode: Mode,
    folder: Path,
    size: Size,
    database_url: str = "",
    say: Callable[[str], None] = lambda _: None,
) -> Figures:
    """Let learners learn while nodes die, and return what came of it; `say` follows it."""
    began = time.monotonic()
    ends_at = began + 60 * size.minutes
    with open_world(mode, folder, size.learners, size.seed, ends_at, database_url) as world:
        learners = make_learners(world, size.seed, size.learners / size.sessions_per_second)
        reaper = Reaper(world, learners, size.seed, say)
        recovered_seconds = _live(world, learners, reaper, size)
        verdict = judge(world, learners)
        seconds = (recovered_seconds, time.monotonic() - began)
        return make_figures(world, learners, reaper, verdict, size.seed, seconds)


def _live(world: World, learners: list[Learner], reaper: Reaper, size: Size) -> float:
    """Returns the seconds from the last fault to the last grade."""
    with ThreadPoolExecutor(len(learners)) as pool:
        lives = [pool.submit(learner.live) for learner in learners]
        try:
            _wait_for_clicks(learners)
            over_at = reaper.run(size.kills, size.pause_seconds, troubles=size.troubles)
        except BaseException:
            world.ends_at = 0.0  # no learner goes on without us
            raise
        finally:
            world.ending.set()
    for life in lives:
        life.result()
    last = max(one.home_at or world.ends_at for one in learners)
    time.sleep(LEASE_SECONDS)  # a worker that still holds an old score would send it now
    return max(0.0, last - over_at)


def _wait_for_clicks(learners: list[Learner]) -> None:
    """Wait until everybody has clicked for the first time: all are in flight from then on."""
    ends = time.monotonic() + CLICK_SECONDS
    while not all(one.begun for one in learners) and time.monotonic() < ends:
        time.sleep(0.2)
