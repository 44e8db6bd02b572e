"""The world does not read the metrics by accident."""

import dataclasses
from collections.abc import Iterator

import pytest
from flask import Flask

from lti_bridge.core.config import Settings
from tests.conftest import close_app, make_settings, open_app, with_settings

PROXIES = {"X-Forwarded-For": "127.0.0.1"}
TOKEN = "a token that only Prometheus has"


@pytest.fixture
def settings(tmp_path) -> Settings:
    return make_settings(f"sqlite:///{tmp_path / 'bridge.sqlite3'}", tmp_path)


def ask(app: Flask, remote: str = "127.0.0.1", host: str = "127.0.0.1:8000", **headers: str):
    return app.test_client().get(
        "/metrics",
        base_url=f"http://{host}",
        environ_overrides={"REMOTE_ADDR": remote},
        headers=headers,
    )


@pytest.mark.parametrize(
    "remote, host, status",
    [
        ("127.0.0.1", "127.0.0.1:8000", 200),
        ("127.0.0.1", "localhost:8000", 200),
        ("::1", "[::1]:8000", 200),
        ("::ffff:127.0.0.1", "localhost", 200),
        ("192.0.2.7", "127.0.0.1:8000", 403),
        ("10.0.0.7", "10.0.0.1:8000", 403),
        ("", "localhost", 403),
        ("127.0.0.1", "bridge.example", 403),
    ],
    ids=[
        "127.0.0.1",
        "localhost",
        "IPv6",
        "IPv4 in IPv6",
        "another machine",
        "private network",
        "no remote",
        "this machine by a public name",
    ],
)
def test_without_token_only_this_machine(app, remote, host, status):
    answer = ask(app, remote, host)

    assert answer.status_code == status
    assert answer.headers["Cache-Control"] == "no-store"
    if status == 403:
        assert "ops.metrics_token" in answer.text
        assert "lti_bridge_" not in answer.text


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via"]
)
def test_proxy_on_this_machine_is_not_local(app, header):
    assert ask(app, **{header: "127.0.0.1"}).status_code == 403


@pytest.fixture
def trusting(settings: Settings) -> Iterator[Flask]:
    """A bridge behind a proxy that it trusts."""
    app = open_app(with_settings(settings, launch={"trusted_proxies": 1}))
    yield app
    close_app(app)


def test_forged_address_is_not_local(trusting):
    headers = {"X-Forwarded-For": "127.0.0.1", "X-Forwarded-Host": "localhost"}

    assert ask(trusting, "192.0.2.7", **headers).status_code == 403


@pytest.fixture
def guarded(settings: Settings) -> Iterator[Flask]:
    """A bridge with a token."""
    app = open_app(with_settings(settings, ops={"metrics_token": TOKEN}))
    yield app
    close_app(app)


@pytest.mark.parametrize(
    "shown, status",
    [
        (f"Bearer {TOKEN}", 200),
        (f"bearer {TOKEN}", 200),
        (f"Bearer {TOKEN}x", 401),
        ("Bearer ", 401),
        ("Bearer ä", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        ("", 401),
    ],
    ids=[
        "token",
        "scheme in small letters",
        "wrong token",
        "no token",
        "not ASCII",
        "basic",
        "no scheme",
        "no header",
    ],
)
def test_token_opens_from_anywhere(guarded, shown, status):
    answer = ask(guarded, "192.0.2.7", "bridge.example", Authorization=shown)

    assert answer.status_code == status
    if status == 401:
        assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_with_token_this_machine_needs_it_too(guarded):
    assert ask(guarded).status_code == 401


def test_token_is_a_secret(settings, tmp_path):
    assert TOKEN not in repr(dataclasses.replace(settings.ops, metrics_token=TOKEN))
