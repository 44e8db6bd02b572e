"""Fixtures: settings on each database, the app, a clock to turn by hand, practice servers."""

import dataclasses
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from hypothesis import HealthCheck
from hypothesis import settings as hypothesis_settings

from lti_bridge.core.config import Settings, load_settings
from tests.case_ids import is_word, joins_values

POSTGRESQL = os.environ.get("LTI_BRIDGE_TEST_POSTGRESQL")
REDIS = os.environ.get("LTI_BRIDGE_TEST_REDIS")
# A busy machine is slow; that is no failure of what is tested. In CI the examples are the same
# every time; by hand they are new ones.
hypothesis_settings.register_profile(
    "patient",
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    derandomize="CI" in os.environ,
)
hypothesis_settings.load_profile("patient")
REQUIRE = os.environ.get("LTI_BRIDGE_TEST_REQUIRE") == "1"


CHROMIUM_ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


# What waits for browsers and processes comes first: at the end no worker should wait for one of it.
LONG = ("browser", "story", "crash", "fuzz", "ops")
# Pages and doors whose rows other tests exercise on PostgreSQL: in the gate SQLite is enough.
SQLITE_IS_ENOUGH = {
    "console/accounts/test_accounts_and_keys.py",
    "console/alerts/test_alerts.py",
    "console/courses/test_courses.py",
    "console/guide/test_steps.py",
    "console/learners/test_reset_views.py",
    "console/learners/test_views.py",
    "console/people/test_lms_admins.py",
    "console/platforms/test_pages.py",
    "console/sign_in/test_views.py",
    "deep_linking/test_package_views.py",
    "deep_linking/test_picker.py",
    "deep_linking/test_picker_views.py",
    "instructor/test_submission_review.py",
    "launches/test_login_views.py",
    "launches/test_views.py",
    "platforms/test_connect.py",
    "web/test_learner_languages.py",
    "web/test_page_tokens.py",
    *(f"ops/test_{name}.py" for name in ("health", "metrics", "selftest")),
}
TESTS = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Say what is depth besides, and put the folders of long tests before all others."""

    def place(item: pytest.Item) -> int:
        folder = item.path.relative_to(TESTS).parts[0]
        return LONG.index(folder) if folder in LONG else len(LONG)

    for item in items:
        where = item.path.relative_to(TESTS).as_posix()
        if where in SQLITE_IS_ENOUGH and item.get_closest_marker("postgresql"):
            item.add_marker(pytest.mark.deep("a page: the gate shows it on SQLite"))
        if item.get_closest_marker("redis"):
            item.add_marker(pytest.mark.deep("needs Redis, which is an option"))
        if (deep := item.get_closest_marker("deep")) and not deep.args:
            raise pytest.UsageError(f"{item.nodeid}: deep needs a reason")
    items.sort(key=place)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Refuse a table of several arguments that leaves it to pytest to name its cases."""
    for mark in metafunc.definition.iter_markers("parametrize"):
        if joins_values(mark):
            pytest.fail(f"{metafunc.definition.nodeid}: give the table ids", pytrace=False)


def pytest_make_parametrize_id(val: object, argname: str) -> None:
    """Refuse to name a case by a value that is no word; asked only where no id is given."""
    if not is_word(val):
        pytest.fail(f"give the case {argname}={val!r} an id", pytrace=False)


def need(condition: object, what: str) -> None:
    """Skip a test whose server is missing; in CI a missing server is a failure."""
    if condition:
        return
    if REQUIRE:
        pytest.fail(f"{what} is required here and is not configured")
    pytest.skip(f"{what} is not configured")


class FakeClock:
    """Time that moves only when a test says so."""

    def __init__(self) -> None:
        self.moment = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.moment

    def advance(self, seconds: float) -> datetime:
        self.moment += timedelta(seconds=seconds)
        return self.moment


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@contextmanager
def postgresql_database() -> Iterator[str]:
    """A migrated database without rows, for no other test meanwhile."""
    databases = _postgresql_databases()
    address = databases.borrow()
    try:
        yield address
    finally:
        databases.give_back(address)


@contextmanager
def empty_postgresql_database() -> Iterator[str]:
    """A database without tables, dropped afterwards."""
    databases = _postgresql_databases()
    address = databases.make()
    try:
        yield address
    finally:
        databases.drop(address)


@cache
def _postgresql_databases() -> Any:
    from tests.quick import PostgresqlDatabases

    need(POSTGRESQL, "PostgreSQL (LTI_BRIDGE_TEST_POSTGRESQL)")
    return PostgresqlDatabases(str(POSTGRESQL))


@pytest.fixture
def postgresql_url() -> Iterator[str]:
    """The address of such a database."""
    with postgresql_database() as url:
        yield url


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgresql)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A database of each kind that we support; SQLite's file is made when an app is opened."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'bridge.sqlite3'}"
    url: str = request.getfixturevalue("postgresql_url")
    return url


@pytest.fixture
def settings(database_url: str, tmp_path: Path) -> Settings:
    """Settings of a bridge on loopback with the practice account."""
    return make_settings(database_url, tmp_path)


