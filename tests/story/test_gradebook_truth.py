"""The gradebook changes behind our back, and the grade that ends there is the right one."""

from datetime import timedelta
from typing import Any

import pytest
import requests
from sqlalchemy import event, func, select, update

from lti_bridge.core.db import db
from lti_bridge.passback.actions import by_hand
from lti_bridge.passback.actions.policy_change import change_policy
from lti_bridge.passback.models import Score
from lti_bridge.platforms.models import Platform
from lti_bridge.registrations.models import Grade, Launch, Learner, Registration, ResourceLink
from tests.story.town import Death, Fuse, Town

moodle = pytest.mark.parametrize("dialect", ["moodle"])
canvas = pytest.mark.parametrize("dialect", ["canvas"])


@pytest.fixture
def activity(town: Town) -> str:
    return town.begin()


def cell(town: Town, activity: str) -> float | None:
    score: float | None = town.cell(activity)["score"]
    return score


def resend(town: Town) -> None:
    services = town.app.extensions["lti_bridge"]
    town.do(lambda: by_hand.resend(services, grade_id(), "Ida"))
    town.do(town.work)


def grade_id() -> int:
    found = db.session.scalars(select(Grade.id)).one()
    db.session.rollback()
    return found


@moodle
def test_restored_grade_is_not_lowered(town: Town, activity: str) -> None:
    """Moodle's recycle bin and its course restore bring grades back, under new links."""
    town.learn(activity, 90)
    copy = town.control("POST", f"activities/{activity}/restore")["id"]
    town.clock.advance(60)

    town.learn(copy, 40)
    assert cell(town, copy) == 90
    assert town.scores()[-1][0] == "superseded"
    assert "holds 90 of 100 from before" in town.scores()[-1][2]
    town.clock.advance(60)
    town.learn(copy, 95)

    assert cell(town, copy) == 95


@moodle
def test_new_maximum_of_a_column_is_no_override(town: Town, activity: str) -> None:
    """Moodle shows the grade on the new scale beside the maximum of the time of the post."""
    town.learn(activity, 80)
    town.control("PUT", f"activities/{activity}", {"points": 50})
    copy = town.control("POST", f"activities/{activity}/restore")["id"]
    town.clock.advance(60)

    town.learn(copy, 60)  # of 100, where 40 of 50 were restored

    assert cell(town, copy) == 40
    assert town.scores()[-1][0] == "superseded"
    assert "holds 80 of 100 from before" in town.scores()[-1][2]


@canvas
def test_teachers_grade_stays_until_a_person_says_otherwise(town: Town, activity: str) -> None:
    town.learn(activity, 80)
    town.grade(activity, score=61)
    town.clock.advance(60)

    town.learn(activity, 95)
    kept = cell(town, activity), town.scores()[-1][:2]
    assert "holds 61 of 100, set in the LMS" in town.scores()[-1][2]
    resend(town)

    assert kept == (61, ("superseded", 95))
    assert cell(town, activity) == 95


@canvas
def test_grade_typed_before_ours_stays(town: Town, activity: str) -> None:
    town.grade(activity, score=70)

    town.learn(activity, 95)

    assert (cell(town, activity), town.scores()[-1][0]) == (70, "superseded")


@canvas
@pytest.mark.parametrize("what", [{"score": None}, {"excused": True}], ids=["cleared", "excused"])
def test_cleared_or_excused_stays_so(town: Town, activity: str, what: dict[str, object]) -> None:
    town.learn(activity, 80)
    town.grade(activity, **what)
    town.clock.advance(60)

    town.learn(activity, 95)

    assert cell(town, activity) is None
    assert bool(town.cell(activity).get("excused")) is ("excused" in what)
    assert town.scores()[-1][0] == "superseded"
    assert "cleared, or the learner excused" in town.scores()[-1][2]


@canvas
def test_grade_is_replaced_where_the_policy_says_so(town: Town, activity: str) -> None:
    town.learn(activity, 80)
    town.grade(activity, score=61)
    town.do(lambda: _set_link(grading_policy={"teacher_grade": "replace"}))
    town.clock.advance(60)

    town.learn(activity, 95)

    assert cell(town, activity) == 95


