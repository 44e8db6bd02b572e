"""What instructors do: look for learners, send again, change the grading, take a file."""

import csv
import io
from dataclasses import replace
from datetime import datetime, timedelta
from html import unescape

import pytest
from sqlalchemy import select, update
from werkzeug.test import TestResponse

from lti_bridge.audit.models import AuditEntry
from lti_bridge.core.db import db
from lti_bridge.instructor.export_csv import write_scores
from lti_bridge.instructor.roster import (
    SHOWN_AT_ONCE,
    LearnerRow,
    Wanted,
    count_scores,
    select_learners,
)
from lti_bridge.lms.readings import HELD
from lti_bridge.passback.actions.history import tell
from lti_bridge.passback.learner_state import LearnerState
from lti_bridge.passback.models import Score, ScoreTry
from lti_bridge.platforms.models import Platform
from lti_bridge.registrations.models import (
    Grade,
    Learner,
    Registration,
    ResourceLink,
    TrailEvent,
)
from tests.html import read_page
from tests.instructor import test_activity as link_page
from tests.instructor.test_activity import member, with_roster
from tests.mini_platform import INSTRUCTOR
from tests.world import HERE, World, code, set_teacher_grade


def token_of(world: World, **changes: object) -> str:
    return link_page.token_of(world, sub="ida", **changes)


def finish(world: World, sub: str, score: float, state: str = "accepted") -> int:
    """Let a learner open the activity and have a decided grade; returns the learner's number."""
    world.launch(sub=sub, given_name=sub.title(), family_name="Learner")
    learner = db.session.scalars(select(Learner).where(Learner.sub == sub)).one()
    grade = db.session.scalars(select(Grade).where(Grade.learner_id == learner.id)).one()
    registration = db.session.scalars(
        select(Registration).where(Registration.learner == learner)
    ).one()
    registration.completion, registration.success, registration.score_scaled = (
        "COMPLETED",
        "PASSED",
        score,
    )
    registration.best_real_score, registration.seconds_tracked = score, 300.0
    registration.progress_changed_at = registration.progress_asked_at = world.services.now()
    score_row = Score(
        grade=grade,
        sequence=1,
        registration=registration,
        attempt=1,
        course_id="golf",
        inferred=False,
        score_given=score,
        state=state,
        reason="The LMS says no." if state == "parked" else "",
        decided_at=world.services.now(),
    )
    db.session.add(score_row)
    grade.next_read_at = grade.next_send_at = None
    number = learner.id
    db.session.commit()
    return number


def ask(world: World, path: str, token: str, **query: str) -> TestResponse:
    return world.browser.get(f"/console/link{path}", query_string={"page": token, **query})


def press(world: World, page: TestResponse, **fields: str) -> TestResponse:
    """Press the button of the form that has these fields."""
    forms = [form for form in read_page(page.text, HERE).forms if form.method == "POST"]
    (form,) = [one for one in forms if fields.items() <= one.fields.items()]
    return world.browser.post(form.action, data=form.fields, follow_redirects=True)


def entries() -> list[tuple[str, str, str, str]]:
    rows = db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))
    found = [(row.actor, row.action, row.subject, row.text) for row in rows]
    db.session.commit()
    return found


def grade_of(number: int) -> Grade:
    db.session.expire_all()
    return db.session.scalars(select(Grade).where(Grade.learner_id == number)).one()


def test_page_counts_and_draws_the_scores(world: World) -> None:
    for sub, score in (("alice", 85.5), ("bob", 40.0), ("carla", 100.0)):
        finish(world, sub, score)

    page = ask(world, "", token_of(world)).text

    assert "Scores of 3 learners, on average <strong>75.2</strong> of 100" in page
    assert "40 to 50: 1" in page
    assert "90 to 100: 1" in page
    assert "10 to 20: 0" in page


def test_learners_are_found_by_name_and_state(world: World) -> None:
    finish(world, "alice", 85.5)
    finish(world, "bob", 40.0, state="parked")
    token = token_of(world)

    assert "Bob Learner" not in ask(world, "", token, search="ALI").text
    parked = ask(world, "", token, state="needs-attention").text
    assert "Bob Learner" in parked
    assert "Alice Learner" not in parked
    assert "Nobody fits" in ask(world, "", token, search="zoe").text


