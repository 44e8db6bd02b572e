"""From a click in the LMS to a grade in its gradebook, on real HTTP."""

from tests.story.stage import Stage


def test_learner_gets_a_grade(stage: Stage) -> None:
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")

    registration = alice.open_player(activity)
    stage.finish_course(
        registration, completion="COMPLETED", success="PASSED", scaled=85.5, seconds=60
    )
    page = alice.get(stage.exit_url(registration))

    assert page.status_code == 200
    stage.wait_for_grade("alice", activity, 85.5)
    assert len(stage.score_posts()) == 1


def test_narrowed_scopes_still_let_scores_through(stage: Stage) -> None:
    """An admin took all but the score scope away; Canvas then refuses to grant any of a set."""
    assert stage.tool is not None
    stage.tool.scopes = ["https://purl.imsglobal.org/spec/lti-ags/scope/score"]
    activity = stage.activities["Fire safety"]
    alice = stage.person("alice")

    registration = alice.open_player(activity)
    result = {"completion": "COMPLETED", "success": "PASSED", "scaled": 62, "seconds": 60}
    stage.finish_course(registration, **result)
    alice.get(stage.exit_url(registration))

    stage.wait_for_grade("alice", activity, 62)
