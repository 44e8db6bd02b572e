"""From a problem to a person: seen, confirmed, written down, delivered by one process, once."""

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update

from lti_bridge.audit.actor import Scope
from lti_bridge.core.config import Settings
from lti_bridge.core.db import db
from lti_bridge.passback.models import Score
from lti_bridge.problems.alerts.deliver import CLAIM, deliver_due, send_test
from lti_bridge.problems.alerts.evaluate import all_well_since, evaluate
from lti_bridge.problems.alerts.models import (
    SLACK,
    TEAMS,
    AlertChannel,
    AlertMessage,
    AlertTurn,
    SeenProblem,
)
from lti_bridge.problems.alerts.outbox import drop_waiting
from lti_bridge.problems.alerts.runner import AlertRunner
from lti_bridge.problems.problem import Problem
from lti_bridge.services import Services
from tests.conftest import FakeClock, close_app, open_app
from tests.mini_platform import Asked, MiniPlatform, Reply
from tests.problems.alerts.inbox import PASSWORD, UNGUARDED, USER, open_inbox
from tests.problems.alerts.makers import SECRET, add_hook, add_mailbox, make_problem
from tests.problems.alerts.test_webhook import signature_of
from tests.rows import add_grade, add_link, add_registration, add_try


class Wrong:
    """What is wrong now, as a test says."""

    def __init__(self, *problems: Problem) -> None:
        self.problems = list(problems)

    def __call__(self, _services: Services, scope: Scope) -> Sequence[Problem]:
        assert scope == Scope()
        return self.problems


@pytest.fixture
def hook(platform: MiniPlatform) -> str:
    platform.routes[("POST", "/hook")] = Reply(204)
    return f"{platform.url}/hook"


def messages() -> list[AlertMessage]:
    db.session.expire_all()
    found = list(db.session.scalars(select(AlertMessage).order_by(AlertMessage.id)))
    db.session.commit()
    return found


