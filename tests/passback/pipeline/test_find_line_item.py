"""A gradebook column that is not there is made when an admin wants that, and once."""

from datetime import timedelta

import pytest
from flask import Flask

from lti_bridge.core.db import db
from lti_bridge.lti.values import SCOPE_LINE_ITEM, SCOPE_LINE_ITEM_READ, SCOPE_SCORE
from lti_bridge.passback.models import Score
from lti_bridge.passback.pipeline.creation_lease import free_creation, take_creation
from lti_bridge.passback.pipeline.job import work_grade
from lti_bridge.passback.pipeline.throttle import PlatformGate
from lti_bridge.platforms.keys import ensure_keys
from lti_bridge.registrations.models import Grade, Learner, Registration, ResourceLink
from lti_bridge.services import Services
from tests.conftest import FakeClock
from tests.mini_platform import Asked, MiniPlatform, Reply
from tests.rows import add_due_grade, add_link, add_registration

LIST, CREATE = ("GET", "/items"), ("POST", "/items")
SCORES = ("POST", "/items/1/scores")


class Columns:
    """The gradebook columns of the activity; one is made by asking for it."""

    def __init__(self, platform: MiniPlatform) -> None:
        self._platform = platform
        self.made: list[dict[str, str]] = []
        self.hidden = False
        platform.routes[LIST] = lambda _: Reply(body=[] if self.hidden else self.made)
        platform.routes[CREATE] = self.create
        platform.routes[SCORES] = Reply()
        platform.routes["GET", "/items/1/results"] = Reply(body=[])

    def create(self, _: Asked) -> Reply:
        address = f"{self._platform.url}/items/{len(self.made) + 1}"
        self.made.append({"id": address, "resourceLinkId": "link-1"})
        return Reply(201, self.made[-1])

    def create_silently(self, asked: Asked) -> Reply:
        self.create(asked)
        return Reply(502)


@pytest.fixture
def columns(platform: MiniPlatform) -> Columns:
    return Columns(platform)


@pytest.fixture
def link(services: Services, clock: FakeClock, platform: MiniPlatform) -> ResourceLink:
    """An activity without a column, on a platform whose missing columns are made."""
    ensure_keys(services.signer, now=clock())
    row = add_link(clock(), line_item_url=None, line_items_url=f"{platform.url}/items")
    row.deployment.platform.token_url = f"{platform.url}/token"
    row.deployment.platform.creates_line_items = True
    db.session.commit()
    return row


@pytest.fixture
def grade(clock: FakeClock, link: ResourceLink) -> Grade:
    """Alice's finished course, whose score is due."""
    return add_due_grade(clock(), add_registration(clock(), link))


@pytest.fixture
def other(clock: FakeClock, grade: Grade) -> Grade:
    """Bob's in the same activity."""
    alice = db.session.query(Registration).one()
    bob = Learner(
        platform=grade.platform,
        platform_identity=grade.platform.identity,
        sub="user-8",
        scorm_learner_id="5f0c2b9e-0000-4000-8000-000000000002",
        created_at=clock(),
    )
    row = Registration(
        registration_id="dea0b646-1d62-5d1f-93ba-9e3f4ef9f06d",
        resource_link=alice.resource_link,
        learner=bob,
        account=alice.account,
        course_id="fire",
        attempt=1,
        opened_at=clock(),
        completion="COMPLETED",
        success="PASSED",
        score_scaled=70.0,
    )
    db.session.add(row)
    return add_due_grade(clock(), row)


def work(services: Services, gate: PlatformGate, grade: Grade) -> tuple[str, Grade]:
    """Work a grade; returns its score's state, and its row."""
    work_grade(services, gate, grade.id)
    score = db.session.query(Score).filter_by(grade_id=grade.id).populate_existing().one()
    row = db.session.get_one(Grade, grade.id, populate_existing=True)
    db.session.commit()
    return score.state, row


def asked(platform: MiniPlatform, route: tuple[str, str]) -> int:
    return len([one for one in platform.asked if (one.method, one.path) == route])


def lease_of(link: ResourceLink) -> object:
    db.session.refresh(link)
    db.session.commit()
    return link.line_item_lease_until


def test_column_is_made_and_graded_at_once(
    services: Services, gate: PlatformGate, grade: Grade, link: ResourceLink, columns: Columns
) -> None:
    state, _ = work(services, gate, grade)

    assert (state, len(columns.made)) == ("accepted", 1)
    assert lease_of(link) is None
    assert link.line_item_url == columns.made[0]["id"]


def test_column_is_made_once_for_two_grades(
    app: Flask,
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    other: Grade,
    columns: Columns,
    platform: MiniPlatform,
    clock: FakeClock,
) -> None:
    """The other one looks up while the column is being made."""
    waits: list[timedelta] = []

    def create(request: Asked) -> Reply:
        with app.app_context():
            state, row = work(services, gate, other)
            assert (state, row.next_send_at is not None) == ("queued", True)
            assert row.next_send_at is not None and "is being made" in (row.decision_reason or "")
            waits.append(row.next_send_at - clock())
        return columns.create(request)

    platform.routes[CREATE] = create

    assert work(services, gate, grade)[0] == "accepted"
    assert waits == [timedelta(seconds=30)]
    assert work(services, gate, other)[0] == "accepted", "it was not woken"
    assert asked(platform, CREATE) == 1


