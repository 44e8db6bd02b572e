"""Erasing a learner: whole, in any order of trouble, and no other learner."""

import dataclasses
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from lti_bridge.audit.models import AuditEntry
from lti_bridge.core.db import Base, db
from lti_bridge.core.errors import ConfigurationError
from lti_bridge.passback.pipeline.lease import take_lease
from lti_bridge.platforms.accounts import save_account
from lti_bridge.privacy.erasure.report import IN_SCORM_CLOUD, get_report
from lti_bridge.privacy.erasure.request import ask_again, ask_erasure
from lti_bridge.privacy.erasure.run import erase_learner, resume_erasures, work_erasure
from lti_bridge.privacy.learners import get_learner, kinds_of, preview
from lti_bridge.privacy.models import Erasure
from lti_bridge.registrations.create_lease import load_registration
from lti_bridge.registrations.create_lease import take_lease as take_create_lease
from lti_bridge.registrations.models import Grade, Launch, Learner, Registration
from lti_bridge.scorm_cloud.client import LearnerValues
from tests.conftest import FakeClock, with_settings
from tests.practice_cloud import Answer, CarryOn
from tests.privacy.people import ALICE, LINK, People, in_scorm_cloud, launch_as
from tests.world import count

OURS = {
    "tries": 2,
    "scores": 2,
    "trail": 4,
    "launches": 2,
    "registrations": 2,
    "grades": 2,
    "staff visits": 1,
    "console sessions": 1,
    "console grants": 1,
    "learner": 1,
}


def no_sleep(_seconds: float) -> None:
    """Do not wait: the tests' time stands still."""


def erase(people: People, **options: bool):
    return erase_learner(people.world.services, people.alice, sleep=no_sleep, **options)


def counts_of(learner_id: int) -> dict[str, int]:
    found = preview(learner_id).counts
    db.session.commit()
    return found


def is_gone(learner_id: int) -> bool:
    gone = db.session.get(Learner, learner_id) is None
    db.session.commit()
    return gone


def test_everything_of_one_learner_goes(people):
    registrations, before = people.registrations_of(people.alice), counts_of(people.alice)

    report = erase(people)

    assert before == OURS
    assert (report.state, report.reason, report.remains) == ("done", "", {})
    assert report.removed == OURS | {IN_SCORM_CLOUD: 2}
    assert is_gone(people.alice)
    assert in_scorm_cloud(people.world).isdisjoint(registrations)


def test_others_keep_everything(people):
    before, registrations = counts_of(people.bob), people.registrations_of(people.bob)

    erase(people)

    assert counts_of(people.bob) == before
    assert in_scorm_cloud(people.world) == set(registrations)
    assert all(row.lease_token is None for row in db.session.scalars(select(Grade)))
    db.session.commit()


def test_no_table_is_forgotten(people):
    """Whatever refers to a learner's rows has to go with them."""
    learner = get_learner(people.alice)
    db.session.commit()
    theirs = {model.__table__ for model, _ in kinds_of(learner).values()}
    theirs -= {Base.metadata.tables["console_session"]}

    referring = {
        table
        for table in Base.metadata.tables.values()
        if any(key.column.table in theirs for key in table.foreign_keys)
    }

    assert referring - theirs == {Base.metadata.tables["console_session"]}


def test_record_of_it_names_no_learner(people):
    learner = get_learner(people.alice)
    erase(people)

    row = db.session.scalars(select(Erasure)).one()
    entries = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id)).all()

    texts = [str(getattr(row, column.key)) for column in Erasure.__table__.columns]
    texts += [entry.text for entry in entries]
    assert [entry.subject for entry in entries] == [f"erasure {row.id}"] * 2
    assert not any(secret in text for text in texts for secret in (ALICE, "Alice"))
    assert learner.scorm_learner_id not in texts
    db.session.commit()


def test_unknown_learner_is_refused(people):
    with pytest.raises(ConfigurationError, match="there is no learner 999"):
        erase_learner(people.world.services, 999)


