"""Who opens what: each kind of role at each kind of launch, and staff in a student's role."""

from datetime import timedelta

import pytest
from sqlalchemy import select, update

from lti_bridge.core.db import db
from lti_bridge.lti.models import UsedNonce
from lti_bridge.platforms.models import Deployment
from lti_bridge.registrations.models import (
    Grade,
    Launch,
    Learner,
    Registration,
    ResourceLink,
    StaffVisit,
)
from tests.deep_linking.picking import deep_link
from tests.html import read_page
from tests.mini_platform import ASSISTANT, INSTRUCTOR, LEARNER, LTI, TEST_USER
from tests.world import World, code, count

INSTITUTION = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#"
SYSTEM = "http://purl.imsglobal.org/vocab/lis/v2/system/person#"
MENTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Mentor"
NOT_ENROLLED = {
    "no role": [],
    "no text": [5, None],
    "student elsewhere": [INSTITUTION + "Student"],
    "learner elsewhere": [INSTITUTION + "Learner"],
    "faculty": [INSTITUTION + "Faculty"],
    "staff": [INSTITUTION + "Staff"],
    "instructor elsewhere": [INSTITUTION + "Instructor"],
    "old spelling": ["urn:lti:instrole:ims/lis/Instructor"],
    "user of the system": [SYSTEM + "User"],
    "mentor": [MENTOR],
}
REVIEW = {
    "message_type": "LtiSubmissionReviewRequest",
    f"{LTI}for_user": {"user_id": "alice"},
}
THEIRS = (Learner, Registration, Grade, Launch, StaffVisit, UsedNonce)


@pytest.mark.parametrize("roles", NOT_ENROLLED.values(), ids=NOT_ENROLLED)
@pytest.mark.parametrize("message", [{}, REVIEW], ids=["activity", "review"])
def test_stranger_gets_a_page_and_nothing_else(world: World, roles: list[str], message) -> None:
    page = world.launch(sub="faye", roles=roles, **message)

    assert (page.status_code, code(page)) == (403, "not_enrolled")
    assert "You are not enrolled here" in page.text
    assert read_page(page.text, "/").forms == []
    assert [count(model) for model in THEIRS] == [0] * len(THEIRS)
    assert count(ResourceLink) == 0
    assert world.cloud.asked == []


@pytest.mark.parametrize("roles", NOT_ENROLLED.values(), ids=NOT_ENROLLED)
def test_stranger_picks_nothing(world: World, roles: list[str]) -> None:
    page = deep_link(world, roles=roles)

    assert (page.status_code, code(page)) == (403, "not_enrolled")
    assert world.cloud.asked == []


@pytest.mark.parametrize(
    "role",
    ["institution/person#Administrator", "system/person#Administrator"],
    ids=["institution", "system"],
)
def test_administrator_comes_in_without_being_enrolled(world: World, role: str) -> None:
    page = world.enter(sub="adam", roles=[f"http://purl.imsglobal.org/vocab/lis/v2/{role}"])

    assert page.status_code == 200
    assert "Open the console" in page.text
    assert count(Registration) == 0


@pytest.mark.parametrize(
    "roles",
    [[ASSISTANT], [INSTRUCTOR, ASSISTANT], [ASSISTANT, LEARNER]],
    ids=["short", "as Moodle sends it", "who learns too"],
)
def test_non_editing_teacher_only_looks(world: World, roles: list[str]) -> None:
    """Moodle sends the principal role beside the sub-role."""
    world.launch()

    page = world.enter(sub="tara", roles=roles)

    assert page.status_code == 200
    assert "Alice Learner" in page.text
    offered = {form.action.rpartition("/")[2] for form in read_page(page.text, "/").forms}
    assert offered == {"preview", "link#learners"}  # look at the course, search for a learner
    assert count(Learner) == 1


def test_switched_teacher_says_that_they_learn(world: World) -> None:
    world.launch(sub="tom", roles=[INSTRUCTOR])
    preview = world.enter(sub="tom", roles=[LEARNER], given_name="Tom", family_name="Tal")

    learn = next(f for f in read_page(preview.text, "/").forms if f.action.endswith("/learn"))
    player = world.browser.post(learn.action, data=learn.fields)

    assert player.status_code == 303
    assert player.location.startswith(world.cloud.server.url)
    row = db.session.scalars(select(Learner)).one()
    assert (row.sub, row.first_name, row.last_name) == ("tom", "Tom", "Tal")
    assert (count(Registration), count(StaffVisit)) == (1, 0)
    db.session.commit()


