"""The figures of a run, as a table and as JSON."""

import json
import re
from collections import Counter
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.crash.learners import Learner
from tests.crash.promises import LOST, LOWERED, ODD_REPEAT, WRONG
from tests.crash.reaper import Reaper
from tests.crash.verdict import Verdict
from tests.crash.world import World


@dataclass(frozen=True)
class Figures:
    """What one mode's run did and kept."""

    mode: str
    dialect: str
    seed: str
    learners: int
    sessions: int
    unreturned: int
    in_flight_at_least: int
    awaited_on_average: float
    kills: dict[str, int]
    starts: int
    troubles: dict[str, int]
    score_tries: int
    scores_accepted: int
    duplicates: int
    registrations_posted_again: int
    lost: int
    wrong: int
    lowered: int
    odd_repeats: int
    seconds_to_recover: float
    seconds: float
    answers: dict[str, int]
    logged: dict[str, int]
    details: list[str]

    @property
    def holds(self) -> bool:
        broken = (self.lost, self.wrong, self.lowered, self.odd_repeats)
        return not any(broken) and not self.registrations_posted_again


def make_figures(
    world: World,
    learners: list[Learner],
    reaper: Reaper,
    verdict: Verdict,
    seed: str,
    seconds: tuple[float, float],
) -> Figures:
    """Gather a run's figures; `seconds` are those to recover and those of the whole run."""
    answers = sum((learner.answers for learner in learners), Counter())
    return Figures(
        mode=world.mode.name,
        dialect=world.mode.dialect,
        seed=seed,
        learners=len(learners),
        sessions=sum(len(learner.scores) for learner in learners),
        unreturned=sum(learner.unreturned for learner in learners),
        in_flight_at_least=min(reaper.in_flight, default=0),
        awaited_on_average=round(sum(reaper.awaited) / max(1, len(reaper.awaited)), 1),
        kills=dict(reaper.kills),
        starts=world.supervisor.starts,
        troubles=dict(reaper.troubles),
        score_tries=_score_tries(world),
        scores_accepted=verdict.accepted,
        duplicates=verdict.duplicates,
        registrations_posted_again=verdict.posted_again,
        lost=verdict.broken[LOST],
        wrong=verdict.broken[WRONG],
        lowered=verdict.broken[LOWERED],
        odd_repeats=verdict.broken[ODD_REPEAT],
        seconds_to_recover=round(seconds[0], 1),
        seconds=round(seconds[1], 1),
        answers=dict(sorted(answers.items())),
        logged=_logged(world.folder / "nodes.log"),
        details=verdict.details,
    )


def _score_tries(world: World) -> int:
    counts = world.stage.requests_of(world.stage.lms)
    return sum(count for name, count in counts.items() if re.match("POST .*/scores", name))


def _logged(log: Path) -> dict[str, int]:
    """Count the exceptions that nodes logged, by their last line's name."""
    names = re.findall(r"^([\w.]+(?:Error|Exception|Failed|Detected)\b)", log.read_text(), re.M)
    return dict(Counter(names).most_common())


ROWS = {
    "LMS": lambda one: one.dialect,
    "learners": lambda one: one.learners,
    "in flight at each kill, at least": lambda one: one.in_flight_at_least,
    "results awaited at a kill, on average": lambda one: one.awaited_on_average,
    "sessions": lambda one: one.sessions,
    "browsers that never returned": lambda one: one.unreturned,
    "kill -9": lambda one: sum(one.kills.values()),
    "  of a web server": lambda one: one.kills.get("web server", 0),
    "  of one web process": lambda one: one.kills.get("web process", 0),
    "  of a worker": lambda one: one.kills.get("worker", 0),
    "score tries": lambda one: one.score_tries,
    "scores accepted": lambda one: one.scores_accepted,
    "duplicates, byte for byte": lambda one: one.duplicates,
    "duplicates with other bytes": lambda one: one.odd_repeats,
    "grades lost": lambda one: one.lost,
    "grades wrong": lambda one: one.wrong,
    "grades lowered": lambda one: one.lowered,
    "registrations POSTed again": lambda one: one.registrations_posted_again,
    "seconds to recover": lambda one: one.seconds_to_recover,
    "seconds in all": lambda one: one.seconds,
}


def table(runs: list[Figures]) -> str:
    """Return the figures of several modes side by side, and the other troubles below."""
    lines = [_line("", [run.mode for run in runs])]
    lines += [_line(name, [figure(run) for run in runs]) for name, figure in ROWS.items()]
    names = dict.fromkeys(name for run in runs for name in run.troubles)
    lines += ["", "troubles besides"]
    lines += [_line(f"  {name}", [run.troubles.get(name, 0) for run in runs]) for name in names]
    for run in runs:
        lines += [f"{run.mode}: {detail}" for detail in run.details]
    return "\n".join(lines)


def _line(name: str, values: list[object]) -> str:
    return f"{name:<58}" + "".join(f"{value:>12}" for value in values)


def write_json(runs: list[Figures], path: Path) -> None:
    """Write all figures."""
    path.write_text(json.dumps({"modes": [asdict(run) for run in runs]}, indent=2) + "\n")