def rows(count: int) -> list[LearnerRow]:
    state = LearnerState("In the gradebook", "good", (), 50.0)
    return [LearnerRow(n, n, f"user-{n}", f"Learner {n:03}", state) for n in range(count)]


@pytest.mark.parametrize(
    ("start", "first", "before", "after"),
    [(0, 0, None, 50), (50, 50, 0, 100), (119, 100, 50, None), (-9, 0, None, 50)]
    + [(10**18, 100, 50, None)],
    ids=["first", "second", "last learner", "negative", "huge"],
)
def test_pages_of_learners_join_without_a_gap(
    start: int, first: int, before: int | None, after: int | None
) -> None:
    page = select_learners(rows(120), Wanted(start=start))

    assert page.shown == rows(120)[first : first + SHOWN_AT_ONCE]
    assert (page.before, page.after) == (before, after)
    assert (page.everybody, page.found, page.graded, page.average) == (120, 120, 120, 50.0)


def test_each_score_has_its_tenth() -> None:
    assert count_scores([0, 9.99, 10, 55, 99.9, 100]) == [2, 1, 0, 0, 0, 1, 0, 0, 0, 2]


def test_learner_has_a_page_with_story_and_buttons(world: World) -> None:
    number = finish(world, "alice", 85.5)
    token = token_of(world)
    (link,) = [
        address
        for text, address in read_page(ask(world, "", token).text, HERE).links
        if text == "Alice Learner"
    ]

    page = world.browser.get(link)

    assert "85.5 of 100" in page.text
    assert "Everything that happened" in page.text
    answer = press(world, page, action="reread")
    assert "The result is read again" in answer.text
    assert grade_of(number).next_read_at is not None
    assert entries() == [
        ("instructor ida", "reread", f"grade {number}", "asked to read the result again")
    ]


def test_one_grade_is_sent_again_after_asking(world: World) -> None:
    number = finish(world, "alice", 85.5, state="parked")
    token = token_of(world)

    asked = ask(world, "/learner/resend", token, learner=str(number))

    assert "typed in may be replaced" in asked.text
    assert grade_of(number).next_send_at is None
    assert "decided and sent anew" in press(world, asked, action="resend").text
    assert grade_of(number).next_send_at is not None
    assert grade_of(number).resend == "asked"
    story = db.session.scalars(select(TrailEvent.text).where(TrailEvent.kind == "steer")).all()
    assert story == ["The instructor ida asked to send the grade again."]


def test_another_attempt_is_allowed_once_for_each_press(world: World) -> None:
    number = finish(world, "alice", 40.0)
    page = ask(world, "/learner", token_of(world), learner=str(number))
    assert "1 of 1 attempt used" in page.text

    answer = press(world, page, action="another")

    assert "1 of 2 attempts used" in answer.text


def test_act_that_has_no_sense_any_more_says_so(world: World) -> None:
    number = finish(world, "alice", 40.0)
    page = ask(world, "/learner", token_of(world), learner=str(number))
    db.session.scalars(select(ResourceLink)).one().attempts_allowed = 0
    db.session.commit()

    answer = press(world, page, action="another")

    assert "That cannot be done at the moment" in answer.text
    assert entries() == []


@pytest.mark.parametrize("which", ["attention", "all"])
def test_many_grades_are_sent_again_after_the_count(world: World, which: str) -> None:
    done = finish(world, "alice", 85.5)
    parked = finish(world, "bob", 40.0, state="parked")
    world.launch(sub="carla")
    token = token_of(world)
    number = 2 if which == "all" else 1

    asked = ask(world, "/resend", token, which=which)
    answer = press(world, asked, which=which)

    assert f"Send {number} grade{'s' if number == 2 else ''} again?" in asked.text
    assert "The grades are decided and sent anew" in answer.text
    again = {n for n in (done, parked) if grade_of(n).next_send_at is not None}
    assert again == ({done, parked} if which == "all" else {parked})
    (link,) = db.session.scalars(select(ResourceLink.id))
    said = f"asked to send {number} of the activity's grades again"
    assert entries() == [("instructor ida", "resend", f"link {link}", said)]


