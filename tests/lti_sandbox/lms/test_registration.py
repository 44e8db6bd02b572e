"""Dynamic registration: the LMS's half, its refusals, and Canvas's developer keys."""

from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from lti_sandbox.server import serve
from tests.lti_sandbox.lms.conftest import TOOL, Lms
from tests.mini_platform import captured

TOOL_CONFIGURATION = "https://purl.imsglobal.org/spec/lti-tool-configuration"
CONFIGURATION = {
    "moodle": "/mod/lti/openid-configuration.php",
    "canvas": "/api/lti/security/openid-configuration",
}
SCORE = "https://purl.imsglobal.org/spec/lti-ags/scope/score"


def metadata(**changes: Any) -> dict[str, Any]:
    """Return a tool's registration; a change of None leaves a member out."""
    body: dict[str, Any] = {
        "response_types": ["id_token"],
        "initiate_login_uri": f"{TOOL}/login",
        "redirect_uris": [f"{TOOL}/launch"],
        "client_name": "New tool",
        "jwks_uri": f"{TOOL}/jwks",
        "token_endpoint_auth_method": "private_key_jwt",
        "scope": SCORE,
        TOOL_CONFIGURATION: {
            "domain": "tool.example",
            "target_link_uri": f"{TOOL}/launch",
            "claims": ["iss", "sub", "name"],
        },
    }
    return {name: value for name, value in (body | changes).items() if value is not None}


def token_of(lms: Lms) -> str:
    return str(lms.web.get("/control/registration-token").json["token"])


def configuration(lms: Lms, token: str) -> TestResponse:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return lms.web.get(CONFIGURATION[lms.dialect], headers=headers)


def register(lms: Lms, body: Any, token: str) -> TestResponse:
    found = configuration(lms, token_of(lms)).json
    path = found["registration_endpoint"].removeprefix("http://localhost")
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    return lms.web.post(path, json=body, headers=headers)


def test_canvas_shows_its_configuration_to_token_holders(lms: Lms) -> None:
    statuses = [configuration(lms, token).status_code for token in ("", "x", token_of(lms))]

    assert statuses == {"moodle": [200, 200, 200], "canvas": [401, 401, 200]}[lms.dialect]


def test_configuration_names_the_recorded_members(moodle: Lms) -> None:
    recorded = captured("openid_configuration.json")
    shown = configuration(moodle, "").json

    wanted = recorded.get("body", recorded) if isinstance(recorded, dict) else recorded
    assert set(shown) - {"subject_types_supported"} <= set(wanted)


def test_registration_makes_a_tool(lms: Lms) -> None:
    answer = register(lms, metadata(), token_of(lms))

    assert answer.status_code == 200
    tool = lms.state.tools[answer.json["client_id"]]
    assert (tool.name, tool.redirect_uris) == ("New tool", [f"{TOOL}/launch"])
    assert tool.active is (lms.dialect == "canvas")
    assert tool.scopes == [SCORE]
    named = "deployment_id" in answer.json[TOOL_CONFIGURATION]
    assert named is (lms.dialect == "moodle")


def test_moodle_claims_more_scopes_than_it_grants(moodle: Lms) -> None:
    answer = register(moodle, metadata(), token_of(moodle)).json

    assert len(answer["scope"].split()) > 1


def test_pending_tool_is_activated_by_the_admin(moodle: Lms) -> None:
    client = register(moodle, metadata(), token_of(moodle)).json["client_id"]

    moodle.web.post(f"/tools/{client}/activate")

    assert moodle.state.tools[client].active


def test_token_works_once(lms: Lms) -> None:
    token = token_of(lms)
    register(lms, metadata(), token)

    again = register(lms, metadata(), token)

    assert (again.status_code, again.text) == (401, "token_already_used")


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"response_types": None}, "missing required attribute response_types"),
        ({"initiate_login_uri": None}, "missing required attribute initiate_login_uri"),
        ({"redirect_uris": None}, "missing required attribute redirect_uris"),
        ({"client_name": None}, "missing required attribute client_name"),
        ({"jwks_uri": None}, "missing required attribute jwks_uri"),
        ({"response_types": ["code"]}, "invalid_response_types"),
        ({"redirect_uris": "x"}, "invalid_redirect_uris"),
        ({"token_endpoint_auth_method": "none"}, "invalid_token_endpoint_auth_method"),
        ({TOOL_CONFIGURATION: {}}, "missing_domain"),
        (
            {
                TOOL_CONFIGURATION: {
                    "domain": "tool.example",
                    "target_link_uri": "https://x.example",
                }
            },
            "domain_targetlinkuri_mismatch",
        ),
    ],
    ids=[
        "no response types",
        "no login address",
        "no redirect addresses",
        "no name",
        "no key set",
        "another response type",
        "text as redirect addresses",
        "another authentication",
        "no domain",
        "address outside the domain",
    ],
)
def test_incomplete_registration(lms: Lms, changes: dict[str, Any], text: str) -> None:
    answer = register(lms, metadata(**changes), token_of(lms))

    assert (answer.status_code, answer.text) == (400, text)
    assert len(lms.state.tools) == 1


@pytest.mark.parametrize(
    ("token", "status"), [("", 401), ("x.y.z", 404)], ids=["no token", "made-up token"]
)
def test_registration_without_a_token(lms: Lms, token: str, status: int) -> None:
    assert register(lms, metadata(), token).status_code == status
    assert len(lms.state.tools) == 1


def test_page_frames_the_tool_with_its_token(lms: Lms) -> None:
    page = lms.web.get("/tools/register?url=https://tool.example/register?invite=1")

    assert "https://tool.example/register?invite=1&amp;openid_configuration=" in page.text
    assert "registration_token=" in page.text


@pytest.mark.parametrize(
    "url", ["", "javascript:alert(1)", "tool.example"], ids=["empty", "script", "no scheme"]
)
def test_page_wants_an_address(lms: Lms, url: str) -> None:
    assert lms.web.get("/tools/register", query_string={"url": url}).status_code == 400


def test_canvas_makes_a_key_from_json(canvas: Lms) -> None:
    app = Flask("tool")

    @app.get("/canvas.json")
    def canvas_json() -> dict[str, Any]:
        return {
            "title": "JSON tool",
            "oidc_initiation_url": f"{TOOL}/login",
            "target_link_uri": f"{TOOL}/launch",
            "public_jwk_url": f"{TOOL}/jwks",
            "scopes": [SCORE],
            "extensions": [{"privacy_level": "public"}],
        }

    server = serve(app)
    canvas.web.post("/tools/canvas-key", data={"url": f"{server.url}/canvas.json"})
    server.stop()
    refused = canvas.web.post("/tools/canvas-key", data={"url": f"{server.url}/canvas.json"})

    assert [tool.name for tool in canvas.state.tools.values()] == ["Tool", "JSON tool"]
    assert refused.status_code == 400
