"""Registrations over HTTP: what is refused and how, lists, lag, faults."""

from typing import Any

import pytest

from tests.lti_sandbox.scorm_cloud.practice import Practice, wait_until


def wanted(registration_id: str, course: str) -> dict[str, Any]:
    return {"registrationId": registration_id, "courseId": course, "learner": {"id": "alice"}}


@pytest.mark.parametrize(
    "path",
    ["/ping", "/registrations", "/courses", "/nowhere"],
)
def test_asks_for_credentials(practice: Practice, path: str) -> None:
    answer = practice.api("GET", path, auth=("practice", "wrong"))

    assert answer.status_code == 401
    assert answer.json() == {"error": "Authorization Required."}


def test_refuses_a_second_post_untouched(practice: Practice) -> None:
    course = practice.add_course()
    practice.register("seat-1", course)
    practice.play("seat-1", completion="COMPLETED", success="PASSED", scaled=85.5)
    before = practice.api("GET", "/registrations/seat-1").json()

    answer = practice.api("POST", "/registrations", json=wanted("seat-1", course))

    assert answer.status_code == 400
    assert answer.json()["error"].startswith("Registration with id [seat-1] already exists")
    assert practice.api("GET", "/registrations/seat-1").json() == before
    assert practice.everything("seat-1")["posts"] == {"accepted": 1, "refused": 1}


def test_fault_resets_on_a_second_post(practice: Practice) -> None:
    course = practice.add_course()
    practice.register("seat-1", course)
    practice.play("seat-1", completion="COMPLETED", scaled=85.5)
    practice.faults(duplicate_registration="reset")

    answer = practice.api("POST", "/registrations", json=wanted("seat-1", course))

    told = practice.everything("seat-1")
    assert answer.status_code == 204
    assert (told["completion"], told["scaled"], told["launch_history"]) == ("UNKNOWN", None, [])
    assert told["posts"] == {"accepted": 2, "refused": 0}


@pytest.mark.parametrize("missing", ["registrationId", "courseId", "learner"])
def test_refuses_incomplete_registration(practice: Practice, missing: str) -> None:
    body = wanted("seat-1", practice.add_course())
    del body[missing]

    assert practice.api("POST", "/registrations", json=body).status_code == 400


def test_unknown_course_is_404(practice: Practice) -> None:
    answer = practice.api("POST", "/registrations", json=wanted("seat-1", "none"))

    assert answer.status_code == 404
    assert answer.json()["error"].startswith("Could not find course [none]")


@pytest.mark.parametrize(
    "method, path, status",
    [
        ("GET", "/registrations/seat-1/results", 404),
        ("GET", "/registrations/seat-1/progress", 405),
        ("POST", "/registrations/withLaunchLink", 404),
        ("GET", "/registrations/none", 404),
        ("POST", "/registrations/none/launchLink", 404),
        ("GET", "/courses/none", 404),
        ("GET", "/courses/importJobs/none", 404),
        ("GET", "/registrations?since=BLAH", 400),
        ("GET", "/registrations?more=BLAH", 400),
    ],
    ids=[
        "results",
        "progress",
        "creation with a launch link",
        "unknown registration",
        "launch link of an unknown one",
        "unknown course",
        "unknown import",
        "since is no time",
        "unknown page",
    ],
)
def test_paths_that_the_real_service_lacks(
    practice: Practice, method: str, path: str, status: int
) -> None:
    practice.register("seat-1", practice.add_course())

    answer = practice.api(method, path, json={} if method == "POST" else None)

    expected = {404, 405} if "withLaunchLink" in path else {status}
    assert answer.status_code in expected
    assert set(answer.json()) == {"error"}


def test_error_key_can_be_message(practice: Practice) -> None:
    practice.faults(error_key="message")

    answer = practice.api("GET", "/registrations/none")

    assert answer.json() == {"message": "Could not find registration [none]"}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"redirectOnExitUrl": "http://x/", "expiry": 9},
        {"redirectOnExitUrl": "http://x/", "expiry": 3600},
        {"redirectOnExitUrl": "http://x/", "launchAuth": {"type": "magic"}},
        {"redirectOnExitUrl": "http://x/", "launchAuth": {"options": {"expiry": 10}}},
    ],
    ids=["no redirect", "too short", "too long", "unknown auth", "short auth"],
)
def test_refuses_wrong_launch_link(practice: Practice, body: dict[str, Any]) -> None:
    practice.register("seat-1", practice.add_course())

    assert practice.api("POST", "/registrations/seat-1/launchLink", json=body).status_code == 400


