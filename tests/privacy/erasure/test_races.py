"""A learner who cannot stop clicking while they are erased."""

import threading

from flask import Flask
from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.core.errors import ConfigurationError
from lti_bridge.privacy.erasure.report import list_unfinished
from lti_bridge.privacy.erasure.run import erase_learner, work_erasure
from lti_bridge.privacy.models import Erasure
from lti_bridge.registrations.models import Grade, Learner, Registration
from tests.conftest import FakeClock
from tests.privacy.people import ALICE, People, in_scorm_cloud
from tests.world import code

CLICKS = 12
# To the player, or a page that says why not: gone, in the making, or begun before the erasure.
EXPECTED = {"registration_gone", "seat_busy", "resume_invalid"}


class Clicker(threading.Thread):
    """Clicks on one link again and again, and keeps what each click led to."""

    def __init__(self, app: Flask, people: People) -> None:
        super().__init__()
        self._app, self._people = app, people
        self.led_to: list[str] = []
        self.problem: BaseException | None = None

    def run(self) -> None:
        with self._app.app_context():
            try:
                for _ in range(CLICKS):
                    self._click()
            except BaseException as problem:
                self.problem = problem

    def _click(self) -> None:
        response = self._people.world.launch(sub=ALICE, given_name="Alice")
        self.led_to.append("player" if response.status_code == 303 else code(response))


def find_alice() -> int | None:
    found = db.session.scalar(select(Learner.id).where(Learner.sub == ALICE))
    db.session.commit()
    return found


def test_clicks_and_erasures_go_together(app: Flask, people: People, clock: FakeClock) -> None:
    clicker = Clicker(app, people)
    clicker.start()
    states = []
    while clicker.is_alive():
        alice = find_alice()
        if alice is not None:
            try:
                report = erase_learner(people.world.services, alice, sleep=lambda _: None)
            except ConfigurationError:  # it went on in between
                continue
            states.append(report.state)
    clicker.join()

    assert clicker.problem is None
    assert len(clicker.led_to) == CLICKS
    assert set(clicker.led_to) <= EXPECTED | {"player"}
    assert "done" in states
    assert set(states) <= {"done", "open"}
    finish(people, clock)
    assert in_scorm_cloud(people.world) == set(people.registrations_of(people.bob))
    assert {row.learner_id for row in db.session.scalars(select(Grade))} == {people.bob}
    assert {row.learner_id for row in db.session.scalars(select(Registration))} == {people.bob}
    db.session.commit()


def finish(people: People, clock: FakeClock) -> None:
    """Erase what the last click left behind."""
    clock.advance(3600)
    alice = find_alice()
    if alice is not None:
        assert erase_learner(people.world.services, alice).state == "done"
    for report in list_unfinished():
        assert work_erasure(people.world.services, report.erasure_id).state == "done"
    assert set(db.session.scalars(select(Erasure.state))) == {"done"}
    db.session.commit()
