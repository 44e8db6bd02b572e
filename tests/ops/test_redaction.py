"""What a line must not hold is taken out of it, from any logger."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from lti_bridge.core.db import db
from lti_bridge.core.errors import Refused
from lti_bridge.core.signing import Signer
from lti_bridge.ops.redaction import describe_failure, one_line, redact
from lti_bridge.registrations.return_urls import exit_url, postback_address
from tests.mini_platform import MiniPlatform

NAME = "Xanthippe"


@pytest.mark.parametrize(
    "line, kept",
    [
        ("GET /exit/abc.def-123", "GET /exit/…"),
        ("GET /exit/abc.def/status HTTP/1.1", "GET /exit/…/status HTTP/1.1"),
        ("'POST /postback/abc.def-123 HTTP/1.1'", "'POST /postback/… HTTP/1.1'"),
        ("/lti/login?iss=x&login_hint=5", "/lti/login?…"),
        ('"GET /results?user_id=7 HTTP/1.1" 200', '"GET /results?… HTTP/1.1" 200'),
        ("Authorization: Bearer abc.DEF-_~+/=", "Authorization: Bearer …"),
        ("authorization: basic cHJhY3RpY2U6", "authorization: basic …"),
        ("token eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI1In0.c2ln", "token …"),
        ("mail of xq+1@private.example bounced", "mail of … bounced"),
        ("postgresql://bridge:secret@db.example/bridge", "postgresql://…@db.example/bridge"),
    ],
    ids=[
        "exit",
        "status of an exit",
        "postback",
        "login query",
        "results query",
        "bearer token",
        "basic token",
        "JWT",
        "mail address",
        "database password",
    ],
)
def test_takes_out(line, kept):
    assert redact(line) == kept


@pytest.mark.parametrize(
    "line",
    [
        "launch refused: seat_busy: registrations.workflow [0123456789abcdef]",
        "score_try outcome=trylater dialect=moodle",
        "the LMS lms.school.example did not answer: ConnectionError",
        "grade 7 waits for the overdue round: the queue did not take a job: OperationalError",
        "Listening at: http://127.0.0.1:8000 (1234)",
        "timer overdue failed; it runs again",
        "5f0c1e0a-9d1e-5c7e-8a55-1f0c1e0a9d1e is gone",
    ],
    ids=[
        "refused launch",
        "score try",
        "host of an LMS",
        "grade id",
        "loopback address",
        "timer",
        "uuid",
    ],
)
def test_leaves_alone(line):
    assert redact(line) == line


@pytest.mark.parametrize(
    "value", ["x", 1, ["launch", 7, "a" * 60]], ids=["a text", "a number", "a list"]
)
def test_tokens_of_ours_are_known_by_their_look(value):
    token = Signer("a key that only tests use", ()).sign("page", value)

    assert token not in redact(f"read {token} again")


def test_addresses_with_tokens(services):
    postback = postback_address(services, "5f0c1e0a-9d1e-5c7e-8a55-1f0c1e0a9d1e")
    for url in (exit_url(services, 1), postback.url):
        assert url.rpartition("/")[2] not in redact(f"GET {url}")


def test_encrypted_secret_is_taken_out():
    secret = Signer("a key that only tests use", ()).encrypt("x")

    assert redact(f"kept {secret}.") == "kept …."


def test_id_token_is_taken_out():
    platform = MiniPlatform()
    token = platform.sign({"sub": "7"})
    platform.stop()

    assert redact(f"got {token}!") == "got …!"


def test_no_line_passes_for_two():
    assert one_line("a\r\n2026 INFO forged\x1b[2J\u2028b") == (
        "a\\r\\n2026 INFO forged\\x1b[2J\\u2028b"
    )


def failure_of(run) -> str:
    with pytest.raises(Exception) as caught:
        run()
    return describe_failure(caught.value)


def test_failure_tells_where_and_not_what():
    told = failure_of(lambda: int(NAME))

    assert NAME not in told
    assert "test_redaction.py" in told
    assert told.endswith("ValueError: invalid literal for int() with base 10: …")


def test_failure_tells_its_cause():
    def fail() -> None:
        try:
            {}[NAME]
        except KeyError as error:
            raise Refused("the LMS's answer lacks 'sub'") from error

    told = failure_of(fail)

    assert NAME not in told
    assert told.index("KeyError") < told.index("which led to") < told.index("Refused")
    assert told.endswith("Refused: the LMS's answer lacks 'sub'")


def test_database_error_hides_its_values(services):
    """The drivers' own words name the row, and SQLAlchemy's the statement's values."""

    def fail() -> None:
        try:
            statement = text("INSERT INTO tool_key (kid, state) VALUES (:kid, :kid)")
            db.session.execute(statement, {"kid": NAME})
        finally:
            db.session.rollback()

    told = failure_of(fail)

    assert NAME not in told
    with pytest.raises(SQLAlchemyError) as caught:
        fail()
    assert "parameters hidden" in str(caught.value)