def _set_link(**values: object) -> None:
    db.session.execute(update(ResourceLink).values(**values))
    db.session.commit()


def _set_platform(**values: object) -> None:
    db.session.execute(update(Platform).values(**values))
    db.session.commit()


@moodle
def test_moodles_override_is_kept_and_told(town: Town, activity: str) -> None:
    town.learn(activity, 80)
    town.grade(activity, score=77)
    town.clock.advance(60)

    town.learn(activity, 95)

    assert cell(town, activity) == 77
    state, given, told = town.scores()[-1]
    assert (state, given) == ("accepted", 95)
    assert told == "The LMS took 95 of 100 and keeps 77, which somebody set there."
    town.do(town.settle)
    assert cell(town, activity) == 77


@moodle
def test_column_that_shows_no_grade_is_told(town: Town, activity: str) -> None:
    town.control("PUT", f"activities/{activity}", {"grade_type_none": True})

    town.learn(activity, 80)

    assert town.scores()[-1][0] == "accepted"
    assert "shows no grade" in town.scores()[-1][2]


@pytest.mark.parametrize("moment", range(2, 9), ids="moment {}".format)
def test_post_whose_answer_was_lost_is_ours(town: Town, activity: str, moment: int) -> None:
    """The process dies after the post; then the learner does better."""
    town.learn(activity, 60, works=False)
    town.do(town.work, Fuse(moment, Death("killed"), ("answer", "commit")))
    town.clock.advance(61)

    town.learn(activity, 97)
    town.settle()

    assert cell(town, activity) == 97
    assert not [one for one in town.scores() if "set in the LMS" in one[2]]


def test_equal_answer_is_sent_where_the_entry_is_gone(town: Town, activity: str) -> None:
    """A course reset for a new term; the learner passes again with the same score."""
    town.learn(activity, 80)
    town.grade(activity, gone=True)
    town.clock.advance(3600)

    town.learn(activity, 80)
    town.settle()

    assert cell(town, activity) == 80
    assert [state for state, *_ in town.scores()] == ["accepted", "accepted"]


def test_equal_answer_is_not_sent_twice(town: Town, activity: str) -> None:
    town.learn(activity, 80)
    town.clock.advance(3600)

    town.learn(activity, 80)
    town.settle()

    assert len(town.posts()) == 1


@canvas
def test_stored_attempt_is_not_made_twice(town: Town, activity: str) -> None:
    """Canvas stores the only attempt, its answer is lost, and it counts the repeat as another."""
    town.control("PUT", "course", {"attempts_allowed": 1})
    town.learn(activity, 80, works=False)
    lost = requests.ConnectionError("lost")
    town.do(town.work, Fuse(4, lost, ("answer",)))
    answered = [post["status"] for post in town.posts()]
    town.settle()

    assert answered == [200]
    assert cell(town, activity) == 80
    assert town.cell(activity)["attempts"] == 1
    assert town.do(town.unfinished) == []


@canvas
@pytest.mark.parametrize("refusal", ["closed_period", "not_assigned"])
def test_grade_refused_for_now_comes_home_later(town: Town, activity: str, refusal: str) -> None:
    town.control("PUT", "course", {"grade_refused": refusal})
    town.learn(activity, 80)
    assert town.scores()[-1][0] == "parked"
    town.control("PUT", "course", {"grade_refused": ""})

    come_back(town, activity)

    assert cell(town, activity) == 80
    assert town.cell(activity)["attempts"] == 1
    assert '"new_submission":false' in town.posts()[-1]["body"]


def come_back(town: Town, activity: str) -> None:
    """The learner opens the activity once more; the overdue round does the rest."""
    town.clock.advance(1)
    assert town.do(lambda: town.click(activity)) is not None
    town.clock.advance(6)
    town.do(town.round)
    town.do(town.work)


@moodle
def test_unlocked_grade_comes_home_at_the_next_launch(town: Town, activity: str) -> None:
    town.control("PUT", "course", {"locked": True})
    town.learn(activity, 80)
    assert town.scores()[-1][0] == "parked"
    town.control("PUT", "course", {"locked": False})

    come_back(town, activity)

    assert cell(town, activity) == 80