def test_nothing_to_send_again_is_said(world: World) -> None:
    finish(world, "alice", 85.5)

    page = ask(world, "/resend", token_of(world), which="attention")

    assert "There is nothing to send again" in page.text
    assert not [form for form in read_page(page.text, HERE).forms if form.method == "POST"]


def test_learner_of_another_activity_cannot_be_reached(world: World) -> None:
    number = finish(world, "alice", 85.5)
    token = token_of(world, resource_link={"id": "another", "title": "Another"})

    page = ask(world, "/learner", token, learner=str(number))
    asked = ask(world, "/learner/resend", token, learner=str(number))
    form = {"page": token, "learner": str(number), "action": "resend"}
    pressed = world.browser.post("/console/link/learner", data=form)

    assert {code(answer) for answer in (page, asked, pressed)} == {"page_expired"}
    assert grade_of(number).next_send_at is None
    assert entries() == []


@pytest.mark.parametrize(
    "number",
    ["", "x", "-1", "9" * 30, "²"],
    ids=["empty", "letter", "negative", "too large", "superscript"],
)
def test_number_that_is_none_is_refused(world: World, number: str) -> None:
    assert code(ask(world, "/learner", token_of(world), learner=number)) == "page_expired"


def test_change_of_policy_is_shown_before_it_is_made(world: World) -> None:
    number = finish(world, "alice", 85.5)
    finish(world, "bob", 40.0)
    registration = db.session.scalars(
        select(Registration).where(Registration.learner_id == number)
    ).one()
    registration.score_scaled = 70.0  # a later session was worse
    db.session.commit()
    token = token_of(world)
    wanted = {"answer": "latest", "completion": "", "partial": "", "attempts": "3"}

    shown = ask(world, "/policy", token, **wanted)

    text = " ".join(shown.text.split())
    assert "1 grade would be sent to the LMS anew" in text
    assert "<td>85.5</td> <td>70</td>" in text
    assert db.session.scalars(select(ResourceLink.grading_policy)).one() is None
    db.session.commit()

    answer = press(world, shown, answer="latest")

    assert "The grading is changed" in answer.text
    assert "The newest attempt is the grade" in answer.text
    assert "3 attempts." in answer.text
    link = db.session.scalars(select(ResourceLink)).one()
    assert (link.grading_policy, link.attempts_allowed) == ({"answer": "latest"}, 3)
    assert grade_of(number).next_send_at is not None
    said = "set the grading policy: answer latest, completion as usual, partial as usual"
    said += ", teacher_grade as usual"
    assert entries() == [("instructor ida", "policy", f"link {link.id}", f"{said}; 3 attempts")]


def test_teacher_s_grade_stays_or_is_replaced(world: World) -> None:
    finish(world, "alice", 85.5)
    token = token_of(world)
    assert "a grade in the LMS: keep the teacher" in ask(world, "", token).text

    shown = ask(world, "/policy", token, teacher_grade="replace", attempts="1")
    answer = press(world, shown, teacher_grade="replace")

    assert "It changes no grade that was decided so far." in shown.text
    assert "a grade in the LMS: replace it with the course's." in unescape(answer.text)
    own = db.session.scalars(select(ResourceLink.grading_policy)).one()
    assert own == {"teacher_grade": "replace"}
    db.session.commit()
    form = read_page(ask(world, "/policy", token).text, HERE).forms[0]
    assert form.fields["teacher_grade"] == "replace"


