"""What a comparison finds is kept, and a person decides about what the gradebook has lost."""

from contextlib import nullcontext
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import select

from lti_bridge.audit.log import OPERATOR
from lti_bridge.audit.models import AuditEntry
from lti_bridge.commands import scores
from lti_bridge.core.db import db
from lti_bridge.core.errors import Unavailable
from lti_bridge.passback.actions import by_hand, comparison
from lti_bridge.passback.models import Score
from lti_bridge.passback.rules.drift import Drift
from lti_bridge.passback.triggers.reconcile import Repair, reconcile_due, reconcile_link
from lti_bridge.platforms.keys import ensure_keys
from lti_bridge.registrations.models import Grade, Learner, ResourceLink
from lti_bridge.services import Services
from tests.conftest import FakeClock
from tests.mini_platform import MiniPlatform, Reply
from tests.passback.cells import add_cell

RESULTS = ("GET", "/items/1/results")
SUBS = ("alice", "bob", "carla")


class Column:
    """An activity whose learners all have an accepted 80, and the gradebook of the LMS."""

    def __init__(self, services: Services, platform: MiniPlatform, clock: FakeClock) -> None:
        self.services, self.platform, self.clock = services, platform, clock
        ensure_keys(services.signer, now=clock())
        for sub in SUBS:
            accept(clock, add_cell(clock(), sub), 80)
        link = db.session.scalars(select(ResourceLink)).one()
        link.line_item_url = f"{platform.url}/items/1"
        link.deployment.platform.token_url = f"{platform.url}/token"
        self.link_id: int = link.id
        db.session.commit()

    def holds(self, **scores: float | None) -> None:
        """Let the gradebook hold these alone; None: an entry without a score."""
        body = [
            {"userId": sub, "resultMaximum": 100}
            | ({} if score is None else {"resultScore": score})
            for sub, score in scores.items()
        ]
        self.platform.routes[RESULTS] = Reply(body=body)

    def compare(self, repair: Repair = Repair.NONE) -> dict[str, Any]:
        """Compare, a minute later; returns what is kept of each learner's grade."""
        self.clock.advance(60)
        reconcile_link(self.services, self.link_id, repair=repair)
        return self.kept()

    def kept(self) -> dict[str, Any]:
        query = select(Learner.sub, Grade.compared).join(Grade, Grade.learner_id == Learner.id)
        found = {sub: compared for sub, compared in db.session.execute(query)}
        db.session.commit()
        return found

    def asked(self) -> list[tuple[int, int]]:
        """Return what the problems page asks about: lost and cleared grades of each activity."""
        found = [(loss.lost, loss.cleared) for loss in comparison.find_losses(None)]
        db.session.commit()
        return found

    def grade(self, sub: str) -> Grade:
        query = select(Grade).join(Learner, Learner.id == Grade.learner_id)
        query = query.where(Learner.sub == sub).execution_options(populate_existing=True)
        found = db.session.scalars(query).one()
        db.session.commit()
        return found


def accept(clock: FakeClock, grade: Grade, given: float) -> None:
    """Add the grade's next Score, which the LMS has taken."""
    sequence = db.session.query(Score).filter_by(grade=grade).count() + 1
    values = {"attempt": 1, "course_id": "golf", "inferred": False, "reason": ""}
    moments = {"decided_at": clock(), "finished_at": clock()}
    row = Score(
        grade=grade, sequence=sequence, score_given=given, state="accepted", **values, **moments
    )
    db.session.add(row)
    db.session.commit()


@pytest.fixture
def column(services: Services, platform: MiniPlatform, clock: FakeClock) -> Column:
    return Column(services, platform, clock)


def test_findings_are_kept_with_the_value_of_the_lms(column: Column) -> None:
    column.holds(alice=80, bob=95, carla=None)

    kept = column.compare()

    assert kept == {"alice": "delivered", "bob": "overridden", "carla": "cleared"}
    assert column.grade("bob").compared_score == 95
    found = comparison.load_comparison(column.link_id)
    db.session.commit()
    assert dict(found.counts) == {Drift.DELIVERED: 1, Drift.OVERRIDDEN: 1, Drift.CLEARED: 1}
    values = [(one.name, one.drift, one.ours, one.theirs) for one in found.learners]
    assert sorted(values) == [
        ("User bob", Drift.OVERRIDDEN, 80, 95),
        ("User carla", Drift.CLEARED, 80, None),
    ]
    assert (found.asked, found.other, found.more) == (1, 2, 0)
    assert found.summary.words == f"2 differ, {column.clock():%Y-%m-%d %H:%M}"


def test_grade_that_is_sent_again_is_under_way(column: Column) -> None:
    column.holds(alice=80, bob=80)

    kept = column.compare(Repair.FEW)

    assert kept["carla"] == "under_way"
    assert column.grade("carla").resend == "lost"
    assert column.asked() == []


def test_lost_grade_is_not_asked_about_after_a_newer_one(column: Column) -> None:
    """The learner came back after the reset, and the LMS took the new grade."""
    column.holds()
    column.compare(Repair.FEW)
    assert column.asked() == [(3, 0)]

    column.clock.advance(60)
    accept(column.clock, column.grade("alice"), 90)

    assert column.asked() == [(2, 0)]
    assert comparison.leave_lost(column.services, column.link_id, "An owner") == 2
    assert column.kept()["alice"] == "lost"
    column.holds(alice=90)
    assert column.compare() == {"alice": "delivered", "bob": "left", "carla": "left"}


