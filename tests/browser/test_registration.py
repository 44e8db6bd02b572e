"""An admin connects an LMS by pasting one address, in a real browser."""

import dataclasses
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask

from lti_bridge.core.config import Settings
from lti_bridge.platforms.invites import make_invite
from lti_bridge.platforms.keys import ensure_keys
from lti_bridge.platforms.registry import list_platforms
from lti_sandbox.practice_lms import create_practice_lms
from lti_sandbox.server import RunningServer, serve
from tests.conftest import close_app, open_app
from tests.ports import free_port

pytestmark = [
    pytest.mark.browser,
    pytest.mark.deep("every page and size; the gate holds the journeys"),
]


@pytest.fixture
def bridge(settings: Settings) -> Iterator[tuple[Flask, RunningServer]]:
    """A bridge that no LMS knows yet."""
    port = free_port()
    app = open_app(dataclasses.replace(settings, public_url=f"http://127.0.0.1:{port}"))
    server = serve(app, port=port)
    with app.app_context():
        services = app.extensions["lti_bridge"]
        ensure_keys(services.signer, now=services.now())
    yield app, server
    server.stop()
    close_app(app)


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    context = browser.new_context(viewport={"width": 1280, "height": 860})
    context.set_default_timeout(20_000)
    yield context.new_page()
    context.close()


@pytest.mark.parametrize("dialect", ["canvas", "moodle"])
def test_one_address_connects_the_lms(
    page: Any, bridge: tuple[Flask, RunningServer], dialect: str
) -> None:
    app, server = bridge
    lms = serve(create_practice_lms(dialect=dialect))
    with app.app_context():
        invite = make_invite("Practice", None, now=app.extensions["lti_bridge"].now())

    try:
        page.goto(f"{lms.url}/tools")
        address = page.get_by_label("Registration URL of the tool")
        address.fill(f"{server.url}/lti/register?invite={invite}")
        page.get_by_role("button", name="Register").click()
        frame = page.frame_locator("iframe.tool")
        frame.get_by_role("button", name="Connect").click()
        page.wait_for_url(f"{lms.url}/tools")
        card = page.locator(".card", has_text="LTI Bridge")
        card.wait_for()
        if dialect == "moodle":
            card.get_by_role("button", name="Activate").click()
            page.locator(".card", has_text="LTI Bridge").get_by_text("pending").wait_for(
                state="detached"
            )
        with app.app_context():
            (row,) = list_platforms()
            assert (row.issuer, row.dialect) == (lms.url, dialect)
    finally:
        lms.stop()
