"""A bridge with one platform, one SCORM Cloud account and a browser, over WSGI."""

import re
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from flask import Flask, current_app
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from lti_bridge.core.db import db
from lti_bridge.platforms.accounts import save_account
from lti_bridge.platforms.connection_values import PlatformFacts
from lti_bridge.platforms.keys import ensure_keys
from lti_bridge.platforms.registry import add_platform
from lti_bridge.services import EXTENSION, Services
from tests.mini_platform import MiniPlatform
from tests.practice_cloud import PracticeCloud

HERE = "http://bridge.example"


@dataclass
class World:
    """A bridge with one platform and one account, and a browser."""

    platform: MiniPlatform
    cloud: PracticeCloud
    services: Any
    browser: FlaskClient

    def login(self, **changes: str) -> dict[str, str]:
        """Go through a login and return what the LMS was sent."""
        response = self.browser.post("/lti/login", data=self.login_form(**changes))
        assert response.status_code == 302, response.text
        query = parse_qs(urlsplit(response.location).query)
        return {key: values[0] for key, values in query.items()}

    def login_form(self, **changes: str) -> dict[str, str]:
        form = {
            "iss": self.platform.url,
            "client_id": "client-1",
            "login_hint": "4",
            "target_link_uri": f"{HERE}/lti/launch",
            "lti_deployment_id": "1",
            "lti_message_hint": "hint",
        }
        return {**form, **changes}

    def launch_form(self, **changes: Any) -> dict[str, str]:
        sent = self.login()
        claims = self.platform.claims(self.services.now(), sent["nonce"], **changes)
        return {"state": sent["state"], "id_token": self.platform.sign(claims)}

    def launch(self, **changes: Any) -> TestResponse:
        response = self.browser.post("/lti/launch", data=self.launch_form(**changes))
        # A launch writes rows without the mapper. In production every request has a session of its
        # own; here all share the test's, where objects of before would stand for those rows.
        db.session.expunge_all()
        return response

    def enter(self, **changes: Any) -> TestResponse:
        """Launch, and follow the way to our own page if the answer leads to one."""
        return self.follow(self.launch(**changes))

    def follow(self, response: TestResponse) -> TestResponse:
        """Get the page of ours that an answer leads to, if it leads to one."""
        if response.status_code == 303 and response.location.startswith("/"):
            return self.browser.get(response.location)
        return response


def make_world(
    app: Flask, services: Services, platform: MiniPlatform, cloud: PracticeCloud
) -> World:
    """Connect everything as an admin would. The caller has an app context."""
    now = services.now()
    save_account("default", cloud.base_url, "practice", "practice", services.signer, now=now)
    facts = PlatformFacts(
        name="School",
        issuer=platform.url,
        client_id="client-1",
        authorization_url=f"{platform.url}/auth",
        token_url=f"{platform.url}/token",
        jwks_url=f"{platform.url}/jwks",
        dialect="moodle",
    )
    add_platform(facts, "1", now=now)
    ensure_keys(services.signer, now=now)
    return World(platform, cloud, services, app.test_client())


def connect_another(world: World) -> None:
    """Let another LMS use the same SCORM Cloud account."""
    facts = PlatformFacts(
        name="Other",
        issuer="https://other.example",
        client_id="client-1",
        authorization_url="https://other.example/auth",
        token_url="https://other.example/token",
        jwks_url="https://other.example/jwks",
    )
    add_platform(facts, "1", now=world.services.now())


def set_teacher_grade(value: str) -> None:
    """Let the bridge's settings say what becomes of a teacher's grade, as a restart would."""
    services: Services = current_app.extensions[EXTENSION]
    passback = replace(services.settings.passback, teacher_grade=value)
    settings = replace(services.settings, passback=passback)
    current_app.extensions[EXTENSION] = replace(services, settings=settings)


def page_token(address: str) -> str:
    """Return the token of a page from its address, where it stands quoted."""
    return unquote(address.partition("page=")[2])


def count(model: type) -> int:
    """Return how many rows of a kind there are."""
    found = db.session.scalar(select(func.count()).select_from(model))
    db.session.commit()
    return found


def code(response: TestResponse) -> str:
    """Return the code that a page for a failure shows."""
    found = re.search(r"Code <code>(\w+)</code>", response.text)
    assert found, response.text
    return found.group(1)