@pytest.mark.parametrize(
    "setting, of_platform, said",
    [
        ("keep", None, "keep the teacher's grade"),
        ("replace", None, "replace it with the course's"),
        ("replace", {"answer": "first"}, "replace it with the course's"),
        ("replace", {"teacher_grade": "keep"}, "keep the teacher's grade"),
        ("keep", {"teacher_grade": "replace"}, "replace it with the course's"),
    ],
    ids=[
        "settings keep",
        "settings replace",
        "platform is silent",
        "platform keeps",
        "platform replaces",
    ],
)
def test_usual_way_with_a_teacher_s_grade_is_the_lms_s(
    world: World, setting: str, of_platform: dict[str, str] | None, said: str
) -> None:
    token = token_of(world)
    db.session.scalars(select(Platform)).one().grading_policy = of_platform
    db.session.commit()
    set_teacher_grade(setting)

    form, page = ask(world, "/policy", token), ask(world, "", token)

    assert f"As usual in this LMS: {said}" in unescape(form.text)
    replaced = "in the LMS: replace it with the course's" in unescape(page.text)
    assert replaced is said.startswith("replace")


def test_own_policy_can_be_taken_back(world: World) -> None:
    finish(world, "alice", 85.5)
    link = db.session.scalars(select(ResourceLink)).one()
    link.grading_policy = {"answer": "first"}
    db.session.commit()
    token = token_of(world)
    form = read_page(ask(world, "/policy", token).text, HERE).forms[0]
    assert form.fields["answer"] == "first"

    wanted = {**form.fields, "answer": ""}
    world.browser.post("/console/link/policy", data=wanted)

    assert db.session.scalars(select(ResourceLink.grading_policy)).one() == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"answer": "worst"},
        {"teacher_grade": "ask"},
        {"attempts": "-1"},
        {"attempts": "many"},
        {"attempts": ""},
    ],
    ids=[
        "unknown answer",
        "unknown teacher grade",
        "negative attempts",
        "attempts in words",
        "no attempts",
    ],
)
def test_policy_that_there_is_not_is_refused(world: World, wrong: dict[str, str]) -> None:
    token = token_of(world)
    wanted = {"answer": "best", "completion": "", "partial": "", "attempts": "1", **wrong}

    shown = ask(world, "/policy", token, **wanted)
    kept = world.browser.post("/console/link/policy", data={"page": token, **wanted})

    assert (shown.status_code, kept.status_code) == (400, 400)
    assert 'class="error"' in kept.text
    assert "Use this grading" not in shown.text
    assert db.session.scalars(select(ResourceLink.grading_policy)).one() is None
    db.session.commit()
    assert entries() == []


def test_file_has_every_learner(world: World) -> None:
    finish(world, "alice", 85.5)
    claim = with_roster(world, member("alice", "Alice Åkesson"), member("5", "Ben Okafor"))
    token = token_of(world, **claim)

    answer = ask(world, "/scores.csv", token)

    assert answer.mimetype == "text/csv"
    assert "attachment" in answer.headers["Content-Disposition"]
    lines = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [line["Name"] for line in lines] == ["Alice Åkesson", "Ben Okafor"]
    alice, ben = lines
    assert (alice["Score of 100"], alice["Minutes"], alice["Attempt"]) == ("85.5", "5", "1")
    assert (alice["Result"], alice["Attempts"]) == ("passed", "1 of 1 attempt used")
    assert datetime.strptime(alice["Last opened (UTC)"], "%Y-%m-%d %H:%M:%S")
    assert (ben["State"], ben["Score of 100"]) == ("Not started", "")


def refreshes(page: TestResponse) -> bool:
    """Whether the page loads itself anew, with scripts and without."""
    marks = 'http-equiv="refresh"' in page.text, "location.reload()" in page.text
    assert marks in ((True, True), (False, False))
    return all(marks)


def test_list_follows_a_grade_that_is_sent_again(world: World) -> None:
    number = finish(world, "alice", 85.5)
    token = token_of(world)
    before = ask(world, "", token)

    press(world, ask(world, "/resend", token, which="all"), which="all")
    sending = ask(world, "", token)
    reviewed = ask(world, "/learner", token, learner=str(number))
    grade = grade_of(number)
    grade.next_send_at = grade.resend = None
    db.session.commit()
    after = ask(world, "", token)

    assert "Taken by the LMS" in before.text
    assert "It is decided anew and sent in a moment." in sending.text
    assert "It is decided anew and sent in a moment." in reviewed.text
    assert "Taken by the LMS" in after.text
    shown = refreshes(before), refreshes(sending), refreshes(reviewed), refreshes(after)
    assert shown == (False, True, True, False)