def test_erased_learner_begins_anew(people):
    registrations = people.registrations_of(people.alice)
    erase(people)

    launch_as(people.world, ALICE)

    row = db.session.scalars(select(Learner).where(Learner.sub == ALICE)).one()
    assert people.registrations_of(row.id) == registrations[:1]
    assert people.world.cloud.look(registrations[0])["completion"] == "UNKNOWN"
    registration = db.session.scalars(
        select(Registration).where(Registration.learner_id == row.id)
    ).one()
    assert (registration.recovered, registration.completion) == (False, "UNKNOWN")
    db.session.commit()


def test_old_exit_address_leads_nowhere(people):
    """It never expires, so no other learner may ever get the number of its launch."""
    first = people.registrations_of(people.alice)[0]
    address = people.world.cloud.look(first)["redirect_on_exit_url"]
    erase_learner(people.world.services, people.bob, sleep=no_sleep)
    erase(people)
    launch_as(people.world, "user-8")

    assert people.world.browser.get(address).status_code == 404


def test_deletes_off_stops_before_ours(people):
    people.world.cloud.faults(deletes_off=True)
    registrations, before = people.registrations_of(people.alice), counts_of(people.alice)

    report = erase(people)

    assert report.state == "stopped"
    assert report.remains == {"default": tuple(sorted(registrations))}
    assert "An owner or admin of the SCORM Cloud realm can allow it" in report.reason
    assert counts_of(people.alice) == before
    shown = people.world.cloud.look(registrations[0])["progress"]["learner"]
    assert shown == {"id": get_learner(people.alice).scorm_learner_id}
    db.session.commit()


def test_stopped_erasure_leaves_work_free(people):
    people.world.cloud.faults(deletes_off=True)
    erase(people)

    rows = db.session.scalars(select(Registration)).all()
    held = [g.lease_token for g in db.session.scalars(select(Grade))]
    held += [row.create_lease_token for row in rows]
    db.session.commit()
    launch_as(people.world, ALICE)

    assert set(held) == {None}


def test_allowing_deletes_lets_it_go_on(people):
    people.world.cloud.faults(deletes_off=True)
    first = erase(people)
    people.world.cloud.faults()

    second = erase(people)

    assert (second.erasure_id, second.state) == (first.erasure_id, "done")
    assert second.remains == {}


def test_ours_goes_anyway_when_asked(people):
    people.world.cloud.faults(deletes_off=True)
    registrations = people.registrations_of(people.alice)

    report = erase(people, ours_anyway=True)

    assert (report.state, report.learner_id) == ("partly", None)
    assert report.remains == {"default": tuple(sorted(registrations))}
    assert is_gone(people.alice)


def test_what_remains_goes_later(people):
    people.world.cloud.faults(deletes_off=True)
    registrations = people.registrations_of(people.alice)
    report = erase(people, ours_anyway=True)
    people.world.cloud.faults()

    ask_again(people.world.services, report.erasure_id)
    report = work_erasure(people.world.services, report.erasure_id)

    assert (report.state, report.remains) == ("done", {})
    assert in_scorm_cloud(people.world).isdisjoint(registrations)


def test_returned_learner_keeps_what_remained(people):
    people.world.cloud.faults(deletes_off=True)
    report = erase(people, ours_anyway=True)
    people.world.cloud.faults()
    launch_as(people.world, ALICE)

    ask_again(people.world.services, report.erasure_id)
    report = work_erasure(people.world.services, report.erasure_id)

    assert report.state == "partly"
    assert "has come back" in report.reason
    told = db.session.scalars(select(AuditEntry.text).order_by(AuditEntry.id.desc())).first()
    assert told == "stopped: the learner has come back since"
    assert len(in_scorm_cloud(people.world)) == 3


def down_at(people: People, number: int):
    """Let SCORM Cloud fail from the n-th DELETE on; returns how to repair it."""
    seen: list[str] = []

    def disturb(method: str, path: str, carry_on: CarryOn) -> None:
        if method == "DELETE":
            seen.append(path)
        if len(seen) >= number:
            raise Answer("503 Unavailable", **{"Retry-After": "60"})

    def repair() -> None:
        people.world.cloud.disturb = lambda method, path, carry_on: None

    people.world.cloud.disturb = disturb
    return repair


