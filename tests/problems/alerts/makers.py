"""Problems and channels, of which a test says what matters to it."""

from datetime import UTC, datetime, timedelta
from typing import Any

from lti_bridge.core.db import db
from lti_bridge.problems.alerts.models import EMAIL, JSON_FORM, WEBHOOK, AlertChannel, MailServer
from lti_bridge.problems.problem import Problem, ProblemKind

NOW = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
SECRET = "a-signing-secret-of-tests"


def make_problem(number: int = 1, **changes: Any) -> Problem:
    facts: dict[str, Any] = {
        "kind": ProblemKind.PARKED,
        "subject": f"platform {number}",
        "what": f"School {number} refuses grades.",
        "since": NOW - timedelta(hours=2),
        "who": "An admin of the LMS",
        "how": "Unlock the column.",
    }
    return Problem(**{**facts, **changes})


def add_hook(services: Any, url: str, **changes: Any) -> AlertChannel:
    """Add a webhook. Commits."""
    encrypt = services.signer.encrypt
    facts: dict[str, Any] = {
        "kind": WEBHOOK,
        "name": "Hook",
        "recipients": [],
        "form": JSON_FORM,
        "url_encrypted": encrypt(url),
        "secret_encrypted": encrypt(SECRET),
        "created_at": services.now(),
    }
    return _add(AlertChannel(**{**facts, **changes}))


def add_mailbox(services: Any, port: int, **server: Any) -> AlertChannel:
    """Add a channel by e-mail and the mail server. Commits."""
    facts = {"host": "127.0.0.1", "port": port, "security": "none", "user": ""}
    db.session.add(MailServer(id=1, sender="bridge@school.example", **{**facts, **server}))
    return _add(
        AlertChannel(
            kind=EMAIL,
            name="Team",
            recipients=["olga@school.example", "otto@school.example"],
            form="",
            created_at=services.now(),
        )
    )


def _add(row: AlertChannel) -> AlertChannel:
    db.session.add(row)
    db.session.commit()
    return row
