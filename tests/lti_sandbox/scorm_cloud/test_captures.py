"""The practice answers have the shape of what was recorded and documented."""

import json
from pathlib import Path
from typing import Any

import pytest

from lti_sandbox.sample_courses import build_sample
from tests.lti_sandbox.scorm_cloud.practice import Practice, wait_until

CAPTURES = Path(__file__).parents[2] / "captures" / "scorm-cloud"
# API v1 spells some things otherwise or tells more; the v2 schema has none of these.
ONLY_V1 = {
    "activityProgressKnown",
    "previousAttemptCompletion",
    "activityAbsoluteDuration",
    "attemptAbsoluteDuration",
    "attemptedDuringThisAttempt",
    "active",
    "included",
    "ordinal",
    "selectedChildren",
    "randomizedChildren",
    "successStatus",
    "courseLearningStandard",
    "registrationCount",
    "firstScoreScaled",
    "webPath",
}


def capture(name: str) -> Any:
    return json.loads((CAPTURES / name).read_text("utf-8"))


def missing(recorded: Any, ours: Any, path: str = "") -> list[str]:
    """Return where our answer lacks a key or has another kind of value."""
    if isinstance(recorded, dict):
        if not isinstance(ours, dict):
            return [path]
        found = []
        for key, value in recorded.items():
            if key in ONLY_V1:
                continue
            found += (
                missing(value, ours[key], f"{path}.{key}") if key in ours else [f"{path}.{key}"]
            )
        return found
    if isinstance(recorded, list):
        if not isinstance(ours, list):
            return [path]
        pairs = zip(recorded, ours, strict=False)
        return [one for old, new in pairs for one in missing(old, new, path + "[]")]
    number = isinstance(recorded, int | float)
    same = isinstance(ours, int | float) if number else type(ours) is type(recorded)
    return [] if same else [path]


FULL = "includeChildResults=true&includeInteractionsAndObjectives=true&includeRuntime=true"


def test_finished_registration_has_the_pushed_shape(practice: Practice) -> None:
    practice.register("seat-1", practice.add_course())
    practice.play("seat-1", completion="COMPLETED", success="FAILED", scaled=7, seconds=26)

    ours = practice.api("GET", "/registrations/seat-1").json()

    pushed = capture("engine_v2_registration_changed_push.json")["body"]["body"]
    assert missing(pushed, ours) == []


def test_unlaunched_registration_has_the_recorded_shape(practice: Practice) -> None:
    practice.register("seat-1", practice.add_course())

    ours = practice.api("GET", f"/registrations/seat-1?{FULL}").json()

    recorded = capture("engine_v1_registration_progress_full_detail.json")["interactions"][0]
    body = recorded["response"]["body"]
    # In the v2 schema a course inside a registration has only id, title and version.
    assert missing(body, ours) == [".course.updated"]
    assert (ours["registrationCompletion"], ours["lastAccessDate"]) == ("UNKNOWN", ours["updated"])
    assert not {"score", "firstAccessDate", "completedDate"} & set(ours)


def test_import_job_has_the_recorded_shape(practice: Practice) -> None:
    sample = {"file": ("course.zip", build_sample("scorm2004-quiz"))}
    started = practice.api("POST", "/courses/importJobs/upload?courseId=c", files=sample).json()

    def finished() -> Any:
        job = practice.api("GET", f"/courses/importJobs/{started['result']}").json()
        return job if job["status"] == "COMPLETE" else None

    ours = wait_until(finished)

    # API v2 nests what v1 had beside the status; the title is that of the course.
    recorded = capture("engine_v1_import_fetch_ok.json")["interactions"][-1]["response"]["body"]
    beside = {key: recorded.pop(key) for key in ("webPathToCourse", "parserWarnings", "course")}
    assert missing(recorded, ours) == [".courseTitle"]
    assert missing(beside, ours["importResult"]) == [".course.metadata"]


def test_course_has_the_recorded_shape(practice: Practice) -> None:
    course = practice.add_course()

    flags = "includeCourseMetadata=True&includeRegistrationCount=True"
    ours = practice.api("GET", f"/courses/{course}?{flags}").json()

    recorded = capture("engine_v1_course_detail.json")["interactions"][0]["response"]["body"]
    assert missing(recorded, ours) == []
    assert ours["registrationCount"] == 0


def test_settings_have_the_recorded_shape(practice: Practice) -> None:
    ours = practice.api("GET", "/appManagement/configuration?includeMetadata=true").json()

    recorded = capture("engine_v2_configuration_settings_subset.json")["settingItems"][0]
    keys = {key for key in recorded if key != "metadata"}
    assert all(keys <= set(item) for item in ours["settingItems"])


def test_unauthenticated_answer_is_the_documented_one(practice: Practice) -> None:
    ours = practice.session.get(f"{practice.url}/api/v2/ping", timeout=20)

    documented = capture("cloud_v2_documented_examples.json")["unauthenticated_call_401"]
    assert (ours.status_code, ours.json()) == (401, documented)


def test_ping_has_the_observed_keys(practice: Practice) -> None:
    observed = capture("cloud_v2_live_test_observations.json")["observations"][0]

    ours = practice.api("GET", "/ping")

    assert sorted(ours.json()) == sorted(observed["body_keys"])
    assert "Date" in ours.headers


WIRE = capture("client_wire_requests_python_5.0.0.json")["requests"]


@pytest.mark.parametrize(
    "sent", WIRE, ids=[f"{one['method']} {one['path'].partition('?')[0]}" for one in WIRE]
)
def test_takes_every_request_of_the_client(practice: Practice, sent: dict[str, Any]) -> None:
    headers = {"Content-Type": sent["content_type"]}
    path = sent["path"].removeprefix("/api/v2")

    answer = practice.api(sent["method"], path, data=sent["body"].encode(), headers=headers)

    # Nothing is imported here, so most ids are unknown; no request may be misunderstood.
    assert answer.status_code in (200, 204, 404)