def look(services: Services, clock: FakeClock, wrong: Wrong, seconds: int) -> None:
    """Look and deliver every 15 seconds, as a runner does."""
    for _ in range(seconds // 15):
        clock.advance(15)
        evaluate(services, wrong)
        deliver_due(services)


def test_problem_is_told_once_and_its_end_once(
    services: Services, clock: FakeClock, platform: MiniPlatform, hook: str
) -> None:
    add_hook(services, hook)
    wrong = Wrong(make_problem())

    look(services, clock, wrong, 60)
    assert platform.asked == []
    look(services, clock, wrong, 600)
    assert [asked.headers["x-lti-bridge-event"] for asked in platform.asked] == ["began"]
    seen_last = clock()

    wrong.problems = []
    look(services, clock, wrong, 105)
    assert len(platform.asked) == 1
    look(services, clock, wrong, 60)

    assert [asked.headers["x-lti-bridge-event"] for asked in platform.asked] == ["began", "ended"]
    row = db.session.scalars(select(SeenProblem)).one()
    assert row.ended_at is not None
    assert all_well_since() == seen_last


def test_problem_that_comes_back_is_told_anew(
    services: Services, clock: FakeClock, platform: MiniPlatform, hook: str
) -> None:
    add_hook(services, hook)
    wrong = Wrong(make_problem())
    for problems in ([make_problem()], [], [make_problem()]):
        wrong.problems = problems
        look(services, clock, wrong, 180)

    assert [one.event for one in messages()] == ["began", "ended", "began"]
    assert len(list(db.session.scalars(select(SeenProblem)))) == 1


def test_nothing_of_old_is_sent_to_a_later_channel(
    services: Services, clock: FakeClock, platform: MiniPlatform, hook: str
) -> None:
    row = add_hook(services, hook, disabled_at=clock())
    wrong = Wrong(make_problem(1), make_problem(2))
    look(services, clock, wrong, 300)
    wrong.problems = [make_problem(2)]
    look(services, clock, wrong, 180)

    row.disabled_at = None
    db.session.commit()
    look(services, clock, wrong, 30)

    assert [(one.event, one.key) for one in messages()] == [("began", make_problem(2).key)]


def test_many_problems_are_one_message(
    services: Services, clock: FakeClock, platform: MiniPlatform, hook: str
) -> None:
    add_hook(services, hook)
    look(services, clock, Wrong(*(make_problem(number) for number in range(40))), 90)

    (asked,) = platform.asked
    assert b'"count": 40' in asked.body


def test_webhook_is_tried_until_it_arrives(
    services: Services, clock: FakeClock, platform: MiniPlatform, hook: str
) -> None:
    """The same body and delivery each time, signed with the time of the try."""

    def drop(_asked: Asked) -> Reply:
        raise ConnectionResetError

    add_hook(services, hook)
    answers: list[Any] = [lambda _: Reply(503), drop, lambda _: Reply(204)]
    platform.routes[("POST", "/hook")] = lambda asked: answers.pop(0)(asked)

    look(services, clock, Wrong(make_problem()), 120)

    assert len(platform.asked) == 3
    assert len({(one.body, one.headers["x-lti-bridge-delivery"]) for one in platform.asked}) == 1
    assert len({one.headers["x-lti-bridge-timestamp"] for one in platform.asked}) == 3
    for asked in platform.asked:
        assert asked.headers["x-lti-bridge-signature"] == signature_of(asked)
    (message,) = messages()
    assert (message.tries, message.next_try_at, message.failure) == (3, None, "")
    assert message.sent_at is not None


def test_gives_up_after_three_days(
    services: Services, clock: FakeClock, platform: MiniPlatform, hook: str
) -> None:
    platform.routes[("POST", "/hook")] = Reply(410)
    add_hook(services, hook)
    look(services, clock, Wrong(make_problem()), 75)
    for _ in range(80):
        clock.advance(3601)
        deliver_due(services)

    (message,) = messages()
    assert message.gave_up_at is not None
    assert timedelta(days=3) < message.gave_up_at - message.created_at < timedelta(days=3, hours=2)
    assert (message.next_try_at, message.sent_at) == (None, None)
    assert len(platform.asked) == message.tries < 95


def test_failing_channel_holds_up_no_other(
    services: Services, clock: FakeClock, platform: MiniPlatform, hook: str
) -> None:
    platform.routes[("POST", "/broken")] = Reply(500)
    add_hook(services, f"{platform.url}/broken")
    add_hook(services, hook)

    look(services, clock, Wrong(*(make_problem(number) for number in range(4))), 75)

    assert len(platform.requests_to("/hook")) == 4
    assert len(platform.requests_to("/broken")) == 1, "one try in a round"


def test_end_is_not_told_before_the_beginning(
    services: Services, clock: FakeClock, platform: MiniPlatform, hook: str
) -> None:
    platform.routes[("POST", "/hook")] = Reply(503, headers={"Retry-After": "900"})
    add_hook(services, hook)
    wrong = Wrong(make_problem())
    look(services, clock, wrong, 75)
    wrong.problems = []
    look(services, clock, wrong, 180)
    assert [one.tries for one in messages()] == [1, 0]

    platform.routes[("POST", "/hook")] = Reply(204)
    look(services, clock, wrong, 900)

    events = [asked.headers["x-lti-bridge-event"] for asked in platform.asked]
    assert events == ["began", "began", "ended"]


def test_claim_of_a_killed_process_runs_out(
    services: Services, clock: FakeClock, platform: MiniPlatform, hook: str
) -> None:
    add_hook(services, hook)
    wrong = Wrong(make_problem())
    look(services, clock, wrong, 60)
    clock.advance(15)
    evaluate(services, wrong)
    taken = update(AlertMessage).values(next_try_at=clock() + CLAIM, tries=1)
    db.session.execute(taken)  # as the process that was killed left it
    db.session.commit()

    clock.advance(59)
    assert deliver_due(services) == 0
    clock.advance(1)
    assert deliver_due(services) == 1


def at_once(work: Sequence[Callable[[], object]]) -> None:
    gate = threading.Barrier(len(work))

    def run(one: Callable[[], object]) -> None:
        gate.wait()
        one()

    threads = [threading.Thread(target=run, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def test_two_runners_at_once_send_one_message(
    settings: Settings, app: Flask, services: Services, clock: FakeClock, platform: Any, hook: str
) -> None:
    other = open_app(settings, clock)
    add_hook(services, hook)
    wrong = Wrong(make_problem())
    runners = [AlertRunner(one, wrong) for one in (app, other)]

    for _ in range(8):
        clock.advance(15)
        at_once([one.run_once for one in runners])
    close_app(other)

    assert len(platform.asked) == 1
    assert len(messages()) == 1


def test_process_that_died_while_looking_is_replaced(
    services: Services, clock: FakeClock, hook: str
) -> None:
    def die(_services: Services, _scope: Scope) -> Sequence[Problem]:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        evaluate(services, die)
    assert not evaluate(services, Wrong())

    clock.advance(60)
    assert evaluate(services, Wrong())


def test_turn_that_took_too_long_writes_nothing(services: Services, clock: FakeClock) -> None:
    def overtaken(services: Services, _scope: Scope) -> Sequence[Problem]:
        db.session.rollback()
        db.session.execute(update(AlertTurn).values(lease_token="of another process"))
        db.session.commit()
        return [make_problem()]

    assert not evaluate(services, overtaken)
    assert list(db.session.scalars(select(SeenProblem))) == []


def test_runner_survives_what_fails(
    app: Flask,
    services: Services,
    clock: FakeClock,
    platform: MiniPlatform,
    hook: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    """Looking fails; what waits is delivered all the same."""

    def fail(_services: Services, _scope: Scope) -> Sequence[Problem]:
        raise ZeroDivisionError

    add_hook(services, hook)
    evaluate(services, Wrong(make_problem()))
    clock.advance(60)
    evaluate(services, Wrong(make_problem()))
    clock.advance(60)

    AlertRunner(app, fail).run_once()

    assert "problems could not be looked for" in caplog.text
    assert len(platform.asked) == 1


def test_runner_ends_when_told(app: Flask) -> None:
    runner = AlertRunner(app)
    runner.start()

    runner.end()

    assert not runner._thread.is_alive()


def test_email_reaches_every_recipient(services: Services, clock: FakeClock) -> None:
    with open_inbox() as inbox:
        add_mailbox(services, inbox.port)
        inbox.answer = "451 come back"
        look(services, clock, Wrong(make_problem(learners=2)), 75)
        assert "answered 451" in messages()[0].failure
        inbox.answer = "250 OK"
        look(services, clock, Wrong(make_problem(learners=2)), 30)

    assert inbox.envelopes == [
        ("bridge@school.example", ["olga@school.example", "otto@school.example"])
    ]
    (message,) = inbox.messages
    assert message["Subject"] == "LTI Bridge: School 1 refuses grades."
    assert message["Message-ID"] == f"<{messages()[0].delivery}@bridge.example>"
    assert "2 learners wait for it." in message.get_content()
    assert "http://bridge.example/console/problems/" in message.get_content()


@UNGUARDED
def test_email_signs_in_with_the_kept_password(services: Services) -> None:
    with open_inbox(sign_in=True) as inbox:
        kept = services.signer.encrypt(PASSWORD)
        channel = add_mailbox(services, inbox.port, user=USER, password_encrypted=kept)
        inbox.refuses = {"otto@school.example"}

        assert send_test(services, channel) == ""

    assert inbox.messages[0]["Subject"] == "LTI Bridge: this is a test"
    assert messages()[0].failure == "it was refused for otto@school.example"


def test_email_without_a_server_says_what_to_do(services: Services) -> None:
    channel = AlertChannel(
        kind="email", name="x", recipients=["a@b.example"], form="", created_at=services.now()
    )
    db.session.add(channel)
    db.session.commit()

    assert "no mail server is set" in send_test(services, channel)
    assert messages()[0].gave_up_at is not None, "a test is not tried again"


def test_delivery_wakes_what_failed_before(
    services: Services, clock: FakeClock, platform: MiniPlatform, hook: str
) -> None:
    platform.routes[("POST", "/hook")] = Reply(503, headers={"Retry-After": "3000"})
    channel = add_hook(services, hook)
    look(services, clock, Wrong(make_problem()), 75)
    platform.routes[("POST", "/hook")] = Reply(204)

    assert send_test(services, channel) == ""
    assert deliver_due(services) == 1


@pytest.mark.parametrize(
    "form, part", [(SLACK, b'{"text": '), (TEAMS, b'"AdaptiveCard"')], ids=["slack", "teams"]
)
def test_others_get_their_form(
    services: Services, platform: MiniPlatform, hook: str, form: str, part: bytes
) -> None:
    assert send_test(services, add_hook(services, hook, form=form)) == ""

    assert part in platform.asked[0].body


def test_channel_that_is_switched_off_gets_nothing(
    services: Services, clock: FakeClock, platform: MiniPlatform, hook: str
) -> None:
    platform.routes[("POST", "/hook")] = Reply(500)
    channel = add_hook(services, hook)
    look(services, clock, Wrong(make_problem()), 75)
    channel.disabled_at = clock()
    db.session.commit()
    look(services, clock, Wrong(make_problem()), 300)
    assert len(platform.asked) == 1

    drop_waiting(channel.id, "it was switched off", clock())
    db.session.commit()
    assert [(one.next_try_at, one.failure) for one in messages()] == [(None, "it was switched off")]


def test_digest_comes_once_a_day(
    services: Services, clock: FakeClock, platform: MiniPlatform, hook: str
) -> None:
    """Also when nothing is wrong, and after a night in which the bridge was away."""
    grade = add_grade(clock(), row := add_registration(clock(), add_link(clock())))
    add_try(clock(), row, grade)
    db.session.execute(update(Score).values(state="accepted", finished_at=clock()))
    add_hook(services, hook, digest=True, digest_at=clock() + timedelta(hours=22))
    look(services, clock, Wrong(), 60)
    assert platform.asked == []

    clock.advance(23.5 * 3600)
    look(services, clock, Wrong(), 60)
    (asked,) = platform.asked
    assert asked.headers["x-lti-bridge-event"] == "digest"
    assert b'"grades_delivered": 1' in asked.body
    clock.advance(22.4 * 3600)
    look(services, clock, Wrong(make_problem(serious=False)), 600)

    assert len(platform.asked) == 2
    assert b'"grades_delivered": 0' in platform.asked[1].body
    assert b'"count": 1' in platform.asked[1].body


def test_old_rows_are_forgotten(services: Services, clock: FakeClock, hook: str) -> None:
    add_hook(services, hook)
    wrong = Wrong(make_problem())
    look(services, clock, wrong, 90)
    wrong.problems = []
    look(services, clock, wrong, 150)
    assert len(messages()) == 2

    clock.advance(31 * 86400)
    look(services, clock, wrong, 15)
    assert (messages(), len(list(db.session.scalars(select(SeenProblem))))) == ([], 1)

    clock.advance(60 * 86400)
    look(services, clock, wrong, 15)
    assert list(db.session.scalars(select(SeenProblem))) == []


def test_secrets_are_in_no_row_and_no_log(
    services: Services, platform: MiniPlatform, hook: str, caplog: pytest.LogCaptureFixture
) -> None:
    platform.routes[("POST", "/hook")] = Reply(500)
    channel = add_hook(services, f"{hook}?token=s3cret-part")
    with caplog.at_level(logging.DEBUG, logger="lti_bridge"):
        send_test(services, channel)

    rows = [
        str(tuple(row))
        for table in db.metadata.sorted_tables
        for row in db.session.execute(select(table))
    ]
    for secret in (SECRET, "s3cret-part"):
        assert not [row for row in rows if secret in row]
        assert secret not in caplog.text
