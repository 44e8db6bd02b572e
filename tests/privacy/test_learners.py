"""A learner is found by any part of what is known of them."""

from typing import Any

import pytest
from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.platforms.models import Platform
from lti_bridge.privacy.learners import find_learners, preview
from lti_bridge.registrations.models import Learner, ResourceLink
from tests.privacy.people import People
from tests.rows import make_deployment


def found(text: str, **limits: Any) -> list[str]:
    names = [one.name for one in find_learners(text, **limits)]
    db.session.commit()
    return names


@pytest.mark.parametrize(
    "text, names",
    [
        ("alice", ["Alice Andersen"]),
        ("ce AND", ["Alice Andersen"]),
        ("Berg", ["Bob Berg"]),
        ("bob@school", ["Bob Berg"]),
        ("school.example", ["Alice Andersen", "Bob Berg"]),
        (" user-7 ", ["Alice Andersen"]),
        ("user-", []),
        ("%", []),
        ("_", []),
        ("", []),
    ],
    ids=[
        "given name",
        "across the names",
        "family name",
        "mail address",
        "mail host",
        "user id with spaces around",
        "part of a user id",
        "percent sign",
        "underscore",
        "empty",
    ],
)
def test_text_finds_learners(people: People, text, names):
    assert found(text) == names


def test_ids_find_their_learner(people: People):
    registration = people.registrations_of(people.bob)[0]
    scorm_id = db.session.get_one(Learner, people.bob).scorm_learner_id
    db.session.commit()

    assert found(registration) == found(registration.upper()) == found(scorm_id) == ["Bob Berg"]


def test_search_stays_within_a_platform(people: People):
    here = db.session.scalars(select(Platform.id)).one()
    db.session.commit()

    assert found("alice", platform_id=here) == ["Alice Andersen"]
    assert found("alice", platform_id=here + 1) == []
    assert found("user-7", platform_id=here + 1) == []


@pytest.mark.parametrize(
    ("text", "course", "names"),
    [
        ("", "Second", ["Alice Andersen"]),
        ("", "secon", ["Alice Andersen"]),
        ("", "golf", ["Alice Andersen", "Bob Berg"]),
        ("bob", "golf", ["Bob Berg"]),
        ("user-8", "Second", []),
        ("", "gol", ["Alice Andersen", "Bob Berg"]),  # of the activity's title
        ("", "chess", []),
        ("", "%", []),
    ],
    ids=[
        "course title",
        "part in small letters",
        "course of both",
        "course and learner",
        "course and another learner",
        "activity title",
        "unknown course",
        "percent sign",
    ],
)
def test_course_narrows_the_search(people: People, text, course, names):
    assert found(text, course=course) == names


def test_search_stays_within_a_deployment(people: People):
    second = db.session.scalars(select(ResourceLink).where(ResourceLink.title == "Second")).one()
    first = second.deployment
    second.deployment = make_deployment(first.platform, "2")
    db.session.commit()
    there, here = second.deployment.id, first.id

    assert found("school", deployment_id=there) == ["Alice Andersen"]
    assert found("user-8", deployment_id=there) == []
    assert found("school", deployment_id=here) == ["Alice Andersen", "Bob Berg"]


def test_search_ends_at_a_limit(people: People):
    assert len(found("school", at_most=1)) == 1


def test_preview_counts_without_a_change(people: People):
    first = preview(people.alice)

    assert first == preview(people.alice)
    assert (first.learner.sub, first.learner.registrations) == ("user-7", 2)
    assert first.counts["launches"] == 2
    db.session.commit()