@pytest.mark.parametrize("number", [0, 1, 2], ids=["the list", "the first", "the second"])
@pytest.mark.parametrize("ours_anyway", [False, True], ids=["both", "ours anyway"])
def test_silence_in_the_middle_is_resumed(people, clock: FakeClock, number, ours_anyway):
    repair = down_at(people, number)
    registrations = people.registrations_of(people.alice)

    report = erase(people, ours_anyway=ours_anyway)
    assert report.state == "open"
    assert "did not answer" in report.reason
    assert is_gone(people.alice) is ours_anyway
    assert bool(report.remains) is ours_anyway  # else it goes on by itself, and names nothing
    repair()
    assert resume_erasures(people.world.services) == 0
    clock.advance(3600)
    assert resume_erasures(people.world.services) == 1

    assert get_report(report.erasure_id).state == "done"
    assert is_gone(people.alice)
    assert in_scorm_cloud(people.world).isdisjoint(registrations)


def test_learner_may_launch_in_between(people, clock: FakeClock):
    """One registration is deleted, the other not yet, and the learner opens both."""
    repair = down_at(people, 2)
    report = erase(people)
    repair()
    launch_as(people.world, ALICE)
    launch_as(people.world, ALICE, **{LINK: {"id": "link-2"}})

    clock.advance(3600)
    resume_erasures(people.world.services)

    assert get_report(report.erasure_id).state == "done"
    assert in_scorm_cloud(people.world) == set(people.registrations_of(people.bob))


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("moment", ["take", "hold", "clear_account", "delete_rows", "finish"])
def test_killed_process_is_followed(people, clock: FakeClock, monkeypatch, moment):
    def die(*_: object, **__: object) -> None:
        db.session.rollback()
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(f"lti_bridge.privacy.erasure.run.{moment}", die)
        with pytest.raises(Killed):
            erase(people)
    clock.advance(61)
    assert resume_erasures(people.world.services) == 1

    assert db.session.scalars(select(Erasure.state)).one() == "done"
    assert is_gone(people.alice)
    assert in_scorm_cloud(people.world) == set(people.registrations_of(people.bob))


def test_second_worker_keeps_away(people):
    erasure_id = ask_erasure(people.world.services, people.alice, asked_by="Ida", ours_anyway=False)
    later = people.world.services.now() + timedelta(seconds=60)
    db.session.execute(update(Erasure).values(lease_token="other", lease_until=later))
    db.session.commit()

    report = work_erasure(people.world.services, erasure_id)

    assert report.state == "open"
    assert not is_gone(people.alice)
    assert "DELETE registrations" not in people.world.cloud.asked


def test_score_in_flight_is_waited_for(people, clock: FakeClock):
    grade_id = db.session.scalars(select(Grade.id).where(Grade.learner_id == people.alice)).first()
    db.session.execute(update(Grade).values(next_send_at=people.world.services.now()))
    db.session.commit()
    lease = take_lease(people.world.services, grade_id)
    assert lease is not None

    report = erase(people)

    assert (report.state, report.reason) == (
        "open",
        "A grade of this learner is just being worked on.",
    )
    assert not is_gone(people.alice)
    assert "DELETE registrations" not in people.world.cloud.asked
    clock.advance(61)
    resume_erasures(people.world.services)
    assert get_report(report.erasure_id).state == "done"


def test_registration_in_the_making_is_waited_for(people, clock: FakeClock):
    row = db.session.scalars(
        select(Registration).where(Registration.learner_id == people.alice)
    ).first()
    row.created_at = None
    launch_id = db.session.scalars(select(Launch.id).where(Launch.registration_id == row.id)).one()
    db.session.commit()
    assert take_create_lease(load_registration(launch_id), people.world.services.now())

    report = erase(people)

    assert report.state == "open"
    assert "DELETE registrations" not in people.world.cloud.asked