def test_parked_grade_is_tried_by_itself(town: Town, activity: str) -> None:
    """Without a visit: ten minutes, an hour, a day and a week later it is tried."""
    refuse(town, True)
    town.learn(activity, 80)
    made = len(town.posts())
    for seconds in (600, 3600, 86400, 7 * 86400):
        town.clock.advance(seconds + 1)
        town.do(town.round)
        town.do(town.work)
    assert len(town.posts()) > made
    assert town.scores()[-1][0] == "parked"
    refuse(town, False)
    town.clock.advance(7 * 86400 + 1)
    town.do(town.round)
    town.do(town.work)

    assert cell(town, activity) == 80


def refuse(town: Town, does: bool) -> None:
    """Let the LMS take no grade, in the way it has."""
    body: dict[str, object] = {"locked": does}
    if town.dialect == "canvas":
        body = {"grade_refused": "closed_period" if does else ""}
    town.control("PUT", "course", body)


def test_relaunches_are_no_storm_of_tries(town: Town, activity: str) -> None:
    refuse(town, True)
    town.learn(activity, 80)
    made = len(town.posts())

    for _ in range(10):
        come_back(town, activity)

    assert len(town.posts()) == made + 1


def test_who_is_enrolled_again_gets_the_grade(town: Town, activity: str) -> None:
    town.learn(activity, 80, works=False)
    town.control("PUT", "course", {"unenrolled": ["alice"]})
    town.do(town.work)
    assert town.scores()[-1][0] == "parked"
    town.control("PUT", "course", {"unenrolled": []})

    come_back(town, activity)

    assert cell(town, activity) == 80


def test_remade_column_gets_every_grade(town: Town, activity: str) -> None:
    """The assignment was deleted and made again; one launch brings the new column."""
    town.learn(activity, 80)
    town.learn(activity, 70, person="ben")
    town.control("POST", f"line-items/{activity}/remake")
    assert cell(town, activity) is None

    come_back(town, activity)
    town.settle()

    grades = {g["person"]: g["score"] for g in town.control("GET", "grades")["grades"]}
    assert (grades["alice"], grades["ben"]) == (80, 70)


def test_restored_column_gets_what_came_meanwhile(town: Town, activity: str) -> None:
    town.learn(activity, 60)
    town.control("DELETE", f"line-items/{activity}")
    town.clock.advance(60)
    town.learn(activity, 80)
    assert town.scores()[-1][0] == "parked"
    town.control("POST", f"line-items/{activity}/restore")

    come_back(town, activity)

    assert cell(town, activity) == 80


def test_score_waits_for_its_scope(town: Town, activity: str) -> None:
    client = next(iter(town.control("GET", "tools")["tools"]))["client_id"]
    scopes = ["lineitem.readonly", "result.readonly"]
    town.control("PUT", f"tools/{client}", {"scopes": scopes})
    town.learn(activity, 80)
    assert (town.posts(), town.scores()[-1][0]) == ([], "queued")
    town.control("PUT", f"tools/{client}", {"scopes": [*scopes, "score"]})

    come_back(town, activity)

    assert cell(town, activity) == 80


def test_missing_column_is_made_when_it_may(town: Town, activity: str) -> None:
    """As in an LMS that leaves columns to its tools; an admin grants that by hand."""
    lms = town.lms.extensions["practice_lms"]
    lms.line_items.clear()
    client = next(iter(town.control("GET", "tools")["tools"]))["client_id"]
    scopes = ["lineitem.readonly", "result.readonly", "score"]
    town.control("PUT", f"tools/{client}", {"scopes": scopes})
    town.do(lambda: _set_platform(creates_line_items=True))
    town.learn(activity, 80)
    assert (lms.line_items, town.scores()[-1][0]) == ({}, "queued")
    town.control("PUT", f"tools/{client}", {"scopes": [*scopes, "lineitem"]})

    come_back(town, activity)

    (made,) = lms.line_items.values()
    assert (made.by_tool, made.activity_id, made.maximum) == (True, activity, 100)
    assert (cell(town, activity), town.scores()[-1][0]) == (80, "accepted")


