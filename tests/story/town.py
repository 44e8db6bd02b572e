"""Bridge, practice LMS and practice SCORM Cloud in one thread, under a clock turned by hand."""

import dataclasses
import io
import json
import zipfile
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import requests
from flask import Flask
from sqlalchemy import delete, event, func, insert, select, update

from lti_bridge.app import create_app
from lti_bridge.core.config import Settings
from lti_bridge.core.db import db
from lti_bridge.passback.actions.after_restore import distrust_results
from lti_bridge.passback.models import Score, ScoreTry, SweepCursor
from lti_bridge.passback.pipeline.job import work_grade
from lti_bridge.passback.pipeline.throttle import PlatformGate
from lti_bridge.passback.triggers.overdue import run_overdue_round
from lti_bridge.passback.triggers.sweep import recheck_unresolved, sweep_accounts
from lti_bridge.platforms.accounts import save_account
from lti_bridge.platforms.connection_values import PlatformFacts
from lti_bridge.platforms.keys import ensure_keys
from lti_bridge.platforms.registry import add_platform
from lti_bridge.registrations.models import (
    Grade,
    Launch,
    Learner,
    Registration,
    ResourceLink,
    TrailEvent,
)
from lti_sandbox.practice_lms import ToolSpec, create_practice_lms
from lti_sandbox.practice_scorm_cloud import create_practice_scorm_cloud
from lti_sandbox.server import RunningServer, run_on_stop, serve
from tests.conftest import FakeClock, close_app
from tests.html import read_page
from tests.quick import make_tables
from tests.story.in_process import InProcess, Jobs, Mailbox
from tests.story.oracle import State

BRIDGE, LMS, CLOUD = "http://bridge.example", "http://lms.example", "http://cloud.example"
COURSE = "golf"
# Rows that learners and their grades leave; in an order in which they can be deleted.
LEFT_BEHIND = (ScoreTry, Score, TrailEvent, Launch, Registration, Grade, Learner, ResourceLink)
Backup = dict[Any, list[dict[str, Any]]]
MANIFEST = """<manifest identifier="m" xmlns="http://www.imsglobal.org/xsd/imscp_v1p1"
  xmlns:adlcp="http://www.adlnet.org/xsd/adlcp_v1p3">
  <metadata><schemaversion>2004 4th Edition</schemaversion></metadata>
  <organizations default="o"><organization identifier="o"><title>Golf</title>
    <item identifier="i" identifierref="r"><title>Golf</title></item></organization>
  </organizations>
  <resources><resource identifier="r" type="webcontent" adlcp:scormType="sco" href="index.html"/>
  </resources>
</manifest>"""


class Death(BaseException):
    """The process is killed here: nothing of it goes on."""


@dataclasses.dataclass
class Fuse:
    """Something that goes wrong, or happens, at the n-th commit, call or answer from now on."""

    left: int
    problem: BaseException | Callable[[], object]
    kinds: tuple[str, ...]