def test_learner_by_their_own_word_needs_no_button_again(world: World) -> None:
    world.launch(sub="tom", roles=[INSTRUCTOR])
    preview = world.enter(sub="tom", roles=[LEARNER])
    learn = next(f for f in read_page(preview.text, "/").forms if f.action.endswith("/learn"))
    world.browser.post(learn.action, data=learn.fields)

    elsewhere = world.enter(sub="tom", roles=[LEARNER], resource_link={"id": "link-2"})

    assert elsewhere.status_code == 303


@pytest.mark.parametrize("hours, status", [(11.9, 200), (12.1, 303)], ids=["today", "later"])
def test_staff_launch_counts_for_half_a_day(world: World, clock, hours: float, status: int) -> None:
    world.launch(sub="tom", roles=[INSTRUCTOR])
    clock.advance(hours * 3600)

    assert world.enter(sub="tom", roles=[LEARNER]).status_code == status


@pytest.mark.parametrize(
    "begin",
    [deep_link, lambda world, **who: world.launch(**who, **REVIEW)],
    ids=["deep linking", "submission review"],
)
def test_every_launch_as_staff_counts(world: World, begin) -> None:
    begin(world, sub="tom", roles=[ASSISTANT])

    assert world.enter(sub="tom", roles=[LEARNER]).status_code == 200


def test_newest_launch_as_staff_counts(world: World, clock) -> None:
    world.launch(sub="tom", roles=[INSTRUCTOR])
    clock.advance(20 * 3600)
    world.launch(sub="tom", roles=[INSTRUCTOR])
    clock.advance(11 * 3600)

    assert world.enter(sub="tom", roles=[LEARNER]).status_code == 200


def test_visit_of_an_older_release_shuts_no_user_out(world: World) -> None:
    world.launch(sub="tom", roles=[INSTRUCTOR])
    db.session.execute(update(StaffVisit).values(seen_at=None))
    db.session.commit()

    assert world.enter(sub="tom", roles=[LEARNER]).status_code == 303


@pytest.mark.parametrize(
    "spoil",
    [
        lambda token: token[:-4] + "AAAA",
        lambda token: "",
    ],
    ids=["forged", "missing"],
)
def test_button_needs_its_token(world: World, spoil) -> None:
    world.launch(sub="tom", roles=[INSTRUCTOR])
    preview = world.enter(sub="tom", roles=[LEARNER])
    learn = next(f for f in read_page(preview.text, "/").forms if f.action.endswith("/learn"))

    answer = world.browser.post(learn.action, data={"page": spoil(learn.fields["page"])})

    assert code(answer) == "page_expired"
    assert count(Registration) == 0


def test_token_of_another_page_opens_no_course(world: World) -> None:
    preview = world.enter(roles=[TEST_USER])
    form = read_page(preview.text, "/").forms[0]

    answer = world.browser.post("/lti/learn", data=form.fields)

    assert code(answer) == "page_expired"
    assert count(Registration) == 0


def test_button_of_a_closed_installation_opens_nothing(world: World) -> None:
    world.launch(sub="tom", roles=[INSTRUCTOR])
    preview = world.enter(sub="tom", roles=[LEARNER])
    learn = next(f for f in read_page(preview.text, "/").forms if f.action.endswith("/learn"))
    db.session.execute(update(Deployment).values(status="pending"))
    db.session.commit()

    answer = world.browser.post(learn.action, data=learn.fields)

    assert code(answer) == "page_expired"
    assert count(Registration) == 0


def test_learner_s_review_page_opens_no_preview(world: World) -> None:
    world.launch()
    token = world.launch(**REVIEW).location.partition("page=")[2]

    answer = world.browser.post("/lti/preview", data={"page": token})

    assert code(answer) == "page_expired"


def test_window_is_offered_after_the_button_too(world: World) -> None:
    world.launch(sub="tom", roles=[INSTRUCTOR])
    db.session.execute(update(ResourceLink).values(player_window=True))
    db.session.commit()
    preview = world.enter(sub="tom", roles=[LEARNER])
    learn = next(f for f in read_page(preview.text, "/").forms if f.action.endswith("/learn"))

    offered = world.follow(world.browser.post(learn.action, data=learn.fields))

    assert offered.status_code == 200
    assert [f.action for f in read_page(offered.text, "/").forms] == ["/lti/attempt"]
    assert count(Registration) == 1


def test_visits_last_no_longer_than_needed(world: World, clock) -> None:
    from lti_bridge.privacy.retention import run_retention

    world.launch(sub="tom", roles=[INSTRUCTOR])
    clock.advance(timedelta(hours=23).total_seconds())
    run_retention(world.services, sleep=lambda _: None)
    assert count(StaffVisit) == 1
    clock.advance(timedelta(hours=2).total_seconds())

    run_retention(world.services, sleep=lambda _: None)

    assert count(StaffVisit) == 0
