"""Coming back: better results, courses that speak early, results that lag, nothing lost."""

import pytest

from tests.story.stage import COURSE, Stage, place_activities, wait_for

PASSED = {"completion": "COMPLETED", "success": "PASSED", "seconds": 60}


@pytest.mark.parametrize(
    "lag",
    [2, pytest.param(6, marks=pytest.mark.deep("waits for a lag"))],
    ids=["short lag", "long lag"],
)
def test_better_result_arrives_without_the_sweep(stage: Stage, lag: int) -> None:
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")
    registration = alice.open_player(activity)
    stage.finish_course(
        registration, completion="COMPLETED", success="FAILED", scaled=55, seconds=60
    )
    alice.get(stage.exit_url(registration))
    stage.wait_for_grade("alice", activity, 55)

    assert alice.open_player(activity) == registration
    stage.set_faults(stage.cloud, result_lag_seconds=lag)
    stage.finish_course(registration, **PASSED, scaled=85.5)
    alice.get(stage.exit_url(registration))

    stage.wait_for_grade("alice", activity, 85.5, seconds=25)
    assert stage.registration(registration)["posts"] == {"accepted": 1, "refused": 0}
    assert len(stage.score_posts()) == 2


def test_worse_result_does_not_lower_the_best(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")
    registration = alice.open_player(activity)
    stage.finish_course(registration, **PASSED, scaled=90)
    alice.get(stage.exit_url(registration))
    stage.wait_for_grade("alice", activity, 90)

    alice.open_player(activity)
    stage.finish_course(
        registration, completion="COMPLETED", success="FAILED", scaled=20, seconds=60
    )
    page = alice.get(stage.exit_url(registration))
    status = page.url + "/status"
    wait_for(lambda: alice.get(status).json()["final"], "the exit page's last word")

    assert alice.get(status).json()["title"] == "Your grade stays as it was"
    assert stage.grade_of("alice", activity) == 90
    assert len(stage.score_posts()) == 1


def test_course_without_a_score_gets_full_marks_at_its_end(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")
    registration = alice.open_player(activity)

    stage.finish_course(registration, completion="COMPLETED", success="UNKNOWN", seconds=60)
    alice.get(stage.exit_url(registration))

    stage.wait_for_grade("alice", activity, 100, seconds=10)


def test_real_score_replaces_an_inferred_grade(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")
    registration = alice.open_player(activity)
    stage.finish_course(registration, completion="COMPLETED", success="UNKNOWN", seconds=60)
    alice.get(stage.exit_url(registration))
    stage.wait_for_grade("alice", activity, 100)

    alice.open_player(activity)
    stage.finish_course(
        registration, completion="COMPLETED", success="UNKNOWN", scaled=40, seconds=60
    )
    alice.get(stage.exit_url(registration))

    stage.wait_for_grade("alice", activity, 40)


def test_two_learners_have_two_registrations(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    alice, ben = stage.person("alice"), stage.person("ben")

    registrations = {alice.open_player(activity), ben.open_player(activity)}
    for registration, score in zip(sorted(registrations), (70, 70), strict=True):
        stage.finish_course(registration, **PASSED, scaled=score)
    for registration in registrations:
        alice.get(stage.exit_url(registration))

    assert len(registrations) == 2
    stage.wait_for_grade("alice", activity, 70)
    stage.wait_for_grade("ben", activity, 70)


@pytest.mark.parametrize("shape", ["empty", "none"])
def test_score_finds_its_column_or_waits_for_one(stage: Stage, shape: str, dialect: str) -> None:
    activity = place_activities(stage, [{"title": "Other", "line_item": shape}])["Other"]
    alice = stage.person("alice")
    registration = alice.open_player(activity)

    stage.finish_course(registration, **PASSED, scaled=75)
    page = alice.get(stage.exit_url(registration))
    status = page.url + "/status"

    if shape == "empty":
        stage.wait_for_grade("alice", activity, 75)
    else:
        wait_for(lambda: alice.get(status).json()["final"], "the exit page's last word")
        assert "no gradebook column" in alice.get(status).json()["text"]
        assert stage.score_posts() == []
        created = stage.requests_of(stage.lms)
        assert not any(
            name.startswith("POST") and "line" in name.lower() and not name.endswith("/scores")
            for name in created
        )


def test_closed_tab_is_found_by_the_postback(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    registration = stage.person("alice").open_player(activity)

    stage.finish_course(registration, **PASSED, scaled=64)

    stage.wait_for_grade("alice", activity, 64)


def test_course_copy_makes_a_registration_of_its_own(stage: Stage) -> None:
    copied = place_activities(
        stage, [{"title": "One"}, {"title": "Two", "custom": {"scorm_course_id": COURSE}}]
    )
    alice = stage.person("alice")

    registrations = {alice.open_player(copied[title]) for title in ("One", "Two")}

    assert len(registrations) == 2
