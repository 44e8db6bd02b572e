"""An instructor adds courses from a modal of the LMS, in a real browser: picked, and uploaded."""

import html
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import jwt
import pytest
from flask import Response, request
from playwright.sync_api import expect

from lti_bridge.core.config import load_settings
from lti_bridge.core.db import db
from lti_bridge.lti.claims import DEEP_LINKING_CLAIM
from lti_bridge.services import Services
from lti_sandbox.server import RunningServer, serve
from tests.browser.test_demo import shoot
from tests.conftest import close_app, open_app
from tests.mini_platform import INSTRUCTOR, Asked, MiniPlatform, Reply
from tests.ports import free_port
from tests.practice_cloud import Answer, PracticeCloud, package
from tests.world import make_world

pytestmark = [
    pytest.mark.browser,
    pytest.mark.deep("every page and size; the gate holds the journeys"),
]
ITEMS = "https://purl.imsglobal.org/spec/lti-dl/claim/content_items"
# Moodle's modal, a phone, and a wide page.
SIZES = {"modal": (770, 578), "phone": (390, 844), "wide": (1400, 900)}
PAGE = {"Content-Type": "text/html"}


@dataclass
class School:
    """An LMS in few lines: a page with the modal, and what came back from it."""

    platform: MiniPlatform
    cloud: PracticeCloud
    bridge_url: str
    services: Services
    many: bool = True
    answers: list[dict[str, Any]] = field(default_factory=list)

    def __post_init__(self) -> None:
        routes = {("GET", "/course"): self.course, ("GET", "/auth"): self.authorize}
        self.platform.routes |= {**routes, ("POST", "/return"): self.take}

    def course(self, _: Asked) -> Reply:
        """The course page: the modal's iframe, and the login that it begins with."""
        fields = {
            "iss": self.platform.url,
            "client_id": "client-1",
            "login_hint": "4",
            "target_link_uri": f"{self.bridge_url}/lti/launch",
        }
        form = _form(f"{self.bridge_url}/lti/login", fields, "tool")
        frame = '<iframe name="tool" style="border:0;width:100vw;height:100vh"></iframe>'
        return Reply(body=f'<!doctype html><body style="margin:0">{frame}{form}', headers=PAGE)

    def authorize(self, asked: Asked) -> Reply:
        query = {name: values[0] for name, values in parse_qs(asked.query).items()}
        claims = self.platform.claims(
            self.services.now(),
            query["nonce"],
            message_type="LtiDeepLinkingRequest",
            resource_link=None,
            roles=[INSTRUCTOR],
            target_link_uri=f"{self.bridge_url}/lti/launch",
        )
        claims[DEEP_LINKING_CLAIM] = {
            "deep_link_return_url": f"{self.platform.url}/return",
            "accept_types": ["ltiResourceLink"],
            "accept_presentation_document_targets": ["iframe", "window"],
            "accept_multiple": self.many,
            "data": "opaque " * 200,
        }
        fields = {"state": query["state"], "id_token": self.platform.sign(claims)}
        return Reply(body=_form(query["redirect_uri"], fields), headers=PAGE)

    def take(self, asked: Asked) -> Reply:
        options = {"verify_signature": False}
        self.answers.append(jwt.decode(asked.form()["JWT"], options=options))
        return Reply(body="<h1>The modal closes</h1>", headers=PAGE)


def _form(action: str, fields: dict[str, str], target: str = "_self") -> str:
    inputs = "".join(
        f'<input type="hidden" name="{name}" value="{html.escape(value)}">'
        for name, value in fields.items()
    )
    opening = f'<form method="post" action="{html.escape(action)}" target="{target}">'
    return f"{opening}{inputs}</form><script>document.forms[0].submit()</script>"


