"""The audit log's page: searched, by kind and day, page by page, and as a file."""

import ast
import csv
import io
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

import lti_bridge
from lti_bridge.audit.log import AT_ONCE, KINDS, record
from lti_bridge.core.db import db
from lti_bridge.instructor.actions import ACTS
from lti_bridge.platforms.models import Platform
from tests.console.visitors import sign_in_admin, sign_in_owner
from tests.html import read_page
from tests.world import World, connect_another

DAY = datetime(2026, 10, 5, 12, tzinfo=UTC)


@pytest.fixture
def owner(world: World) -> FlaskClient:
    return sign_in_owner(world.browser.application.test_client(), world.services)


def add(text: str, action: str = "resend", *, days: float = 0, platform_id: int = 1) -> None:
    now = DAY + timedelta(days=days)
    record("owner olga", action, "grade 7", text, now=now, platform_id=platform_id)
    db.session.commit()


def found(browser: FlaskClient, **query: object) -> list[str]:
    """Return what was done, as the page lists it."""
    page = browser.get("/console/audit", query_string=query)
    assert page.status_code == 200
    rows = read_rows(browser, **query)
    assert all(row["What"].lstrip("'") in page.text for row in rows[:AT_ONCE])
    return [row["What"] for row in rows]


def read_rows(browser: FlaskClient, **query: object) -> list[dict[str, str]]:
    answer = browser.get("/console/audit/entries.csv", query_string=query)
    assert answer.mimetype == "text/csv"
    return list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))


def test_entries_are_found_by_text_kind_and_day(owner: FlaskClient) -> None:
    add("sent it again")
    add("rotated the keys", "keys", days=1)
    add("chose golf", "course", days=2.49)

    assert found(owner, search="GOLF") == ["chose golf"]
    assert found(owner, search="50%") == []
    assert found(owner, kind="keys") == ["rotated the keys"]
    assert found(owner, kind="keys", search="golf") == []
    days = {"from": "2026-10-06", "to": "2026-10-07"}
    assert found(owner, **days) == ["chose golf", "rotated the keys"]
    assert found(owner, to="2026-10-05", subject="grade 7") == ["sent it again"]


@pytest.mark.parametrize(
    "query",
    [{"from": "yesterday"}, {"to": "9999-12-31"}, {"kind": "x"}, {"before": "x"}],
    ids=["no date", "last day of all", "unknown kind", "no number"],
)
def test_what_cannot_be_read_asks_for_nothing(owner: FlaskClient, query: dict[str, str]) -> None:
    add("sent it again")

    assert "sent it again" in found(owner, **query)


def test_older_pages_keep_what_was_asked(owner: FlaskClient) -> None:
    for number in range(AT_ONCE + 2):
        add(f"sent number {number} again")
        add("rotated the keys", "keys")
    query = {"kind": "grades", "search": "number", "from": "2026-10-05", "to": "2026-10-05"}
    page = owner.get("/console/audit", query_string=query).text
    links = dict(read_page(page, "/").links)

    older = owner.get(links["Older entries"]).text

    assert "sent number 1 again" in older
    assert "sent number 2 again" not in older
    assert "rotated" not in older
    assert (
        "sent number 51 again"
        in owner.get(dict(read_page(older, "/").links)["The newest entries"]).text
    )
    assert len(read_rows(owner, **query)) == AT_ONCE + 2


def test_file_runs_no_formula(owner: FlaskClient) -> None:
    add("=1+1")

    (row, *_) = read_rows(owner, search="=1+1")

    assert row == {
        "When (UTC)": "2026-10-05 12:00:00",
        "Who": "owner olga",
        "What": "'=1+1",
        "To what": "grade 7",
        "Kind": "resend",
    }


def test_file_ends_at_its_most(owner: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("lti_bridge.console.audit.views.IN_FILE_AT_MOST", 2)
    for number in range(3):
        add(f"sent number {number} again")

    assert found(owner, search="number") == ["sent number 2 again", "sent number 1 again"]


def test_admin_of_an_lms_sees_their_platform_alone(world: World) -> None:
    connect_another(world)
    own, other = db.session.scalars(select(Platform.id).order_by(Platform.id))
    db.session.commit()
    add("sent ours", platform_id=own)
    add("sent theirs", platform_id=other)

    admin = sign_in_admin(world)

    assert found(admin, search="sent") == ["sent ours"]
    assert "sent theirs" not in admin.get("/console/audit").text


def test_every_recorded_action_is_of_a_kind() -> None:
    known = set(chain.from_iterable(KINDS.values()))

    assert set(ACTS) <= known
    assert actions_in_code() - known == set(), "say in KINDS which kind of action these are"


def actions_in_code() -> set[str]:
    """Return the actions that calls of `record`, and of what hands them on, name."""
    named = set()
    for path in Path(lti_bridge.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "id", "") == "record":
                action = call.args[1] if len(call.args) > 1 else None
                if isinstance(action, ast.Constant):
                    named.add(str(action.value))
    return named
