"""Every page that shows what others wrote, opened as its reader would open it."""

import re
import secrets
from html import escape, unescape
from html.parser import HTMLParser
from typing import Any
from urllib.parse import unquote

from sqlalchemy import select
from werkzeug.test import TestResponse

from lti_bridge.core.db import db
from lti_bridge.platforms.invites import make_invite
from lti_bridge.registrations.models import Launch, Registration, ResourceLink
from lti_bridge.registrations.return_urls import exit_url
from tests.console.visitors import csrf_token, sign_in_owner
from tests.deep_linking.picking import deep_link, pick, token_of
from tests.door import Door
from tests.html import read_page
from tests.mini_platform import INSTRUCTOR, LTI, TEST_USER, Reply
from tests.practice_cloud import package
from tests.world import HERE, World, page_token

XSS = "\"'><b onmouseover=hostile()></script><script>hostile()</script>{{7*7}}"
COURSE = "hostile"
ADMIN = "http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"
MOST = {
    "given_name": XSS,
    "family_name": XSS,
    "name": XSS,
    "email": XSS,
    "resource_link": {"id": XSS, "title": XSS},
    "context": {"id": XSS, "title": XSS},
    "custom": {"scorm_course_id": COURSE},
}
MEMBERS = "https://purl.imsglobal.org/spec/lti-nrps/claim/namesroleservice"