@pytest.fixture(scope="module")
def bridge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[RunningServer, Services]]:
    """A bridge that a browser can reach."""
    data, port = tmp_path_factory.mktemp("bridge"), free_port()
    settings = load_settings(
        {
            "LTI_BRIDGE_DATA_DIR": str(data),
            "LTI_BRIDGE_SECRET_KEY": "a key that only tests use",
            "LTI_BRIDGE_PUBLIC_URL": f"http://127.0.0.1:{port}",
            "LTI_BRIDGE_LAUNCH__ALLOW_PRIVATE_NETWORKS": "true",
        }
    )
    app = open_app(settings)
    with serve(app, port=port) as running:
        yield running, app.extensions["lti_bridge"]
    close_app(app)


@pytest.fixture(scope="module")
def school(bridge: tuple[RunningServer, Services]) -> Iterator[School]:
    server, services = bridge
    platform, cloud = MiniPlatform(), PracticeCloud()
    for course_id in ("fire-safety", "golf", *(f"course-{n:02}" for n in range(10))):
        cloud.add_course(course_id)
    with server.app.app_context():
        make_world(server.app, services, platform, cloud)
        db.session.remove()
    yield School(platform, cloud, server.url, services)
    platform.stop()
    cloud.stop()


@pytest.fixture(params=list(SIZES))
def page(request: pytest.FixtureRequest, browser: Any) -> Iterator[Any]:
    width, height = SIZES[request.param]
    context = browser.new_context(viewport={"width": width, "height": height})
    context.set_default_timeout(20_000)
    opened = context.new_page()
    opened.size = request.param
    yield opened
    context.close()


def open_picker(page: Any, school: School, many: bool = True) -> Any:
    school.many = many
    page.goto(f"{school.platform.url}/course")
    frame = page.frame_locator("iframe")
    frame.get_by_role("heading", name="Add a SCORM course").wait_for()
    return frame


def press(frame: Any, name: str) -> None:
    frame.get_by_role("button", name=name, exact=True).click()


def picked(page: Any, school: School) -> list[dict[str, Any]]:
    """Wait until the LMS has its answer, and return the items."""
    page.frame_locator("iframe").get_by_text("The modal closes").wait_for()
    return list(school.answers[-1][ITEMS])


def test_courses_are_picked_from_several_pages(page: Any, school: School) -> None:
    frame = open_picker(page, school)
    shoot(page, f"picker-{page.size}-list")

    frame.locator("li").nth(0).get_by_role("checkbox").check()
    frame.get_by_label("Search by title").fill("safety")
    frame.get_by_label("Search by title").press("Enter")
    frame.get_by_text("Chosen so far").wait_for()
    frame.locator("li", has_text="fire-safety").get_by_role("checkbox").check()
    shoot(page, f"picker-{page.size}-kept")
    press(frame, "Continue with 2 courses")
    frame.get_by_label("Title that learners see").nth(1).fill("Course nine")
    frame.get_by_label("In a new window").check()
    frame.get_by_label("Width in pixels").fill("900")
    shoot(page, f"picker-{page.size}-confirm")
    press(frame, "Add to my course")

    # What the form lists first is what was chosen on another page.
    titles = {i["custom"]["scorm_course_id"]: i["title"] for i in picked(page, school)}
    assert set(titles) == {"fire-safety", "course-09"}
    assert "Course nine" in titles.values()
    assert [item["window"]["width"] for item in school.answers[-1][ITEMS]] == [900, 900]