def test_lost_answer_is_looked_up_first(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    columns: Columns,
    platform: MiniPlatform,
    clock: FakeClock,
) -> None:
    platform.routes[CREATE] = columns.create_silently

    state, row = work(services, gate, grade)
    assert (state, row.next_send_at) == ("queued", clock() + timedelta(seconds=60))
    assert "before another one is made" in (row.decision_reason or "")
    clock.advance(60)

    assert work(services, gate, grade)[0] == "accepted"
    assert asked(platform, CREATE) == 1


def test_others_wait_while_an_answer_is_lost(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    other: Grade,
    columns: Columns,
    platform: MiniPlatform,
    clock: FakeClock,
) -> None:
    """It may be there, though the LMS does not show it yet."""
    columns.hidden = True
    platform.routes[CREATE] = columns.create_silently
    work(services, gate, grade)
    clock.advance(59)

    assert work(services, gate, other)[0] == "queued"
    assert asked(platform, CREATE) == 1


def test_lms_that_shows_no_column_is_not_filled(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    columns: Columns,
    platform: MiniPlatform,
    clock: FakeClock,
) -> None:
    columns.hidden = True
    platform.routes[CREATE] = columns.create_silently
    work(services, gate, grade)
    clock.advance(60)

    _, row = work(services, gate, grade)

    assert row.next_send_at == clock() + timedelta(hours=1)
    assert asked(platform, CREATE) == 2


@pytest.mark.parametrize(
    ("scopes", "reply", "posts", "said"),
    [
        ([SCOPE_LINE_ITEM_READ, SCOPE_SCORE], Reply(500), 0, "grant the scope lineitem."),
        (None, Reply(403), 1, "(it answered 403)"),
        (None, Reply(404), 1, "(it answered 404)"),
        (None, Reply(401), 2, "grant the scope lineitem."),
    ],
    ids=["not granted", "forbidden", "not found", "unauthorized"],
)
def test_refusal_says_what_to_do(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    link: ResourceLink,
    columns: Columns,
    platform: MiniPlatform,
    scopes: list[str] | None,
    reply: Reply,
    posts: int,
    said: str,
) -> None:
    link.service_scopes = scopes
    db.session.commit()
    platform.routes[CREATE] = reply

    state, row = work(services, gate, grade)

    assert (state, row.waits_for_line_item) == ("queued", True)
    assert said in (row.decision_reason or "")
    assert (asked(platform, CREATE), lease_of(link)) == (posts, None)


def test_scope_is_asked_for_alone(
    services: Services, gate: PlatformGate, grade: Grade, columns: Columns, platform: MiniPlatform
) -> None:
    work(services, gate, grade)

    scopes = [one.form()["scope"] for one in platform.requests_to("/token")]
    assert scopes[1] == SCOPE_LINE_ITEM


def test_lms_without_a_token_is_asked_again_soon(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    link: ResourceLink,
    columns: Columns,
    platform: MiniPlatform,
    clock: FakeClock,
) -> None:
    """Nothing was made, that is known."""

    def answer(request: Asked) -> Reply:
        return Reply(503) if request.form()["scope"] == SCOPE_LINE_ITEM else Reply(body=TOKEN)

    platform.routes["POST", "/token"] = answer

    _, row = work(services, gate, grade)

    assert row.next_send_at == clock() + timedelta(seconds=30)
    assert (asked(platform, CREATE), lease_of(link)) == (0, None)


TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 3600}


@pytest.mark.parametrize(
    ("of_platform", "of_link", "made"),
    [(None, None, 0), (False, None, 0), (True, False, 0), (None, True, 1), (True, None, 1)],
    ids=["not said", "platform says no", "link says no", "link says yes", "platform says yes"],
)
def test_column_is_made_only_on_request(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    link: ResourceLink,
    columns: Columns,
    of_platform: bool | None,
    of_link: bool | None,
    made: int,
) -> None:
    link.deployment.platform.creates_line_items = of_platform
    link.creates_line_item = of_link
    db.session.commit()

    state, row = work(services, gate, grade)

    assert len(columns.made) == made
    assert (state == "accepted", row.waits_for_line_item) == (bool(made), not made)


def test_two_columns_are_for_a_person(
    services: Services, gate: PlatformGate, grade: Grade, columns: Columns, platform: MiniPlatform
) -> None:
    for _ in range(2):
        columns.create(Asked(*CREATE, "", {}, b""))

    assert work(services, gate, grade)[0] == "parked"
    assert asked(platform, CREATE) == 0


def test_without_a_list_nothing_is_made(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    link: ResourceLink,
    columns: Columns,
    platform: MiniPlatform,
) -> None:
    link.line_items_url = None
    db.session.commit()

    assert work(services, gate, grade)[1].waits_for_line_item
    assert platform.asked == []


def test_look_up_from_before_the_end_does_not_count(
    services: Services, clock: FakeClock, link: ResourceLink
) -> None:
    """What was made meanwhile could not be seen by it."""
    until = take_creation(services, link.id, clock())
    assert until == clock() + timedelta(seconds=60)
    asked_at = clock()
    clock.advance(61)

    assert take_creation(services, link.id, asked_at) is None
    assert take_creation(services, link.id, clock()) == clock() + timedelta(hours=1)


def test_lease_of_another_is_not_given_back(
    services: Services, clock: FakeClock, link: ResourceLink
) -> None:
    until = take_creation(services, link.id, clock())
    assert until is not None

    free_creation(link.id, until - timedelta(seconds=1))

    assert lease_of(link) == until
    free_creation(link.id, until)
    assert lease_of(link) is None
