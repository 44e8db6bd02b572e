"""Leases: one holder, an end, a fence; what an old holder wrote is undone."""

import threading
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import Column, Integer, MetaData, Row, String, Table, insert, select

from lti_bridge.core.db import UtcDateTime, db
from lti_bridge.core.leases import (
    CALL_MARGIN,
    NOW,
    Lease,
    LeaseLost,
    Leases,
    none_or_past,
    outlasting,
)
from lti_bridge.platforms.accounts import list_accounts, save_account
from lti_bridge.platforms.models import ScormAccount
from lti_bridge.services import Services
from tests.conftest import FakeClock

LIFE = timedelta(seconds=60)
ROWS = Table(
    "leased_by_a_test",
    MetaData(),
    Column("id", Integer, primary_key=True),
    Column("owner", String(10)),
    Column("due_at", UtcDateTime),
    Column("note", String(40)),
    Column("taken", Integer, default=0),
    Column("lease_token", String(32)),
    Column("lease_until", UtcDateTime),
)
LEASES = Leases(
    ROWS,
    none_or_past(ROWS.c.due_at),
    sets={"taken": ROWS.c.taken + 1},
    returning=("note", "taken"),
)
OF_OWNER = Leases(ROWS, key="owner")
NODES = 8


@pytest.fixture(autouse=True)
def rows(services: Services) -> Iterator[None]:
    """Two rows of one owner and one of another, all free."""
    ROWS.create(db.engine)
    for row_id, owner in ((1, "alice"), (2, "alice"), (3, "bob")):
        db.session.execute(insert(ROWS).values(id=row_id, owner=owner, note="as made"))
    db.session.commit()
    yield
    db.session.rollback()
    ROWS.drop(db.engine)


def read(row_id: int = 1) -> Row[tuple[object, ...]]:
    row = db.session.execute(select(ROWS).where(ROWS.c.id == row_id)).one()
    db.session.commit()
    return row


def take(now: datetime, key: object = 1, leases: Leases = LEASES) -> Lease:
    lease = leases.take(key, now, LIFE)
    db.session.commit()
    assert lease is not None
    return lease


def test_free_row_is_taken(clock: FakeClock) -> None:
    lease = take(clock())

    row = read()
    assert (row.lease_token, row.lease_until) == (lease.token, clock() + LIFE)
    assert (lease.until, lease.row.note, lease.row.taken) == (clock() + LIFE, "as made", 1)
    assert read(2).lease_token is None


def test_held_row_is_not_taken(clock: FakeClock) -> None:
    lease = take(clock())
    clock.advance(59)

    assert LEASES.take(1, clock(), LIFE) is None

    db.session.commit()
    assert (read().lease_token, read().taken) == (lease.token, 1)


def test_one_of_many_at_once_takes_it(app: Flask, clock: FakeClock) -> None:
    start, taken = threading.Barrier(NODES), list[Lease | None]()

    def race() -> None:
        with app.app_context():
            start.wait(30)
            lease = LEASES.take(1, clock(), LIFE)
            db.session.commit()
            taken.append(lease)

    racers = [threading.Thread(target=race) for _ in range(NODES)]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(30)

    (winner,) = [lease for lease in taken if lease is not None]
    assert len(taken) == NODES
    assert (read().lease_token, read().taken) == (winner.token, 1)


def test_expired_lease_is_taken_over(clock: FakeClock) -> None:
    slow = take(clock())
    clock.advance(60)

    quick = take(clock())

    assert quick.token != slow.token
    assert (read().lease_token, read().lease_until) == (quick.token, clock() + LIFE)


def test_holder_takes_its_row_again(clock: FakeClock) -> None:
    lease = take(clock())
    clock.advance(10)

    again = LEASES.take(1, clock(), LIFE, lease.token)

    assert again is not None
    assert (again.token, read().lease_until) == (lease.token, clock() + LIFE)


@pytest.mark.parametrize(
    ("seconds", "is_taken"), [(-1, True), (0, True), (1, False)], ids=["past", "now", "ahead"]
)
def test_row_that_is_not_due_is_not_taken(clock: FakeClock, seconds: int, is_taken: bool) -> None:
    due_at = clock() + timedelta(seconds=seconds)
    db.session.execute(ROWS.update().values(due_at=due_at))

    assert (LEASES.take(1, clock(), LIFE) is not None) == is_taken


def test_row_that_is_gone_is_not_taken(clock: FakeClock) -> None:
    assert LEASES.take(4, clock(), LIFE) is None


def test_missing_row_is_made_once(clock: FakeClock) -> None:
    for _ in range(2):
        lease = LEASES.make_and_take(4, clock(), LIFE, note="made", taken=0)
        db.session.commit()
        clock.advance(60)

    assert lease is not None and lease.row.note == "made"
    assert (read(4).taken, LEASES.make_and_take(4, lease.until - LIFE, LIFE)) == (2, None)


def test_uncommitted_take_is_undone(clock: FakeClock) -> None:
    assert LEASES.take(1, clock(), LIFE) is not None

    db.session.rollback()

    assert (read().lease_token, read().taken) == (None, 0)


def test_holder_extends_and_writes(clock: FakeClock) -> None:
    lease = take(clock())
    clock.advance(50)

    LEASES.extend(1, lease.token, clock() + LIFE, {"note": "of the holder"})

    db.session.commit()
    assert (read().lease_until, read().note) == (clock() + LIFE, "of the holder")
    assert read().lease_token == lease.token


