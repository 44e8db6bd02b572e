"""A slow SCORM Cloud keeps learners waiting, and no other request."""

import re
import threading
from collections.abc import Iterator

import pytest

from lti_bridge.app import create_app
from lti_bridge.core.config import Settings
from lti_bridge.core.db import db
from tests.conftest import FakeClock, close_app
from tests.mini_platform import MiniPlatform
from tests.practice_cloud import CarryOn, PracticeCloud
from tests.quick import make_tables
from tests.world import World, code, make_world


@pytest.fixture
def narrow(
    settings: Settings, clock: FakeClock, platform: MiniPlatform, cloud: PracticeCloud
) -> Iterator[World]:
    """A bridge of whose threads one may wait for SCORM Cloud."""
    app = create_app(settings, now=clock, waiting_threads=1)
    make_tables(app)
    services = app.extensions["lti_bridge"]
    services.call_slots.patience_seconds = 0.0
    with app.app_context():
        yield make_world(app, services, platform, cloud)
        db.session.remove()
    close_app(app)


class SlowCloud:
    """Holds the first launch link back until it is let go."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.asked, self.free = threading.Event(), threading.Event()
        self.statuses: list[int] = []
        self._thread = threading.Thread(target=self._launch)

    def __enter__(self) -> "SlowCloud":
        self.form = self.world.launch_form(sub="alice")
        self.world.cloud.disturb = self._hold
        self._thread.start()
        assert self.asked.wait(10)
        return self

    def __exit__(self, *_: object) -> None:
        self.free.set()
        self._thread.join(30)

    def _hold(self, method: str, path: str, _: CarryOn) -> None:
        if path.endswith("launchLink") and not self.asked.is_set():
            self.asked.set()
            self.free.wait(4)

    def _launch(self) -> None:
        browser = self.world.browser.application.test_client()
        for cookie in self.world.browser._cookies.values():
            browser.set_cookie(cookie.key, cookie.value)
        self.statuses.append(browser.post("/lti/launch", data=self.form).status_code)


def test_waiting_learner_tries_again_by_itself(narrow: World) -> None:
    with SlowCloud(narrow) as slow:
        response = narrow.launch(sub="bob")

    assert (response.status_code, code(response)) == (202, "cloud_busy")
    again = re.search(r'http-equiv="refresh" content="3; url=([^"]+)"', response.text)
    assert again
    assert narrow.browser.get(again.group(1)).status_code == 303
    assert slow.statuses == [303]


def test_second_click_waits_a_moment(narrow: World) -> None:
    narrow.services.call_slots.patience_seconds = 30.0

    with SlowCloud(narrow) as slow:
        threading.Timer(0.2, slow.free.set).start()
        response = narrow.launch(sub="bob")

    assert response.status_code == 303
    assert slow.statuses == [303]


def test_waiting_holds_no_transaction(narrow: World) -> None:
    """A thread that waits for a place keeps no connection to the database meanwhile."""
    pool, held = db.engine.pool, []
    narrow.services.call_slots.patience_seconds = 30.0

    with SlowCloud(narrow) as slow:

        def look() -> None:
            held.append(pool.checkedout())  # type: ignore[attr-defined]
            slow.free.set()

        threading.Timer(0.2, look).start()
        narrow.launch(sub="bob")

    assert held == [0]


def test_refused_learner_leaves_no_lease(narrow: World) -> None:
    """A registration that no request is creating can be opened at once by the next one."""
    with SlowCloud(narrow):
        narrow.launch(sub="bob")

    assert narrow.launch(sub="bob").status_code == 303


@pytest.mark.parametrize("path", ["/healthz", "/exit/forged", "/lti/jwks.json"])
def test_other_pages_do_not_wait(narrow: World, path: str) -> None:
    with SlowCloud(narrow) as slow:
        status = narrow.browser.get(path).status_code

        assert status in (200, 404)
        assert slow.statuses == []
