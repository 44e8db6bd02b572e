"""Which report of SCORM Cloud counts when two were asked for at about the same time."""

from datetime import datetime, timedelta

import pytest

from lti_bridge.core.db import db
from lti_bridge.registrations.grade_updates import store_progress
from lti_bridge.registrations.models import Registration
from lti_bridge.scorm_cloud.progress import Completion, Progress, Success
from lti_bridge.services import Services
from tests.conftest import FakeClock
from tests.rows import add_link, add_registration


@pytest.fixture
def registration(services: Services, clock: FakeClock) -> Registration:
    """Its progress was asked for after 60 s, and is of second 50 by SCORM Cloud's clock."""
    row = add_registration(clock(), add_link(clock()))
    row.reported_at = row.opened_at + timedelta(seconds=50)
    db.session.commit()
    return row


def reread(registration: Registration) -> Registration:
    return db.session.get_one(Registration, registration.id, populate_existing=True)


def seconds(row: Registration, moment: datetime | None) -> float:
    assert moment is not None
    return (moment - row.opened_at).total_seconds()


@pytest.mark.parametrize(
    ("asked", "updated", "listed", "counts"),
    [
        (70, 55, False, True),
        (70, 40, False, True),  # what is said of one registration is believed
        (70, None, False, True),
        (55, 55, False, True),  # asked earlier, and SCORM Cloud calls it newer
        (55, 50, False, False),
        (55, None, False, False),
        (70, 55, True, True),
        (55, 55, True, True),
        (70, 50, True, False),
        (70, 40, True, False),
        (70, None, True, False),
    ],
    ids=[
        "read later",
        "read later but older",
        "read later without a time",
        "read earlier but newer",
        "read earlier and as new",
        "read earlier without a time",
        "listed later",
        "listed earlier but newer",
        "listed later and as new",
        "listed later but older",
        "listed later without a time",
    ],
)
def test_newest_report_counts(
    registration: Registration, asked: float, updated: float | None, listed: bool, counts: bool
) -> None:
    opened_at = registration.opened_at
    report = Progress(
        Completion.COMPLETED,
        Success.FAILED,
        12.0,
        updated_at=None if updated is None else opened_at + timedelta(seconds=updated),
    )

    changed = store_progress(
        registration.id, report, opened_at + timedelta(seconds=asked), listed=listed
    )
    db.session.commit()

    row = reread(registration)
    assert (changed, row.score_scaled == 12) == (counts, counts)
    assert seconds(row, row.progress_asked_at) == (max(60, asked) if counts else 60)


def test_list_counts_where_nothing_else_is_known(registration: Registration) -> None:
    registration.reported_at = None
    db.session.commit()
    report = Progress(Completion.COMPLETED, Success.FAILED, 12.0)

    assert store_progress(registration.id, report, registration.opened_at, listed=True)
