"""The exit address names one launch; the postback's password survives a lost database."""

import dataclasses
from typing import cast
from urllib.parse import urlsplit

import pytest

from lti_bridge.core.config import Settings
from lti_bridge.core.signing import BadToken, Signer
from lti_bridge.registrations.return_urls import (
    exit_url,
    postback_address,
    postback_is_genuine,
    read_exit_token,
    read_postback_token,
)
from lti_bridge.services import Services


class PlainServices:
    """All that tokens need of the services."""

    def __init__(self, secret: str = "a secret", *previous: str) -> None:
        self.settings = Settings(public_url="https://bridge.example")
        self.signer = Signer(secret, previous)


def make_services(*secrets: str) -> Services:
    return cast(Services, PlainServices(*secrets))


def last_part(url: str) -> str:
    return urlsplit(url).path.rpartition("/")[2]


def test_exit_token_names_its_launch() -> None:
    services = make_services()
    url = exit_url(services, 42)

    assert url.startswith("https://bridge.example/exit/")
    assert read_exit_token(services, last_part(url)) == 42


@pytest.mark.parametrize("kind", ["changed", "a postback's", "another key's"])
def test_foreign_exit_token_is_refused(kind: str) -> None:
    services = make_services()
    tokens = {
        "changed": "x" + last_part(exit_url(services, 42)),
        "a postback's": last_part(postback_address(services, "seat-1").url),
        "another key's": last_part(exit_url(make_services("another"), 42)),
    }

    with pytest.raises(BadToken):
        read_exit_token(services, tokens[kind])


def test_exit_token_must_hold_a_number() -> None:
    services = make_services()

    with pytest.raises(BadToken):
        read_exit_token(services, services.signer.sign("exit", "42"))


def test_tokens_outlive_a_change_of_key() -> None:
    before, after = make_services("old"), make_services("new", "old")
    address = postback_address(before, "seat-1")

    assert read_exit_token(after, last_part(exit_url(before, 7))) == 7
    assert read_postback_token(after, last_part(address.url)) == "seat-1"
    assert postback_is_genuine(after, "seat-1", address.user_name, address.password)


def test_postback_address_survives_a_lost_database() -> None:
    before, after = make_services(), make_services()

    address = postback_address(before, "seat-1")

    assert read_postback_token(after, last_part(address.url)) == "seat-1"
    assert postback_address(after, "seat-1").password == address.password


@pytest.mark.parametrize(
    "changed",
    [{"user_name": "mallory"}, {"password": "guess"}, {"password": "ünïcode"}],
    ids=["user", "password", "odd password"],
)
def test_forged_postback_is_known(changed: dict[str, str]) -> None:
    services = make_services()
    address = dataclasses.replace(postback_address(services, "seat-1"), **changed)

    assert not postback_is_genuine(services, "seat-1", address.user_name, address.password)


def test_password_fits_one_registration() -> None:
    services = make_services()
    address = postback_address(services, "seat-1")

    assert not postback_is_genuine(services, "seat-2", address.user_name, address.password)


def test_address_carries_no_personal_data() -> None:
    services = make_services()

    url = postback_address(services, "seat-1").url

    assert "alice" not in url and postback_address(services, "seat-1").password not in url
