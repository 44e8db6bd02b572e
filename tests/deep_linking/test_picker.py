"""The steps behind the picker: what a token allows, and what a form may say."""

import dataclasses

import pytest
from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.core.errors import ConfigurationError, LaunchRejected
from lti_bridge.deep_linking import picker as picking
from lti_bridge.deep_linking.picker import PICKER, REFUSED, Picker
from lti_bridge.lti.claims import LaunchClaims
from lti_bridge.lti.deep_linking import CourseItem
from lti_bridge.lti.roles import Visitor
from lti_bridge.platforms.models import Deployment, Platform
from tests.world import World

RETURN = "https://school.example/return?sesskey=1"


def claims(**settings: object) -> LaunchClaims:
    given = {
        "deep_link_return_url": RETURN,
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["window"],
        "accept_multiple": True,
        **settings,
    }
    return LaunchClaims(
        message_type="LtiDeepLinkingRequest",
        deployment_id="1",
        sub="ida",
        roles=(),
        target_link_uri="http://bridge.example/lti/launch",
        deep_linking=given,
    )


def begin(world: World, visitor: Visitor = Visitor.INSTRUCTOR, **settings: object) -> str:
    deployment = db.session.scalars(select(Deployment)).one()
    start = picking.begin_picking(world.services, claims(**settings), deployment, visitor)
    assert start.refused == ""
    return start.token


def open_picker(world: World, **settings: object) -> Picker:
    return picking.read_picker(world.services, begin(world, **settings))


def chosen(picker: Picker, *courses: tuple[str, str]) -> Picker:
    """Return the picker of the confirmation page."""
    data = {**picker.page.data, "chosen": [[*course, "SCORM 1.2"] for course in courses]}
    return dataclasses.replace(picker, page=dataclasses.replace(picker.page, data=data))


def test_launch_becomes_a_picker(world):
    picker = open_picker(world, data={"odd": 1})

    assert (picker.page.sub, picker.account.name) == ("ida", "default")
    assert (picker.deployment_id, picker.return_url) == ("1", RETURN)
    assert (picker.accepts_many, picker.targets, picker.may_upload) == (True, ("window",), True)
    assert picker.page.data["data"] == {"odd": 1}


def test_return_address_may_frame_the_picker(world):
    picker = open_picker(world)

    assert picker.frame_origins == [world.platform.url, "https://school.example"]
    row = db.session.scalars(select(Platform)).one()
    assert row.learnt_origins == ["https://school.example"]


def test_assistant_picks_but_does_not_upload(world):
    token = begin(world, Visitor.ASSISTANT)

    assert not picking.read_picker(world.services, token).may_upload


@pytest.mark.parametrize(
    "visitor, types, reason",
    [
        (Visitor.LEARNER, ["ltiResourceLink"], "picking_not_allowed"),
        (Visitor.TEST_USER, ["ltiResourceLink"], "picking_not_allowed"),
        (Visitor.STRANGER, ["file"], "not_enrolled"),
        (Visitor.INSTRUCTOR, ["file"], "links_not_accepted"),
    ],
    ids=["learner", "test user", "stranger", "links not accepted"],
)
def test_refused_launch_says_why(world, visitor, types, reason):
    deployment = db.session.scalars(select(Deployment)).one()

    start = picking.begin_picking(world.services, claims(accept_types=types), deployment, visitor)

    assert start.refused == reason
    with pytest.raises(LaunchRejected, match="page_expired"):
        picking.read_picker(world.services, start.token, PICKER)
    refused = picking.read_picker(world.services, start.token, REFUSED)
    assert picking.refusal_answer(refused).error_log == reason


def test_bridge_without_account_is_not_set_up(world):
    db.session.execute(db.text("DELETE FROM scorm_account"))
    db.session.commit()

    with pytest.raises(ConfigurationError):
        begin(world)


def test_deployment_that_is_no_longer_active_ends_the_page(world):
    token = begin(world)
    db.session.scalars(select(Deployment)).one().status = "pending"
    db.session.commit()

    with pytest.raises(LaunchRejected, match="platform_disabled"):
        picking.read_picker(world.services, token)


def test_chosen_courses_are_looked_for_once(world):
    world.cloud.add_course("fire")
    picker = open_picker(world)

    found, missing = picking.get_courses(
        world.services, picker, ["fire", "", "golf", "none", "fire"]
    )

    assert [course.id for course in found] == ["fire", "golf"]
    assert missing == ["none"]
    assert len(world.cloud.asked) == 3


def test_number_of_chosen_courses_is_bounded(world):
    picker = open_picker(world)

    picking.get_courses(world.services, picker, [f"c{n}" for n in range(200)])

    assert len(world.cloud.asked) == picking.MOST_COURSES + 1


@pytest.mark.parametrize(
    "text, pixels",
    [
        ("", None),
        ("800", 800),
        (" 800 ", 800),
        ("1", 200),
        ("0", 200),
        ("99999", 4000),
        ("100000", None),
        ("-5", None),
        ("8e2", None),
        ("٨٠٠", None),
        ("x", None),
    ],
    ids=[
        "empty",
        "800",
        "spaces around",
        "too small",
        "zero",
        "too large",
        "too many digits",
        "negative",
        "exponent",
        "arabic digits",
        "letter",
    ],
)
def test_size_is_a_sane_number_of_pixels(world, text, pixels):
    picker = chosen(open_picker(world), ("golf", "Golf"))

    (item,) = picking.read_items(picker, {"target": "window", "width": text, "title-0": "Golf"})

    assert item == CourseItem("golf", "Golf", "window", pixels, None)


@pytest.mark.parametrize(
    "written, title",
    [("  My \n course ", "My course"), ("", "Golf"), ("   ", "Golf"), ("x" * 300, "x" * 255)],
    ids=["two lines", "empty", "blank", "too long"],
)
def test_title_is_one_line_and_never_empty(world, written, title):
    picker = chosen(open_picker(world), ("golf", "Golf"))

    (item,) = picking.read_items(picker, {"title-0": written})

    assert item.title == title


def test_form_cannot_name_other_courses(world):
    picker = chosen(open_picker(world), ("golf", "Golf"))

    items = picking.read_items(picker, {"course": "secret", "title-1": "Secret"})

    assert [item.course_id for item in items] == ["golf"]
