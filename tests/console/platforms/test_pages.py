"""Platforms at the console: what is shown to whom, and what may be changed."""

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from lti_bridge.audit.models import AuditEntry
from lti_bridge.core.db import db
from lti_bridge.passback.models import Score
from lti_bridge.platforms.models import Deployment, Platform
from lti_bridge.registrations.models import Grade, Registration, ResourceLink
from tests.console.visitors import press, sign_in_admin, sign_in_owner
from tests.html import read_page
from tests.world import HERE, World, set_teacher_grade

LIST = "/console/platforms"
ONE = f"{LIST}/1"
NEW = {
    "name": "Second school",
    "dialect": "canvas",
    "issuer": "https://canvas.instructure.com",
    "client_id": " 10000000000042 ",
    "deployment_id": "7:abc",
    "authorization_url": "https://sso.canvaslms.com/api/lti/authorize_redirect",
    "token_url": "https://school.instructure.com/login/oauth2/token",
    "jwks_url": "https://sso.canvaslms.com/api/lti/security/jwks",
    "audience": "",
    "account": "",
    "privacy": "pseudonymous",
    "player": "window",
    "new_versions": "never",
}
SETTINGS = {"player": "window", "answer": "latest", "completion": "no_grade", "partial": "send"}


@pytest.fixture
def owner(app: Flask, world: World) -> FlaskClient:
    return sign_in_owner(app.test_client(), world.services)


def platform(name: str = "School") -> Platform:
    db.session.expire_all()
    return db.session.scalars(select(Platform).where(Platform.name == name)).one()


def audit() -> list[str]:
    found = [entry.text for entry in db.session.scalars(select(AuditEntry))]
    db.session.commit()
    return found


def test_list_and_page_show_everything(world: World, owner: FlaskClient) -> None:
    row = platform()
    identity, issuer = row.identity, row.issuer

    assert "School" in owner.get(LIST).text
    page = owner.get(ONE).text

    for fact in (identity, issuer, "client-1", f"{issuer}/token", "may launch"):
        assert fact in page


def test_platform_is_added_by_hand(world: World, owner: FlaskClient) -> None:
    answer = press(owner, f"{LIST}/new", f"{LIST}/new", **NEW)

    assert answer.status_code == 303, answer.text
    row = platform("Second school")
    assert row.replaces_courses is False
    assert (row.client_id, row.privacy, row.player_window) == (
        "10000000000042",
        "pseudonymous",
        True,
    )
    assert [d.deployment_id for d in row.deployments] == ["7:abc"]
    assert any("by hand" in text for text in audit())


@pytest.mark.parametrize(
    "field, value, said",
    [
        ("issuer", "canvas", "must be an address"),
        ("token_url", "javascript:alert(1)", "must be an address"),
        ("client_id", "  ", "Fill this in."),
        ("dialect", "blackboard", "Not a valid choice"),
        ("account", "nobody", "Not a valid choice"),
    ],
    ids=[
        "issuer is no address",
        "script as token address",
        "blank client id",
        "unknown LMS",
        "unknown account",
    ],
)
def test_wrong_value_is_explained_and_kept(
    world: World, owner: FlaskClient, field: str, value: str, said: str
) -> None:
    answer = press(owner, f"{LIST}/new", f"{LIST}/new", **{**NEW, field: value})

    assert answer.status_code == 400
    assert said in answer.text
    assert "Second school" in answer.text, "what was typed is lost"
    assert "Second school" not in owner.get(LIST).text


def test_edit_keeps_the_identity(world: World, owner: FlaskClient) -> None:
    identity = platform().identity
    values = {name: value for name, value in NEW.items() if name != "deployment_id"}

    answer = press(owner, f"{ONE}/edit", f"{ONE}/edit", **values)

    assert answer.status_code == 303, answer.text
    row = platform("Second school")
    assert (row.id, row.identity, row.issuer) == (1, identity, "https://canvas.instructure.com")


def test_edit_into_another_platform_is_refused(world: World, owner: FlaskClient) -> None:
    press(owner, f"{LIST}/new", f"{LIST}/new", **NEW)
    values = {name: value for name, value in NEW.items() if name != "deployment_id"}

    answer = press(owner, f"{ONE}/edit", f"{ONE}/edit", **{**values, "name": "Twin"})

    assert answer.status_code == 400
    assert "Another platform has this issuer" in answer.text
    assert platform().client_id == "client-1"


def test_settings_become_the_default_policy(world: World, owner: FlaskClient) -> None:
    told = {**SETTINGS, "frame_origins": "https://lms.school.example/\n"}

    answer = press(owner, f"{ONE}/settings", f"{ONE}/settings", **told)

    assert answer.status_code == 303, answer.text
    row = platform()
    assert row.grading_policy == {"answer": "latest", "completion": "no_grade", "partial": "send"}
    assert (row.player_window, row.frame_origins) == (True, ["https://lms.school.example"])


