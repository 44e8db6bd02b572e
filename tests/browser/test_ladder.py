"""Each rung of the cookie ladder, in Chromium, between two sites over https."""

import dataclasses
import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect, sync_playwright
from sqlalchemy import update

from lti_bridge.core.db import db
from lti_bridge.platforms.models import Platform
from lti_bridge.web.login_cookies import IN_WINDOW
from tests.browser.sites import ACTIVITY, BRIDGE, SCHOOL, Sites, open_sites
from tests.browser.test_demo import shoot
from tests.conftest import CHROMIUM_ARGUMENTS, make_settings, need, with_settings

pytestmark = [pytest.mark.browser, pytest.mark.deep("a browser profile for each test")]
BLOCK = 2
# What people and their organisations set in Chromium: third-party cookies, cookies of one site
# inside another, cookies of one site anywhere.
NOTHING_BLOCKED: dict[str, Any] = {"cookie_controls_mode": 0}
THIRD_PARTY_BLOCKED: dict[str, Any] = {"cookie_controls_mode": 1}


def blocked(where: str) -> dict[str, Any]:
    rule = {f"[*.]{BRIDGE},{where}": {"setting": BLOCK}}
    return {"content_settings": {"exceptions": {"cookies": rule}}}


FRAME_BLOCKED = blocked(f"[*.]{SCHOOL}")
ALL_BLOCKED = blocked("*")
Open = Callable[[Sites, dict[str, Any]], Any]


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    with sync_playwright() as running:
        yield running


@pytest.fixture(scope="module", params=["canvas", "moodle"])
def sites(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Sites]:
    folder = tmp_path_factory.mktemp("sites")
    settings = make_settings(f"sqlite:///{folder / 'bridge.sqlite3'}", folder)
    # A busy machine is slow: only the tests of a silent storage wait for the end of its time.
    settings = with_settings(settings, launch={"storage_seconds": 8.0})
    settings = dataclasses.replace(settings, public_url=f"https://{BRIDGE}")
    opened = open_sites(settings, request.param, folder)
    yield opened
    opened.stop()


# Only Canvas keeps data for tools; Moodle offers no storage (measured on Moodle 4.5.6).
on_canvas = pytest.mark.parametrize("sites", ["canvas"], indirect=True)
on_moodle = pytest.mark.parametrize("sites", ["moodle"], indirect=True)


@pytest.fixture
def open_browser(playwright: Any, tmp_path: Path) -> Iterator[Open]:
    """Open Chromium with a profile of its own and act as Alice on the LMS's pages."""
    executable = os.environ.get("CHROMIUM") or shutil.which("chromium") or shutil.which("chrome")
    need(executable, "Chromium (CHROMIUM, or chromium on the PATH)")
    contexts = []

    def open_profile(sites: Sites, preferences: dict[str, Any]) -> Any:
        profile = tmp_path / f"profile{len(contexts)}"
        (profile / "Default").mkdir(parents=True)
        text = json.dumps({"profile": preferences})
        (profile / "Default" / "Preferences").write_text(text)
        rules = [f"--host-resolver-rules={sites.resolver_rules}", "--ignore-certificate-errors"]
        context = playwright.chromium.launch_persistent_context(
            str(profile),
            executable_path=executable,
            args=[*CHROMIUM_ARGUMENTS, *rules],
            viewport={"width": 1100, "height": 800},
        )
        contexts.append(context)
        context.set_default_timeout(20_000)
        page = context.pages[0]
        page.goto(f"https://{SCHOOL}/")
        page.get_by_role("button", name="Alice Andersen").click()
        return page

    yield open_profile
    for context in contexts:
        context.close()


@pytest.fixture(autouse=True)
def storage(sites: Sites) -> None:
    """The LMS's storage answers until a test silences it."""
    sites.control_platform(storage=True)


def open_activity(page: Any) -> Any:
    page.goto(f"https://{SCHOOL}/")
    page.locator(".card", has_text=ACTIVITY).get_by_role("link", name="Open").click()
    return page.frame_locator("iframe.tool")


def expect_player(frame: Any) -> None:
    frame.frame_locator("#sco").get_by_role("button", name="Start the quiz").wait_for()


def newest_rung(sites: Sites) -> str:
    return sites.rungs()[-1]


@pytest.mark.parametrize(
    "preferences",
    [NOTHING_BLOCKED, THIRD_PARTY_BLOCKED],
    ids=["nothing blocked", "third party blocked"],
)
def test_cookie_in_the_frame(sites: Sites, open_browser: Open, preferences: dict[str, Any]) -> None:
    page = open_browser(sites, preferences)

    for _ in range(2):  # the second login sees the first one's cookie and does not bounce
        expect_player(open_activity(page))
        assert newest_rung(sites) == "cookie"


@on_canvas
def test_cookie_without_partitioned_is_lost(sites: Sites, open_browser: Open) -> None:
    """The browser does block: what carries the first rung is the one word Partitioned."""
    after = sites.app.after_request_funcs.setdefault(None, [])

    def strip(response: Any) -> Any:
        cookies = response.headers.getlist("Set-Cookie")
        response.headers.setlist("Set-Cookie", [c.replace("; Partitioned", "") for c in cookies])
        return response

    after.append(strip)
    try:
        expect_player(open_activity(open_browser(sites, THIRD_PARTY_BLOCKED)))
    finally:
        after.remove(strip)

    assert newest_rung(sites) == "storage"


