"""What a learner's way home leaves in the metrics."""

from sqlalchemy import select, update

from lti_bridge.core.db import db
from lti_bridge.passback.actions import by_hand
from lti_bridge.passback.triggers.reconcile import Repair, reconcile_link
from lti_bridge.registrations.grade_updates import mark_all_due
from lti_bridge.registrations.models import Grade, Registration, ResourceLink
from tests.ops.scrape import scrape, total, value
from tests.story.stage import Stage, wait_for
from tests.story.town import Town


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


def _listen(town: Town) -> list[float]:
    """Return a list that gets every time that an exit's score took."""
    waited: list[float] = []

    def note(name: str, labels: dict[str, str | float]) -> None:
        if name == "exit_to_gradebook":
            waited.append(float(labels["seconds"]))

    town.app.extensions["lti_bridge"].events.subscribe(note)
    return waited


def _exit_after_the_grade(town: Town) -> str:
    """The sweep brings the grade home before the learner leaves; returns the activity."""
    activity = town.begin()
    address = town.do(lambda: town.click(activity))
    exit_url = town.finish(address, 70)
    town.settle()
    town.clock.advance(10)
    town.do(lambda: town.visit(exit_url))
    town.settle()
    return activity


def test_lost_grade_sent_again_is_no_exits_own(town: Town) -> None:
    waited = _listen(town)
    activity = _exit_after_the_grade(town)
    town.grade(activity, gone=True)
    town.clock.advance(150)

    link = town.do(lambda: db.session.scalars(select(ResourceLink.id)).one())
    services = town.app.extensions["lti_bridge"]
    town.do(lambda: reconcile_link(services, link, repair=Repair.ALL))
    town.settle()

    assert [state for state, *_ in town.scores()] == ["accepted", "accepted"]
    assert not [seconds for seconds in waited if seconds > 60]


def test_grade_that_a_person_sends_again_is_no_exits_own(town: Town) -> None:
    waited = _listen(town)
    _exit_after_the_grade(town)
    town.clock.advance(150)

    services = town.app.extensions["lti_bridge"]
    town.do(lambda: by_hand.resend(services, 1, "Ida"))
    town.settle()

    assert [state for state, *_ in town.scores()] == ["accepted", "accepted"]
    assert not [seconds for seconds in waited if seconds > 60]


def test_changed_policy_is_no_exits_own(town: Town) -> None:
    """The newest result counted and did not change; a week later the best one is to count."""
    waited = _listen(town)
    _exit_after_the_grade(town)
    town.clock.advance(7 * 86400)

    town.do(_count_the_best)
    town.settle()

    assert [given for _, given, _ in town.scores()] == [70, 95]
    assert not [seconds for seconds in waited if seconds > 60]


def _count_the_best() -> None:
    db.session.execute(update(Registration).values(best_real_score=95))
    mark_all_due(Grade.id.is_not(None), at=db.session.scalars(select(Grade.woken_at)).one())
    db.session.commit()
