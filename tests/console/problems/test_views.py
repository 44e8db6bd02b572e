"""The page of problems: who sees what, and what its buttons do."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from lti_bridge.audit.models import AuditEntry
from lti_bridge.core.db import db
from lti_bridge.ops.models import NodeProcess
from lti_bridge.ops.processes import WEB, WORKER, Heartbeat
from lti_bridge.passback.models import Score
from lti_bridge.passback.pipeline.find_line_item import NONE_YET
from lti_bridge.passback.pipeline.send_score import NO_ANSWER
from lti_bridge.passback.rules import reasons
from lti_bridge.passback.rules.score_states import Standing
from lti_bridge.platforms.models import Deployment, Platform
from lti_bridge.problems.models import RefusedLaunch
from lti_bridge.registrations.models import Grade, TrailEvent
from tests.console.visitors import csrf_token, knock, sign_in_admin, sign_in_owner
from tests.html import Form, read_page
from tests.problems.stuck import add_stuck
from tests.rows import add_link, make_deployment, make_platform
from tests.world import World

PAGE = "/console/problems/"


@pytest.fixture
def owner(app: Flask, world: World) -> FlaskClient:
    return sign_in_owner(app.test_client(), world.services)


def text_of(browser: FlaskClient) -> str:
    page = browser.get(PAGE)
    assert page.status_code == 200
    return " ".join(page.text.split())


def forms(browser: FlaskClient) -> list[Form]:
    found = read_page(browser.get(PAGE).text, PAGE).forms
    return [form for form in found if "problem" in form.fields]


def press(browser: FlaskClient, number: int = 0) -> str:
    form = forms(browser)[number]
    answer = browser.post(form.action, data=form.fields)
    assert answer.status_code == 303
    return " ".join(browser.get(PAGE).text.split())


def due() -> dict[int, Any]:
    rows = db.session.execute(select(Grade.id, Grade.next_send_at)).all()
    db.session.rollback()
    return {number: at for number, at in rows if at is not None}


def other_platform(world: World) -> Platform:
    row = make_platform(world.services.now(), "https://other.example", "Other school")
    db.session.add(make_deployment(row, "77", status="pending"))
    db.session.commit()
    return row


def test_nothing_is_wrong(owner: FlaskClient) -> None:
    page = text_of(owner)

    assert "Nothing is wrong." in page
    assert '<span class="count">' not in page


def test_grades_of_one_cause_are_one_problem(world: World, owner: FlaskClient) -> None:
    link = add_link(world.services.now(), "shared", title="Golf")
    link.deployment = db.session.scalars(select(Deployment)).one()
    for number in range(3):
        add_stuck(world, f"u{number}", link=link, reason="It is Tuesday.")
    add_stuck(world, "u9", reason="It is Monday.")

    page = text_of(owner)

    assert page.count("School refuses scores: It is Tuesday.") == 1
    assert "3 learners wait" in page
    assert "Golf</a> (3)" in page
    assert "1 learner waits" in page
    assert '<span class="count">2<span' in page


def test_all_of_a_cause_are_tried_again_at_once(world: World, owner: FlaskClient) -> None:
    later = world.services.now() + timedelta(days=3)
    mine = [add_stuck(world, f"u{n}", reason="It is Tuesday.", next_send_at=later) for n in (1, 2)]
    other = add_stuck(world, "u9", reason="It is Monday.", next_send_at=later)
    number = next(i for i, form in enumerate(forms(owner)) if "2 grades" in _label(owner, form))

    page = press(owner, number)

    now = world.services.now()
    assert {due()[row.id] for row in mine} == {now}
    assert due()[other.id] == later
    assert "2 grades will be tried again" in page
    (entry,) = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "resend"))
    assert "tried 2 grades again: School refuses scores: It is Tuesday." in entry.text
    assert [row.resend for row in db.session.scalars(select(Grade))] == [None, None, None]


def _label(owner: FlaskClient, form: Form) -> str:
    page = owner.get(PAGE).text
    start = page.index(f'value="{form.fields["problem"]}"')
    return " ".join(page[start : page.index("</button>", start)].split())


def test_what_waits_for_a_person_is_sent_anew(world: World, owner: FlaskClient) -> None:
    """Neither a score that a person stopped nor one that the LMS took goes again by itself."""
    stopped = add_stuck(world, "u1", reason=reasons.PARKED_BY.fill(who="Ida"), parked_at=None)
    shown = add_stuck(world, "u2", state="accepted", standing=Standing.NO_FINAL, reason="x")
    page = text_of(owner)
    assert "School gets no scores that a person stopped here" in page
    assert "School took scores and shows no grades" in page

    press(owner, 0)
    press(owner, 0)

    rows = {row.id: row.resend for row in db.session.scalars(select(Grade))}
    assert rows == {stopped.id: "asked", shown.id: "asked"}


def test_lms_that_is_switched_off_is_no_alert(world: World, owner: FlaskClient) -> None:
    row = add_stuck(world, "u1", reason="It is Tuesday.")
    before = text_of(owner)
    row.platform.disabled_at = world.services.now()
    db.session.commit()
    after = text_of(owner)

    assert '<span class="count">1<span' in before
    assert '<span class="count">' not in after
    assert "School refuses scores: It is Tuesday." in after


def test_activity_without_a_column_is_linked(world: World, owner: FlaskClient) -> None:
    add_stuck(world, "u1", state="queued", reason=NONE_YET, waits_for_line_item=True)

    page = owner.get(PAGE).text

    assert "School has no gradebook column for activities with results" in page
    address = page.split('href="/console/link?page=')[1] if "/console/link?page=" in page else ""
    link = next(part for part in page.split('href="') if "page=" in part).split('"')[0]
    assert owner.get(link.replace("&amp;", "&")).status_code == 200, address


def test_lms_that_fails_and_scores_on_their_way(world: World, owner: FlaskClient) -> None:
    add_stuck(world, "u1", state="queued", reason=NO_ANSWER)
    add_stuck(world, "u2", state="queued", reason="The course reported a score of 80.")

    page = text_of(owner)

    assert "School does not take scores" in page
    assert "1 learner waits" in page


def test_button_of_a_problem_that_is_over(world: World, owner: FlaskClient) -> None:
    add_stuck(world, "u1", reason="It is Tuesday.")
    (form,) = forms(owner)
    answer = owner.post(form.action, data={**form.fields, "problem": "parked platform 7 0"})

    assert answer.status_code == 303
    assert "This problem is over" in text_of(owner)


def test_admin_sees_only_what_is_theirs(world: World) -> None:
    add_stuck(world, "u1", reason="Theirs is stuck.", platform=other_platform(world))
    add_stuck(world, "u2", reason="Mine is stuck.")
    Heartbeat(world.services, WEB).beat()
    admin = sign_in_admin(world)

    page = text_of(admin)

    assert "Mine is stuck." in page
    assert "Theirs is stuck." not in page
    assert "Installation 77" not in page
    assert "No worker runs" not in page
    assert '<span class="count">1<span' in page


def test_admin_cannot_press_what_is_not_theirs(world: World) -> None:
    row = add_stuck(world, "u1", reason="Theirs is stuck.", platform=other_platform(world))
    add_stuck(world, "u2", reason="Theirs is stuck.")
    admin = sign_in_admin(world)
    (form,) = forms(admin)
    theirs = form.fields["problem"].replace("platform 1", f"platform {row.platform_id}")
    admin.post(form.action, data={**form.fields, "problem": theirs})

    assert row.id not in due()


def test_admin_of_one_installation_sees_less(world: World) -> None:
    add_stuck(world, "u2", reason="Mine is stuck.")
    platform = db.session.scalars(select(Platform)).one()
    facts = {"issuer": platform.issuer, "client_id": platform.client_id}
    add_refusal(world, code="bad_signature", **facts)
    inside = text_of(sign_in_admin(world, whole_platform=False))
    assert "of School refused" not in inside
    link = db.session.scalars(select(Grade)).one().resource_link
    link.deployment = make_deployment(link.deployment.platform, "2")
    db.session.commit()

    assert "Mine is stuck." in inside
    assert "Mine is stuck." not in text_of(world.browser)


def test_what_waits_for_an_owner(world: World, owner: FlaskClient) -> None:
    knock(world)
    world.launch(deployment_id="2", sub="bob")

    page = text_of(owner)

    assert "1 admin of an LMS asks for the console" in page
    assert "Installation 2 of School waits for approval" in page


def test_killed_process_is_forgotten(world: World, owner: FlaskClient, clock: Any) -> None:
    for kind in (WEB, WORKER):
        Heartbeat(world.services, kind).beat()
    db.session.execute(update(NodeProcess).values(node="gone.example"))
    db.session.execute(update(NodeProcess).values(name=NodeProcess.kind))
    db.session.commit()
    clock.advance(60)
    for kind in (WEB, WORKER):
        Heartbeat(world.services, kind).beat()
    assert "The web process of gone.example is silent" in text_of(owner)

    press(owner, 0)
    page = press(owner, 0)

    assert "is silent" not in page
    nodes = set(db.session.scalars(select(NodeProcess.node)))
    assert "gone.example" not in nodes


def test_process_that_took_its_place_ends_the_silence(
    world: World, owner: FlaskClient, clock: Any
) -> None:
    """As `serve` starts a worker that was killed once more, under another number."""
    Heartbeat(world.services, WORKER).beat()
    db.session.execute(update(NodeProcess).values(name="the one before"))
    db.session.commit()
    clock.advance(60)
    Heartbeat(world.services, WORKER).beat()

    assert "is silent" not in text_of(owner)


def add_refusal(world: World, count: int = 1, **values: Any) -> None:
    now = world.services.now()
    facts = {"code": "unknown_platform", "issuer": "https://new.example", "client_id": "42"}
    row = {**facts, "deployment_id": "", "page_references": ["r1"], **values}
    db.session.add(RefusedLaunch(count=count, first_at=now, last_at=now, **row))
    db.session.commit()


def test_strangers_try_is_no_problem(world: World, owner: FlaskClient) -> None:
    add_refusal(world)

    assert "Nothing is wrong." in text_of(owner)


def test_reason_of_a_newer_release_stops_no_page(world: World, owner: FlaskClient) -> None:
    add_refusal(world, count=5, code="from_a_newer_release")

    assert "Nothing is wrong." in text_of(owner)
    assert "from_a_newer_release" not in owner.get("/console/problems/refused").text


def test_lms_that_is_not_connected_is_one_problem(world: World, owner: FlaskClient) -> None:
    for number in range(5):
        add_refusal(world, client_id=str(number))

    page = text_of(owner)

    assert page.count("refused: this LMS is not connected") == 1
    assert "5 launches refused" in page


def test_refusals_are_cleared_by_a_person(world: World, owner: FlaskClient) -> None:
    add_refusal(world, count=4)
    add_refusal(world, code="bad_signature", client_id="43")
    assert "4 launches refused" in text_of(owner)
    page = owner.get("/console/problems/refused?code=unknown_platform")
    form = next(f for f in read_page(page.text, PAGE).forms if "code" in f.fields)

    owner.post("/console/problems/refused", data=form.fields)

    left = list(db.session.scalars(select(RefusedLaunch.code)))
    assert left == ["bad_signature"]
    assert "4 launches refused" not in text_of(owner)


def test_admin_clears_only_their_own(world: World) -> None:
    add_refusal(world, count=4)
    admin = sign_in_admin(world)
    token = csrf_token(admin.get(PAGE))
    form = {"csrf_token": token, "code": "unknown_platform", "platform_id": ""}

    assert admin.post("/console/problems/refused", data=form).status_code == 400
    assert db.session.scalars(select(RefusedLaunch.code)).all() == ["unknown_platform"]


def test_refusal_is_over_after_a_launch(world: World, owner: FlaskClient, clock: Any) -> None:
    platform = db.session.scalars(select(Platform)).one()
    facts = {"issuer": platform.issuer, "client_id": platform.client_id, "deployment_id": "1"}
    db.session.commit()
    add_refusal(world, code="keys_unavailable", **facts)
    before = text_of(owner)
    clock.advance(60)
    world.launch()

    assert "1 launch of School refused" in before
    assert "of School refused" not in text_of(owner)


def test_story_of_a_grade_says_who_tried_again(world: World, owner: FlaskClient) -> None:
    world.launch()
    grade = db.session.scalars(select(Grade)).one()
    grade.decision_reason = NO_ANSWER
    add_score(grade, world)

    press(owner, 0)

    texts = list(db.session.scalars(select(TrailEvent.text)))
    assert "The owner olga asked to try the scores again." in texts


def add_score(grade: Grade, world: World) -> None:
    values: dict[str, Any] = {"sequence": 1, "attempt": 1, "course_id": "golf", "inferred": False}
    values |= {"score_given": 80, "state": "queued", "reason": "", "grade_id": grade.id}
    db.session.add(Score(decided_at=world.services.now(), **values))
    db.session.commit()
