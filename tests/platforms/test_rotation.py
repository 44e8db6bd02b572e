"""Keys rotate with overlap: published first, then signing, then only published, then retired."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from lti_bridge.core.db import db
from lti_bridge.platforms.keys import (
    advance_keys,
    ensure_keys,
    list_keys,
    public_jwks,
    replace_leaked_key,
    rotate_keys,
    signing_key,
)
from lti_bridge.services import Services
from tests.conftest import FakeClock

DAY = 86400


@pytest.fixture
def first(services: Services) -> str:
    """The key that a new bridge signs with."""
    ensure_keys(services.signer, now=services.now())
    return signing_key(services.signer, now=services.now()).kid


def rotate(services: Services) -> str:
    return rotate_keys(services.signer, now=services.now())


def states() -> list[str]:
    found = [key.state for key in list_keys()]
    db.session.commit()
    return found


def shown() -> int:
    found = len(public_jwks()["keys"])
    db.session.commit()
    return found


def test_new_key_is_published_before_it_signs(services: Services, first: str) -> None:
    said = rotate(services)

    assert "is published" in said
    assert states() == ["signing", "next"]
    assert shown() == 2
    assert signing_key(services.signer, now=services.now()).kid == first


def test_key_does_not_sign_on_its_first_day(
    services: Services, first: str, clock: FakeClock
) -> None:
    rotate(services)
    clock.advance(DAY - 60)

    said = rotate(services)

    assert "is published and signs in 1 h" in said
    assert states() == ["signing", "next"]


def test_published_key_signs_after_a_day(services: Services, first: str, clock: FakeClock) -> None:
    rotate(services)
    clock.advance(DAY)

    rotate(services)

    assert states() == ["published", "signing"]
    assert signing_key(services.signer, now=services.now()).kid != first
    assert shown() == 2


def test_published_key_signs_by_itself(services: Services, first: str, clock: FakeClock) -> None:
    """Even before the timer has moved its row."""
    rotate(services)
    clock.advance(DAY)

    assert signing_key(services.signer, now=services.now()).kid != first
    advance_keys(now=services.now())
    assert states() == ["published", "signing"]
    clock.advance(7 * DAY)
    advance_keys(now=services.now())
    assert states() == ["retired", "signing"]


def test_rotation_under_way_is_not_doubled(
    services: Services, first: str, clock: FakeClock
) -> None:
    rotate(services)
    clock.advance(DAY)

    said = rotate(services)

    assert f"key {first} stays published for 168 more hours" in said
    assert states() == ["published", "signing"]


def test_leaked_key_goes_at_once(services: Services, first: str) -> None:
    rotate(services)

    replace_leaked_key(services.signer, now=services.now())

    assert states() == ["retired", "retired", "signing"]
    kid = signing_key(services.signer, now=services.now()).kid
    assert [key["kid"] for key in public_jwks()["keys"]] == [kid]
    db.session.commit()


def test_old_key_is_retired_after_a_week(services: Services, first: str, clock: FakeClock) -> None:
    rotate(services)
    clock.advance(DAY)
    rotate(services)
    clock.advance(7 * DAY)

    rotate(services)

    assert states() == ["retired", "signing", "next"]
    assert first not in [key["kid"] for key in public_jwks()["keys"]]
    db.session.commit()


def test_two_nodes_rotate_once(app: Flask, services: Services, first: str) -> None:
    def turn(_: int) -> None:
        with app.app_context():
            rotate(services)
            db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        list(pool.map(turn, range(2)))

    assert states() == ["signing", "next"]