def make_settings(database_url: str, folder: Path) -> Settings:
    """Return such settings; the queue and the data are in `folder`."""
    return load_settings(
        {
            "LTI_BRIDGE_DATA_DIR": str(folder / "data"),
            "LTI_BRIDGE_DATABASE_URL": database_url,
            "LTI_BRIDGE_QUEUE_URL": f"sqlite:///{folder / 'queue.sqlite3'}",
            "LTI_BRIDGE_SECRET_KEY": "a key that only tests use",
            "LTI_BRIDGE_PUBLIC_URL": "http://bridge.example",
            "LTI_BRIDGE_LAUNCH__ALLOW_PRIVATE_NETWORKS": "true",
            "LTI_BRIDGE_SCORM_CLOUD__BASE_URL": "http://127.0.0.1:9/api/v2",
            "LTI_BRIDGE_SCORM_CLOUD__APP_ID": "practice",
            "LTI_BRIDGE_SCORM_CLOUD__SECRET_KEY": "practice",
        }
    )


def open_app(settings: Settings, clock: FakeClock | None = None) -> Flask:
    """Make an app and its tables; two apps on one database are two nodes."""
    from lti_bridge.app import create_app
    from tests import quick

    app = create_app(settings, now=clock)
    quick.share_templates(app)
    quick.make_tables(app)
    return app


@pytest.fixture(scope="session", autouse=True)
def shared_by_all_tests() -> Iterator[None]:
    """What is compiled once for all apps of the process, and what no test waits for."""
    from tests import quick

    with pytest.MonkeyPatch.context() as patch:
        quick.share_addresses(patch)
        quick.share_versions(patch)
        quick.share_statements(patch)
        quick.stop_at_once(patch)
        servers = {urlsplit(address).hostname for address in (POSTGRESQL, REDIS) if address}
        quick.know_no_names(patch, but=servers)
        yield


@pytest.fixture(scope="session", autouse=True)
def databases_to_copy() -> Iterator[None]:
    yield
    if _postgresql_databases.cache_info().currsize:
        _postgresql_databases().close()


@pytest.fixture(autouse=True)
def kept_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests import quick

    monkeypatch.setattr("lti_bridge.platforms.keys.rsa", quick.KeptKeys("bridge"))
    monkeypatch.setattr("lti_sandbox.practice_lms.state.rsa", quick.KeptKeys("lms"))
    # A process keeps parsed keys by their id: another test's secret would open them here.
    monkeypatch.setattr("lti_bridge.platforms.keys._parsed", {})


@pytest.fixture(autouse=True)
def skipped_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    from tests import quick

    monkeypatch.setattr("lti_bridge.scorm_cloud.transport.time", quick.SkippedWaits())


def close_app(app: Flask) -> None:
    """Give back every connection that the app holds, a readiness probe's in the background too."""
    from lti_bridge.core.db import db
    from lti_bridge.ops.views import WATCH

    if WATCH in app.extensions:
        app.extensions[WATCH].wait()
    with app.app_context():
        db.session.remove()
        db.engine.dispose()
        services = app.extensions["lti_bridge"]
        services.outbound.close()
        services.queue.close()


@pytest.fixture
def app(settings: Settings, clock: FakeClock) -> Iterator[Flask]:
    app = open_app(settings, clock)
    yield app
    close_app(app)


@pytest.fixture
def services(app: Flask) -> Iterator[object]:
    """The app's services, inside its context."""
    with app.app_context():
        yield app.extensions["lti_bridge"]


def with_settings(settings: Settings, **sections: dict[str, object]) -> Settings:
    """Return settings with some values of some sections replaced."""
    changed = {
        name: dataclasses.replace(getattr(settings, name), **values)
        for name, values in sections.items()
    }
    return dataclasses.replace(settings, **changed)


# One per module: Playwright allows only one of its kind at a time in a process.
@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    need(executable, "Chromium (CHROMIUM, or chromium on the PATH)")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=executable, args=CHROMIUM_ARGUMENTS)
        yield opened
        opened.close()


@pytest.fixture
def platform() -> Iterator[Any]:
    """A mini platform that signs launches."""
    from tests.mini_platform import MiniPlatform

    platform = MiniPlatform()
    yield platform
    platform.stop()


@pytest.fixture
def cloud() -> Iterator[Any]:
    """A practice SCORM Cloud with one course, which tests may disturb."""
    from tests.practice_cloud import PracticeCloud

    cloud = PracticeCloud()
    cloud.add_course("golf")
    yield cloud
    cloud.stop()


@pytest.fixture
def people(world: Any) -> Any:
    """Two learners, with everything that the bridge may keep of them."""
    from tests.privacy.people import make_people

    return make_people(world)


@pytest.fixture
def outbound() -> Iterator[Any]:
    """The bridge's way out, to loopback too."""
    from lti_bridge.core.http.session import Outbound

    made = Outbound(allow_private_networks=True)
    yield made
    made.close()


@pytest.fixture
def world(app: Flask, services: Any, platform: Any, cloud: Any) -> Any:
    """A bridge with one platform and one account, and a browser."""
    from tests.world import make_world

    return make_world(app, services, platform, cloud)