def offered(owner: FlaskClient) -> str:
    """Return what the form says of a teacher's grade, as it would be sent."""
    forms = read_page(owner.get(f"{ONE}/settings").text, HERE).forms
    (form,) = [one for one in forms if "teacher_grade" in one.fields]
    return form.fields["teacher_grade"]


def test_platform_says_what_becomes_of_a_teacher_s_grade(world: World, owner: FlaskClient) -> None:
    told = {**SETTINGS, "teacher_grade": "replace", "frame_origins": ""}

    press(owner, f"{ONE}/settings", f"{ONE}/settings", **told)

    assert (platform().grading_policy or {})["teacher_grade"] == "replace"
    assert "Replace it with the course&#39;s" in owner.get(ONE).text
    assert offered(owner) == "replace"
    assert any("partial send, teacher_grade replace;" in text for text in audit())


def test_choice_for_a_teacher_s_grade_is_taken_back(world: World, owner: FlaskClient) -> None:
    told = {**SETTINGS, "frame_origins": ""}
    press(owner, f"{ONE}/settings", f"{ONE}/settings", **told, teacher_grade="replace")

    press(owner, f"{ONE}/settings", f"{ONE}/settings", **told, teacher_grade="")

    assert "teacher_grade" not in (platform().grading_policy or {})
    assert "Keep the teacher&#39;s grade" in owner.get(ONE).text
    assert any("teacher_grade as usual" in text for text in audit())


def test_platform_that_says_nothing_follows_the_settings(world: World, owner: FlaskClient) -> None:
    set_teacher_grade("replace")

    form, page = owner.get(f"{ONE}/settings").text, owner.get(ONE).text

    assert offered(owner) == ""
    assert "As in the bridge&#39;s settings: replace it with the course&#39;s" in form
    assert "Replace it with the course&#39;s" in page


def test_form_without_the_choice_leaves_it_as_it_is(world: World, owner: FlaskClient) -> None:
    """A page that was opened before an upgrade may be sent after it."""
    told = {**SETTINGS, "frame_origins": ""}
    press(owner, f"{ONE}/settings", f"{ONE}/settings", **told, teacher_grade="replace")

    press(owner, f"{ONE}/settings", f"{ONE}/settings", **told)

    assert (platform().grading_policy or {})["teacher_grade"] == "replace"


def test_platform_makes_missing_columns_on_request(world: World, owner: FlaskClient) -> None:
    told = {**SETTINGS, "frame_origins": ""}
    before = owner.get(ONE).text

    press(owner, f"{ONE}/settings", f"{ONE}/settings", **told, line_items="create")

    assert platform().creates_line_items is True
    assert "wait until the LMS makes one" in before
    assert "make one</dd>" in owner.get(ONE).text
    assert any("line items: create;" in text for text in audit())


def test_form_without_the_choice_leaves_columns_as_they_are(
    world: World, owner: FlaskClient
) -> None:
    told = {**SETTINGS, "frame_origins": ""}
    press(owner, f"{ONE}/settings", f"{ONE}/settings", **told, line_items="create")

    press(owner, f"{ONE}/settings", f"{ONE}/settings", **told)

    assert platform().creates_line_items is True


def test_unknown_choice_for_a_teacher_s_grade_is_refused(world: World, owner: FlaskClient) -> None:
    told = {**SETTINGS, "teacher_grade": "ask", "frame_origins": ""}

    answer = press(owner, f"{ONE}/settings", f"{ONE}/settings", **told)

    assert answer.status_code == 400
    assert "Not a valid choice" in answer.text
    assert platform().grading_policy is None


def _learn(world: World) -> Grade:
    """Alice did best with 90, which was sent, and got 40 the last time."""
    world.launch(given_name="Alice", family_name="Andersen")
    registration = db.session.scalars(select(Registration)).one()
    registration.completion, registration.success = "COMPLETED", "PASSED"
    registration.score_scaled, registration.best_real_score = 40.0, 90.0
    grade = db.session.scalars(select(Grade)).one()
    grade.next_read_at = grade.next_send_at = None
    score = Score(
        grade=grade,
        sequence=1,
        registration=registration,
        attempt=1,
        course_id=registration.course_id,
        inferred=False,
        score_given=90.0,
        state="accepted",
        reason="",
        decided_at=world.services.now(),
        finished_at=world.services.now(),
    )
    db.session.add(score)
    db.session.commit()
    return grade


