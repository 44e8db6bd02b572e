"""What is old goes, what decides stays, and a dry run only counts."""

import dataclasses
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, update

from lti_bridge.core.config import Settings
from lti_bridge.core.db import Base, db
from lti_bridge.lti.models import UsedNonce
from lti_bridge.passback.models import Score, ScoreTry
from lti_bridge.people.models import ConsoleInvite, ConsoleSession, SignInFailure
from lti_bridge.platforms.models import Invite
from lti_bridge.privacy import retention
from lti_bridge.privacy.models import Upkeep
from lti_bridge.privacy.retention import run_retention, run_when_due
from lti_bridge.registrations.models import (
    Grade,
    Launch,
    Learner,
    Registration,
    ResourceLink,
    StaffVisit,
    TrailEvent,
)
from tests.conftest import FakeClock, with_settings
from tests.rows import add_event, add_grade, add_launch, add_link, add_registration, add_try

DAY = timedelta(days=1)


@pytest.fixture
def settings(settings: Settings) -> Settings:
    """Short times, so that tests name small numbers of days."""
    days = {
        "retain_trail_days": 30,
        "retain_launches_days": 20,
        "retain_tries_days": 10,
        "forget_names_days": 40,
    }
    return with_settings(settings, privacy=days)


@pytest.fixture
def registration(services, clock: FakeClock) -> Registration:
    """Alice's registration, made 100 days ago."""
    began = clock() - 100 * DAY
    row = add_registration(began, add_link(began))
    add_grade(began, row)
    return row


def ago(clock: FakeClock, days: float) -> datetime:
    return clock() - days * DAY


def run(services, **options) -> dict[str, int]:
    lines = run_retention(services, sleep=lambda _: None, **options)
    return {line.kind: line.count for line in lines if line.count}


def left(column) -> list:
    values = list(db.session.scalars(select(column).order_by(column)))
    db.session.commit()
    return values


@pytest.mark.parametrize("days, stays", [(29.9, True), (30.1, False)], ids=["young", "old"])
def test_trail_goes_by_age(services, clock, registration, days, stays):
    add_event(ago(clock, days), registration, "The learner opened the activity.")

    run(services)

    assert bool(left(TrailEvent.id)) is stays


@pytest.mark.parametrize(
    "days, newer, moments, stays",
    [
        (21, True, {"exited_at", "settled_at"}, False),
        (19, True, {"exited_at", "settled_at"}, True),
        (21, False, {"exited_at", "settled_at"}, True),
        (21, True, set(), False),
        (21, True, {"exited_at"}, True),
        (21, True, {"exited_at", "looks_from"}, True),
        (21, True, {"looks_from"}, True),
        (21, True, {"exited_at", "settled_at", "looks_from"}, True),
    ],
    ids=[
        "old and settled",
        "young",
        "the newest of its registration",
        "never left",
        "left and unsettled",
        "looked for",
        "announced by a postback",
        "looked for once more",
    ],
)
def test_launches_go_unless_they_decide(services, clock, registration, days, newer, moments, stays):
    at = ago(clock, days)
    launch_id = add_launch(at, registration, **dict.fromkeys(moments, at)).id
    if newer:
        add_launch(at + timedelta(hours=1), registration)

    run(services)

    assert (launch_id in left(Launch.id)) is stays


@pytest.mark.parametrize(
    "days, state, stays",
    [
        (11, "accepted", False),
        (11, "parked", False),
        (11, "superseded", False),
        (11, "queued", True),
        (9, "accepted", True),
    ],
    ids=["old accepted", "old parked", "old superseded", "old queued", "recent accepted"],
)
def test_tries_go_once_the_score_is_finished(services, clock, registration, days, state, stays):
    grade = db.session.scalars(select(Grade)).one()
    add_try(ago(clock, days), registration, grade, status=200, excerpt="fine")
    db.session.execute(update(Score).values(state=state))
    db.session.commit()

    run(services)

    assert bool(left(ScoreTry.id)) is stays
    assert len(left(Score.id)) == 1


@pytest.mark.parametrize(
    "launched, stays",
    [(None, False), (41, False), (39, True)],
    ids=["never launched", "long ago", "lately"],
)
def test_names_are_forgotten_after_silence(services, clock, registration, launched, stays):
    registration.launched_at = ago(clock, launched) if launched else None
    db.session.commit()

    counts = run(services)

    row = db.session.execute(select(Learner.first_name, Learner.last_name, Learner.sub)).one()
    db.session.commit()
    kept = ("Alice", "Andersen") if stays else (None, None)
    assert tuple(row) == (*kept, "user-7")
    assert ("names" in counts) is not stays
    assert run(services) == {}


def fill_outdated(clock: FakeClock, days: float) -> None:
    at = ago(clock, days)
    session = {"created_at": at, "seen_at": at, "expires_at": at}
    invite = {"created_at": at, "expires_at": at}
    db.session.add_all(
        [
            UsedNonce(nonce="n", expires_at=at),
            ConsoleSession(token_hash="s", **session),
            SignInFailure(key="k", failures=1, failed_at=at),
            ConsoleInvite(token_hash="c", kind="owner", **invite),
            Invite(token_hash="p", name="School", **invite),
        ]
    )
    db.session.commit()


