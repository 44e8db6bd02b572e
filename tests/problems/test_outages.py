"""What fails is written down at the next call that fails, and removed by the next that works."""

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.core.errors import Refused, Unavailable
from lti_bridge.platforms.accounts import get_account
from lti_bridge.problems.models import Outage
from lti_bridge.problems.note_writer import write_notes
from lti_bridge.problems.outages import NOTES, OutageNotes, write_outages
from lti_bridge.problems.problem import ProblemKind
from tests.conftest import FakeClock
from tests.world import World


def outages() -> list[Outage]:
    db.session.expire_all()
    found = list(db.session.scalars(select(Outage).order_by(Outage.id)))
    db.session.rollback()
    return found


def ping(world: World) -> None:
    account = get_account("default")
    db.session.commit()
    world.services.scorm_cloud(account).ping(deadline_seconds=1)


def test_failing_call_is_an_outage_until_one_works(
    app: Flask, world: World, clock: FakeClock
) -> None:
    world.cloud.faults(error_status=503, error_rate=1.0)
    with pytest.raises(Unavailable):
        ping(world)
    write_notes(app)
    began = clock()
    clock.advance(60)
    with pytest.raises(Unavailable):
        ping(world)
    write_notes(app)

    (one,) = outages()
    assert (one.kind, one.began_at, one.failed_at) == ("scorm_cloud", began, clock())
    assert "503" in one.failure
    assert not one.is_refusal

    world.cloud.faults()
    ping(world)
    write_notes(app)
    assert outages() == []


def test_refused_key_is_told_from_silence(app: Flask, world: World) -> None:
    account = get_account("default")
    account.app_id = "someone-else"
    db.session.commit()
    with pytest.raises(Refused):
        ping(world)
    write_notes(app)

    (one,) = outages()
    assert one.is_refusal
    assert "app id and secret key" in one.failure


def test_other_process_removes_it(app: Flask, world: World) -> None:
    """Any process that sees it work: the one that saw it fail may make no call for an hour."""
    subject = f"account {get_account('default').id}"
    db.session.commit()
    for failure in ("no answer", ""):
        notes = OutageNotes()
        number = int(subject.split()[1])
        notes.note("scorm_cloud_call", {"account": number, "failure": failure})
        write_outages(world.services, notes)

    assert outages() == []


@pytest.mark.parametrize("name", ["sweep", "request", "launch"])
def test_other_events_are_no_outage(world: World, name: str) -> None:
    notes = OutageNotes()
    notes.note(name, {"account": 1, "endpoint": "x", "changed": 3})
    write_outages(world.services, notes)

    assert outages() == []


def test_queue_that_is_away_is_an_outage(world: World, restored: Callable[[], None]) -> None:
    def refuse() -> int:
        raise Unavailable("the queue did not answer: ConnectionError")

    vars(world.services.queue)["size"] = refuse
    write_outages(world.services, OutageNotes())
    (one,) = outages()
    assert one.kind == ProblemKind.QUEUE
    restored()
    write_outages(world.services, OutageNotes())

    assert outages() == []


@pytest.fixture
def restored(world: World) -> Callable[[], None]:
    return lambda: vars(world.services.queue).pop("size", None) and None


def test_texts_of_others_are_cut(world: World) -> None:
    notes = OutageNotes()
    notes.note("sweep_failed", {"account": 1, "failure": "so\n" * 1000})
    write_outages(world.services, notes)

    (one,) = outages()
    assert len(one.failure) <= 500
    assert "\n" not in one.failure


def test_notes_of_a_database_that_is_away_end_no_thread(
    app: Flask, world: World, caplog: Any
) -> None:
    app.extensions[NOTES].note("sweep_failed", {"account": 1, "failure": "x"})
    db.session.execute(db.text("DROP TABLE outage"))
    db.session.commit()

    write_notes(app)

    assert "could not be written down" in caplog.text
