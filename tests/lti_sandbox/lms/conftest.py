"""A practice LMS of each dialect with one connected tool, called over WSGI."""

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from lti_sandbox.practice_lms import LmsState, ToolSpec, create_practice_lms
from lti_sandbox.practice_lms.scopes import ALL_SCOPES
from lti_sandbox.server import RunningServer, serve
from tests.html import Form, read_page
from tests.mini_platform import public_jwk, rsa_key

TOOL = "https://tool.example"
CLIENT = "tool-client"


@pytest.fixture(scope="session")
def tool_keys() -> Iterator[RunningServer]:
    """The tool's key set, where the LMS fetches it."""
    app = Flask("tool")

    @app.get("/jwks")
    def jwks() -> dict[str, Any]:
        return {"keys": [public_jwk("tool-1", rsa_key("tool"))]}

    server = serve(app)
    yield server
    server.stop()


@dataclass
class Lms:
    """The LMS, and what a tool and a person do with it."""

    dialect: str
    state: LmsState
    web: FlaskClient
    tool: ToolSpec

    def act_as(self, person: str) -> None:
        self.web.post("/act-as", data={"person": person})

    def add_activity(self, **changes: Any) -> str:
        entry = {"title": "Golf", "custom": {"scorm_course_id": "golf"}, **changes}
        answer = self.web.put("/control/activities", json=[entry])
        return str(answer.json["activities"][0]["id"])

    def begin(self, path: str) -> dict[str, str]:
        """Open a launch page and return the fields of the login that it posts to the tool."""
        return read_page(self.web.get(path).text, path).forms[0].fields

    def authorize(self, login: dict[str, str], **changes: str | None) -> TestResponse:
        """Answer a login as a tool would, with changes; None leaves a parameter out."""
        asked: dict[str, str | None] = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": CLIENT,
            "redirect_uri": f"{TOOL}/launch",
            "login_hint": login["login_hint"],
            "lti_message_hint": login["lti_message_hint"],
            "state": "state-1",
            "nonce": "nonce-1",
        }
        query = {key: value for key, value in (asked | changes).items() if value is not None}
        path = {"moodle": "/mod/lti/auth.php", "canvas": "/api/lti/authorize_redirect"}
        return self.web.get(path[self.dialect], query_string=query)

    def posted(self, answer: TestResponse) -> Form:
        """Return the form that the LMS's page posts to the tool."""
        return read_page(answer.text, TOOL).forms[0]

    def claims(self, path: str) -> dict[str, Any]:
        """Launch and return the verified claims."""
        token = self.posted(self.authorize(self.begin(path))).fields["id_token"]
        key = self.state.key.public_key()
        claims: dict[str, Any] = jwt.decode(token, key, algorithms=["RS256"], audience=CLIENT)
        return claims

    def assertion(self, **changes: Any) -> str:
        """Sign a client assertion; a change to None leaves a claim out."""
        kid = changes.pop("kid", "tool-1")
        key = changes.pop("key", rsa_key("tool"))
        now = int(time.time()) - 5
        claims = {"iss": CLIENT, "sub": CLIENT, "aud": "http://localhost/token", "iat": now}
        claims |= {"exp": now + 300, "jti": f"jti-{time.monotonic_ns()}"}
        kept = {name: value for name, value in (claims | changes).items() if value is not None}
        headers = {"kid": kid} if kid else {}
        return jwt.encode(kept, key, algorithm="RS256", headers=headers)

    def ask_token(self, assertion: str, scopes: list[str] | None = None) -> TestResponse:
        path = {"moodle": "/mod/lti/token.php", "canvas": "/login/oauth2/token"}[self.dialect]
        form = {
            "grant_type": "client_credentials",
            "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            "client_assertion": assertion,
            "scope": " ".join(ALL_SCOPES if scopes is None else scopes),
        }
        return self.web.post(path, data=form, headers={"User-Agent": "tests"})

    def token(self, scopes: list[str] | None = None) -> str:
        answer = self.ask_token(self.assertion(), scopes)
        assert answer.status_code == 200, answer.text
        return str(json.loads(answer.text)["access_token"])

    def call(self, method: str, url: str, token: str = "", **options: Any) -> TestResponse:
        headers = {"User-Agent": "tests", **options.pop("headers", {})}
        if token:
            headers["Authorization"] = f"Bearer {token}"
        parts = urlsplit(url)
        query = {k: v[0] for k, v in parse_qs(parts.query).items()}
        return self.web.open(
            parts.path, method=method, query_string=query, headers=headers, **options
        )


def open_lms(dialect: str, keys: RunningServer) -> Lms:
    tool = ToolSpec("Tool", f"{TOOL}/login", [f"{TOOL}/launch"], f"{keys.url}/jwks", CLIENT)
    app = create_practice_lms(dialect=dialect, tools=[tool])
    return Lms(dialect, app.extensions["practice_lms"], app.test_client(), tool)


@pytest.fixture
def moodle(tool_keys: RunningServer) -> Lms:
    return open_lms("moodle", tool_keys)


@pytest.fixture
def canvas(tool_keys: RunningServer) -> Lms:
    return open_lms("canvas", tool_keys)


@pytest.fixture(params=["moodle", "canvas"])
def lms(request: pytest.FixtureRequest, tool_keys: RunningServer) -> Lms:
    return open_lms(request.param, tool_keys)