def test_no_grade_is_claimed_meanwhile(people):
    claimed = []

    def disturb(method: str, path: str, carry_on: CarryOn) -> None:
        if method == "DELETE":
            with people.world.browser.application.app_context():
                now = people.world.services.now()
                db.session.execute(update(Grade).values(next_send_at=now))
                db.session.commit()
                grade_ids = select(Grade.id).where(Grade.learner_id == people.alice)
                ids = list(db.session.scalars(grade_ids))
                db.session.commit()
                claimed.extend(take_lease(people.world.services, id) for id in ids)

    people.world.cloud.disturb = disturb

    report = erase(people)

    assert report.state == "done"
    assert claimed == [None] * 4


def test_registrations_unknown_to_us_go_too(people):
    """A lost database: SCORM Cloud still has a registration of the learner."""
    learner = get_learner(people.alice)
    db.session.commit()
    people.world.cloud.client.create_registration(
        "forgotten", "golf", LearnerValues(learner.scorm_learner_id), None
    )

    erase(people)

    assert "forgotten" not in in_scorm_cloud(people.world)


def test_wrong_credentials_say_so(people):
    def disturb(method: str, path: str, carry_on: CarryOn) -> None:
        raise Answer("401 Unauthorized", {"error": "Authorization Required."})

    people.world.cloud.disturb = disturb

    report = erase(people)

    assert report.state == "stopped"
    assert "does not accept the app id and secret key of account default" in report.reason
    assert count(Learner) == 2


OWNER = "owner@school.example"


@pytest.mark.parametrize(
    "answer, reason",
    [
        (None, ""),
        (Answer("403 Forbidden"), "privacy.scorm_cloud_user_email must be an owner or admin"),
        (Answer("404 Not Found"), ""),
    ],
    ids=["ordered", "no privilege", "no such learner"],
)
def test_personal_data_is_ordered_to_go(people, answer, reason):
    ordered = []

    def disturb(method: str, path: str, carry_on: CarryOn) -> None:
        if path.endswith("/delete-information"):
            ordered.append(people.world.cloud.asked.count("DELETE registrations"))
            if answer is not None:
                raise answer

    people.world.cloud.disturb = disturb
    settings = with_settings(
        people.world.services.settings, privacy={"scorm_cloud_user_email": OWNER}
    )
    services = dataclasses.replace(people.world.services, settings=settings)

    report = erase_learner(services, people.alice, sleep=no_sleep)

    assert ordered == [0]  # before the registrations: later the learner is unknown
    assert report.state == "done"
    assert reason in report.reason and bool(report.reason) is bool(reason)


def test_no_user_of_the_realm_orders_nothing(people):
    erase(people)

    assert "POST delete-information" not in people.world.cloud.asked


def test_busy_worker_is_waited_for(people):
    """It has finished by the time of the second look."""
    later = people.world.services.now() + timedelta(seconds=60)
    db.session.execute(update(Grade).values(lease_token="worker", lease_until=later))
    db.session.commit()
    waits = []

    def sleep(seconds: float) -> None:
        waits.append(seconds)
        db.session.execute(update(Grade).values(lease_token=None, lease_until=None))
        db.session.commit()

    report = erase_learner(people.world.services, people.alice, sleep=sleep)

    assert (report.state, waits) == ("done", [1.0])


def test_other_account_that_fails_stops_no_erasure(people):
    """We know of no registration there."""
    services = people.world.services
    save_account(
        "old", "http://127.0.0.1:9/api/v2", "gone", "gone", services.signer, now=services.now()
    )

    report = erase(people)

    assert report.state == "done"
    assert "account old did not answer; we know of no registration there" in report.reason


def test_new_registration_is_not_forgotten(people, clock: FakeClock):
    """The learner opens another activity while SCORM Cloud deletes."""
    opened = []

    def disturb(method: str, path: str, carry_on: CarryOn) -> None:
        if method == "DELETE" and not opened:
            opened.append(path)
            with people.world.browser.application.app_context():
                launch_as(people.world, ALICE, **{LINK: {"id": "link-3"}})

    people.world.cloud.disturb = disturb

    report = erase(people)

    assert (report.state, is_gone(people.alice)) == ("open", False)
    assert "opened an activity meanwhile" in report.reason
    clock.advance(6)
    resume_erasures(people.world.services)
    assert get_report(report.erasure_id).state == "done"
    assert in_scorm_cloud(people.world) == set(people.registrations_of(people.bob))