@on_canvas
def test_storage_in_the_frame(sites: Sites, open_browser: Open) -> None:
    page = open_browser(sites, FRAME_BLOCKED)

    expect_player(open_activity(page))

    assert newest_rung(sites) == "storage"


@on_canvas
def test_window_when_the_storage_is_silent(sites: Sites, open_browser: Open) -> None:
    """Canvas's mobile apps offer a storage and never answer."""
    sites.control_platform(storage=False)
    page = open_browser(sites, FRAME_BLOCKED)

    expect_window(sites, page, open_activity(page), "storage-silent")


@on_moodle
def test_window_without_storage(sites: Sites, open_browser: Open) -> None:
    page = open_browser(sites, FRAME_BLOCKED)

    expect_window(sites, page, open_activity(page), "no-storage")


def expect_window(sites: Sites, page: Any, frame: Any, name: str) -> None:
    button = frame.get_by_role("button", name="Open in a new window")
    button.wait_for()
    shoot(page, f"ladder-{name}")
    before = sites.rungs()
    with page.context.expect_page() as opening:
        button.click()
    expect_player(opening.value)
    frame.get_by_role("heading", name="The activity is open in a new window").wait_for()
    shoot(page, f"ladder-{name}-opened")
    shoot(opening.value, f"ladder-{name}-window")
    assert sites.rungs() == [*before, "window"]


def test_last_page_explains(sites: Sites, open_browser: Open) -> None:
    sites.control_platform(storage=False)
    page = open_browser(sites, ALL_BLOCKED)
    frame, before = open_activity(page), sites.rungs()
    with page.context.expect_page() as opening:
        frame.get_by_role("button", name="Open in a new window").click()

    heading = opening.value.get_by_role("heading", name="Your browser keeps no cookies")
    heading.wait_for()
    shoot(opening.value, "ladder-last")
    expect(opening.value.get_by_text("Allow cookies for this site")).to_be_visible()
    assert sites.rungs() == before
    assert IN_WINDOW not in opening.value.url


@on_canvas
def test_player_in_a_window_of_its_own(sites: Sites, open_browser: Open) -> None:
    with sites.app.app_context():
        db.session.execute(update(Platform).values(player_window=True))
        db.session.commit()
    page = open_browser(sites, THIRD_PARTY_BLOCKED)
    try:
        frame = open_activity(page)
        button = frame.get_by_role("button", name="Open the course")
        button.wait_for()
        shoot(page, "player-window")
        with page.context.expect_page() as opening:
            button.click()
        player = opening.value
        expect_player(player)
        frame.get_by_role("heading", name="The course is open in a new window").wait_for()
        shoot(page, "player-window-open")
        player.get_by_role("button", name="Exit course").click()
        frame.get_by_text("Your result").wait_for()
        shoot(page, "player-window-left")
    finally:
        with sites.app.app_context():
            db.session.execute(update(Platform).values(player_window=None))
            db.session.commit()


def open_picker_in_a_window(sites: Sites, page: Any) -> tuple[Any, Any]:
    """Ida adds an activity, in a window because the frame keeps no cookie."""
    page.goto(f"https://{SCHOOL}/")
    page.get_by_role("button", name="Ida Ivarsson").click()
    page.get_by_role("link", name="Add an activity from").first.click()
    frame = page.frame_locator("iframe.tool")
    with page.context.expect_page() as opening:
        frame.get_by_role("button", name="Open in a new window").click()
    return frame, opening.value


@on_moodle
def test_picker_in_a_window_answers_in_the_frame(sites: Sites, open_browser: Open) -> None:
    frame, window = open_picker_in_a_window(sites, open_browser(sites, FRAME_BLOCKED))
    frame.get_by_role("heading", name="The activity is open in a new window").wait_for()

    window.locator("li").first.get_by_role("checkbox").check()
    window.get_by_role("button", name="Continue with 1 course").click()
    window.get_by_label("Title that learners see").fill("Picked in a window")
    shoot(window, "ladder-picker-window")
    window.get_by_role("button", name="Add to my course").click()

    window.get_by_text("You can close this window").wait_for()
    frame.get_by_text("Picked in a window (100 points)").wait_for()


@on_moodle
def test_picker_without_its_frame_says_so_first(sites: Sites, open_browser: Open) -> None:
    page = open_browser(sites, FRAME_BLOCKED)
    _, window = open_picker_in_a_window(sites, page)
    window.get_by_role("heading", name="Add a SCORM course").wait_for()
    expect(window.locator("#lost")).to_be_hidden()

    page.goto(f"https://{SCHOOL}/")
    window.reload()

    window.get_by_text("cannot be reached from this window").wait_for()


@on_canvas
@pytest.mark.parametrize(
    "preferences, said",
    [
        (NOTHING_BLOCKED, "An owner of this bridge has to let you in"),
        (THIRD_PARTY_BLOCKED, "An owner of this bridge has to let you in"),
        (FRAME_BLOCKED, "Open the console from your course"),
    ],
    ids=["nothing blocked", "third party blocked", "blocked in the frame"],
)
def test_console_needs_the_page_s_browser(
    sites: Sites, open_browser: Open, preferences: dict[str, Any], said: str
) -> None:
    """The cookie that ties an admin's page to its browser is kept in the frame, or it is not."""
    page = open_browser(sites, preferences)
    page.goto(f"https://{SCHOOL}/")
    page.get_by_role("button", name="Adam Novak").click()

    open_activity(page).get_by_role("button", name="Open the console").click()

    page.frame_locator("iframe.tool").get_by_role("heading", name=said).wait_for()
