"""Progress that was seen again is confirmed at once for many, and never over newer news."""

from datetime import timedelta

import pytest

from lti_bridge.core.db import db
from lti_bridge.registrations.grade_updates import confirm_progress
from lti_bridge.registrations.models import Registration
from lti_bridge.services import Services
from tests.conftest import FakeClock
from tests.rows import add_link, add_registration


@pytest.fixture
def registration(services: Services, clock: FakeClock) -> Registration:
    return add_registration(clock(), add_link(clock()))


def asked_at(registration: Registration) -> float:
    """Return when its progress was asked for, in seconds after the registration was opened."""
    row = db.session.get_one(Registration, registration.id, populate_existing=True)
    db.session.commit()
    assert row.progress_asked_at is not None
    return (row.progress_asked_at - row.opened_at).total_seconds()


@pytest.mark.parametrize(
    "seen, confirmed, kept",
    [(60, 90, 90), (60, 30, 60), (50, 90, 60), (None, 90, 60)],
    ids=["as it was seen", "asked earlier", "written since", "first written since"],
)
def test_confirms_only_what_was_seen(
    registration: Registration, seen: float | None, confirmed: float, kept: float
) -> None:
    """The row's progress was asked for 60 s after it was opened."""
    moment = None if seen is None else registration.opened_at + timedelta(seconds=seen)

    confirm_progress(
        {registration.id: moment}, registration.opened_at + timedelta(seconds=confirmed)
    )
    db.session.commit()

    assert asked_at(registration) == kept
