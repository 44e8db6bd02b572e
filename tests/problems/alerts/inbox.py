"""A mail server on loopback that keeps what it takes."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

from tests.ports import free_port

USER, PASSWORD = "bridge", "an smtp password"
# On loopback a sign-in without TLS is no danger.
UNGUARDED = pytest.mark.filterwarnings("ignore:Requiring AUTH while not requiring TLS")


class Inbox:
    """Takes e-mails, but for the recipients in `refuses`, while `answer` is a good one."""

    def __init__(self) -> None:
        self.port = free_port()
        self.envelopes: list[tuple[str, list[str]]] = []
        self.messages: list[EmailMessage] = []
        self.refuses: set[str] = set()
        self.answer = "250 OK"

    async def handle_RCPT(
        self, _server: Any, _session: Any, envelope: Any, to: str, _o: Any
    ) -> str:
        if to in self.refuses:
            return "550 no such user"
        envelope.rcpt_tos.append(to)
        return "250 OK"

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        if self.answer.startswith("250"):
            self.envelopes.append((envelope.mail_from, envelope.rcpt_tos))
            message = message_from_bytes(envelope.content, policy=policy.default)
            assert isinstance(message, EmailMessage)
            self.messages.append(message)
        return self.answer


@contextmanager
def open_inbox(
    *, sign_in: bool = False, starttls: ssl.SSLContext | None = None, **options: Any
) -> Iterator[Inbox]:
    """Run one; with `sign_in` it wants USER and PASSWORD."""

    def check(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> Any:
        right = (data.login, data.password) == (USER.encode(), PASSWORD.encode())
        return AuthResult(success=right, handled=False)

    if sign_in:
        options |= {"auth_required": True, "authenticator": check}
        options["auth_require_tls"] = starttls is not None
    inbox = Inbox()
    runner = Controller(
        inbox,
        hostname="127.0.0.1",
        port=inbox.port,
        tls_context=starttls,
        require_starttls=starttls is not None,
        **options,
    )
    runner.start()
    try:
        yield inbox
    finally:
        runner.stop()
