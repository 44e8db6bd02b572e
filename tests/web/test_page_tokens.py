"""The token in our pages' forms: what it keeps, hides and refuses."""

import dataclasses
import json
from base64 import urlsafe_b64decode

import pytest

from lti_bridge.core.errors import LaunchRejected
from lti_bridge.core.signing import Signer
from lti_bridge.lti.roles import Visitor
from lti_bridge.web.page_tokens import PageToken, read_page, sign_page

PAGE = PageToken(
    platform_id=1,
    deployment_id=2,
    sub="alice",
    visitor=Visitor.INSTRUCTOR,
    link_id=3,
    course_id="golf",
    back_url="https://school.example/back?sesskey=secret",
    data={"many": True, "targets": ["iframe"]},
)


def test_page_token_keeps_everything(services):
    page = read_page(services, sign_page(services, PAGE))

    assert page == PAGE
    assert page.visitor.manages


def test_page_token_needs_no_link(services):
    page = PageToken(1, 2, "alice", Visitor.ADMIN)

    assert read_page(services, sign_page(services, page)) == page


def test_page_token_shows_nothing_to_who_sees_the_address(services):
    token = sign_page(services, PAGE)

    assert b"alice" not in urlsafe_b64decode(token)
    assert b"sesskey" not in urlsafe_b64decode(token)


def test_page_token_lives_an_hour(services, clock):
    token = sign_page(services, PAGE)
    clock.advance(3600)
    assert read_page(services, token) == PAGE

    clock.advance(1)

    with pytest.raises(LaunchRejected, match="page_expired"):
        read_page(services, token)


@pytest.mark.parametrize(
    "token", ["", "x.y.z", "gAAAAA", "é"], ids=["empty", "three parts", "too short", "not ASCII"]
)
def test_forged_page_token_is_refused(services, token):
    with pytest.raises(LaunchRejected, match="page_expired"):
        read_page(services, token)


@pytest.mark.parametrize(
    "text",
    [
        "a secret of another kind",
        json.dumps(["other", 4e9, 1, 2, "alice", "instructor"]),
        json.dumps(["page"]),
        json.dumps(["page", "soon", 1, 2, "alice", "instructor"]),
        json.dumps(["page", 4e9, 1, 2, "alice", "king"]),
    ],
    ids=["plain text", "another kind", "no values", "text as time", "unknown visitor"],
)
def test_what_we_encrypted_for_another_purpose_is_no_page_token(services, text):
    with pytest.raises(LaunchRejected, match="page_expired"):
        read_page(services, services.signer.encrypt(text))


def test_page_token_of_the_previous_secret_key_is_read(services, settings):
    old = sign_page(services, PAGE)
    rotated = Signer("a new key", ["a key that only tests use"])

    assert read_page(dataclasses.replace(services, signer=rotated), old) == PAGE
