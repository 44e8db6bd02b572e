"""Claims as values: recorded launches of Moodle, names, custom values, odd shapes."""

import pytest

from lti_bridge.core.errors import LaunchRejected
from lti_bridge.lti.claims import AGS_CLAIM, CLAIM, LaunchClaims, parse_claims
from lti_bridge.lti.library import validate_message
from tests.mini_platform import CAPTURES, captured

LAUNCHES = sorted(path.name for path in CAPTURES.glob("launch_*.json"))


def payload(**changes) -> dict:
    values = {
        "sub": "4",
        f"{CLAIM}message_type": "LtiResourceLinkRequest",
        f"{CLAIM}deployment_id": "1",
        f"{CLAIM}target_link_uri": "https://bridge.example/lti/launch",
        f"{CLAIM}roles": [],
    }
    for name, value in changes.items():
        values[name if name in ("sub", "name", "given_name", "family_name") else CLAIM + name] = (
            value
        )
    return {key: value for key, value in values.items() if value is not None}


def reason_for(values: dict) -> str:
    with pytest.raises(LaunchRejected) as caught:
        parse_claims(values)
    return caught.value.reason


@pytest.mark.parametrize("name", LAUNCHES)
def test_reads_every_launch_of_moodle(name):
    claims = captured(name)["claims"]

    launch = parse_claims(claims)

    validate_message(claims)
    assert launch.deployment_id == "1"
    assert launch.sub == claims["sub"]
    assert launch.custom["static_one"] == "reg-value"
    assert "avail_end" not in launch.custom
    assert launch.resource_link_id == claims[f"{CLAIM}resource_link"]["id"]
    assert launch.context_title == claims[f"{CLAIM}context"]["title"]


def test_reads_a_whole_launch():
    launch = parse_claims(captured("launch_student1_embed.json")["claims"])

    assert (launch.first_name, launch.last_name) == ("Sam", "Student")
    assert launch.custom["scorm_course_id"] == "fire-safety-v1"
    assert launch.line_item_url == (
        "http://localhost:8088/mod/lti/services.php/2/lineitems/8/lineitem?type_id=1"
    )
    assert launch.line_items_url == (
        "http://localhost:8088/mod/lti/services.php/2/lineitems?type_id=1"
    )
    assert launch.locale == "en"
    assert launch.return_url.startswith("http://localhost:8088/mod/lti/return.php?course=2")
    assert launch.memberships_url.endswith("/bindings/1/memberships")
    assert len(launch.scopes) == 4


@pytest.mark.parametrize(
    "name, known",
    [
        ("launch_student1_embed.json", True),
        ("launch_activity_with_two_lineitems.json", False),
        ("launch_activity_without_lineitem_after_tool_created_one.json", False),
        ("launch_student2_no_url_no_lineitem.json", False),
    ],
    ids=["one", "two", "none but made by the tool", "none"],
)
def test_line_item_has_three_shapes(name, known):
    launch = parse_claims(captured(name)["claims"])

    assert (launch.line_item_url is not None) is known


def test_submission_review_names_its_learner():
    launch = parse_claims(captured("launch_submission_review.json")["claims"])

    assert (launch.message_type, launch.for_user_id) == ("LtiSubmissionReviewRequest", "4")


@pytest.mark.parametrize(
    "names, expected",
    [
        ({"given_name": "Ann", "family_name": "Lee"}, ("Ann", "Lee")),
        ({"name": "Ann Mary Lee"}, ("Ann Mary", "Lee")),
        ({"name": "Ann"}, ("Ann", None)),
        ({"name": "Ann Lee", "family_name": "Lee"}, ("Ann", "Lee")),
        ({"name": "Ann Lee", "given_name": "Ann"}, ("Ann", None)),
        ({}, (None, None)),
    ],
    ids=["both parts", "whole name", "one word", "family and whole", "given and whole", "none"],
)
def test_splits_names(names, expected):
    launch = parse_claims(payload(**names))

    assert (launch.first_name, launch.last_name) == expected


def test_custom_keeps_what_has_a_value():
    sent = {"a": " x ", "b": "$Var", "c": "", "d": None, "e": 5, "f": {"g": 1}, "h": " $Var"}

    assert dict(parse_claims(payload(custom=sent)).custom) == {"a": "x", "e": "5"}


def test_php_may_send_lists_for_objects():
    assert parse_claims(payload(custom=[], context=[])).custom == {}


def test_number_can_be_a_link_id():
    assert parse_claims(payload(resource_link={"id": 7})).resource_link_id == "7"


@pytest.mark.parametrize(
    "changes, reason",
    [
        ({"sub": None}, "bad_claims"),
        ({"sub": " "}, "bad_claims"),
        ({"sub": 5}, "bad_claims"),
        ({"sub": "x" * 256}, "bad_claims"),
        ({"sub": "a\0b"}, "bad_claims"),
        ({"deployment_id": None}, "bad_claims"),
        ({"deployment_id": "d" * 256}, "bad_claims"),
        ({"target_link_uri": None}, "bad_claims"),
        ({"message_type": ["x"]}, "bad_claims"),
        ({"resource_link": "2"}, "bad_claims"),
        ({"resource_link": {"id": "x" * 256}}, "bad_claims"),
        ({"roles": None}, "bad_roles"),
        ({"roles": "Learner"}, "bad_roles"),
    ],
    ids=[
        "no sub",
        "a blank sub",
        "a number as sub",
        "a sub that is too long",
        "a NUL in sub",
        "no deployment",
        "a deployment that is too long",
        "no target",
        "a list as type",
        "a text as resource link",
        "a resource link that is too long",
        "no roles",
        "a text as roles",
    ],
)
def test_refuses_odd_shapes(changes, reason):
    assert reason_for(payload(**changes)) == reason


@pytest.mark.parametrize(
    "url",
    ["", None, 5, "javascript:alert(1)", "/path", "https://x.example/" + "a" * 1000],
    ids=["empty", "none", "a number", "a script", "a path", "too long"],
)
def test_unusable_addresses_are_absent(url):
    values = payload() | {AGS_CLAIM: {"lineitem": url, "lineitems": url, "scope": "none"}}

    launch = parse_claims(values)

    assert (launch.line_item_url, launch.line_items_url, launch.scopes) == (None, None, ())


def test_long_texts_are_cut_not_refused():
    launch = parse_claims(payload(name="n" * 400, resource_link={"id": "1", "title": "t\0" * 900}))

    assert isinstance(launch, LaunchClaims)
    assert launch.name == "n" * 255
    assert launch.resource_link_title == "t" * 500
