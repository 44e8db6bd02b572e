"""What a learner's way home leaves in the metrics."""

from lti_bridge.passback.actions import by_hand
from tests.ops.scrape import scrape, total, value
from tests.story.stage import Stage, wait_for


def test_latency_is_that_of_the_first_score(stage: Stage) -> None:
    """A grade that is sent again, days later perhaps, did not take that long to come home."""
    activity, alice = stage.activities["Fire safety"], stage.person("alice")
    registration = alice.open_player(activity)
    stage.finish_course(
        registration, completion="COMPLETED", success="PASSED", scaled=70, seconds=60
    )
    alice.get(stage.exit_url(registration))
    wait_for(lambda: stage.score_states() == ["accepted"], "the first Score's end")

    with stage.app.app_context():
        by_hand.resend(stage.services, 1, "Ida")
    wait_for(lambda: stage.score_states() == ["accepted"] * 2, "the second Score's end")

    client = stage.app.test_client()
    dialect = {"dialect": stage.dialect}
    scores = {"state": "accepted", **dialect}
    wait_for(lambda: value(scrape(client), "lti_bridge_scores_total", **scores) == 2, "its count")
    found = scrape(client)
    latency = "lti_bridge_exit_to_gradebook_seconds"
    assert value(found, f"{latency}_count", **dialect) == 1
    assert 0 < value(found, f"{latency}_sum", **dialect) < 30
    settled = {"result": "found"}
    assert value(found, "lti_bridge_reads_per_exit_count", **settled) == 1
    assert value(found, "lti_bridge_reads_per_exit_sum", **settled) >= 1
    assert total(found, "lti_bridge_score_tries_total", outcome="accepted", **dialect) == 2
