"""The instructor's page: the course, who may change it, and where each learner stands."""

from dataclasses import replace

import pytest
from sqlalchemy import select

from lti_bridge.audit.models import AuditEntry
from lti_bridge.core.db import db
from lti_bridge.lti.roles import Visitor
from lti_bridge.passback.models import Score
from lti_bridge.platforms.models import Platform
from lti_bridge.registrations.models import Grade, Learner, Registration, ResourceLink
from lti_bridge.web.page_tokens import read_page as read_token
from lti_bridge.web.page_tokens import sign_page
from tests.html import read_page
from tests.mini_platform import ASSISTANT, INSTRUCTOR, LEARNER, Reply
from tests.world import HERE, World, code, count, page_token

NRPS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"


def token_of(world: World, **changes: object) -> str:
    """Launch as staff and return the token of the page."""
    location = world.launch(roles=[INSTRUCTOR], **changes).location
    return page_token(location)


def with_roster(world: World, *members: dict[str, object]) -> dict[str, object]:
    """Let the LMS have a roster and return the claim that says so."""
    world.platform.routes[("GET", "/memberships")] = Reply(200, {"members": list(members)})
    return {NRPS: {"context_memberships_url": f"{world.platform.url}/memberships"}}


def member(sub: str, name: str, role: str = "Learner", **more: object) -> dict[str, object]:
    return {"user_id": sub, "name": name, "roles": [role], "status": "Active", **more}


def add_score(state: str, given: float, reason: str = "") -> None:
    grade = db.session.scalars(select(Grade)).one()
    registration = db.session.scalars(select(Registration)).one()
    db.session.add(
        Score(
            grade=grade,
            sequence=1,
            registration=registration,
            attempt=1,
            course_id="golf",
            inferred=False,
            score_given=given,
            state=state,
            reason=reason,
            decided_at=registration.opened_at,
        )
    )
    db.session.commit()


def test_shows_course_and_learners(world: World) -> None:
    world.launch()
    add_score("accepted", 85.5)

    page = world.enter(roles=[INSTRUCTOR])

    assert page.status_code == 200
    assert "Golf" in page.text
    assert "Alice" in page.text
    assert "Taken by the LMS" in page.text
    assert "85.5" in page.text


def test_parked_score_shows_its_reason(world: World) -> None:
    world.launch()
    add_score("parked", 70, "The LMS says that the user is no student.")

    page = world.enter(roles=[INSTRUCTOR])

    assert "Needs attention" in page.text
    assert "The LMS says that the user is no student." in page.text


def test_launch_refused_for_a_missing_course_is_told(world: World) -> None:
    custom = {"scorm_course_id": "tennis"}
    assert world.launch(custom=custom).status_code == 404

    page = world.enter(roles=[INSTRUCTOR], custom=custom)

    assert "The course did not open" in page.text
    assert "In progress" not in page.text


def test_roster_adds_those_who_never_came(world: World) -> None:
    world.launch()
    claim = with_roster(
        world,
        member("alice", "Alice Andersen"),
        member("5", "Ben Okafor"),
        member("6", "Ida Ivarsson", "Instructor"),
        member("7", "Gone Away", status="Inactive"),
    )

    page = world.enter(roles=[INSTRUCTOR], **claim)

    assert page.text.count("Alice Andersen") == 1
    assert "Ben Okafor" in page.text
    assert "Not started" in page.text
    assert "Ida Ivarsson" not in page.text
    assert "Gone Away" not in page.text
    assert count(Learner) == 1


def test_non_editing_teacher_is_no_learner_in_the_roster(world: World) -> None:
    """Moodle launches them as assistants, and lists them as learners."""
    members = (member("tara", "Tara Tutor"), member("ned", "Ned Next"), member("5", "Ben Okafor"))
    claim = with_roster(world, *members)
    world.launch(sub="tara", roles=[INSTRUCTOR, ASSISTANT])

    for reader, role in (("ned", ASSISTANT), ("ida", INSTRUCTOR)):
        page = world.enter(sub=reader, roles=[role], **claim)

        assert "Ben Okafor" in page.text
        assert "Tara Tutor" not in page.text
        assert "Ned Next" not in page.text
    sheet = world.browser.get("/console/link/scores.csv", query_string={"page": token_of(world)})
    assert "Tara" not in sheet.text


def test_page_shows_without_a_roster(world: World) -> None:
    world.launch()
    world.platform.routes[("GET", "/memberships")] = Reply(403, b"no")
    claim = {NRPS: {"context_memberships_url": f"{world.platform.url}/memberships"}}

    page = world.enter(roles=[INSTRUCTOR], **claim)

    assert page.status_code == 200
    assert "does not tell this tool who is in the course" in page.text


@pytest.mark.parametrize(
    "reply",
    [Reply(503, b""), Reply(200, {"members": []}, {"Link": '<?page=1>; rel="next"'})],
    ids=["away", "in a ring"],
)
def test_unread_roster_is_told(world: World, reply: Reply) -> None:
    world.launch()
    claim = with_roster(world)
    world.platform.routes[("GET", "/memberships")] = reply

    page = world.enter(roles=[INSTRUCTOR], **claim)

    assert page.status_code == 200
    assert "list of who is in the course could not be read" in page.text


def test_page_shows_without_scorm_cloud(world: World) -> None:
    token = token_of(world)
    world.cloud.stop()

    page = world.browser.get(f"/console/link?page={token}")

    assert page.status_code == 200
    assert "does not answer at the moment" in page.text


