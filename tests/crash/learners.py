"""Learners who take the course again and again, with browsers that try again."""

import re
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlsplit

import requests

from lti_sandbox.practice_lms.state import Person as Someone
from lti_sandbox.practice_scorm_cloud import links
from tests.crash.promises import expected_grade
from tests.crash.world import World
from tests.html import Form
from tests.story.stage import Person

PASSED = {"completion": "COMPLETED", "success": "PASSED"}
NO_QUIZ = {"completion": "COMPLETED", "success": "UNKNOWN", "scaled": None}
RETURNS_TRIED = 3
CLICK_AGAIN_SECONDS = (0.5, 3.0)
# What each kind of learner does; see `Learner`.
CLIMBING, STEADY, UNQUIZZED = "climbing", "steady", "unquizzed"
KINDS = (CLIMBING, CLIMBING, STEADY, STEADY, UNQUIZZED)
NEVER_RETURNS, CLICKS_TWICE = 0.2, 0.1


@dataclass
class Learner:
    """One learner; `scores` are those of the sessions until now, None without a quiz.

    `climbing` ones score higher each time, so that no result is hidden by the next one that
    SCORM Cloud keeps. `steady` ones wait for the gradebook each time, and may then score lower.
    `unquizzed` ones first complete without a score, which gives full marks until a real score
    replaces them.
    """

    world: World
    someone: Someone
    random: Random
    pause_seconds: float
    kind: str = ""
    begun: bool = False
    home_at: float | None = None
    answers: Counter[str] = field(default_factory=Counter)
    scores: list[float | None] = field(default_factory=list)
    unreturned: int = 0

    @property
    def is_home(self) -> bool:
        return self.world.shown_grade(self.someone) == expected_grade(self.scores)

    def live(self) -> None:
        """Take sessions until the run ends, then wait for the last grade."""
        self.kind = self.random.choice(KINDS)
        self._sleep(self.random.uniform(0, min(self.pause_seconds, 20)))
        browser = Person(self.world.stage, self.someone.key)
        while time.monotonic() < self.world.ends_at:
            self._take(browser)
            if self.kind != CLIMBING:
                self._wait_for_grade()
            self._sleep(self.random.uniform(0.3, 1.7) * self.pause_seconds)
            if self.world.ending.is_set():
                break
        self._wait_for_grade()
        if self.is_home:
            self.home_at = time.monotonic()

    def _take(self, browser: Person) -> None:
        self.begun = True
        link = self._open_player(browser)
        if link is None:
            return
        scaled = self._next_score()
        self._sleep(self.random.uniform(0, 2))
        wanted = NO_QUIZ if scaled is None else PASSED | {"scaled": scaled}
        self.world.stage.finish_course(link["registration_id"], **wanted, seconds=60)
        self.scores.append(scaled)
        # The session that gives full marks counts once the learner is back, or long after.
        if scaled is not None and self.random.random() < NEVER_RETURNS:
            self.unreturned += 1
            return
        self._return(browser, link["redirect"], patient=scaled is None)

    def _next_score(self) -> float | None:
        if self.kind == UNQUIZZED and not self.scores:
            return None
        if self.kind == CLIMBING:
            before = expected_grade(self.scores) or 0.0
            return round(before + (99 - before) * self.random.uniform(0.02, 0.3), 2)
        return round(self.random.uniform(5, 99), 2)

    def _open_player(self, browser: Person) -> dict[str, str] | None:
        """Click until the player opens, and return what its link stands for."""
        # A second player that stays open keeps an inferred grade back for half an hour.
        twice = not self.scores and self.kind != UNQUIZZED
        twice = twice and self.random.random() < CLICKS_TWICE
        while time.monotonic() < self.world.ends_at:
            if (location := self._click(browser, twice)) is not None:
                cloud = self.world.stage.cloud.app.extensions["practice_scorm_cloud"]
                return links.find(cloud, urlsplit(location).path.rpartition("/")[2])
            self._sleep(self.random.uniform(*CLICK_AGAIN_SECONDS))
        return None

    def _click(self, browser: Person, twice: bool) -> str | None:
        """Click the activity; the player's address, or None when a page or nothing came."""
        try:
            forms = [browser.launch_form(self.world.activity) for _ in range(1 + twice)]
            with ThreadPoolExecutor(len(forms)) as pool:
                answers = list(pool.map(lambda form: self._post(browser, form), forms))
        except (requests.RequestException, AssertionError, IndexError):
            self.answers["the login was cut"] += 1
            return None
        opened = [answer.headers["Location"] for answer in answers if answer.status_code == 303]
        return opened[-1] if opened else None

    def _post(self, browser: Person, form: Form) -> requests.Response:
        answer = browser.post(form.action, form.fields)
        code = re.search(r"Code <code>(\w+)</code>", answer.text)
        text = f"{answer.status_code} {code[1]}" if code else str(answer.status_code)
        self.answers[f"launch {text}"] += 1
        return answer

    def _return(self, browser: Person, exit_url: str, *, patient: bool) -> None:
        tries = 0
        while time.monotonic() < self.world.ends_at and (patient or tries < RETURNS_TRIED):
            tries += 1
            try:
                status = browser.get(exit_url).status_code
            except requests.RequestException:
                status = 0
            self.answers[f"exit {status}" if status else "the exit was cut"] += 1
            if status == 200:
                return
            self._sleep(self.random.uniform(*CLICK_AGAIN_SECONDS))
        self.unreturned += 1

    def _wait_for_grade(self) -> None:
        while not self.is_home and time.monotonic() < self.world.ends_at:
            time.sleep(0.5)

    def _sleep(self, seconds: float) -> None:
        """Wait, but no longer than the run goes on."""
        if seconds > 3:
            self.world.ending.wait(seconds)
        else:
            time.sleep(seconds)


def make_learners(world: World, seed: str, pause_seconds: float) -> list[Learner]:
    """Return a learner for each account of the world."""
    return [
        Learner(world, someone, Random(f"{seed} {someone.key}"), pause_seconds)
        for someone in world.people
    ]