@pytest.mark.parametrize(
    "days, gone",
    [
        (-0.1, set()),
        (0.1, {"used nonces", "console sessions"}),
        (1.1, {"used nonces", "console sessions", "sign-in failures"}),
        (
            31,
            {
                "used nonces",
                "console sessions",
                "sign-in failures",
                "console invites",
                "platform invites",
            },
        ),
    ],
    ids=["not yet expired", "just expired", "after a day", "after a month"],
)
def test_outdated_rows_go_by_themselves(services, clock, days, gone):
    fill_outdated(clock, days)

    assert run(services) == dict.fromkeys(gone, 1)
    assert run(services) == {}


def fill_everything(clock: FakeClock, registration: Registration) -> None:
    fill_outdated(clock, 50)
    grade = db.session.scalars(select(Grade)).one()
    for number in range(3):
        at = ago(clock, 60 - number)
        add_event(at, registration, "something happened")
        add_launch(at, registration, exited_at=at, settled_at=at)
        add_try(at, registration, grade, status=200)
    db.session.execute(update(Score).values(state="accepted"))
    at = ago(clock, 90)
    db.session.add(
        StaffVisit(platform_identity="p", context_id="c", sub="user-7", first_seen_at=at)
    )
    db.session.commit()


WHOLE = {
    "trail events": 3,
    "launches": 2,
    "score tries": 3,
    "names": 1,
    "staff visits": 1,
    "used nonces": 1,
    "console sessions": 1,
    "sign-in failures": 1,
    "console invites": 1,
    "platform invites": 1,
}


def snapshot() -> dict[str, list]:
    tables = Base.metadata.sorted_tables
    rows = {t.name: [tuple(row) for row in db.session.execute(select(t))] for t in tables}
    db.session.commit()
    return rows


def test_dry_run_changes_nothing(services, clock, registration):
    fill_everything(clock, registration)
    before = snapshot()

    counts = run(services, dry_run=True)

    assert counts == WHOLE
    assert snapshot() == before


def test_what_decides_stays(services, clock, registration):
    fill_everything(clock, registration)
    deciding = (Score, Grade, Registration, ResourceLink, Learner)

    assert run(services) == WHOLE

    counts = [db.session.scalar(select(func.count()).select_from(m)) for m in deciding]
    db.session.commit()
    assert counts == [1] * len(deciding)


def test_zero_days_delete_nothing(app: Flask, services, clock, registration):
    fill_everything(clock, registration)
    forever = dict.fromkeys(
        ("retain_trail_days", "retain_launches_days", "retain_tries_days", "forget_names_days"), 0
    )
    settings = with_settings(services.settings, privacy=forever)

    counts = run(dataclasses.replace(services, settings=settings))

    assert counts.keys().isdisjoint({"trail events", "launches", "score tries", "names"})


@pytest.mark.parametrize(
    "page, batch",
    [(1, 1), (2, 1), (3, 2), (5, 2)],
    ids=["one by one", "pages of 2", "pages of 3", "pages of 5"],
)
def test_pages_and_batches_miss_nothing(services, clock, registration, monkeypatch, page, batch):
    monkeypatch.setattr(retention, "PAGE", page)
    monkeypatch.setattr(retention, "BATCH", batch)
    fill_everything(clock, registration)
    add_event(ago(clock, 1), registration, "of yesterday")

    assert run(services) == WHOLE
    assert len(left(TrailEvent.id)) == 1


def test_one_node_runs_it_once_a_day(services, clock, registration):
    fill_everything(clock, registration)

    first = run_when_due(services)
    clock.advance(23 * 3600)
    second = run_when_due(services)
    clock.advance(3601)
    third = run_when_due(services)

    assert {line.kind: line.count for line in first} == WHOLE
    assert second == []
    assert {line.count for line in third} == {0}
    row = db.session.scalars(select(Upkeep)).one()
    assert (row.lease_token, set(row.counts.values())) == (None, {0})
    db.session.commit()


def test_node_that_lost_its_turn_stops(services, clock, registration, monkeypatch):
    """It froze in the middle; another node took over."""
    fill_everything(clock, registration)
    let_go = retention._let_go

    def freeze(*arguments) -> int:
        count = let_go(*arguments)
        db.session.execute(update(Upkeep).values(lease_token="another"))
        db.session.commit()
        return count

    monkeypatch.setattr(retention, "_let_go", freeze)

    lines = run_when_due(services)

    assert [(line.kind, line.count) for line in lines] == [("trail events", 3)]
    assert len(left(Launch.id)) == 3
    assert db.session.scalars(select(Upkeep.lease_token)).one() == "another"
    db.session.commit()


def test_dead_node_is_followed(services, clock, registration, monkeypatch):
    def die(*_) -> int:
        raise KeyboardInterrupt

    fill_everything(clock, registration)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(retention, "_let_go", die)
        run_when_due(services)

    assert run_when_due(services) == []
    clock.advance(301)
    assert {line.kind: line.count for line in run_when_due(services)} == WHOLE


def test_learner_who_returns_just_now_keeps_the_name(services, clock, registration, monkeypatch):
    let_go = retention._let_go

    def return_first(kind, *arguments) -> int:
        if kind.name == "names":
            db.session.execute(update(Registration).values(launched_at=clock()))
            db.session.commit()
        return let_go(kind, *arguments)

    monkeypatch.setattr(retention, "_let_go", return_first)

    assert run(services) == {}
    assert left(Learner.first_name) == ["Alice"]
