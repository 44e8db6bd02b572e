"""The answer to a deep linking launch, as the platform will read it."""

import json
from datetime import UTC, datetime

import jwt
import pytest

from lti_bridge.core.errors import LaunchRejected
from lti_bridge.lti.claims import DEEP_LINKING_CLAIM, parse_claims
from lti_bridge.lti.deep_linking import (
    Answer,
    CourseItem,
    DeepLinkingSettings,
    parse_settings,
    sign_response,
)
from lti_bridge.lti.library import validate_message
from lti_bridge.lti.values import PlatformValues, SigningKey
from tests.mini_platform import captured, rsa_key

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
RETURN = "https://lms.example/return?sesskey=1"
PLATFORM = PlatformValues(
    id=1,
    issuer="https://lms.example",
    client_id="client-1",
    authorization_url="https://lms.example/auth",
    token_url="https://lms.example/token",
    jwks_url="https://lms.example/jwks",
)


def respond(answer: Answer, data: object = None) -> dict[str, object]:
    """Sign an answer and read it as the platform would, signature checked."""
    token = sign_response(
        PLATFORM,
        "deployment-1",
        answer,
        data=data,
        launch_url="https://bridge.example/lti/launch",
        key=SigningKey("key-1", rsa_key("tool")),
        now=NOW,
    )
    assert jwt.get_unverified_header(token) == {"alg": "RS256", "kid": "key-1", "typ": "JWT"}
    options = {"verify_exp": False, "verify_iat": False, "verify_aud": False}
    return dict(
        jwt.decode(token, rsa_key("tool").public_key(), algorithms=["RS256"], options=options)
    )


def test_response_names_a_course_in_full():
    claims = respond(Answer([CourseItem("golf", "Golf explained")]), data="opaque")

    nonce = claims.pop("nonce")
    assert isinstance(nonce, str) and len(nonce) >= 30
    issued = int(NOW.timestamp()) - 5
    assert claims == {
        "iss": "client-1",
        "aud": "https://lms.example",
        "iat": issued,
        "exp": issued + 300,
        f"{LTI}deployment_id": "deployment-1",
        f"{LTI}message_type": "LtiDeepLinkingResponse",
        f"{LTI}version": "1.3.0",
        f"{DL}data": "opaque",
        f"{DL}content_items": [
            {
                "type": "ltiResourceLink",
                "title": "Golf explained",
                "url": "https://bridge.example/lti/launch",
                "custom": {"scorm_course_id": "golf"},
                "lineItem": {
                    "scoreMaximum": 100,
                    "label": "Golf explained",
                    "resourceId": "golf",
                    "tag": "scorm",
                },
            }
        ],
    }


@pytest.mark.parametrize(
    "item, shown",
    [
        (CourseItem("golf", "Golf"), {}),
        (CourseItem("golf", "Golf", "iframe"), {"iframe": {}}),
        (
            CourseItem("golf", "Golf", "iframe", 800, 600),
            {"iframe": {"width": 800, "height": 600}},
        ),
        (CourseItem("golf", "Golf", "window"), {"window": {"targetName": "_blank"}}),
        (
            CourseItem("golf", "Golf", "window", 800, None),
            {"window": {"targetName": "_blank", "width": 800}},
        ),
        (CourseItem("golf", "Golf", None, 800, 600), {}),
    ],
    ids=["platform's choice", "iframe", "sized iframe", "window", "sized window", "size alone"],
)
def test_item_opens_where_it_was_chosen_to(item, shown):
    claims = respond(Answer([item]))

    (content,) = claims[f"{DL}content_items"]
    assert {name: content[name] for name in ("iframe", "window") if name in content} == shown


def test_title_fits_the_platform():
    claims = respond(Answer([CourseItem("golf", "x" * 300)]))

    (content,) = claims[f"{DL}content_items"]
    assert content["title"] == content["lineItem"]["label"] == "x" * 255


@pytest.mark.parametrize("data", ["", "a.b.c", " kept  to the\nletter ", {"odd": [1]}], ids=repr)
def test_platform_data_comes_back_to_the_letter(data):
    claims = respond(Answer(), data=data)

    assert claims[f"{DL}data"] == data


def test_no_data_is_invented():
    assert f"{DL}data" not in respond(Answer())


def test_cancel_returns_no_items_and_a_message():
    claims = respond(Answer(message="Nothing was added."))

    assert claims[f"{DL}content_items"] == []
    assert claims[f"{DL}msg"] == "Nothing was added."
    assert f"{DL}errormsg" not in claims


def test_failure_returns_what_to_show_and_to_log():
    claims = respond(Answer(error="It cannot be used.", error_log="deep_linking_no_links"))

    assert claims[f"{DL}content_items"] == []
    assert claims[f"{DL}errormsg"] == "It cannot be used."
    assert claims[f"{DL}errorlog"] == "deep_linking_no_links"


def test_reads_what_moodle_sends():
    claims = parse_claims(captured("deeplinking_request_claims.json")["claims"])

    settings = parse_settings(claims.deep_linking)

    assert settings == DeepLinkingSettings(
        return_url="http://localhost:8088/mod/lti/contentitem_return.php"
        "?course=2&id=1&sesskey=3EbXHSptR0",
        accepts_links=True,
        accept_multiple=True,
        targets=("iframe", "window"),
        data=None,
    )


@pytest.mark.parametrize(
    "claim",
    [
        None,
        {},
        {"deep_link_return_url": ""},
        {"deep_link_return_url": 7},
        {"deep_link_return_url": "javascript:alert(1)"},
        {"deep_link_return_url": "//lms.example/return"},
        {"deep_link_return_url": "data:text/html,x"},
        {"deep_link_return_url": "https:///return"},
        {"deep_link_return_url": "https://lms.example/\ud800"},
        {"deep_link_return_url": "https://lms.example/\n"},
    ],
    ids=[
        "no claim",
        "no address",
        "empty",
        "a number",
        "a script",
        "no scheme",
        "data",
        "no host",
        "half a character",
        "a line break",
    ],
)
def test_return_address_must_be_a_web_address(claim):
    with pytest.raises(LaunchRejected, match="bad_message"):
        parse_settings(claim)


@pytest.mark.parametrize("odd", ["yes", 1, None, [True]], ids=repr)
def test_odd_settings_are_read_with_care(odd):
    settings = parse_settings(
        {
            "deep_link_return_url": RETURN,
            "accept_types": odd,
            "accept_multiple": odd,
            "accept_presentation_document_targets": odd,
        }
    )

    assert settings == DeepLinkingSettings(RETURN, accepts_links=False)


def test_platform_that_wants_files_gets_an_answer():
    payload = json.loads(json.dumps(captured("deeplinking_request_claims.json")["claims"]))
    payload[DEEP_LINKING_CLAIM]["accept_types"] = ["file"]

    validate_message(payload)

    assert payload[DEEP_LINKING_CLAIM]["accept_types"] == ["file"]
    assert not parse_settings(payload[DEEP_LINKING_CLAIM]).accepts_links