def test_narrowed_rights_are_shown(world: World) -> None:
    """What the LMS's admin took away, told by the newest launch."""
    page = world.enter(roles=[INSTRUCTOR], given_name=None, family_name=None, email=None).text

    assert "not granted the bridge the scope contextmembership.readonly" in page
    assert "not granted the bridge the scope score" not in page
    assert "not granted the bridge the names and email addresses" in page


def test_names_and_titles_are_escaped(world: World) -> None:
    evil = '<img src=x onerror="alert(1)">'
    claim = with_roster(world, member("9", evil))

    page = world.enter(
        roles=[INSTRUCTOR],
        resource_link={"id": "1", "title": evil},
        context={"id": "1", "title": evil},
        **claim,
    )

    assert page.status_code == 200
    assert "<img" not in page.text


def test_page_may_be_framed_by_the_lms_alone(world: World) -> None:
    page = world.enter(roles=[INSTRUCTOR])

    policy = page.headers["Content-Security-Policy"]
    assert policy.endswith(f"frame-ancestors 'self' {world.platform.url}")


@pytest.mark.parametrize("path", ["/console/link", "/console/link/courses"])
@pytest.mark.parametrize(
    "token", ["", "x.y.z", "eyJhIjoxfQ"], ids=["no token", "three parts", "no signature"]
)
def test_page_without_its_token_is_refused(world: World, path: str, token: str) -> None:
    response = world.browser.get(f"{path}?page={token}")

    assert (response.status_code, code(response)) == (400, "page_expired")


def test_page_of_a_disabled_platform_is_refused(world: World) -> None:
    token = token_of(world)
    db.session.scalars(select(Platform)).one().disabled_at = world.services.now()
    db.session.commit()

    response = world.browser.get(f"/console/link?page={token}")

    assert code(response) == "platform_disabled"


def test_token_of_another_platform_shows_nothing(world: World) -> None:
    page = read_token(world.services, token_of(world))
    forged = sign_page(world.services, replace(page, platform_id=page.platform_id + 1))

    response = world.browser.get(f"/console/link?page={forged}")

    assert code(response) == "page_expired"


def test_instructor_chooses_another_course(world: World) -> None:
    world.cloud.add_course("tennis")
    token = token_of(world)
    choices = world.browser.get(f"/console/link/courses?page={token}")
    forms = read_page(choices.text, HERE).forms
    wanted = next(form for form in forms if form.fields.get("course_id") == "tennis")

    answer = world.browser.post(wanted.action, data=wanted.fields, follow_redirects=True)

    assert answer.status_code == 200
    assert db.session.scalars(select(ResourceLink.override_course)).one() == "tennis"
    assert "does not take the choice along" in " ".join(answer.text.split())
    db.session.commit()
    world.launch(sub="9")
    assert db.session.scalars(select(Registration.course_id)).one() == "tennis"


def test_choice_can_be_taken_back(world: World) -> None:
    world.cloud.add_course("tennis")
    token = token_of(world)
    world.browser.post("/console/link/course", data={"page": token, "course_id": "tennis"})

    world.browser.post("/console/link/course", data={"page": token, "course_id": ""})

    assert db.session.scalars(select(ResourceLink.override_course)).one() is None
    said = [entry.text for entry in db.session.scalars(select(AuditEntry).order_by(AuditEntry.id))]
    assert said == ["chose the course tennis", "took the choice of a course back"]


def test_only_an_existing_course_is_chosen(world: World) -> None:
    token = token_of(world)

    response = world.browser.post(
        "/console/link/course", data={"page": token, "course_id": "cricket"}
    )

    assert code(response) == "course_missing"
    assert db.session.scalars(select(ResourceLink.override_course)).one() is None


def test_search_finds_by_title_or_id(world: World) -> None:
    world.cloud.add_course("tennis")
    token = token_of(world)

    found = world.browser.get(f"/console/link/courses?page={token}&search=tenn")
    none = world.browser.get(f"/console/link/courses?page={token}&search=chess")

    assert "tennis" in found.text
    assert '<code class="small">golf</code>' not in found.text
    assert "No course has “chess” in its title or id." in none.text


@pytest.mark.parametrize("visitor", [Visitor.ASSISTANT, Visitor.TEST_USER, Visitor.LEARNER])
def test_others_choose_no_course(world: World, visitor: Visitor) -> None:
    page = read_token(world.services, token_of(world))
    token = sign_page(world.services, replace(page, visitor=visitor))

    listed = world.browser.get(f"/console/link/courses?page={token}")
    chosen = world.browser.post("/console/link/course", data={"page": token, "course_id": "golf"})

    assert (listed.status_code, code(listed)) == (403, "not_for_you")
    assert (chosen.status_code, code(chosen)) == (403, "not_for_you")


def test_assistant_looks_and_changes_nothing(world: World) -> None:
    page = world.enter(roles=[ASSISTANT])

    assert page.status_code == 200
    assert "Choose another course" not in page.text
    assert "Preview the course" in page.text


def test_teacher_in_a_students_role_gets_a_preview(world: World) -> None:
    world.launch(roles=[INSTRUCTOR])

    page = world.enter(roles=[LEARNER])

    assert page.status_code == 200
    assert "You have just been here as a teacher" in page.text
    assert count(Registration) == 0


def test_learner_with_a_registration_keeps_it_after_helping(world: World) -> None:
    world.launch(roles=[LEARNER])
    world.launch(roles=[ASSISTANT])

    again = world.enter(roles=[LEARNER])

    assert again.status_code == 303  # to the player, past our own page
    assert count(Registration) == 1


def test_teacher_elsewhere_is_a_learner_here(world: World) -> None:
    world.launch(roles=[INSTRUCTOR], context={"id": "another", "title": "Other"})

    assert world.enter(roles=[LEARNER]).status_code == 303
