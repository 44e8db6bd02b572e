"""The whole stage in one process: practice LMS, practice SCORM Cloud, bridge and worker."""

import dataclasses
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import urljoin

import requests
from flask import Flask
from sqlalchemy import select

from lti_bridge.app import create_app
from lti_bridge.core.config import Settings
from lti_bridge.core.db import db
from lti_bridge.core.migrate import migrate_database
from lti_bridge.passback import tasks
from lti_bridge.passback.models import Score
from lti_bridge.platforms.accounts import ensure_default_account, get_account
from lti_bridge.platforms.keys import ensure_keys
from lti_bridge.platforms.registry import PlatformFacts, add_platform
from lti_bridge.queue.worker import Worker
from lti_bridge.services import Services
from lti_sandbox.practice_lms import ToolSpec, create_practice_lms
from lti_sandbox.practice_scorm_cloud import create_practice_scorm_cloud
from lti_sandbox.sample_courses import build_sample
from lti_sandbox.server import RunningServer, serve
from tests.conftest import close_app, open_app, with_settings
from tests.html import Form, read_page
from tests.ports import free_port

PATIENCE_SECONDS = 30.0
COURSE = "fire-safety"


def wait_for(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until a condition holds and return it; fails with a sentence when it never does."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        if found := condition():
            return found
        time.sleep(0.02)
    raise AssertionError(f"waited {seconds:g} s in vain: {what}")


class Person:
    """A person with a browser that follows redirects and submits the forms that scripts would."""

    def __init__(self, stage: "Stage", name: str) -> None:
        self.stage = stage
        self.browser = requests.Session()
        self.browser.trust_env = False
        self.post(f"{stage.lms.url}/act-as", {"person": name})

    def post(self, url: str, fields: dict[str, str]) -> requests.Response:
        return self.browser.post(url, data=fields, allow_redirects=False, timeout=30)

    def get(self, url: str) -> requests.Response:
        return self.browser.get(url, allow_redirects=False, timeout=30)

    def launch_form(self, activity: str) -> Form:
        """Click an activity as far as the form that posts the id_token to the bridge."""
        page = self.get(f"{self.stage.lms.url}/activities/{activity}/launch")
        login = read_page(page.text, page.url).forms[0]
        asked = self.post(login.action, login.fields)
        assert asked.status_code == 302, asked.text
        posted = self.get(asked.headers["Location"])
        return read_page(posted.text, posted.url).forms[0]

    def launch(self, activity: str) -> requests.Response:
        """Click an activity and return the bridge's answer to the launch."""
        form = self.launch_form(activity)
        return self.post(form.action, form.fields)

    def enter(self, activity: str) -> requests.Response:
        """Click an activity and return the page of the bridge that the launch leads to."""
        answer = self.launch(activity)
        assert answer.status_code == 303, answer.text
        return self.get(urljoin(answer.url, answer.headers["Location"]))

    def open_player(self, activity: str) -> str:
        """Click an activity and return the registration id that the player was opened for."""
        before = self.stage.links_built()
        answer = self.launch(activity)
        assert answer.status_code == 303, answer.text
        assert answer.headers["Location"].startswith(self.stage.cloud.url)
        after = self.stage.links_built()
        changed = [name for name, built in after.items() if built != before.get(name)]
        assert len(changed) == 1
        return changed[0]


@dataclass
class Stage:
    """Everything that runs, and shortcuts to look at it and to act on it."""

    app: Flask
    bridge: RunningServer | None
    lms: RunningServer
    cloud: RunningServer
    activities: dict[str, str] = field(default_factory=dict)
    worker: Worker | None = None
    tool: ToolSpec | None = None
    dialect: str = ""
    _thread: threading.Thread | None = None

    @property
    def services(self) -> Services:
        services: Services = self.app.extensions["lti_bridge"]
        return services

    def start_worker(self) -> None:
        """Start a queue worker with its timers in this process."""
        timers = tasks.timers(self.app, self.services)
        self.worker = Worker(self.services.queue, 4, timers)
        self._thread = threading.Thread(target=self.worker.run, name="worker")
        self._thread.start()

    def stop_worker(self) -> None:
        if self.worker is not None and self._thread is not None:
            self.worker.stop()
            self._thread.join(timeout=30)
            self.worker = None

    def person(self, name: str) -> Person:
        return Person(self, name)

    def links_built(self) -> dict[str, int]:
        """Return how many launch links were built for each registration."""
        return {
            name: self.registration(name)["launch_links_built"]
            for name in self.cloud_registrations()
        }

    def cloud_registrations(self) -> list[str]:
        url = f"{self.cloud.url}/control/registrations"
        names: list[str] = requests.get(url, timeout=10).json()["registrations"]
        return names

    def registration(self, name: str) -> dict[str, Any]:
        url = f"{self.cloud.url}/control/registrations/{name}"
        found: dict[str, Any] = requests.get(url, timeout=10).json()
        return found

    def finish_course(self, registration: str, **result: Any) -> None:
        """Act as a learner's whole session in the player, from launch to exit."""
        url = f"{self.cloud.url}/control/registrations/{registration}"
        answer = requests.put(url, json=result, timeout=10)
        assert answer.status_code < 300, answer.text

    def postback(self, registration: str, **result: Any) -> requests.Response:
        """Announce a result as SCORM Cloud does, with the credentials of the newest launch link."""
        target = self.registration(registration)["postback"]
        body = {"id": registration, "registrationCompletion": result["completion"]}
        body |= {"registrationSuccess": result["success"], "score": {"scaled": result["scaled"]}}
        credentials = (target["userName"], target["password"])
        return requests.post(target["url"], json=body, auth=credentials, timeout=10)

    def exit_url(self, registration: str) -> str:
        return str(self.registration(registration)["redirect_on_exit_url"])

    def set_faults(self, server: RunningServer, **faults: Any) -> None:
        answer = requests.put(f"{server.url}/control/faults", json=faults, timeout=10)
        assert answer.status_code < 300, answer.text

    def requests_of(self, server: RunningServer) -> dict[str, int]:
        counts: dict[str, int] = requests.get(f"{server.url}/control/requests", timeout=10).json()
        return counts

    def score_posts(self) -> list[dict[str, Any]]:
        posts: list[dict[str, Any]] = requests.get(
            f"{self.lms.url}/control/scores", timeout=10
        ).json()["scores"]
        return posts

    def score_states(self) -> list[str]:
        """Return the states of all Scores that the bridge keeps, oldest first."""
        with self.app.app_context():
            states = list(db.session.scalars(select(Score.state).order_by(Score.id)))
            db.session.rollback()
        return states

    def grade_of(self, person: str, activity: str) -> float | None:
        """Return what the gradebook shows."""
        grades = requests.get(f"{self.lms.url}/control/grades", timeout=10).json()["grades"]
        for grade in grades:
            if (grade["person"], grade["activity"]) == (person, activity):
                score: float | None = grade["score"]
                return score
        raise AssertionError("the gradebook has no such cell")

    def wait_for_grade(self, person: str, activity: str, score: float, seconds: float = 30) -> None:
        what = f"a grade of {score:g} for {person}"
        wait_for(lambda: self.grade_of(person, activity) == score, what, seconds)


def open_stage(
    settings: Settings, dialect: str, line_item: str = "coupled", *, in_process: bool = True
) -> Stage:
    """Start all servers, connect them to each other, upload a course, place an activity.

    Without `in_process` the bridge is prepared only: `nodes.py` runs its processes.
    """
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    cloud = serve(create_practice_scorm_cloud(import_seconds=0))
    tool = ToolSpec("Bridge", f"{url}/lti/login", [f"{url}/lti/launch"], f"{url}/lti/jwks.json")
    lms = serve(create_practice_lms(dialect=dialect, tools=[tool]))
    settings = with_settings(settings, scorm_cloud={"base_url": f"{cloud.url}/api/v2"})
    settings = dataclasses.replace(settings, public_url=url)
    if in_process:
        app = open_app(settings)
    else:
        app = create_app(settings)
        migrate_database(app)
    stage = Stage(app, serve(app, port=port) if in_process else None, lms, cloud)
    with app.app_context():
        _set_up(stage, dialect, tool)
    stage.activities = place_activities(stage, [{"title": "Fire safety", "line_item": line_item}])
    return stage


def _set_up(stage: Stage, dialect: str, tool: ToolSpec) -> None:
    stage.tool, stage.dialect = tool, dialect
    reconnect(stage)
    client = stage.services.scorm_cloud(get_account("default"))
    db.session.commit()
    job = client.upload_course(BytesIO(build_sample("scorm12-quiz")), "quiz.zip", COURSE)
    wait_for(lambda: client.get_import_job(job).status == "COMPLETE", "the import of the course")


def reconnect(stage: Stage) -> None:
    """Enter the LMS and the SCORM Cloud account into an empty database, as an admin would."""
    services, tool = stage.services, stage.tool
    assert tool is not None
    now = services.now()
    ensure_keys(services.signer, now=now)
    ensure_default_account(services.settings, services.signer, now=now)
    platform = requests.get(f"{stage.lms.url}/control/platform", timeout=10).json()
    facts = PlatformFacts(
        name="Practice",
        issuer=platform["issuer"],
        client_id=tool.client_id,
        authorization_url=platform["authorization_url"],
        token_url=platform["token_url"],
        jwks_url=platform["jwks_url"],
        dialect=stage.dialect,
    )
    add_platform(facts, tool.deployment_id, now=now)


def place_activities(stage: Stage, wanted: list[dict[str, Any]]) -> dict[str, str]:
    """Replace the LMS course's activities; returns title → id."""
    entries = [{"custom": {"scorm_course_id": COURSE}, **entry} for entry in wanted]
    answer = requests.put(f"{stage.lms.url}/control/activities", json=entries, timeout=10)
    return {a["title"]: a["id"] for a in answer.json()["activities"]}


def close_stage(stage: Stage) -> None:
    """Stop everything that `open_stage` started."""
    stage.stop_worker()
    for server in (stage.bridge, stage.lms, stage.cloud):
        if server is not None:
            server.stop()
    close_app(stage.app)