class Pages:
    """Opens each page of a bridge in which every title and name is an attack."""

    def __init__(self, door: Door) -> None:
        self.door = door
        job = door.cloud.client.upload_course(package(escape(XSS)), "x.zip", COURSE)
        while door.cloud.client.get_import_job(job).status == "RUNNING":
            pass
        url = door.platform.url
        member = {"user_id": XSS, "name": XSS, "status": "Active", "roles": ["Learner"]}
        door.platform.routes[("GET", "/members")] = Reply(body={"members": [member]})
        self.members = {MEMBERS: {"context_memberships_url": f"{url}/members"}}
        self.learner = {**MOST, "sub": "alice"}
        assert door.visitor().launch(**self.learner).status_code == 303

    def all(self) -> dict[str, TestResponse]:
        """Return every page by its name."""
        found = {
            "console link": self.staff("/console/link"),
            "console courses": self.staff("/console/link/courses"),
            "console learner": self.staff("/console/link/learner", learner="1"),
            "console resend": self.staff("/console/link/learner/resend", learner="1"),
            "console resend all": self.staff("/console/link/resend", which="all"),
            "console policy": self.staff("/console/link/policy"),
            "console asked": self.console_asked(),
            "player window": self.player_window(),
            "preview": self.preview(),
            "end of preview": self.staff("/lti/preview/done"),
            "review": self.review(),
            "exit": self.exit(),
            "attempts": self.attempts(),
            "rejected": self.door.visitor().enter(**{**MOST, "custom": {"scorm_course_id": XSS}}),
            "new window": self.new_window(),
            "storage put": self.storage_put(),
            "storage get": self.storage_get(),
            "register": self.register("/lms"),
        }
        found |= {f"signed in {name}": page for name, page in self.signed_in().items()}
        picker = self.picker()
        found["picker"] = picker
        found["picker search"] = pick(self.door.world, "", token_of(picker), search=XSS, find="1")
        chosen = pick(self.door.world, "/choose", token_of(picker), course=COURSE)
        found["picker confirm"] = chosen
        titled = {"title-0": XSS, "target": XSS, "width": XSS}
        found["picker return"] = pick(self.door.world, "/add", token_of(chosen), **titled)
        found["picker package"] = pick(
            self.door.world, "/package", token_of(picker), course_id=XSS, course=XSS
        )
        found["picker gone"] = pick(self.door.world, "/choose", token_of(picker), course=XSS)
        found["picker refused"] = deep_link(self.door.visitor(), accept_types=["link"])
        return found

    def staff(self, path: str, **query: str) -> TestResponse:
        world = self.door.visitor()
        opened = world.launch(**{**MOST, **self.members, "sub": "teacher", "roles": [INSTRUCTOR]})
        page = page_token(opened.location)
        return world.browser.get(path, query_string={"page": page, **query})

    def console_asked(self) -> TestResponse:
        world, token = self._as_admin("somebody else")
        return world.browser.post("/console/enter", data={"page": token})

    def signed_in(self) -> dict[str, TestResponse]:
        """Return the pages of an owner's console."""
        browser = self.door.app.test_client()
        sign_in_owner(browser, self.door.world.services, f"owner-{secrets.token_hex(4)}")
        found = {path: browser.get(f"/console/{path}") for path in self._console_paths()}
        found = {path: page for path, page in found.items() if page.mimetype == "text/html"}
        found = {path: page for path, page in found.items() if page.status_code == 200}
        found["learners?search=hostile"] = browser.get("/console/learners?search=hostile")
        learner = re.search(r"/console/learners/\d+", found["learners?search=hostile"].text)
        assert learner is not None
        found["learner"] = browser.get(learner[0])
        token = csrf_token(found["people"])
        form = {"csrf_token": token, "name": XSS, "password": XSS, "again": XSS}
        found["sign in"] = browser.post("/console/sign-in", data=form)
        return found

    def _console_paths(self) -> list[str]:
        """Return the address of every page of the console, with the number 1 for each row's."""
        every = self.door.app.url_map.iter_rules()
        rules = [rule for rule in every if "GET" in (rule.methods or ())]
        paths = [re.sub("<int:[^>]*>", "1", rule.rule) for rule in rules]
        return [path.removeprefix("/console/") for path in paths if path.startswith("/console/")]

    def _as_admin(self, sub: str) -> tuple[World, str]:
        world = self.door.visitor()
        opened = world.launch(**{**MOST, "sub": sub, "roles": [ADMIN]})
        return world, unquote(opened.location.partition("page=")[2])

    def player_window(self) -> TestResponse:
        # Other tests of the module may have brought links of their own.
        own = select(ResourceLink).where(ResourceLink.resource_link_id == XSS)
        link = db.session.scalars(own).one()
        link.player_window = True
        db.session.commit()
        page = self.door.visitor().enter(**self.learner)
        link.player_window = None
        db.session.commit()
        return page

    def preview(self) -> TestResponse:
        return self.door.visitor().enter(**{**MOST, "sub": "tess", "roles": [TEST_USER]})

    def review(self) -> TestResponse:
        changes = {
            "message_type": "LtiSubmissionReviewRequest",
            f"{LTI}for_user": {"user_id": "alice"},
        }
        world = self.door.visitor()
        opened = world.launch(**{**self.learner, **changes})
        return world.browser.get(opened.location)

    def exit(self) -> TestResponse:
        launch = db.session.scalars(select(Launch).order_by(Launch.id.desc())).first()
        assert launch is not None
        url = exit_url(self.door.world.services, launch.id)
        db.session.commit()
        return self.door.visitor().browser.get(url.removeprefix(HERE))

    def attempts(self) -> TestResponse:
        """Let the link allow a second attempt, and finish the first."""
        link = db.session.scalars(select(ResourceLink)).first()
        registration = db.session.scalars(select(Registration)).first()
        assert link is not None and registration is not None
        link.attempts_allowed = 2
        registration.completion, registration.success, registration.score_scaled = (
            "COMPLETED",
            "PASSED",
            80.0,
        )
        db.session.commit()
        return self.door.visitor().enter(**self.learner)

    def new_window(self) -> TestResponse:
        return self._framed_login(login_hint=XSS, lti_message_hint=XSS)

    def storage_put(self) -> TestResponse:
        return self._framed_login(login_hint=XSS, lti_storage_target=XSS)

    def storage_get(self) -> TestResponse:
        page = self.storage_put()
        state = re.search(r"[?&]state=([^&\"]*)", unescape(page.text))
        assert state is not None
        form = {"state": state.group(1), "id_token": XSS}
        return self.door.visitor().browser.post("/lti/launch", data=form)

    def _framed_login(self, **changes: str) -> TestResponse:
        """Log in from a frame whose browser kept no cookie on its way through our bounce."""
        form = {**self.door.world.login_form(**changes), "lti_bridge_bounced": "1"}
        framed = {"Sec-Fetch-Dest": "iframe"}
        world = self.door.visitor()
        return world.follow(world.browser.post("/lti/login", data=form, headers=framed))

    def picker(self) -> TestResponse:
        return deep_link(self.door.visitor(), title=XSS, text=XSS, data=XSS)

    def register(self, configuration: str) -> TestResponse:
        invite = make_invite(XSS, None, now=self.door.world.services.now())
        query = {
            "invite": invite,
            "openid_configuration": f"{self.door.platform.url}{configuration}?{XSS}",
            "registration_token": XSS,
        }
        return self.door.visitor().browser.get("/lti/register", query_string=query)


def policy_of(page: TestResponse) -> dict[str, str]:
    """Return the page's content security policy by directive."""
    parts = page.headers["Content-Security-Policy"].split("; ")
    return {name: values for name, _, values in (part.partition(" ") for part in parts)}


def post_forms(page: TestResponse) -> list[Any]:
    """Return the forms that post to the bridge itself, wherever their buttons send them."""
    found = [form for form in read_page(page.text, HERE + "/").forms if form.method == "POST"]
    return [form for form in found if form.action.startswith(HERE)]


class _Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))


def tags_of(page: TestResponse) -> list[tuple[str, dict[str, str | None]]]:
    """Return every tag of a page with its attributes, as a browser reads them."""
    reader = _Tags()
    reader.feed(page.text)
    return reader.found


def button_targets(page: TestResponse) -> set[str]:
    return set(re.findall(r'formaction="(/[^"]*)"', page.text))