def test_other_default_policy_is_shown_before_it_holds(world: World, owner: FlaskClient) -> None:
    grade = _learn(world)
    told = {**SETTINGS, "frame_origins": "https://a.example\nhttps://b.example"}

    asked = press(owner, f"{ONE}/settings", f"{ONE}/settings", **told)
    preview = owner.get(asked.headers["Location"])

    assert asked.status_code == 303
    assert (platform().grading_policy, grade.next_send_at) == (None, None)
    text = " ".join(preview.text.split())
    assert "1 grade would be sent to the LMS anew." in text
    assert "Alice Andersen</th> <td>" in text
    assert "<td>90</td> <td>40</td>" in text
    (form,) = [one for one in read_page(preview.text, HERE).forms if one.fields.get("sure")]
    hidden = {name: value for name, value in form.fields.items() if name != "csrf_token"}
    db.session.commit()

    press(owner, f"{ONE}/settings", f"{ONE}/settings", **hidden)

    assert "1 grade will be looked at anew." in owner.get(ONE).text
    assert (platform().grading_policy or {})["answer"] == "latest"
    assert platform().frame_origins == ["https://a.example", "https://b.example"]
    db.session.refresh(grade)
    assert grade.next_send_at is not None


def test_settings_that_change_no_grade_hold_at_once(world: World, owner: FlaskClient) -> None:
    grade = _learn(world)
    told = {**SETTINGS, "answer": "best", "partial": "none", "frame_origins": ""}

    press(owner, f"{ONE}/settings", f"{ONE}/settings", **told)

    assert (platform().grading_policy or {})["completion"] == "no_grade"
    db.session.refresh(grade)
    assert grade.next_send_at is not None  # decided anew, and found unchanged


def test_wrong_choice_in_the_address_is_refused(world: World, owner: FlaskClient) -> None:
    assert owner.get(f"{ONE}/settings?answer=worst").status_code == 400


def test_frame_site_with_a_path_is_refused(world: World, owner: FlaskClient) -> None:
    told = {**SETTINGS, "frame_origins": "https://lms.school.example/course"}

    answer = press(owner, f"{ONE}/settings", f"{ONE}/settings", **told)

    assert answer.status_code == 400
    assert "is no site" in answer.text


def test_disabled_platform_stops_and_comes_back(world: World, owner: FlaskClient) -> None:
    press(owner, f"{ONE}/disable", f"{ONE}/disable")
    assert platform().disabled_at is not None

    press(owner, LIST, f"{ONE}/enable")

    assert platform().disabled_at is None


def test_pending_deployment_is_approved(world: World, owner: FlaskClient) -> None:
    world.launch(deployment_id="2")
    assert "waits for approval" in owner.get(ONE).text

    answer = press(owner, ONE, f"{ONE}/approve", deployment_id="2")

    assert answer.status_code == 303
    statuses = dict(db.session.execute(select(Deployment.deployment_id, Deployment.status)).all())
    assert statuses == {"1": "active", "2": "active"}


def test_unknown_deployment_is_refused(world: World, owner: FlaskClient) -> None:
    answer = press(owner, ONE, f"{ONE}/approve", deployment_id="9")

    assert answer.status_code == 400
    assert "has no deployment 9" in answer.text


def test_invite_is_shown_once_with_what_to_click(world: World, owner: FlaskClient) -> None:
    page = press(owner, LIST, f"{LIST}/invite", name="Moodle", dialect="moodle").text

    assert "/lti/register?invite=" in page
    assert "Activate" in page
    assert "/lti/register?invite=" not in owner.get(LIST).text


def test_new_installation_takes_over_the_registrations(world: World, owner: FlaskClient) -> None:
    world.launch()
    world.launch(deployment_id="2", sub="other")
    press(owner, ONE, f"{ONE}/approve", deployment_id="2")
    asked = {"new_id": "2", "old_id": "1"}

    shown = owner.get(f"{ONE}/succeed", query_string=asked).text
    assert "1 activity and 1 learner<" in " ".join(shown.split())
    assert {d.succeeds_id for d in platform().deployments} == {None}
    answer = press(owner, ONE, f"{ONE}/succeed", **asked)

    assert answer.status_code == 303
    old, new = platform().deployments
    assert (new.identity, new.succeeds_id) == (old.identity, old.id)
    assert db.session.scalars(select(ResourceLink)).one().deployment_id == new.id


def test_admin_sees_and_serves_their_own_platform_only(world: World, owner: FlaskClient) -> None:
    press(owner, f"{LIST}/new", f"{LIST}/new", **NEW)
    admin = sign_in_admin(world)

    assert "Second school" not in admin.get(LIST).text
    assert admin.get(f"{LIST}/2").status_code == 404
    assert admin.get(f"{LIST}/2/settings").status_code == 404
    told = {**SETTINGS, "frame_origins": ""}
    assert press(admin, LIST, f"{LIST}/2/settings", **told).status_code == 404
    assert press(admin, ONE, "/console/checks/platforms/2").status_code == 404
    assert press(admin, f"{ONE}/settings", f"{ONE}/settings", **told).status_code == 303
    assert platform("Second school").grading_policy is None


def test_admin_of_one_installation_cannot_change_the_platform(world: World) -> None:
    admin = sign_in_admin(world, whole_platform=False)

    assert admin.get(ONE).status_code == 404
    told: dict[str, Any] = {**SETTINGS, "frame_origins": ""}
    assert press(admin, LIST, f"{ONE}/settings", **told).status_code == 404
