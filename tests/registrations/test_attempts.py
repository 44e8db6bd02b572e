"""Which choice a learner has who comes back to an activity with several attempts."""

import pytest

from lti_bridge.core.db import db
from lti_bridge.core.errors import LaunchRejected, Reason
from lti_bridge.registrations import attempts
from lti_bridge.registrations.attempts import find_offer
from lti_bridge.services import Services
from tests.conftest import FakeClock
from tests.rows import add_grade, add_launch, add_link, add_registration

FINISHED = ("COMPLETED", "PASSED", 85.5)
MIDDLE = ("INCOMPLETE", "UNKNOWN", None)


def test_attempt_that_an_erasure_takes_is_not_opened(
    services: Services, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    launch = add_launch(clock(), add_registration(clock(), add_link(clock())))
    monkeypatch.setattr(attempts, "find_attempt", lambda first, attempt: 4711)  # gone by now

    with pytest.raises(LaunchRejected) as refused:
        attempts.begin_attempt(services, launch.id)

    assert refused.value.reason is Reason.RESUME_INVALID
    assert not db.session().in_transaction()


@pytest.mark.parametrize(
    ("report", "kept", "allowed", "offered"),
    [
        (FINISHED, None, 2, (1, 85.5, True)),
        (FINISHED, None, 0, (1, 85.5, True)),
        (("COMPLETED", "FAILED", 20.0), None, 2, (1, 20.0, False)),
        (MIDDLE, FINISHED, 2, (1, 85.5, True)),  # opened again, and left unfinished
        (MIDDLE, None, 2, None),
        (FINISHED, None, 1, None),
    ],
    ids=[
        "two allowed",
        "any number allowed",
        "failed",
        "opened again",
        "unfinished",
        "one allowed",
    ],
)
def test_finished_attempt_leaves_a_choice(
    services: Services,
    clock: FakeClock,
    report: tuple[str, str, float | None],
    kept: tuple[str, str, float | None] | None,
    allowed: int,
    offered: tuple[int, float | None, bool | None] | None,
) -> None:
    link = add_link(clock(), attempts_allowed=allowed)
    row = add_registration(clock(), link)
    row.completion, row.success, row.score_scaled = report
    if kept is not None:
        row.kept_completion, row.kept_success, row.kept_score = kept
    add_grade(clock(), row)
    launch = add_launch(clock(), row)

    offer = find_offer(launch.id)
    db.session.rollback()

    found = None if offer is None else (offer.newest, offer.score, offer.passed)
    assert found == offered