class Town:
    """Everything there is, and what can happen in it, one thing after the other."""

    def __init__(self, settings: Settings, dialect: str) -> None:
        self.clock, self.dialect = FakeClock(), dialect
        self._keys = self._serve_keys()
        urls = f"{BRIDGE}/lti/login", [f"{BRIDGE}/lti/launch"], self._keys.url
        tool = self._tool = ToolSpec("Bridge", *urls)
        self.lms = create_practice_lms(
            dialect=dialect, tools=[tool], now=lambda: self.clock().timestamp()
        )
        self.cloud = create_practice_scorm_cloud(import_seconds=0, now=self.clock)
        self.mailbox = Mailbox()
        running = self.cloud.extensions["practice_scorm_cloud"]
        self.cloud.extensions["practice_scorm_cloud"] = dataclasses.replace(
            running, postbacks=self.mailbox
        )
        self._settings = settings
        self._fuse: Fuse | None = None
        self.launching = 0  # launches under way
        self.watch: Callable[[str], None] | None = None  # told every address that is called
        self._dead = False
        self.jobs = Jobs()
        self.app = self._start_process()
        make_tables(self.app)
        with self.app.app_context():
            self._connect(tool, dialect)
        self._key_set = self.app.test_client().get("/lti/jwks.json").data
        self.upload_course(COURSE)

    # The process of the bridge

    def _start_process(self) -> Flask:
        """A bridge that remembers nothing but its rows."""
        app = create_app(self._settings, now=self.clock)
        self.jobs = Jobs()
        services = dataclasses.replace(app.extensions["lti_bridge"], queue=self.jobs)
        app.extensions["lti_bridge"] = services
        self.gate = PlatformGate(services.settings.passback, self.clock)
        session: requests.Session = services.outbound._session
        session.mount(LMS, InProcess(self.lms, self._happens))
        session.mount(CLOUD, InProcess(self.cloud, self._happens))
        with app.app_context():
            event.listen(db.engine, "commit", lambda _: self._happens("commit"))
        return app

    def _happens(self, kind: str, url: str = "") -> None:
        if self.watch is not None and kind == "call":
            self.watch(url)
        fuse = self._fuse
        if fuse is None or kind not in fuse.kinds:
            return
        fuse.left -= 1
        if fuse.left < 0:
            # A killed process stays killed, even where its code catches the error and goes on.
            self._dead = isinstance(fuse.problem, Death)
            self._fuse = fuse if self._dead else None
            if not isinstance(fuse.problem, BaseException):
                with self.app.app_context():  # a session of its own, as another process has
                    fuse.problem()
                return
            raise fuse.problem

    def do(self, act: Callable[[], Any], fuse: Fuse | None = None) -> Any:
        """Let the bridge do something; if that kills its process, another one starts."""
        self._fuse, self._dead = dataclasses.replace(fuse) if fuse else None, False
        done = None
        try:
            with self.app.app_context():
                done = act()
        except BaseException:
            if not self._dead:
                raise
        finally:
            self._fuse = None
        if self._dead:
            close_app(self.app)
            self.app = self._start_process()
            return None
        return done

    def close(self) -> None:
        self._keys.stop()
        close_app(self.app)
        run_on_stop(self.cloud)

    # Workers

    def work(self) -> None:
        """Run the jobs that wait."""
        services = self.app.extensions["lti_bridge"]
        while self.jobs.waiting:
            work_grade(services, self.gate, self.jobs.waiting.pop(0))

    def round(self) -> None:
        run_overdue_round(self.app.extensions["lti_bridge"], lambda grade_id: None)

    def work_elsewhere(self) -> None:
        """Let a worker process besides this one do a round and what is due."""
        here = self.app, self.jobs, self.gate
        self.app = self._start_process()
        try:
            with self.app.app_context():
                self.round()
                self.work()
        finally:
            close_app(self.app)
            self.app, self.jobs, self.gate = here

    def sweep(self) -> None:
        sweep_accounts(self.app.extensions["lti_bridge"])

    def recheck(self) -> None:
        recheck_unresolved(self.app.extensions["lti_bridge"])

    def settle(self) -> None:
        """Let time pass until nothing is due any more."""
        self.clock.advance(61)
        for _ in range(60):
            for act in (self.sweep, self.recheck, self.round, self.work):
                self.do(act)
            following = self.do(self._next_moment)
            if following is None:
                return
            self.clock.moment = max(following, self.clock() + timedelta(seconds=1))
        raise AssertionError("the bridge never comes to rest")

    def _next_moment(self) -> datetime | None:
        query = select(
            func.min(Grade.next_read_at), func.min(Grade.next_send_at), func.min(Grade.lease_until)
        )
        moments = [moment for moment in db.session.execute(query).one() if moment is not None]
        db.session.rollback()
        woken_for = timedelta(seconds=61)  # a wake-up that a process took with it
        late = self.clock() - woken_for
        return min((m if m > late else self.clock() + woken_for for m in moments), default=None)

    # The people, and SCORM Cloud

    def ask(self, app: Flask, method: str, path: str, **options: Any) -> Any:
        """Ask a practice server something that its own pages or its control answer."""
        return app.test_client().open(path, method=method, **options)

    def cloud_api(self, method: str, path: str) -> None:
        answer = self.ask(self.cloud, method, f"/api/v2{path}", auth=("practice", "practice"))
        assert answer.status_code < 300, answer.text

    def learn(
        self,
        activity: str,
        score: float | None,
        *,
        works: bool = True,
        person: str = "alice",
        **status: str,
    ) -> None:
        """Come, pass with a score of 100, leave, and let workers do what comes of it.

        `status`: another completion or success than that of a pass.
        """
        address = self.do(lambda: self.click(activity, person))
        assert address is not None, "the player did not open"
        exit_url = self.finish(address, score, **status)
        self.do(lambda: self.visit(exit_url))
        if works:
            self.do(self.work)

    def finish(
        self,
        address: str,
        score: float | None,
        *,
        completion: str = "completed",
        success: str = "passed",
    ) -> str:
        """Pass the course that a launch link opens; returns where the learner is sent then."""
        player = self.open_player(address)
        cmi = {"cmi.completion_status": completion, "cmi.success_status": success}
        if score is not None:
            cmi["cmi.score.scaled"] = str(score / 100)
        message = {"sequence": 1, "cmi": cmi, "exit": "exited", "seconds": 30}
        answer = self.ask(self.cloud, "POST", f"{player}/commit", json=message)
        exit_url: str = answer.json["next"]["url"]
        return exit_url

    def control(self, method: str, path: str, body: Any = None) -> Any:
        """Do in the LMS what its control offers."""
        answer = self.ask(self.lms, method, f"/control/{path}", json=body, base_url=LMS)
        assert answer.status_code < 300, answer.text
        return answer.json

    def grade(self, activity: str, **what: Any) -> None:
        """Do with Alice's cell what a teacher does."""
        self.control("PUT", "grades", {"activity": activity, "person": "alice", **what})

    def posts(self) -> list[dict[str, Any]]:
        """Every score that was posted, with the LMS's answer."""
        found: list[dict[str, Any]] = self.control("GET", "scores")["scores"]
        return found

    def accepted_posts(self, first: int) -> list[float]:
        """Return the points of every post that the LMS took, from the first-th on."""
        found = [post for post in self.posts()[first:] if post["status"] == 200]
        return [float(json.loads(post["body"])["scoreGiven"]) for post in found]

    def is_deleted(self, activity: str) -> bool:
        """Tell whether the activity's gradebook column is deleted."""
        return activity in self.lms.extensions["practice_lms"].deleted_items

    def grant_scores(self, granted: bool) -> None:
        """Let the LMS grant the tool scores, or all other services only."""
        scopes = ["lineitem.readonly", "result.readonly", *(["score"] if granted else [])]
        self.control("PUT", f"tools/{self._tool.client_id}", {"scopes": scopes})

    def scores(self) -> list[tuple[str, float, str]]:
        """State, points and sentence of every decision, the oldest first."""
        query = select(Score.state, Score.score_given, Score.reason).order_by(Score.id)
        found = [tuple(row) for row in self.do(lambda: db.session.execute(query).all())]
        self.do(db.session.rollback)
        return found

    def click(self, activity: str, person: str = "alice") -> str | None:
        """Click the activity as a learner does; returns the player's address, if one opens."""
        lms, bridge = self.lms.test_client(), self.app.test_client()
        lms.post("/act-as", data={"person": person}, base_url=LMS)
        page = lms.get(f"/activities/{activity}/launch", base_url=LMS)
        forms = read_page(page.text, LMS).forms
        if not forms:  # not enrolled, or the LMS is down
            return None
        login = forms[0]
        asked = bridge.post(_path(login.action), data=login.fields)
        posted = lms.get(asked.headers["Location"])
        form = read_page(posted.text, LMS).forms[0]
        self.launching += 1
        try:
            answer = bridge.post(_path(form.action), data=form.fields)
        finally:
            self.launching -= 1
        address = answer.headers.get("Location", "")
        return address if address.startswith(CLOUD) else None

    def open_player(self, address: str) -> str | None:
        """Open a launch link and return the path of the player's session, unless it came late."""
        answer = self.cloud.test_client().get(address)
        assert answer.status_code in (303, 410), answer.text
        return _path(answer.headers["Location"]) if answer.status_code == 303 else None

    def visit(self, address: str) -> None:
        """Let the browser open an address of the bridge."""
        self.app.test_client().get(_path(address))

    def deliver(self, letter: tuple[dict[str, Any], dict[str, Any]]) -> None:
        """Post what SCORM Cloud announces."""
        target, body = letter
        credentials = (target["userName"], target["password"])
        self.app.test_client().post(_path(target["url"]), json=body, auth=credentials)

    def registrations(self) -> list[str]:
        found: list[str] = self.ask(self.cloud, "GET", "/control/registrations").json[
            "registrations"
        ]
        return found

    def shown(self, registration: str) -> State:
        """What SCORM Cloud shows of a registration, once every lag is over."""
        told = self.ask(self.cloud, "GET", f"/control/registrations/{registration}").json
        return State(told["completion"], told["success"], told["scaled"])

    def cell(self, activity: str) -> dict[str, Any]:
        """Alice's cell of the gradebook."""
        grades = self.ask(self.lms, "GET", "/control/grades").json["grades"]
        return next(g for g in grades if g["person"] == "alice" and g["activity"] == activity)

    def unfinished(self, activity: str | None = None) -> list[str]:
        """Return the states of Scores that are neither in the gradebook nor out of date.

        `activity`: of this one alone.
        """
        query = select(Score.state).where(~Score.state.in_(("accepted", "superseded")))
        if activity is not None:
            query = query.join(Grade, Grade.id == Score.grade_id).join(
                ResourceLink, ResourceLink.id == Grade.resource_link_id
            )
            query = query.where(ResourceLink.resource_link_id == activity)
        found = list(db.session.scalars(query))
        db.session.rollback()
        return found

    def back_up(self) -> Backup:
        """Return what learners and their grades have left by now."""
        rows = {}
        for model in (*LEFT_BEHIND, SweepCursor):
            found = db.session.execute(select(model.__table__)).mappings()
            rows[model] = [dict(row) for row in found]
        db.session.rollback()
        return rows

    def bring_back(self, backup: Backup) -> None:
        """Let an older copy of the database take the place of the one there is."""
        for model in (*LEFT_BEHIND, SweepCursor):
            db.session.execute(delete(model))
        for model in (SweepCursor, *reversed(LEFT_BEHIND)):
            if backup[model]:
                db.session.execute(insert(model.__table__), backup[model])
        db.session.commit()
        distrust_results()

    # Setting up

    def begin(self) -> str:
        """Begin anew with one activity, without any earlier visit; returns its id."""
        for registration in self.registrations():
            self.cloud_api("DELETE", f"/registrations/{registration}")
        self.mailbox.letters.clear()
        self.jobs.waiting.clear()
        self.do(self._forget)
        self.clock.advance(3600)
        self.ask(self.cloud, "PUT", "/control/faults", json={})
        self.control("PUT", "course", {"unenrolled": [], "maintenance": False})
        self.grant_scores(True)
        self.lms.extensions["practice_lms"].score_posts.clear()
        wanted = [{"title": "Golf", "custom": {"scorm_course_id": COURSE}}]
        answer = self.ask(self.lms, "PUT", "/control/activities", json=wanted, base_url=LMS)
        activity: str = answer.json["activities"][0]["id"]
        return activity

    def _forget(self) -> None:
        for model in LEFT_BEHIND:
            db.session.execute(delete(model))
        db.session.execute(update(SweepCursor).values(postbacks_seen_at=None))
        db.session.commit()

    def _serve_keys(self) -> RunningServer:
        """Serve the bridge's key set, which the practice LMS fetches by itself."""
        app = Flask("keys")
        app.add_url_rule("/", "keys", lambda: self._key_set)
        return serve(app)

    def _connect(self, tool: ToolSpec, dialect: str) -> None:
        services = self.app.extensions["lti_bridge"]
        now = self.clock()
        ensure_keys(services.signer, now=now)
        account = ("default", f"{CLOUD}/api/v2", "practice", "practice")
        save_account(*account, services.signer, now=now)
        told = self.ask(self.lms, "GET", "/control/platform", base_url=LMS).json
        facts = PlatformFacts(
            name="School",
            issuer=told["issuer"],
            client_id=tool.client_id,
            authorization_url=told["authorization_url"],
            token_url=told["token_url"],
            jwks_url=told["jwks_url"],
            dialect=dialect,
        )
        add_platform(facts, tool.deployment_id, now=now)

    def upload_course(self, course_id: str) -> None:
        """Put a course into SCORM Cloud."""
        body = io.BytesIO()
        with zipfile.ZipFile(body, "w") as archive:
            archive.writestr("imsmanifest.xml", MANIFEST)
            archive.writestr("index.html", "<p>Golf</p>")
        body.seek(0)
        answer = self.ask(
            self.cloud,
            "POST",
            f"/api/v2/courses/importJobs/upload?courseId={course_id}",
            data={"file": (body, "golf.zip")},
            auth=("practice", "practice"),
        )
        assert answer.status_code < 300, answer.text
        for worker in self.cloud.extensions["practice_scorm_cloud"].imports:
            worker.join()


def _path(address: str) -> str:
    parts = urlsplit(address)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
