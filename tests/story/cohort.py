"""A cohort of learners: each launches, works, leaves; the grade gets no help on its way."""

import dataclasses
import threading
import time
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any, Literal

import requests
from sqlalchemy import func, or_, select

from lti_bridge.core.db import db
from lti_bridge.registrations.models import Grade, Launch
from tests.story.player import Player
from tests.story.stage import Person, Stage, wait_for

# A course with a quiz, one without, and one that says "completed" at its first page.
Course = Literal["quiz", "no quiz", "early word"]
FULL_MARKS = 100


@dataclasses.dataclass(frozen=True)
class Learner:
    """One learner to come, and after how many seconds SCORM Cloud shows what it was told."""

    name: str
    lag: float
    course: Course
    score: int


@dataclasses.dataclass(frozen=True)
class Counts:
    """What the practice servers were asked so far."""

    reads: int
    histories: int
    scores: int
    tokens: int
    lists: int

    def since(self, before: "Counts") -> "Counts":
        """Return what was asked after another count."""
        pairs = zip(dataclasses.astuple(self), dataclasses.astuple(before), strict=True)
        return Counts(*(late - early for late, early in pairs))


def plan_learners(count: int, lags: Sequence[float], first: int = 1) -> list[Learner]:
    """Return learners with these lags in turn: of twenty, one in each of the two odd courses."""
    odd: dict[int, Course] = {7: "no quiz", 15: "early word"}
    planned = []
    for number in range(first, first + count):
        course = odd.get(number % 20, "quiz")
        score = FULL_MARKS if course == "no quiz" else 50 + number % 50
        lag = lags[(number - first) % len(lags)]
        planned.append(Learner(f"learner-{number}", lag, course, score))
    return planned


def spread_lags(count: int, longest: float) -> list[float]:
    """Return lags from 0 to the longest, evenly spread and well mixed."""
    step = next(n for n in range(int(count * 0.382), count * 2) if _have_no_divisor(n, count))
    return [longest * (number * step % count) / max(1, count - 1) for number in range(count)]


def _have_no_divisor(one: int, other: int) -> bool:
    while other:
        one, other = other, one % other
    return one == 1


class Cohort:
    """Learners who come to one activity of a stage, several at a time."""

    def __init__(self, stage: Stage, activity: str) -> None:
        self._stage = stage
        self._activity = activity
        self._lag_lock = threading.Lock()
        self.left_at: dict[str, float] = {}

    def come(self, learners: Iterable[Learner], *, at_once: int, per_second: float = 1e6) -> None:
        """Let everybody come, work and leave, no faster than `per_second`."""
        learners = list(learners)
        self._enrol(learners)
        begun = time.monotonic()
        with ThreadPoolExecutor(at_once) as pool:
            visits = []
            for number, learner in enumerate(learners):
                time.sleep(max(0.0, begun + number / per_second - time.monotonic()))
                visits.append(pool.submit(self._visit, learner))
            for visit in visits:
                visit.result()

    def wait_until_quiet(self, seconds: float) -> None:
        """Wait until every exit is settled and every grade has nothing left to do."""
        wait_for(self._is_quiet, "the last look and the last score", seconds)

    def grades(self) -> dict[str, float | None]:
        """Return what the gradebook shows, by learner."""
        answer = requests.get(f"{self._stage.lms.url}/control/grades", timeout=30)
        return {grade["person"]: grade["score"] for grade in answer.json()["grades"]}

    def seconds_to_gradebook(self) -> dict[str, float]:
        """Return how long after the click on "exit" each learner's first score was posted."""
        state = self._stage.lms.app.extensions["practice_lms"]
        names = {person.sub: person.key for person in state.people.values()}
        arrived: dict[str, float] = {}
        for post in self._stage.score_posts():
            name = names[post["body"].partition('"userId":"')[2].partition('"')[0]]
            arrived.setdefault(name, datetime.fromisoformat(post["at"]).timestamp())
        return {name: arrived[name] - left for name, left in self.left_at.items()}

    def counts(self) -> Counts:
        """Return what both practice servers were asked."""
        cloud = self._stage.requests_of(self._stage.cloud)
        lms = self._stage.requests_of(self._stage.lms)
        return Counts(
            reads=cloud.get("GET /registrations/{id}", 0),
            histories=cloud.get("GET /registrations/{id}/launchHistory", 0),
            scores=sum(number for name, number in lms.items() if name.endswith("/scores")),
            tokens=sum(number for name, number in lms.items() if _is_token(name)),
            lists=cloud.get("GET /registrations", 0),
        )

    def _enrol(self, learners: Iterable[Learner]) -> None:
        state = self._stage.lms.app.extensions["practice_lms"]
        alice = state.people["alice"]
        for learner in learners:
            number = int(learner.name.rpartition("-")[2])
            sub = str(1000 + number) if state.dialect == "moodle" else f"{alice.sub}-{number}"
            person = dataclasses.replace(alice, key=learner.name, sub=sub, family=str(number))
            state.people[learner.name] = person

    def _visit(self, learner: Learner) -> None:
        person = self._stage.person(learner.name)
        player = Player(person, self._activity)
        early = learner.course == "early word"
        self._commit(player, learner, lesson_status="completed" if early else "incomplete")
        if learner.course == "no quiz":
            told = self._commit(player, learner, exit="exited", lesson_status="completed")
        else:
            result = {"lesson_status": "passed", "score": str(learner.score)}
            told = self._commit(player, learner, exit="exited", **result)
        self._leave(person, learner, told["next"]["url"])

    def _commit(self, player: Player, learner: Learner, **values: str) -> dict[str, Any]:
        with self._lag_lock:
            self._stage.set_faults(self._stage.cloud, result_lag_seconds=learner.lag)
            return player.commit(**values)

    def _leave(self, person: Person, learner: Learner, exit_url: str) -> None:
        self.left_at[learner.name] = time.time()
        answer = person.get(exit_url)
        assert answer.status_code == 200, answer.text
        person.browser.close()

    def _is_quiet(self) -> bool:
        looking = select(func.count(Launch.id)).where(Launch.settled_at.is_(None))
        due = or_(
            Grade.next_read_at.is_not(None),
            Grade.next_send_at.is_not(None),
            Grade.lease_token.is_not(None),
        )
        with self._stage.app.app_context():
            busy = db.session.scalar(looking) or db.session.scalar(
                select(func.count(Grade.id)).where(due)
            )
            db.session.rollback()
        return not busy


def _is_token(name: str) -> bool:
    return name in ("POST /mod/lti/token.php", "POST /login/oauth2/token")