def test_list_does_not_follow_what_waits_for_long(world: World) -> None:
    number = finish(world, "alice", 85.5, state="queued")
    grade = grade_of(number)
    grade.next_send_at = world.services.now() + timedelta(minutes=10)
    db.session.commit()

    page = ask(world, "", token_of(world))

    assert "It is sent at " in page.text
    assert not refreshes(page)


@pytest.mark.parametrize(
    "seconds",
    [1.0, 60.0, 301.0, 359.9],
    ids=["1 s", "a whole minute", "5 minutes and 1 s", "just under 6 minutes"],
)
def test_file_and_pages_show_the_same_minutes(world: World, seconds: float) -> None:
    number = finish(world, "alice", 85.5)
    registration = db.session.scalars(select(Registration)).one()
    registration.seconds_tracked = seconds
    db.session.commit()
    token = token_of(world)

    text = ask(world, "/scores.csv", token).data.decode("utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(text))

    said = f"{line['Minutes']} min"
    assert said in ask(world, "", token).text
    assert said in ask(world, "/learner", token, learner=str(number)).text


HELD_61 = HELD.fill(held=61.0, ours=80.0)


@pytest.mark.parametrize(
    ("score", "held", "sent"),
    [
        ({"state": "accepted", "held_after": 80.0}, "80", True),
        ({"state": "accepted"}, "", True),
        ({"state": "superseded", "reason": HELD_61}, "61", False),
        ({"state": "parked", "reason": "It is locked."}, "", False),
    ],
    ids=["read", "taken", "override", "locked"],
)
def test_one_cause_has_one_sentence_everywhere(
    world: World, score: dict[str, object], held: str, sent: bool
) -> None:
    number = finish(world, "alice", 80.0)
    row = db.session.scalars(select(Score)).one()
    posted = world.services.now() - timedelta(minutes=3)
    db.session.add(ScoreTry(score_id=row.id, tried_at=posted, outcome="accepted", status=200))
    db.session.execute(update(Score).values(score))
    db.session.commit()
    token = token_of(world)

    text = ask(world, "/scores.csv", token).data.decode("utf-8-sig")
    (line,) = csv.DictReader(io.StringIO(text))
    registration = db.session.scalars(select(Registration)).one()
    told = {
        "list": ask(world, "", token).text,
        "review": ask(world, "/learner", token, learner=str(number)).text,
        "story": tell(registration, world.services.now()),
    }

    assert line["In the LMS, of 100"] == held
    assert (line["Sent (UTC)"] == posted.strftime("%Y-%m-%d %H:%M:%S")) is sent
    assert [name for name, page in told.items() if line["Why"] not in unescape(page)] == []
    for name in ("review", "story"):
        assert (f"The LMS held {held} of 100" in told[name]) is bool(held)
        assert ("Sent at" in told[name]) is sent


@pytest.mark.parametrize(
    "name",
    ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", '=HYPERLINK("x","y")'],
    ids=["equals", "plus", "minus", "at", "tab", "link"],
)
def test_no_cell_of_the_file_is_a_formula(name: str) -> None:
    row = replace(rows(1)[0], name=name, sub=name)

    (line,) = csv.DictReader(io.StringIO(write_scores([row])))

    assert line["Name"] == line["User id"] == f"'{name}"


def test_submission_review_has_the_buttons_too(world: World) -> None:
    number = finish(world, "alice", 85.5)
    review = {"message_type": "LtiSubmissionReviewRequest", "for_user": {"user_id": "alice"}}
    page = world.enter(**review, roles=[INSTRUCTOR], sub="ida")

    answer = press(world, page, action="reread")

    assert "The result is read again" in answer.text
    assert grade_of(number).next_read_at is not None


def test_learner_sees_no_buttons(world: World) -> None:
    finish(world, "alice", 85.5)

    page = world.enter(message_type="LtiSubmissionReviewRequest", for_user={"user_id": "alice"})

    assert "Read the result again" not in page.text
    assert "Send the grade again" not in page.text
