"""Words to ask a practice SCORM Cloud with, and a listener that writes down what it hears."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
import requests

from lti_sandbox.practice_scorm_cloud.cloud import Cloud
from lti_sandbox.practice_scorm_cloud.imports import Wanted, import_now
from lti_sandbox.sample_courses import build_sample, course_id


def wait_until(question: Callable[[], Any], seconds: float = 15) -> Any:
    """Ask until the answer is true, and return it; fail after some seconds."""
    ends = time.monotonic() + seconds
    while time.monotonic() < ends:
        answer = question()
        if answer:
            return answer
        time.sleep(0.02)
    pytest.fail(f"not true within {seconds} s: {question}")


@dataclass
class Practice:
    """One running practice SCORM Cloud."""

    url: str
    cloud: Cloud
    session: requests.Session

    def api(self, method: str, path: str, **options: Any) -> requests.Response:
        """Call the API with the practice credentials."""
        options.setdefault("auth", ("practice", "practice"))
        return self.session.request(method, f"{self.url}/api/v2{path}", timeout=20, **options)

    def add_course(self, kind: str = "scorm12-quiz") -> str:
        """Import a sample and return its course id."""
        outcome = import_now(self.cloud, Wanted(course_id(kind)), build_sample(kind))
        assert outcome["status"] == "COMPLETE", outcome
        return course_id(kind)

    def register(self, registration_id: str, course: str, **more: Any) -> str:
        """Create a registration for Alice and return its id."""
        body = {
            "registrationId": registration_id,
            "courseId": course,
            "learner": {"id": "alice", "firstName": "Alice", "lastName": "Archer"},
            **more,
        }
        answer = self.api("POST", "/registrations", json=body)
        assert answer.status_code == 204, answer.text
        return registration_id

    def launch_link(self, registration_id: str, back: str = "http://back.example/") -> str:
        """Build a launch link and return it."""
        path = f"/registrations/{registration_id}/launchLink"
        link = self.api("POST", path, json={"redirectOnExitUrl": back}).json()["launchLink"]
        assert isinstance(link, str)
        return link

    def faults(self, **faults: Any) -> requests.Response:
        """Replace the whole set of faults."""
        return self.session.put(f"{self.url}/control/faults", json=faults, timeout=20)

    def play(self, registration_id: str, **outcome: Any) -> dict[str, Any]:
        """Act as a player's whole session."""
        address = f"{self.url}/control/registrations/{registration_id}"
        answer = self.session.put(address, json=outcome, timeout=20)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def everything(self, registration_id: str) -> dict[str, Any]:
        """Return all that is known about a registration, whatever the lag hides."""
        address = f"{self.url}/control/registrations/{registration_id}"
        told: dict[str, Any] = self.session.get(address, timeout=20).json()
        return told


@dataclass
class Heard:
    """One request that a listener received."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class Listener:
    """A web server that writes down what it is sent and answers with the statuses it was given."""

    url: str
    heard: list[Heard] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