def test_what_was_left_is_not_asked_about_again(column: Column) -> None:
    column.holds(carla=None)
    column.compare(Repair.FEW)
    assert column.asked() == [(2, 1)]

    comparison.leave_lost(column.services, column.link_id, "The instructor ida")

    assert column.asked() == []
    for _ in range(2):
        assert set(column.compare(Repair.FEW).values()) == {"left"}
    assert column.asked() == []
    assert [column.grade(sub).resend for sub in SUBS] == [None] * 3
    found = comparison.load_comparison(column.link_id)
    db.session.commit()
    assert (found.asked, found.summary.differ, len(found.learners)) == (0, 0, 3)


def test_what_was_left_counts_towards_no_reset(column: Column) -> None:
    """Of three grades two were left: the one that is lost now is half of what was delivered."""
    for number in range(9):
        accept(column.clock, add_cell(column.clock(), f"more-{number}"), 70)
    others = {f"more-{number}": 70.0 for number in range(9)}
    column.holds(**others)
    column.compare()
    comparison.leave_lost(column.services, column.link_id, "An owner")
    gone = others.pop("more-0")
    column.holds(**others)

    kept = column.compare(Repair.FEW)

    assert gone == 70
    assert kept["more-0"] == "under_way"
    assert kept["alice"] == "left"


def test_grade_that_stands_again_is_left_no_more(column: Column) -> None:
    column.holds(alice=80, bob=80)
    column.compare()
    comparison.leave_lost(column.services, column.link_id, "An owner")
    column.holds(alice=80, bob=80, carla=80)
    assert column.compare()["carla"] == "delivered"

    column.holds(alice=80, bob=80)

    assert column.compare()["carla"] == "lost"


@pytest.mark.parametrize(
    ("send", "sent"),
    [
        (comparison.send_lost_again, {"alice", "carla"}),
        (comparison.send_all_again, {"alice", "bob", "carla"}),
    ],
    ids=["lost ones", "all"],
)
def test_ours_is_sent_again_where_a_person_wants_it(
    column: Column, send: Any, sent: set[str]
) -> None:
    column.holds(bob=95, carla=None)
    column.compare()

    count = send(column.services, column.link_id, "An owner")

    assert count == len(sent)
    assert {sub for sub in SUBS if column.grade(sub).resend == "asked"} == sent
    assert column.asked() == []


def test_grade_that_a_person_sends_again_stays_asked_for(column: Column) -> None:
    """A comparison before a worker decided: the wish is not taken for the loss's own resend."""
    column.holds(bob=80, carla=80)
    column.compare()
    by_hand.resend(column.services, column.grade("alice").id, "An owner")

    assert column.compare(Repair.ALL)["alice"] == "under_way"
    assert column.grade("alice").resend == "asked"


def test_failed_comparison_is_kept_with_the_one_before(column: Column) -> None:
    column.holds(alice=80, bob=80, carla=80)
    column.compare()
    column.platform.routes[RESULTS] = Reply(503)

    with pytest.raises(Unavailable):
        column.compare()

    summary = comparison.load_comparison(column.link_id).summary
    db.session.commit()
    assert summary.failure
    assert summary.words.startswith("all the same, ")
    assert "could not be compared" in comparison.compare_now(column.services, column.link_id)
    column.holds(alice=80, bob=80, carla=80)
    said = comparison.compare_now(column.services, column.link_id)
    assert said == "It was compared: every grade is as it was sent."
    assert comparison.load_comparison(column.link_id).summary.failure is None
    db.session.commit()


def test_scheduled_run_keeps_why_it_failed(column: Column) -> None:
    column.platform.routes[RESULTS] = Reply(503)
    column.clock.advance(25 * 3600)

    assert reconcile_due(column.services) == 0

    link = db.session.get_one(ResourceLink, column.link_id, populate_existing=True)
    assert link.comparison_failure
    assert (link.compared_at, link.reconciled_at) == (None, column.clock())
    db.session.commit()


def test_losses_are_those_of_the_platform(column: Column) -> None:
    column.holds(alice=80, bob=80)
    column.compare()
    (loss,) = comparison.find_losses(None)

    assert comparison.find_losses(loss.platform_id) == [loss]
    assert comparison.find_losses(loss.platform_id + 1) == []
    assert (loss.link_id, loss.lost, loss.cleared) == (column.link_id, 1, 0)
    db.session.commit()


def test_log_tells_who_had_lost_grades_sent(column: Column) -> None:
    column.holds(alice=80, bob=80)
    column.clock.advance(60)

    reconcile_link(column.services, column.link_id, repair=Repair.ALL, by="olga")

    (entry,) = db.session.scalars(select(AuditEntry))
    assert (entry.actor, entry.subject) == ("olga", f"link {column.link_id}")
    assert entry.text == "sent 1 grade again that the LMS had lost"
    db.session.commit()


def test_command_leaves_what_is_lost(column: Column, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "open_bridge", lambda: nullcontext(column.services))
    column.holds(bob=95)
    arguments = ["--link", str(column.link_id), "--leave"]
    column.clock.advance(60)

    left = CliRunner().invoke(scores.reconcile, arguments)
    again = CliRunner().invoke(scores.reconcile, arguments)

    assert "1 overridden by a teacher, 2 lost in the LMS" in left.output
    assert "2 grades left as they are." in left.output
    assert "1 overridden by a teacher, 2 left as it is" in again.output
    assert "0 grades left as they are." in again.output
    (entry,) = db.session.scalars(select(AuditEntry))
    assert (entry.actor, entry.action) == (OPERATOR, "leave")
    assert [column.grade(sub).resend for sub in SUBS] == [None] * 3


@pytest.mark.parametrize(
    "arguments",
    [["--leave"], ["--link", "1", "--leave", "--all-lost"], ["--leave", "--dry-run"]],
    ids=["no link", "with all lost", "as a dry run"],
)
def test_leaving_is_for_one_link_and_sends_nothing(arguments: list[str]) -> None:
    assert CliRunner().invoke(scores.reconcile, arguments).exit_code == 2