def test_back_and_reload_show_the_page_again(page: Any, school: School) -> None:
    frame = open_picker(page, school)
    frame.get_by_label("Search by title").fill("safety")
    frame.get_by_label("Search by title").press("Enter")
    frame.get_by_text("fire-safety").wait_for()
    expect(frame.locator("ul.courses > li")).to_have_count(1)
    frame.locator("li", has_text="fire-safety").get_by_role("checkbox").check()
    press(frame, "Continue with 1 course")
    frame.get_by_label("Title that learners see").wait_for()

    page.evaluate("history.back()")  # in the frame: no page is loaded
    frame.get_by_role("heading", name="Add a SCORM course").wait_for()
    expect(frame.locator("ul.courses > li")).to_have_count(1)
    page.evaluate("history.forward()")
    frame.get_by_label("Title that learners see").wait_for()
    inner = page.frames[1]
    restored = page.context.new_page()
    restored.goto(inner.url)
    restored.get_by_label("Title that learners see").wait_for()
    restored.close()
    inner.evaluate("location.reload()")
    frame.get_by_label("Title that learners see").fill("Again")
    press(frame, "Add to my course")

    (item,) = picked(page, school)
    assert item["title"] == "Again"


def test_platform_that_takes_one_course_gets_one_click(page: Any, school: School) -> None:
    frame = open_picker(page, school, many=False)

    press(frame, "Next")
    frame.get_by_text("Page 2").wait_for()
    frame.locator("li", has_text="fire-safety").get_by_role("button", name="Choose").click()
    press(frame, "Add to my course")

    (item,) = picked(page, school)
    assert item["custom"] == {"scorm_course_id": "fire-safety"}


def test_preview_leaves_the_list_as_it_is(page: Any, school: School) -> None:
    frame = open_picker(page, school)
    frame.locator("li").nth(1).get_by_role("checkbox").check()

    with page.context.expect_page() as opening:
        frame.locator("li").nth(1).get_by_role("button", name="Preview").click()
    preview = opening.value
    preview.wait_for_url(f"{school.cloud.server.url}/**")
    preview.get_by_role("button", name="Exit course").click()
    preview.get_by_role("heading", name="The preview has ended").wait_for()
    preview.wait_for_load_state()  # the button's script stands below the heading
    close = "() => setTimeout(() => document.getElementById('close').click())"
    with preview.expect_event("close"):  # a click of Playwright's own would not outlive its page
        preview.evaluate(close)

    expect(frame.locator("li").nth(1).get_by_role("checkbox")).to_be_checked()
    press(frame, "Cancel")
    assert picked(page, school) == []


def test_package_is_uploaded_and_picked(page: Any, school: School, tmp_path: Path) -> None:
    file = tmp_path / f"Swim Safely {page.size}.zip"
    file.write_bytes(package("Swim Safely", filler_bytes=5_000_000).getvalue())
    frame = open_picker(page, school)
    press(frame, "Upload a package")

    frame.get_by_label("Package (zip)").set_input_files(file)
    expect(frame.get_by_label("Course id")).to_have_value(f"swim-safely-{page.size}")
    shoot(page, f"picker-{page.size}-upload")
    press(frame, "Upload")
    frame.get_by_role("heading", name="The course is ready").wait_for()
    shoot(page, f"picker-{page.size}-ready")
    press(frame, "Use this course")
    press(frame, "Add to my course")

    (item,) = picked(page, school)
    assert item["title"] == "Swim Safely"
    assert item["custom"] == {"scorm_course_id": f"swim-safely-{page.size}"}


def test_new_version_is_asked_for(page: Any, school: School, tmp_path: Path) -> None:
    before = school.cloud.client.get_course("golf").version
    file = tmp_path / "golf.zip"
    file.write_bytes(package("Golf, revised").getvalue())
    frame = open_picker(page, school)
    press(frame, "Upload a package")

    frame.get_by_label("Package (zip)").set_input_files(file)
    press(frame, "Upload")
    frame.get_by_text("This id is taken").wait_for()
    shoot(page, f"picker-{page.size}-version")
    assert school.cloud.client.get_course("golf").version == before
    frame.get_by_label("This is a new version: replace it").check()
    press(frame, "Upload")
    frame.get_by_role("heading", name="The course is ready").wait_for()

    assert school.cloud.client.get_course("golf").version == before + 1


