"""Tokens prove themselves, secrets stay secret, and old keys are read while a change lasts."""

import pytest

from lti_bridge.core.signing import BadToken, Signer

OLD, NEW = Signer("old key"), Signer("new key", ["old key"])


def changed(token: str) -> str:
    return ("A" if token[0] != "A" else "B") + token[1:]


def test_token_carries_its_payload():
    token = OLD.sign("exit", {"launch": 7})

    assert OLD.unsign("exit", token) == {"launch": 7}


@pytest.mark.parametrize(
    "token",
    ["", "nonsense", "a.b.c", changed(OLD.sign("exit", 7))],
    ids=["empty", "nonsense", "three parts", "changed"],  # a token holds the time of its making
)
def test_foreign_token_is_refused(token):
    with pytest.raises(BadToken) as caught:
        OLD.unsign("exit", token)

    assert not caught.value.expired


def test_token_of_another_purpose_is_refused():
    with pytest.raises(BadToken, match="not a state token of ours"):
        OLD.unsign("state", OLD.sign("exit", 7))


def test_old_token_says_that_it_expired():
    with pytest.raises(BadToken) as caught:
        OLD.unsign("exit", OLD.sign("exit", 7), max_age_seconds=-1)

    assert caught.value.expired


def test_new_key_reads_what_the_old_one_made():
    assert NEW.unsign("exit", OLD.sign("exit", 7)) == 7
    assert NEW.decrypt(OLD.encrypt("hunter2")) == "hunter2"
    assert NEW.matches("postback", "id", OLD.derive("postback", "id"))


def test_new_key_signs_from_now_on():
    with pytest.raises(BadToken):
        OLD.unsign("exit", NEW.sign("exit", 7))
    with pytest.raises(BadToken, match="add that key to secret_keys_previous"):
        OLD.decrypt(NEW.encrypt("hunter2"))
    assert not OLD.matches("postback", "id", NEW.derive("postback", "id"))


def test_encrypted_secret_is_not_readable():
    assert "hunter2" not in OLD.encrypt("hunter2")


def test_derived_secret_never_changes():
    assert Signer("old key").derive("postback", "id") == (
        "8967d1257f19639ee0e7cf444aba521d75394a9dd8aaad13bfa4d78a5d6ff035"
    )


@pytest.mark.parametrize(
    "purpose, text",
    [("postback", "other"), ("other", "id")],
    ids=["another text", "another purpose"],
)
def test_derived_secret_fits_one_text(purpose, text):
    assert not OLD.matches(purpose, text, OLD.derive("postback", "id"))
