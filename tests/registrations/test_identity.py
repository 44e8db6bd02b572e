"""The ids that registrations hang on, and which course and attempt a launch gets."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_bridge.platforms.identity import deployment_identity, platform_identity
from lti_bridge.registrations.identity import (
    choose_attempt,
    choose_course,
    registration_id,
    scorm_learner_id,
)

PLATFORM = "4ad17b5a-21b5-5c92-a6b1-9a3c1c0e8f4e"


def test_ids_never_change() -> None:
    # A change of one of these gives every learner of every installation an empty course.
    platform = platform_identity("https://canvas.instructure.com", "10000000000001")
    deployment = deployment_identity(platform, "1:8865aa05b4b79b64a91a86042e43af5ea8ae79eb")

    registrations = [
        registration_id(platform, deployment, "link-1", "alice", "golf", 1),
        registration_id(platform, deployment, "link-1", "alice", "golf", 2),
        registration_id(platform, deployment, "Ünïcode", "läarner", "a/b c", 1),
    ]

    assert platform == "4e75ab21-a519-5b3e-bea3-066d50457fc1"
    assert deployment == "9329bda8-cb9f-541e-b934-0f658d1fa7b7"
    assert scorm_learner_id(platform, "alice") == "95668083-e5a8-5d0a-bae4-91960d356c9d"
    assert registrations == [
        "ced4ff7f-a37c-5309-b00b-4c9b3ce76947",
        "1cb637f8-0180-577b-8a42-095803df799a",
        "4151de0b-9bb7-55e7-9503-615272619e1a",
    ]


@pytest.mark.parametrize(
    "changed",
    [
        {"platform_identity": "00000000-0000-5000-8000-000000000000"},
        {"deployment_identity": "e"},
        {"resource_link_id": "m"},
        {"sub": "bob"},
        {"course_id": "tennis"},
        {"attempt": 2},
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_every_fact_counts(changed: dict[str, object]) -> None:
    facts: dict[str, Any] = {
        "platform_identity": PLATFORM,
        "deployment_identity": "d",
        "resource_link_id": "l",
        "sub": "alice",
        "course_id": "golf",
        "attempt": 1,
    }

    assert registration_id(**facts) != registration_id(**{**facts, **changed})


@given(
    st.lists(st.text(max_size=4), min_size=4, max_size=4),
    st.lists(st.text(max_size=4), min_size=4, max_size=4),
)
def test_different_facts_never_meet(one: list[str], other: list[str]) -> None:
    ids = [registration_id(PLATFORM, *facts, 1) for facts in (one, other)]

    assert (ids[0] == ids[1]) == (one == other)


@pytest.mark.parametrize(
    "one, other",
    [(("a", "bc"), ("ab", "c")), (("a,b", "c"), ("a", "b,c")), (('a"', "b"), ("a", '"b'))],
    ids=["letter moved", "comma moved", "quote moved"],
)
def test_joins_without_ambiguity(one: tuple[str, str], other: tuple[str, str]) -> None:
    ids = [registration_id(PLATFORM, "d", link, sub, "c", 1) for link, sub in (one, other)]

    assert ids[0] != ids[1]


@pytest.mark.parametrize(
    "override, custom, remembered, chosen",
    [
        ("o", "c", "r", "o"),
        (None, "c", "r", "c"),
        ("", "c", "r", "c"),
        (None, None, "r", "r"),
        (None, "$Canvas.course.id", "r", "r"),
        (None, " $Context.id", None, None),
        (None, "  ", "r", "r"),
        (None, " c ", None, "c"),
        (None, None, None, None),
    ],
    ids=[
        "an override wins",
        "the custom value comes next",
        "an empty override is none",
        "what was there before comes last",
        "a substitution that was not made is none",
        "nor is one behind a space",
        "blank is none",
        "spaces around it are dropped",
        "none was chosen",
    ],
)
def test_chooses_the_course(
    override: str | None, custom: str | None, remembered: str | None, chosen: str | None
) -> None:
    assert choose_course(override, custom, remembered) == chosen


@pytest.mark.parametrize(
    "attempts, chosen",
    [([], 1), ([1], 1), ([1, 2], 2), ([3, 1, 2], 3)],
    ids=["no attempt", "one attempt", "two attempts", "three attempts in any order"],
)
def test_resumes_the_newest_attempt(attempts: list[int], chosen: int) -> None:
    assert choose_attempt(attempts) == chosen