def test_score_of_another_course_is_not_orphaned(town: Town, activity: str) -> None:
    """It still waits when the link's course is changed and the learner opens the new one."""
    refuse(town, True)
    town.learn(activity, 80)
    refuse(town, False)
    town.do(lambda: _set_link(override_course="tennis"))
    town.upload_course("tennis")

    come_back(town, activity)

    assert cell(town, activity) == 80
    town.learn(activity, 55)
    town.settle()

    assert cell(town, activity) == 55


def test_second_wish_during_the_first_is_not_forgotten(town: Town, activity: str) -> None:
    town.learn(activity, 80)
    services = town.app.extensions["lti_bridge"]
    town.clock.advance(5)
    town.do(lambda: by_hand.resend(services, grade_id(), "Ida"))

    town.do(town.work, Fuse(0, lambda: by_hand.resend(services, grade_id(), "Ida"), ("answer",)))
    town.settle()

    assert [state for state, *_ in town.scores()] == ["accepted"] * 3


def test_what_a_person_stopped_stays_stopped(town: Town, activity: str) -> None:
    town.learn(activity, 80, works=False)
    town.control("PUT", "course", {"maintenance": True})
    town.do(town.work)
    services = town.app.extensions["lti_bridge"]
    town.do(lambda: by_hand.park(services, grade_id(), "Ida"))
    town.control("PUT", "course", {"maintenance": False})

    for _ in range(3):
        town.clock.advance(8 * 86400)
        come_back(town, activity)
        town.settle()

    assert cell(town, activity) is None
    resend(town)
    assert cell(town, activity) == 80


def test_exit_of_an_older_attempt_settles(town: Town, activity: str) -> None:
    """A tab of the first attempt is left after the second attempt was begun."""
    address = town.do(lambda: town.click(activity))
    assert address is not None
    town.do(lambda: _set_link(attempts_allowed=0))
    first = town.finish(address, 90)
    town.do(lambda: _begin_second(town))

    town.do(lambda: town.visit(first))
    town.settle()

    assert cell(town, activity) == 90
    open_looks = select(func.count()).where(
        Launch.exited_at.is_not(None), Launch.settled_at.is_(None)
    )
    assert town.do(lambda: db.session.scalar(open_looks)) == 0
    town.do(db.session.rollback)


def _begin_second(town: Town) -> None:
    first = db.session.scalars(select(Registration)).one()
    values = {
        column.name: getattr(first, column.name)
        for column in Registration.__table__.columns
        if column.name != "id"
    }
    second = Registration(**values)
    second.attempt, second.registration_id = 2, "2" * 36
    second.launched_at = town.clock() + timedelta(seconds=1)
    second.completion = second.success = "UNKNOWN"
    db.session.add(second)
    db.session.commit()


def test_accepted_score_keeps_its_column(town: Town, activity: str) -> None:
    town.learn(activity, 80)

    kept = town.do(lambda: db.session.scalars(select(Score.line_item_url)).one())
    town.do(db.session.rollback)

    assert kept.startswith("http://lms.example/")


def outage(town: Town, does: bool) -> None:
    """Let the LMS be in maintenance, which asks to be left alone for five minutes in Moodle."""
    town.control("PUT", "course", {"maintenance": does})


@moodle
def test_launch_ends_the_pause_that_an_lms_asked_for(town: Town, activity: str) -> None:
    """Three seconds of maintenance: one probe, then everybody."""
    for person in ("alice", "ben", "carla"):
        town.learn(activity, 80, works=False, person=person)
    outage(town, True)
    town.do(town.work)
    assert len(town.posts()) == 0
    assert "left alone until 2026-11-02" in str(town.do(reasons_of))
    town.clock.advance(3)
    outage(town, False)

    town.do(lambda: town.click(activity, "ben"))
    assert len(town.jobs.waiting) == 1
    town.do(town.work)
    town.do(town.round)
    town.do(town.work)

    grades = {g["person"]: g["score"] for g in town.control("GET", "grades")["grades"]}
    assert (grades["alice"], grades["ben"], grades["carla"]) == (80, 80, 80)