def test_expired_lease_stays_its_holders(clock: FakeClock) -> None:
    """The token fences, not the time: no other holder has worked on the row."""
    lease = take(clock())
    clock.advance(3600)

    LEASES.extend(1, lease.token, clock() + LIFE)

    assert read().lease_until == clock() + LIFE


def test_old_holder_s_writes_are_undone(services: Services, clock: FakeClock) -> None:
    slow = take(clock())
    clock.advance(60)
    quick = take(clock())
    save_account("kept", "https://a.example", "a", "b", services.signer, now=clock())
    (account,) = list_accounts()

    account.name = "in the session"
    db.session.execute(ROWS.update().where(ROWS.c.id == 3).values(note="of the old holder"))
    with pytest.raises(LeaseLost):
        LEASES.extend(1, slow.token, clock() + LIFE, {"note": "of the old holder"})

    assert [read(row_id).note for row_id in (1, 3)] == ["as made", "as made"]
    assert (read().lease_token, read().lease_until) == (quick.token, quick.until)
    assert db.session.scalar(select(ScormAccount.name)) == "kept"


def test_release_frees_and_writes(clock: FakeClock) -> None:
    lease = take(clock())

    assert LEASES.release(1, lease.token, {"note": "done"})

    row = read()
    assert (row.lease_token, row.lease_until, row.note) == (None, None, "done")
    assert take(clock()).token != lease.token


def test_release_by_the_old_holder_does_nothing(clock: FakeClock) -> None:
    slow = take(clock())
    clock.advance(60)
    quick = take(clock())

    assert not LEASES.release(1, slow.token, {"note": "done"})

    row = read()
    assert (row.lease_token, row.lease_until, row.note) == (quick.token, quick.until, "as made")


def test_released_row_has_no_holder(clock: FakeClock) -> None:
    lease = take(clock())
    LEASES.release(1, lease.token)
    db.session.commit()

    with pytest.raises(LeaseLost):
        LEASES.extend(1, lease.token, clock() + LIFE)

    assert read().lease_token is None


@pytest.mark.parametrize(
    ("only", "is_written"),
    [({}, True), ({"taken": 1}, True), ({"due_at": None}, True), ({"taken": 2}, False)],
    ids=["no condition", "met", "met by none", "not met"],
)
def test_write_asks_for_more(clock: FakeClock, only: dict[str, object], is_written: bool) -> None:
    lease = take(clock())

    assert LEASES.write(1, lease.token, {"note": "new"}, **only) == is_written

    assert read().note == ("new" if is_written else "as made")
    assert read().lease_token == lease.token


def test_session_is_written_before(services: Services, clock: FakeClock) -> None:
    lease = take(clock())
    account = ScormAccount(name="new", base_url="https://a.example", app_id="a", created_at=clock())
    account.secret_encrypted = "b"
    db.session.add(account)

    LEASES.write(1, lease.token, {"note": "new"})

    assert account.id is not None


def test_all_rows_of_a_key_are_taken(clock: FakeClock) -> None:
    assert OF_OWNER.take_all("alice", clock(), LIFE, "mine") is None
    clock.advance(10)
    assert OF_OWNER.take_all("alice", clock(), LIFE, "mine") is None

    assert [read(row_id).lease_token for row_id in (1, 2, 3)] == ["mine", "mine", None]
    assert read(2).lease_until == clock() + LIFE


def test_row_of_another_is_told_and_left(clock: FakeClock) -> None:
    lease = take(clock())
    clock.advance(10)

    assert OF_OWNER.take_all("alice", clock(), LIFE, "mine") == lease.until

    assert [read(row_id).lease_token for row_id in (1, 2)] == [lease.token, "mine"]


def test_all_rows_of_a_key_are_released(clock: FakeClock) -> None:
    lease = take(clock())
    OF_OWNER.take_all("alice", clock(), LIFE, "mine")

    assert OF_OWNER.release("alice", "mine")

    assert [read(row_id).lease_token for row_id in (1, 2)] == [lease.token, None]


def test_owner_without_rows_is_free(clock: FakeClock) -> None:
    assert OF_OWNER.take_all("carol", clock(), LIFE, "mine") is None


def test_columns_have_other_names(clock: FakeClock) -> None:
    elsewhere = Leases(ROWS, ROWS.c.taken < 1, token="note", until="due_at")

    lease = take(clock(), leases=elsewhere)
    assert (read().note, read().due_at) == (lease.token, clock() + LIFE)

    assert elsewhere.release(1, lease.token, {"taken": 1})
    assert (read().note, read().due_at, read().lease_token) == (None, None, None)
    assert elsewhere.take(1, clock(), LIFE) is None


def test_condition_knows_the_moment(clock: FakeClock) -> None:
    due = Leases(ROWS, ROWS.c.due_at <= NOW)

    assert due.take(1, clock(), LIFE) is None
    db.session.execute(ROWS.update().values(due_at=clock()))
    assert due.take(1, clock(), LIFE) is not None


@pytest.mark.parametrize(
    ("call", "least", "life"),
    [(0, 60, 60), (50, 60, 60), (100, 60, 110), (5, 0, 15)],
    ids=["no call", "call within", "longer call", "no least"],
)
def test_lease_outlasts_its_call(call: int, least: int, life: int) -> None:
    assert outlasting(call, timedelta(seconds=least)) == timedelta(seconds=life)
    assert outlasting(call) == timedelta(seconds=call) + CALL_MARGIN
