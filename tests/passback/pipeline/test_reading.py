"""What the LMS shows, or does not show, before and after a post: by its answers alone."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from lti_bridge.core.db import db
from lti_bridge.core.errors import Unavailable
from lti_bridge.lms.canvas import EXTENSION
from lti_bridge.lti.values import SCOPE_LINE_ITEM_READ, SCOPE_RESULT_READ, SCOPE_SCORE
from lti_bridge.passback.actions import by_hand
from lti_bridge.passback.models import Score, ScoreTry
from lti_bridge.passback.pipeline.job import work_grade
from lti_bridge.passback.pipeline.throttle import PlatformGate
from lti_bridge.passback.triggers.reconcile import Repair, reconcile_link
from lti_bridge.platforms.keys import ensure_keys
from lti_bridge.registrations.grade_updates import mark_due
from lti_bridge.registrations.models import Grade, Learner, Registration, ResourceLink
from lti_bridge.services import Services
from tests.conftest import FakeClock
from tests.mini_platform import MiniPlatform, Reply
from tests.rows import add_due_grade, add_link, add_registration

TOKEN = {"access_token": "t", "token_type": "Bearer", "expires_in": 3600}
SCORES, RESULTS = ("POST", "/items/1/scores"), ("GET", "/items/1/results")
SCOPES = [SCOPE_LINE_ITEM_READ, SCOPE_RESULT_READ, SCOPE_SCORE]
MINE = {"userId": "user-7", "resultMaximum": 100, EXTENSION: {}}


@pytest.fixture
def dialect() -> str:
    return "canvas"


@pytest.fixture
def grade(services: Services, clock: FakeClock, platform: MiniPlatform, dialect: str) -> Grade:
    """A finished course whose grade is due to be sent."""
    platform.routes[("POST", "/token")] = Reply(body=TOKEN)
    platform.routes[SCORES] = Reply()
    platform.routes[RESULTS] = Reply(body=[])
    ensure_keys(services.signer, now=clock())
    link = add_link(clock(), line_item_url=f"{platform.url}/items/1")
    link.service_scopes = SCOPES
    link.deployment.platform.token_url = f"{platform.url}/token"
    link.deployment.platform.dialect = dialect
    return add_due_grade(clock(), add_registration(clock(), link))


def work(services: Services, gate: PlatformGate, grade: Grade) -> Score:
    work_grade(services, gate, grade.id)
    found = db.session.query(Score).order_by(Score.id.desc()).populate_existing().first()
    assert found is not None
    db.session.commit()
    return found


def posts(platform: MiniPlatform) -> int:
    return len(platform.requests_to(SCORES[1]))


@pytest.mark.parametrize(
    "results",
    [
        [{**MINE, "resultScore": "85.00"}],
        [{**MINE, "resultScore": "85,00"}],
        [{**MINE, "resultScore": None}],
        [{**MINE, "userId": "a"}, {**MINE, "userId": "b"}],
        {"not": "a list"},
        "<html>",
    ],
    ids=["text", "comma", "null", "others", "no list", "no JSON"],
)
def test_unclear_reading_is_repeated_then_the_score_is_sent(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    platform: MiniPlatform,
    clock: FakeClock,
    results: Any,
) -> None:
    platform.routes[RESULTS] = Reply(body=results)

    for _ in range(2):
        score = work(services, gate, grade)
        assert (score.state, posts(platform)) == ("queued", 0)
        clock.advance(30)
    score = work(services, gate, grade)

    assert (score.state, posts(platform)) == ("accepted", 1)
    outcomes = {made.outcome for made in db.session.query(ScoreTry)}
    assert outcomes == {"unclear", "accepted"}


def test_unclear_reading_is_not_repeated_for_long(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform, clock: FakeClock
) -> None:
    platform.routes[RESULTS] = Reply(body="<html>")
    work(services, gate, grade)
    clock.advance(600)

    assert work(services, gate, grade).state == "accepted"


@pytest.mark.parametrize("dialect", ["moodle", "generic", "canvas"])
def test_conflict_without_an_entry_is_sent_anew_once(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    platform: MiniPlatform,
    clock: FakeClock,
) -> None:
    """The LMS says that it has a newer one, and shows none."""
    old = "Provided timestamp of X before last updated timestamp of Y"
    bodies: list[bytes] = []

    def refuse(asked: Any) -> Reply:
        bodies.append(asked.body)
        return Reply(400, {"errors": {"message": old}}) if len(set(bodies)) < 2 else Reply()

    if grade.platform.dialect == "moodle":
        platform.routes[SCORES] = lambda asked: (
            Reply(409) if refuse(asked).status == 400 else Reply()
        )
    else:
        platform.routes[SCORES] = refuse
    db.session.commit()
    for _ in range(6):
        score = work(services, gate, grade)
        clock.advance(3600)

    assert score.state == "accepted"
    assert len(set(bodies)) == 2
    assert [one.state for one in db.session.query(Score).order_by(Score.id)] == [
        "superseded",
        "accepted",
    ]


@pytest.mark.parametrize(
    ("answer", "state", "said"),
    [
        (Reply(404, b""), "parked", "no longer exists"),
        (Reply(412, b"no permission to view line_item"), "parked", "another tool"),
        (Reply(422, b"This course has concluded."), "parked", "concluded"),
        (Reply(401, b""), "queued", "does not accept the tool's access token"),
        (Reply(503, b""), "queued", "cannot say yet"),
        (Reply(403, b"<html>"), "queued", "A page came instead"),
    ],
    ids=["gone", "foreign", "concluded", "no access", "down", "proxy"],
)
def test_reading_that_fails_is_judged_as_a_post(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    platform: MiniPlatform,
    answer: Reply,
    state: str,
    said: str,
) -> None:
    platform.routes[RESULTS] = answer

    score = work(services, gate, grade)

    reason = db.session.get_one(Grade, grade.id, populate_existing=True).decision_reason
    db.session.commit()
    assert (score.state, posts(platform)) == (state, 0)
    assert said in str(reason)


@pytest.mark.parametrize("granted", [[SCOPE_SCORE], None], ids=["not granted", "not known"])
def test_score_is_sent_where_reading_is_not_allowed(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    platform: MiniPlatform,
    granted: list[str] | None,
) -> None:
    db.session.query(ResourceLink).update({"service_scopes": granted})
    db.session.commit()
    platform.routes["POST", "/token"] = lambda asked: (
        Reply(400, {"error": "invalid_scope"})
        if "result" in asked.form()["scope"]
        else Reply(body=TOKEN)
    )

    assert work(services, gate, grade).state == "accepted"
    assert posts(platform) == 1


@pytest.mark.parametrize("dialect", ["generic"])
def test_score_that_is_shown_later_is_not_in_the_gradebook_yet(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform
) -> None:
    platform.routes[SCORES] = Reply(202)

    score = work(services, gate, grade)

    assert (score.state, score.standing) == ("accepted", "pending")
    assert "does not show it yet" in score.reason


def test_higher_value_of_a_merged_user_is_theirs(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform
) -> None:
    """Canvas shows the other id of two users that were merged."""
    platform.routes[RESULTS] = Reply(body=[{**MINE, "userId": "before", "resultScore": 95}])

    score = work(services, gate, grade)

    assert (score.state, posts(platform)) == ("superseded", 0)
    assert "holds 95 of 100" in score.reason


@pytest.mark.parametrize("dialect", ["moodle"])
def test_first_score_costs_three_calls_and_the_next_two(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform, clock: FakeClock
) -> None:
    held = [{**MINE, "resultScore": 85.5}]
    platform.routes[RESULTS] = lambda asked: Reply(body=held if posts(platform) else [])
    work(services, gate, grade)
    first = [asked.path for asked in platform.asked if asked.path != "/token"]
    platform.asked.clear()
    clock.advance(5)
    grade.resource_link.grading_policy = {"answer": "latest"}
    registration = db.session.query(Score).one().registration
    assert registration is not None
    registration.score_scaled = 60
    held[:] = [{**MINE, "resultScore": 60}]
    mark_due(grade.id, "send", clock())
    db.session.commit()

    work(services, gate, grade)

    assert first == [RESULTS[1], SCORES[1], RESULTS[1]]
    assert [a.path for a in platform.asked if a.path != "/token"] == [SCORES[1], RESULTS[1]]


def test_who_left_the_course_has_lost_nothing(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform
) -> None:
    work(services, gate, grade)
    members = {"members": [{"user_id": "somebody else", "roles": ["Learner"]}]}
    platform.routes["GET", "/members"] = Reply(body=members)
    db.session.query(ResourceLink).update({"memberships_url": f"{platform.url}/members"})
    db.session.commit()

    (finding,) = reconcile_link(services, grade.resource_link_id, repair=Repair.ALL)

    assert (finding.drift.name, finding.sent_again) == ("NOT_ENROLLED", False)


def test_comparison_looks_the_column_up(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform
) -> None:
    work(services, gate, grade)
    link = grade.resource_link
    item = {"id": f"{platform.url}/items/1", "resourceLinkId": link.resource_link_id}
    platform.routes["GET", "/items"] = Reply(body=[item])
    platform.routes[RESULTS] = Reply(body=[{**MINE, "resultScore": 85.5}])
    link.line_item_url, link.line_items_url = None, f"{platform.url}/items"
    db.session.commit()

    (finding,) = reconcile_link(services, link.id)

    assert finding.drift.name == "DELIVERED"


def test_too_long_counts_from_the_first_try(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform, clock: FakeClock
) -> None:
    """A column that appears after 15 days finds a score that was never tried."""
    link = grade.resource_link
    link.line_item_url, link.line_items_url = None, None
    db.session.commit()
    assert work(services, gate, grade).state == "queued"
    clock.advance(timedelta(days=15).total_seconds())
    link.line_item_url = f"{platform.url}/items/1"
    mark_due(grade.id, "send", clock())
    db.session.commit()
    platform.routes[SCORES] = Reply(503)
    assert work(services, gate, grade).state == "queued"
    platform.routes[SCORES] = Reply()
    clock.advance(60)

    assert work(services, gate, grade).state == "accepted"


class SilentCloud:
    """SCORM Cloud, when it does not answer."""

    def get_registration(self, *_: Any, **__: Any) -> None:
        raise Unavailable("down")


def no_cloud(_: Any) -> Any:
    return SilentCloud()


def clear_reads() -> None:
    db.session.query(Grade).update({"next_read_at": None})
    db.session.commit()


def newest(grade: Grade) -> Grade:
    found = db.session.get_one(Grade, grade.id, populate_existing=True)
    db.session.commit()
    return found


def improve(grade: Grade, score: float) -> None:
    """The learner did better, or worse; it is known by now."""
    registration = db.session.query(Registration).one()
    registration.score_scaled, registration.best_real_score = score, None
    db.session.commit()


def test_first_post_that_did_not_land_is_made_again(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform, clock: FakeClock
) -> None:
    """A lower grade was restored; ours takes its place, also at the second try."""
    platform.routes[RESULTS] = Reply(body=[{**MINE, "resultScore": 60}])
    platform.routes[SCORES] = Reply(503)
    assert work(services, gate, grade).state == "queued"
    platform.routes[SCORES] = Reply()
    clock.advance(3600)

    assert work(services, gate, grade).state == "accepted"


def test_what_a_person_types_after_a_lost_post_stays(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform, clock: FakeClock
) -> None:
    platform.routes[RESULTS] = Reply(body=[{**MINE, "resultScore": 60}])
    platform.routes[SCORES] = Reply(503)
    work(services, gate, grade)
    platform.routes[RESULTS] = Reply(body=[{**MINE, "resultScore": 61}])
    clock.advance(3600)

    assert work(services, gate, grade).state == "superseded"


def test_new_result_waits_for_no_round(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform, clock: FakeClock
) -> None:
    """The score before is parked, and would be tried in a week."""
    platform.routes[SCORES] = Reply(422, b"not a student")
    for _ in range(4):
        work(services, gate, grade)
        clock.advance(8 * 86400)
    platform.routes[SCORES] = Reply()
    clock.advance(-8 * 86400 + 5)
    improve(grade, 95)

    mark_due(grade.id, "send", clock())
    db.session.commit()
    score = work(services, gate, grade)

    assert (score.state, score.score_given) == ("accepted", 95)


def test_wish_during_a_back_off_is_kept(
    app: Flask,
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    platform: MiniPlatform,
    clock: FakeClock,
) -> None:
    """A person asks during a post that fails; a look comes before the next try."""

    def fail(_: Any) -> Reply:
        with app.app_context():
            by_hand.resend(services, grade.id, "Ida")
        return Reply(503)

    platform.routes[SCORES] = fail
    work(services, gate, grade)
    platform.routes[SCORES] = Reply()
    platform.routes[RESULTS] = Reply(body=[{**MINE, "resultScore": 20}])
    assert newest(grade).resend == "asked"
    mark_due(grade.id, "read", clock())
    db.session.commit()
    work(replace(services, scorm_cloud=no_cloud), gate, grade)
    clock.advance(3600)
    clear_reads()

    score = work(services, gate, grade)

    assert (score.state, score.asked) == ("accepted", True)


@pytest.mark.parametrize("asked", [True, False], ids=["a person resends", "policy replaces"])
def test_conflict_gives_way_to_a_person_or_the_policy(
    services: Services,
    gate: PlatformGate,
    grade: Grade,
    platform: MiniPlatform,
    clock: FakeClock,
    asked: bool,
) -> None:
    """A teacher typed 77 between two tries; the LMS says that the second one is old."""
    old = {"errors": {"message": "timestamp of X before last updated timestamp of Y"}}
    if asked:
        by_hand.resend(services, grade.id, "Ida")
    else:
        db.session.query(ResourceLink).update({"grading_policy": {"teacher_grade": "replace"}})
        db.session.commit()
    platform.routes[SCORES] = Reply(400, old)
    platform.routes[RESULTS] = Reply(body=[{**MINE, "resultScore": 77}])
    work(services, gate, grade)
    platform.routes[SCORES] = Reply()
    clock.advance(2)

    assert work(services, gate, grade).state == "accepted"


def test_user_who_is_taken_for_a_column_wakes_no_grade(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform, clock: FakeClock
) -> None:
    """An LMS that says 404 of a user: the column is found again, and neighbours are left alone."""
    link = grade.resource_link
    link.line_items_url = f"{platform.url}/items"
    item = {"id": f"{platform.url}/items/1", "resourceLinkId": link.resource_link_id}
    platform.routes["GET", "/items"] = Reply(body=[item])
    platform.routes[RESULTS] = Reply(404)
    learner = Learner(
        platform=grade.platform,
        platform_identity="x",
        sub="ben",
        scorm_learner_id="ben",
        created_at=clock(),
    )
    other = Grade(resource_link=link, learner=learner, platform=grade.platform, parked_at=clock())
    db.session.add(other)
    db.session.commit()
    work(services, gate, grade)
    assert db.session.query(ResourceLink).populate_existing().one().line_item_url is None
    db.session.commit()
    clock.advance(601)

    work(services, gate, grade)

    assert newest(other).next_send_at is None


def test_what_was_stopped_is_not_sent_to_a_new_column(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform, clock: FakeClock
) -> None:
    platform.routes[SCORES] = Reply(503)
    work(services, gate, grade)
    by_hand.park(services, grade.id, "Ida")
    platform.routes["POST", "/items/2/scores"] = Reply()
    platform.routes["GET", "/items/2/results"] = Reply(body=[])
    db.session.query(ResourceLink).update({"line_item_url": f"{platform.url}/items/2"})
    clock.advance(3600)
    mark_due(grade.id, "send", clock())
    db.session.commit()

    assert work(services, gate, grade).state == "parked"
    assert platform.requests_to("/items/2/scores") == []


def test_score_that_is_tried_by_itself_can_be_stopped(
    services: Services, gate: PlatformGate, grade: Grade, platform: MiniPlatform, clock: FakeClock
) -> None:
    platform.routes[SCORES] = Reply(422, b"not a student")
    work(services, gate, grade)
    by_hand.park(services, grade.id, "Ida")
    clock.advance(30 * 86400)

    assert not work_grade(services, gate, grade.id)
    assert newest(grade).next_send_at is None
