"""The nonce is used up once, on any node and database."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.core.errors import LaunchRejected
from lti_bridge.lti.launch_state import (
    LaunchState,
    consume_nonce,
    forget_old_nonces,
    make_browser_secret,
    read_stamp,
)
from lti_bridge.lti.models import UsedNonce


def make_state(now, nonce="n1") -> LaunchState:
    return LaunchState(1, nonce, "hash", now.timestamp(), "cookie", "https://x.example", None)


def consume(state: LaunchState) -> None:
    consume_nonce(state, max_age_seconds=600)


def test_nonce_works_once(services):
    state = make_state(services.now())
    consume(state)
    db.session.commit()

    with pytest.raises(LaunchRejected) as caught:
        consume(state)

    assert caught.value.reason == "replayed"


def test_nonce_goes_with_its_transaction(services):
    state = make_state(services.now())
    consume(state)
    db.session.rollback()

    consume(state)
    db.session.commit()

    assert db.session.scalars(select(UsedNonce.nonce)).all() == ["n1"]


def test_nonce_outlives_its_state(services):
    now = services.now()
    consume(make_state(now))

    kept_until = db.session.scalars(select(UsedNonce.expires_at)).one()

    assert kept_until == now + timedelta(minutes=20)


def test_old_nonces_are_forgotten(services):
    now = services.now()
    consume(make_state(now, "old"))
    consume(make_state(now + timedelta(minutes=1), "new"))

    assert forget_old_nonces(now + timedelta(minutes=20, seconds=30)) == 1

    assert db.session.scalars(select(UsedNonce.nonce)).all() == ["new"]


@pytest.mark.parametrize(
    ("kept", "newest"),
    [
        ([], 0),
        (["1999999999.old", "x.y", "", "-1.x"], 0),
        (["{now}.a"], 1),
        (["{later}.a", "{now}.b"], 6),
        (["9" * 17 + ".made-up"], 0),
    ],
    ids=["first", "older", "the same moment", "clock set back", "made up"],
)
def test_stamp_is_newer_than_all(clock, kept, newest):
    now = round(clock().timestamp() * 1_000_000)
    secrets = [text.format(now=now, later=now + 5) for text in kept]

    made = make_browser_secret(clock(), secrets)

    assert read_stamp(made) == now + newest
