"""Nodes of a bridge that stand on one database and one practice SCORM Cloud."""

import dataclasses
import secrets
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from lti_bridge.core.config import Settings
from lti_bridge.core.db import db
from lti_bridge.lti.claims import RESOURCE_LINK, LaunchClaims
from lti_bridge.platforms.accounts import ensure_default_account, save_account
from lti_bridge.platforms.connection_values import PlatformFacts
from lti_bridge.platforms.models import Deployment
from lti_bridge.platforms.registry import add_platform
from lti_bridge.registrations.create_lease import OpenedRegistration
from lti_bridge.registrations.create_registration import build_launch_link, open_registration
from lti_bridge.registrations.launch_rows import Arrival, begin_launch
from lti_bridge.registrations.launch_snapshot import get_snapshot
from lti_bridge.registrations.models import Launch, Registration
from lti_bridge.registrations.resource_links import keep_link
from lti_bridge.services import Services
from tests.conftest import FakeClock, close_app, open_app, with_settings
from tests.practice_cloud import PracticeCloud

SCHOOL = PlatformFacts(
    name="School",
    issuer="https://lms.example",
    client_id="client-1",
    authorization_url="https://lms.example/auth",
    token_url="https://lms.example/token",
    jwks_url="https://lms.example/jwks",
    dialect="canvas",
)
ALICE = LaunchClaims(
    message_type=RESOURCE_LINK,
    deployment_id="1",
    sub="alice",
    roles=("http://purl.imsglobal.org/vocab/lis/v2/membership#Learner",),
    target_link_uri="http://bridge.example/lti/launch",
    resource_link_id="link-1",
    resource_link_title="Golf quiz",
    context_id="context-1",
    custom={"scorm_course_id": "golf"},
    given_name="Alice",
    family_name="Learner",
    email="alice@school.example",
    locale="de",
    return_url="https://lms.example/back",
)


def claims(**changes: Any) -> LaunchClaims:
    return dataclasses.replace(ALICE, **changes)


class Node:
    """One bridge process: an app of its own on the shared database."""

    # How many times shorter a launch waits for another one, which may be a thread of the test.
    haste = 5.0

    def __init__(self, settings: Settings, clock: FakeClock) -> None:
        self.app: Flask = open_app(settings, clock)
        self.services: Services = self.app.extensions["lti_bridge"]
        with self.context():
            self.prepare()

    def context(self) -> AbstractContextManager[object]:
        return self.app.app_context()

    def prepare(self, **changes: Any) -> None:
        """Add what an admin adds: the account and the platform."""
        services, now = self.services, self.services.now()
        ensure_default_account(services.settings, services.signer, now=now)
        add_platform(dataclasses.replace(SCHOOL, **changes), "1", now=now)

    def begin(self, deployment_id: str = "1", **changes: Any) -> int:
        """Open the rows of a launch and return its id."""
        query = select(Deployment.platform_id).where(Deployment.deployment_id == deployment_id)
        platform_id = db.session.scalars(query).one()
        arrival = Arrival(cookie_rung="cookie", correlation_id=secrets.token_hex(8))
        asked = claims(deployment_id=deployment_id, **changes)
        snapshot = get_snapshot(platform_id, asked)
        snapshot = keep_link(snapshot, asked, self.services.now())
        return begin_launch(self.services, asked, snapshot, arrival).launch_id

    def open(self, launch_id: int) -> OpenedRegistration:
        return open_registration(self.services, launch_id, sleep=self._wait)

    def _wait(self, seconds: float) -> None:
        time.sleep(seconds / self.haste)

    def launch(self, **changes: Any) -> str:
        """Carry one click to the player; returns the registration id."""
        with self.context():
            launch_id = self.begin(**changes)
            build_launch_link(self.services, launch_id, self.open(launch_id))
            return db.session.get_one(Launch, launch_id).registration.registration_id

    def registration(self, attempt: int = 1) -> Registration:
        query = select(Registration).where(Registration.attempt == attempt)
        return db.session.scalars(query.execution_options(populate_existing=True)).one()

    def lose_database(self) -> None:
        """Empty every table, as a restore without backup does, and set the bridge up again."""
        with self.context():
            db.session.remove()
            db.drop_all()
            db.create_all()
            self.prepare()

    def add_account(self, name: str, cloud: PracticeCloud, secret_key: str = "practice") -> None:
        with self.context():
            services = self.services
            save_account(
                name, cloud.base_url, name, secret_key, services.signer, now=services.now()
            )


@pytest.fixture
def cloud() -> Iterator[PracticeCloud]:
    cloud = PracticeCloud()
    cloud.add_course("golf")
    yield cloud
    cloud.stop()


@pytest.fixture
def cloud_settings(settings: Settings, cloud: PracticeCloud) -> Settings:
    return with_settings(
        settings, scorm_cloud={"base_url": cloud.base_url, "launch_deadline_seconds": 3.0}
    )


@pytest.fixture
def make_node(cloud_settings: Settings, clock: FakeClock) -> Iterator[Callable[[], Node]]:
    made: list[Node] = []

    def make() -> Node:
        made.append(Node(cloud_settings, clock))
        return made[-1]

    yield make
    for node in made:
        close_app(node.app)


@pytest.fixture
def node(make_node: Callable[[], Node]) -> Node:
    """A node alone: what it waits for never comes."""
    node = make_node()
    node.haste = 1000.0
    return node