def test_pages_keep_the_first_filters(practice: Practice) -> None:
    course, other = practice.add_course(), practice.add_course("scorm2004-quiz")
    for number in range(23):
        practice.register(f"seat-{number}", course)
    practice.register("elsewhere", other)

    seen, answer = (
        [],
        practice.api(
            "GET", "/registrations", params={"courseId": course, "includeTotalCount": "True"}
        ),
    )
    total = answer.headers["X-Total-Count"]
    while True:
        seen += [one["id"] for one in answer.json()["registrations"]]
        if "more" not in answer.json():
            break
        answer = practice.api("GET", "/registrations", params={"more": answer.json()["more"]})
        assert "X-Total-Count" not in answer.headers

    assert total == "23"
    assert seen == [f"seat-{number}" for number in reversed(range(23))]


def test_list_filters_by_creation_unless_told(practice: Practice) -> None:
    course = practice.add_course()
    practice.register("old", course)
    since = practice.play("old", completion="COMPLETED")["progress"]["updated"]

    created = practice.api("GET", "/registrations", params={"since": since})
    updated = practice.api(
        "GET", "/registrations", params={"since": since, "datetimeFilter": "updated"}
    )

    assert created.json()["registrations"] == []
    assert [one["id"] for one in updated.json()["registrations"]] == ["old"]


@pytest.mark.parametrize("key", ["courseId", "learnerId"])
def test_unknown_filter_value_lists_nothing(practice: Practice, key: str) -> None:
    answer = practice.api("GET", "/registrations", params={key: "unknown"})

    assert (answer.status_code, answer.json()) == (200, {"registrations": []})


def test_lag_hides_a_result_everywhere(practice: Practice) -> None:
    practice.register("seat-1", practice.add_course())
    practice.faults(result_lag_seconds=600)

    told = practice.play("seat-1", completion="COMPLETED", scaled=85.5)

    shown = practice.api("GET", "/registrations/seat-1").json()
    since = {"since": told["progress"]["updated"], "datetimeFilter": "updated"}
    assert told["scaled"] == 85.5
    assert shown["registrationCompletion"] == "UNKNOWN" and "score" not in shown
    assert practice.api("GET", "/registrations", params=since).json()["registrations"] == []
    assert practice.api("GET", "/registrations/seat-1/launchHistory").json() == {
        "launchHistory": []
    }


def test_lag_shows_the_commits_own_date_later(practice: Practice) -> None:
    practice.register("seat-1", practice.add_course())
    practice.faults(result_lag_seconds=0.2)

    told = practice.play("seat-1", completion="COMPLETED", scaled=85.5)

    def visible() -> Any:
        found = practice.api("GET", "/registrations/seat-1").json()
        return found if "score" in found else None

    shown = wait_until(visible)
    assert shown["updated"] == told["progress"]["updated"]


def test_later_change_overtakes_a_lagging_one(practice: Practice) -> None:
    practice.register("seat-1", practice.add_course())
    practice.faults(result_lag_seconds=0.2)
    practice.play("seat-1", completion="COMPLETED", scaled=40)
    practice.faults()

    practice.play("seat-1", completion="COMPLETED", scaled=90)

    assert practice.cloud.store.count("SELECT COUNT(*) FROM pending") == 0
    assert practice.api("GET", "/registrations/seat-1").json()["score"] == {"scaled": 90}


def test_whole_session_leaves_a_launch(practice: Practice) -> None:
    practice.register("seat-1", practice.add_course())
    practice.launch_link("seat-1", "http://back.example/?a=1&b=2")

    told = practice.play(
        "seat-1", completion="COMPLETED", success="FAILED", scaled=40, seconds=3600
    )

    launch = told["launch_history"][0]
    assert told["redirect_on_exit_url"] == "http://back.example/?a=1&b=2"
    assert told["launch_links_built"] == 1
    assert launch["launchTime"] <= launch["exitTime"] == told["progress"]["updated"]
    assert launch["launchTime"] >= told["progress"]["createdDate"]
    assert told["progress"]["totalSecondsTracked"] == 3600
    assert told["progress"]["completedDate"] == launch["exitTime"]


@pytest.mark.parametrize(
    "body",
    [{"completion": "DONE"}, {"scaled": "85"}, {"scaled": 850}, {"seconds": -1}, {"grade": 1}],
    ids=[
        "unknown completion",
        "score as text",
        "score above 100",
        "negative seconds",
        "unknown field",
    ],
)
def test_control_refuses_nonsense(practice: Practice, body: dict[str, Any]) -> None:
    practice.register("seat-1", practice.add_course())

    address = f"{practice.url}/control/registrations/seat-1"
    answer = practice.session.put(address, json=body, timeout=20)

    assert answer.status_code == 400
    assert practice.everything("seat-1")["launch_history"] == []


def test_course_deletion_takes_registrations_along(practice: Practice) -> None:
    course = practice.add_course()
    practice.register("seat-1", course)

    assert practice.api("DELETE", f"/courses/{course}").status_code == 204
    assert practice.api("GET", "/registrations/seat-1").status_code == 404
    assert practice.api("DELETE", f"/courses/{course}").status_code == 404
