"""Picking content: what the LMS asks for, which answers it takes, and what becomes of them."""

import time
from typing import Any

import jwt
import pytest
from werkzeug.test import TestResponse

from tests.lti_sandbox.lms.conftest import CLIENT, Lms
from tests.mini_platform import rsa_key

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
PATH = f"/tools/{CLIENT}/pick/launch"
ITEM = {
    "type": "ltiResourceLink",
    "title": "Golf",
    "url": "https://tool.example/launch",
    "custom": {"scorm_course_id": "golf"},
    "lineItem": {"scoreMaximum": 100, "resourceId": "golf", "tag": "scorm"},
}


def settings_of(lms: Lms) -> dict[str, Any]:
    lms.act_as("ida")
    claims = lms.claims(PATH)
    assert claims[f"{LTI}message_type"] == "LtiDeepLinkingRequest"
    found: dict[str, Any] = claims[f"{DL}deep_linking_settings"]
    return found


def answer(lms: Lms, *items: Any, **changes: Any) -> TestResponse:
    """Answer a request as the tool; a change of None leaves a claim out."""
    settings = settings_of(lms)
    headers = {"kid": changes.pop("kid", "tool-1")}
    now = int(time.time()) - 5
    claims = {
        "iss": CLIENT,
        "aud": "http://localhost",
        "iat": now,
        "exp": now + 300,
        "nonce": "n",
        f"{LTI}message_type": "LtiDeepLinkingResponse",
        f"{LTI}version": "1.3.0",
        f"{LTI}deployment_id": lms.tool.deployment_id,
        f"{DL}content_items": list(items),
    }
    if "data" in settings:
        claims[f"{DL}data"] = settings["data"]
    kept = {name: value for name, value in (claims | changes).items() if value is not None}
    if not headers["kid"]:
        headers = {}
    token = jwt.encode(kept, rsa_key("tool"), algorithm="RS256", headers=headers)
    where = settings["deep_link_return_url"]
    return lms.call("POST", where, data={"JWT": token})


def test_request_says_what_it_takes(lms: Lms) -> None:
    settings = settings_of(lms)

    assert settings["accept_types"] == ["ltiResourceLink"]
    assert settings["accept_multiple"] is (lms.dialect == "moodle")
    assert ("data" in settings) is (lms.dialect == "canvas")


def test_learners_pick_nothing(lms: Lms) -> None:
    lms.act_as("alice")

    assert lms.web.get(PATH).status_code == 403


def test_picked_item_becomes_a_graded_activity(lms: Lms) -> None:
    page = answer(lms, ITEM)

    assert page.status_code == 200
    (activity,) = lms.state.activities.values()
    assert (activity.title, activity.custom) == ("Golf", {"scorm_course_id": "golf"})
    (item,) = lms.state.items_of(activity)
    assert (item.maximum, item.resource_id, item.tag) == (100, "golf", "scorm")
    lms.act_as("alice")
    claims = lms.claims(f"/activities/{activity.id}/launch")
    assert claims[f"{LTI}custom"]["scorm_course_id"] == "golf"


def test_item_without_line_item_is_not_graded(lms: Lms) -> None:
    answer(lms, {key: value for key, value in ITEM.items() if key != "lineItem"})

    (activity,) = lms.state.activities.values()
    assert lms.state.items_of(activity) == []


def test_several_items_are_for_moodle(lms: Lms) -> None:
    page = answer(lms, ITEM, {**ITEM, "title": "Tennis"})

    taken = lms.dialect == "moodle"
    assert page.status_code == (200 if taken else 400)
    assert len(lms.state.activities) == (2 if taken else 0)


@pytest.mark.parametrize("name", ["msg", "errormsg"])
def test_cancel_shows_what_the_tool_says(lms: Lms, name: str) -> None:
    page = answer(lms, **{f"{DL}{name}": "<b>Nothing</b> was picked"})

    assert page.status_code == 200
    assert "&lt;b&gt;Nothing&lt;/b&gt; was picked" in page.text
    assert lms.state.activities == {}


def test_new_window_is_kept_by_canvas_alone(lms: Lms) -> None:
    answer(lms, {**ITEM, "window": {"targetName": "_blank"}})

    (activity,) = lms.state.activities.values()
    assert activity.new_window is (lms.dialect == "canvas")


@pytest.mark.parametrize(
    "changes",
    [{"kid": None}, {"kid": "another"}, {"iss": "another"}, {"exp": 1}, {"iat": 4e9}],
    ids=["no key id", "another key id", "another issuer", "expired", "issued in the future"],
)
def test_answer_that_proves_nothing(lms: Lms, changes: dict[str, Any]) -> None:
    assert answer(lms, ITEM, **changes).status_code == 400
    assert lms.state.activities == {}


@pytest.mark.parametrize(
    "changes",
    [
        {"aud": "https://elsewhere.example"},
        {f"{LTI}deployment_id": "99"},
        {f"{LTI}message_type": "LtiResourceLinkRequest"},
        {"nonce": None},
        {f"{DL}data": "made up"},
        {f"{DL}data": None},
    ],
    ids=[
        "another audience",
        "another deployment",
        "another message type",
        "no nonce",
        "made-up data",
        "no data",
    ],
)
def test_canvas_checks_what_moodle_does_not(lms: Lms, changes: dict[str, Any]) -> None:
    """Measured: Moodle takes answers with a wrong aud, nonce, deployment or message type."""
    expected = {"moodle": 200, "canvas": 400}

    assert answer(lms, ITEM, **changes).status_code == expected[lms.dialect]


def test_moodle_has_no_leeway(lms: Lms) -> None:
    page = answer(lms, ITEM, iat=int(time.time()) + 2)

    assert page.status_code == {"moodle": 400, "canvas": 200}[lms.dialect]


@pytest.mark.parametrize(
    "item",
    [
        {**ITEM, "type": "file"},
        {**ITEM, "title": "x" * 256},
        {**ITEM, "lineItem": {}},
        "text",
    ],
    ids=["type", "long title", "no maximum", "text"],
)
def test_item_that_is_refused(lms: Lms, item: Any) -> None:
    assert answer(lms, item).status_code == 400
    assert lms.state.activities == {}


@pytest.mark.parametrize("maximum", [33.5, 1000, 0], ids=["a fraction", "too many", "zero"])
def test_moodle_takes_whole_points_to_a_hundred(moodle: Lms, maximum: float) -> None:
    page = answer(moodle, {**ITEM, "lineItem": {"scoreMaximum": maximum}})

    assert page.status_code == 400
    assert "integer between 1 and 100" in page.text


def test_answer_for_no_tool(lms: Lms) -> None:
    assert lms.web.post("/deep-link-return?tool=nobody", data={"JWT": "x"}).status_code == 400
