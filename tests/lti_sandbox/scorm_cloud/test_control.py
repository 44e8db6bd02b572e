"""Faults and request counts of a practice server."""

from typing import Any

import pytest
import requests

from tests.lti_sandbox.scorm_cloud.practice import Practice


def test_counts_requests_by_endpoint(practice: Practice) -> None:
    practice.register("seat-1", practice.add_course())
    practice.launch_link("seat-1")
    practice.api("HEAD", "/registrations/seat-1")
    practice.session.get(f"{practice.url}/api/v2//ping", auth=("practice", "practice"), timeout=20)

    counts = practice.session.get(f"{practice.url}/control/requests", timeout=20).json()

    assert counts == {
        "GET /ping": 1,
        "HEAD /registrations/{id}": 1,
        "POST /registrations": 1,
        "POST /registrations/{id}/launchLink": 1,
    }


@pytest.mark.parametrize(
    "faults, sentence",
    [
        ({"latency": 5}, "There is no fault 'latency'"),
        ({"latency_ms": "5"}, "latency_ms is a number"),
        ({"error_rate": 2}, "error_rate is a probability"),
        ({"error_status": 200}, "error_status is an HTTP status"),
        ({"never_return": 1}, "never_return is true or false"),
        ({"deletes_off": "yes"}, "deletes_off is true or false"),
        ({"duplicate_registration": "twice"}, "duplicate_registration is one of"),
        ({"error_key": True}, "error_key is one of"),
        ({"retry_after": True}, "retry_after is a number"),
    ],
    ids=[
        "latency",
        "latency_ms",
        "error_rate",
        "error_status",
        "never_return",
        "deletes_off",
        "duplicate_registration",
        "error_key",
        "retry_after",
    ],
)
def test_refuses_unknown_faults(practice: Practice, faults: dict[str, Any], sentence: str) -> None:
    practice.faults(latency_ms=1)

    answer = practice.faults(**faults)

    assert answer.status_code == 400
    assert answer.json()["error"].startswith(sentence)
    assert practice.session.get(f"{practice.url}/control/faults", timeout=20).json() == {
        "latency_ms": 1
    }


@pytest.mark.parametrize("body", [b"", b"[]", b"not json"], ids=["empty", "list", "no JSON"])
def test_refuses_faults_that_are_no_object(practice: Practice, body: bytes) -> None:
    answer = practice.session.put(f"{practice.url}/control/faults", data=body, timeout=20)

    assert answer.status_code == 400


def test_error_has_no_effect(practice: Practice) -> None:
    course = practice.add_course()
    practice.faults(error_status=429, error_rate=1, retry_after=1.5)
    body = {"registrationId": "seat-1", "courseId": course, "learner": {"id": "alice"}}

    refused = practice.api("POST", "/registrations", json=body)
    practice.faults()

    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "2")
    assert set(refused.json()) == {"error"}
    assert practice.api("HEAD", "/registrations/seat-1").status_code == 404


def test_dropped_connection_has_its_effect(practice: Practice) -> None:
    course = practice.add_course()
    practice.faults(drop_connection_rate=1)
    body = {"registrationId": "seat-1", "courseId": course, "learner": {"id": "alice"}}

    with pytest.raises(requests.ConnectionError):
        practice.api("POST", "/registrations", json=body)
    practice.faults()

    assert practice.api("HEAD", "/registrations/seat-1").status_code == 200


def test_faults_leave_control_and_player_alone(practice: Practice) -> None:
    practice.faults(error_status=503, error_rate=1)

    assert practice.api("GET", "/ping").status_code == 503
    assert practice.session.get(practice.url, timeout=20).status_code == 200
    assert practice.session.get(f"{practice.url}/control/requests", timeout=20).status_code == 200


def test_expired_tokens_hit_bearers_only(practice: Practice) -> None:
    token = practice.api(
        "POST", "/oauth/authenticate/application/token", data={"scope": "read"}
    ).json()["access_token"]
    practice.faults(expired_token_rate=1)
    bearer = {"Authorization": f"Bearer {token}"}

    expired = practice.session.get(f"{practice.url}/api/v2/ping", headers=bearer, timeout=20)
    basic = practice.api("GET", "/ping")
    practice.faults()
    again = practice.session.get(f"{practice.url}/api/v2/ping", headers=bearer, timeout=20)

    assert [answer.status_code for answer in (expired, basic, again)] == [401, 200, 200]


def test_deletes_can_be_refused(practice: Practice) -> None:
    """What most applications of the real one answer until it is allowed."""
    practice.register("seat-1", practice.add_course())

    practice.faults(deletes_off=True)
    refused = practice.api("DELETE", "/registrations/seat-1")
    kept = practice.api("HEAD", "/registrations/seat-1")
    blanked = practice.api("POST", "/learner/alice/updateInfo", json={"firstName": ""})
    practice.faults()
    deleted = practice.api("DELETE", "/registrations/seat-1")

    assert (refused.status_code, kept.status_code) == (403, 200)
    assert blanked.status_code == 204
    assert (deleted.status_code, practice.api("HEAD", "/registrations/seat-1").status_code) == (
        204,
        404,
    )