def test_wrong_file_is_told_in_place(page: Any, school: School, tmp_path: Path) -> None:
    file = tmp_path / "notes.zip"
    file.write_bytes(b"%PDF-1.7")
    frame = open_picker(page, school)
    press(frame, "Upload a package")

    frame.get_by_label("Package (zip)").set_input_files(file)
    press(frame, "Upload")

    frame.get_by_text("not a zip that can be read").wait_for()
    shoot(page, f"picker-{page.size}-wrong")
    expect(frame.get_by_role("button", name="Upload", exact=True)).to_be_enabled()


@pytest.mark.parametrize(
    "status, says",
    [(413, "takes no file of this size"), (504, "may have arrived all the same")],
    ids=["too large", "timeout"],
)
def test_server_in_front_has_words_of_its_own(
    page: Any,
    bridge: tuple[RunningServer, Services],
    school: School,
    tmp_path: Path,
    status: int,
    says: str,
) -> None:
    file = tmp_path / "Row.zip"
    file.write_bytes(package("Row").getvalue())
    frame = open_picker(page, school)
    press(frame, "Upload a package")
    after = bridge[0].app.after_request_funcs.setdefault(None, [])

    def answer_instead(response: Response) -> Response:
        upload = request.path.endswith("/upload")
        return Response("<h1>nginx</h1>", status) if upload else response

    after.append(answer_instead)
    try:
        frame.get_by_label("Package (zip)").set_input_files(file)
        frame.get_by_label("Course id").fill(f"row-{page.size}-{status}")
        press(frame, "Upload")
        frame.get_by_role("alert").get_by_text(says).wait_for()
    finally:
        after.remove(answer_instead)
    expect(frame.get_by_role("button", name="Upload", exact=True)).to_be_enabled()


def test_silent_import_is_told(page: Any, school: School, tmp_path: Path) -> None:
    file = tmp_path / "Silent.zip"
    file.write_bytes(package("Silent").getvalue())
    page.clock.install()
    frame = open_picker(page, school)
    press(frame, "Upload a package")

    def disturb(method: str, path: str, carry_on: Any) -> None:
        if method == "GET" and "/importJobs/" in path:
            raise Answer("200 OK", {"status": "RUNNING"})

    school.cloud.disturb = disturb
    try:
        frame.get_by_label("Package (zip)").set_input_files(file)
        frame.get_by_label("Course id").fill(f"silent-{page.size}")
        press(frame, "Upload")
        frame.get_by_text("Still at it").wait_for()
        page.clock.fast_forward(130_000)
        frame.get_by_text("has said nothing about it for two minutes").wait_for()
    finally:
        school.cloud.disturb = lambda method, path, carry_on: None
    expect(frame.get_by_role("button", name="Back to the list")).to_be_enabled()


def test_picker_works_without_scripts(browser: Any, school: School, tmp_path: Path) -> None:
    """The LMS's own pages need scripts, so the token is carried over by hand."""
    with browser.new_context() as scripted:
        frame = open_picker(scripted.new_page(), school)
        token = frame.locator("input[name=page]").first.get_attribute("value")
    file = tmp_path / "Climb.zip"
    file.write_bytes(package("Climb").getvalue())
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(f"{school.bridge_url}/lti/pick/preview/done")
        page.set_content(
            f'<form method="post" action="{school.bridge_url}/lti/pick">'
            f'<input type="hidden" name="page" value="{token}"><button>Open</button></form>'
        )

        press(page, "Open")
        press(page, "Upload a package")
        page.get_by_label("Package (zip)").set_input_files(file)
        press(page, "Upload")
        while page.get_by_role("button", name="Look again").count():
            press(page, "Look again")
        press(page, "Use this course")
        press(page, "Add to my course")
        page.get_by_role("heading", name="Adding to your course").wait_for()
        press(page, "Continue")
        page.get_by_text("The modal closes").wait_for()

    (item,) = school.answers[-1][ITEMS]
    assert item["custom"] == {"scorm_course_id": "climb"}