def reasons_of() -> list[str | None]:
    found = list(db.session.scalars(select(Grade.decision_reason)))
    db.session.rollback()
    return found


@moodle
def test_pause_is_kept_by_every_process(town: Town, activity: str) -> None:
    town.learn(activity, 80, works=False)
    town.learn(activity, 70, works=False, person="ben")
    outage(town, True)
    town.do(town.work)
    asked = len(town.control("GET", "scores")["scores"])
    outage(town, False)

    town.clock.advance(61)
    town.do(town.work_elsewhere)
    assert len(town.posts()) == asked == 0
    town.clock.advance(300)
    town.do(town.work_elsewhere)

    assert cell(town, activity) == 80


@canvas
def test_work_done_in_time_is_not_late(town: Town, activity: str) -> None:
    """The result comes home hours later; what counts is when the attempt was finished."""
    town.learn(activity, 80, works=False)
    finished = town.clock()
    town.clock.advance(7200)

    town.settle()

    assert cell(town, activity) == 80
    stamp = finished.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    assert f'"submittedAt":"{stamp}"' in town.posts()[0]["body"]


def test_look_up_wakes_the_neighbours(town: Town) -> None:
    """No launch names the column; the first grade that finds it wakes the others."""
    town.begin()
    wanted = {"title": "Golf", "custom": {"scorm_course_id": "golf"}, "line_item": "none"}
    activity = town.control("PUT", "activities", [wanted])["activities"][0]["id"]
    town.learn(activity, 80)
    town.learn(activity, 70, person="ben")
    assert [state for state, *_ in town.scores()] == ["queued", "queued"]
    add_column(town, activity)
    town.clock.advance(601)
    town.do(_hold_back)

    town.do(town.round)
    town.do(town.work)
    town.do(town.round)
    town.do(town.work)

    assert [state for state, *_ in town.scores()] == ["accepted", "accepted"]


def _hold_back() -> None:
    """Let the second grade's own round never come."""
    second = select(func.max(Grade.id)).scalar_subquery()
    later = update(Grade).where(Grade.id == second).values(next_send_at=None)
    db.session.execute(later.execution_options(synchronize_session=False))
    db.session.commit()


def add_column(town: Town, activity: str) -> None:
    state = town.lms.extensions["practice_lms"]
    state.add_line_item(state.activities[activity], by_tool=True)


def test_policy_change_costs_a_handful(town: Town, activity: str) -> None:
    """However many learners there are: the link, all its grades, and whom it wakes."""
    town.learn(activity, 80)
    statements: list[str] = []

    def change() -> None:
        link = db.session.scalars(select(ResourceLink)).one()

        def listen(*args: Any) -> None:
            statements.append(args[2])

        event.listen(db.engine, "before_cursor_execute", listen)
        try:
            change_policy(town.app.extensions["lti_bridge"], link, {"answer": "latest"})
        finally:
            event.remove(db.engine, "before_cursor_execute", listen)

    town.do(lambda: add_grades(100))
    town.do(change)

    assert len(statements) < 10


def add_grades(number: int) -> None:
    link = db.session.scalars(select(ResourceLink)).one()
    first = db.session.scalars(select(Grade)).one()
    for count in range(number):
        sub = f"learner-{count}"
        learner = Learner(
            platform_id=first.platform_id,
            platform_identity="x",
            sub=sub,
            scorm_learner_id=sub,
            created_at=link.created_at,
        )
        db.session.add(Grade(resource_link=link, learner=learner, platform_id=first.platform_id))
    db.session.commit()


@moodle
def test_probe_that_fails_leaves_room_for_the_next(town: Town, activity: str) -> None:
    """A launch comes while the LMS is going down again; a later one finds it back."""
    town.learn(activity, 80, works=False)
    outage(town, True)
    town.do(town.work)
    outage(town, False)
    town.clock.advance(3)
    town.do(lambda: town.click(activity, "ben"))
    outage(town, True)
    town.do(town.work)
    assert cell(town, activity) is None
    outage(town, False)
    town.clock.advance(3)

    town.do(lambda: town.click(activity, "carla"))
    town.do(town.work)

    assert cell(town, activity) == 80
