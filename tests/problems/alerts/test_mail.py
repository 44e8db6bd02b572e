"""The door to mail servers, against one that says yes and one that says no."""

import asyncio
import ssl
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from lti_bridge.core.errors import BridgeError, Refused, Unavailable
from lti_bridge.problems.alerts import mail
from tests.ports import free_port
from tests.problems.alerts.inbox import PASSWORD, UNGUARDED, USER, Inbox, open_inbox
from tests.problems.alerts.makers import NOW

BRIDGE, OLGA, OTTO = "bridge@school.example", "olga@school.example", "otto@school.example"


def access(port: int, security: str = mail.NO_TLS, **changes: str) -> mail.MailAccess:
    return mail.MailAccess("127.0.0.1", port, security, **changes)


def send(server: mail.MailAccess, *recipients: str) -> Any:
    to = recipients or (OLGA,)
    message = mail.compose(BRIDGE, to, "Über it", "Grüße", message_id="1@bridge.example", at=NOW)
    return mail.send(server, BRIDGE, to, message)


def refusal(server: mail.MailAccess, *recipients: str) -> BridgeError:
    with pytest.raises((Refused, Unavailable)) as caught:
        send(server, *recipients)
    return caught.value


def test_message_arrives() -> None:
    with open_inbox() as inbox:
        assert send(access(inbox.port), OLGA, OTTO) == []

    assert inbox.envelopes == [(BRIDGE, [OLGA, OTTO])]
    (message,) = inbox.messages
    assert (message["Subject"], message.get_content()) == ("Über it", "Grüße\n")
    assert message["From"] == f"LTI Bridge <{BRIDGE}>"
    assert message["To"] == f"{OLGA}, {OTTO}"
    assert message["Date"] == "Mon, 02 Nov 2026 09:00:00 +0000"


@UNGUARDED
def test_signs_in() -> None:
    with open_inbox(sign_in=True) as inbox:
        send(access(inbox.port, user=USER, password=PASSWORD))
        wrong = refusal(access(inbox.port, user=USER, password="mistyped"))

    assert len(inbox.messages) == 1
    assert "refuses this user and password" in str(wrong)
    assert "mistyped" not in str(wrong)


def test_server_without_sign_in_is_told_apart() -> None:
    with open_inbox() as inbox:
        answer = refusal(access(inbox.port, user=USER, password=PASSWORD))

    assert "leave the user empty" in str(answer)


def test_refused_recipient_stops_no_other() -> None:
    with open_inbox() as inbox:
        inbox.refuses = {OTTO}

        assert send(access(inbox.port), OLGA, OTTO) == [OTTO]
        assert f"refuses to deliver to {OTTO}" in str(refusal(access(inbox.port), OTTO))


@pytest.mark.parametrize(
    "answer, kind",
    [("452 disk full", Unavailable), ("554 looks like spam", Refused)],
    ids=["disk full", "spam"],
)
def test_answer_tells_whether_to_wait(answer: str, kind: type[BridgeError]) -> None:
    with open_inbox() as inbox:
        inbox.answer = answer
        error = refusal(access(inbox.port))

    assert type(error) is kind
    assert f"answered {answer[:3]}" in str(error)


def test_server_that_is_away_is_said_so() -> None:
    assert "cannot be reached on port" in str(refusal(access(free_port())))


def certificate(folder: Path, name: str) -> tuple[ssl.SSLContext, Path]:
    """Return a server's context, and the certificate to trust."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "mail")])
    day = timedelta(days=1)
    made = (
        x509.CertificateBuilder(subject, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(datetime.now(UTC) - day)
        .not_valid_after(datetime.now(UTC) + day)
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    path, keys = folder / "mail.pem", folder / "mail.key"
    path.write_bytes(made.public_bytes(Encoding.PEM))
    keys.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(path, keys)
    return context, path


@pytest.mark.parametrize("security", [mail.STARTTLS, mail.TLS])
def test_certificate_is_checked(
    security: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, path = certificate(tmp_path, "127.0.0.1")
    way = "starttls" if security == mail.STARTTLS else "ssl_context"
    with open_inbox(**{way: context}) as inbox:
        unknown = refusal(access(inbox.port, security))
        monkeypatch.setenv("SSL_CERT_FILE", str(path))
        send(access(inbox.port, security))

    assert "certificate that does not hold" in str(unknown)
    assert len(inbox.messages) == 1


def test_certificate_of_another_host_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    context, path = certificate(tmp_path, "127.0.0.2")
    monkeypatch.setenv("SSL_CERT_FILE", str(path))
    with open_inbox(starttls=context) as inbox:
        assert "certificate that does not hold" in str(refusal(access(inbox.port, mail.STARTTLS)))


@pytest.mark.parametrize(
    "security, said",
    [(mail.STARTTLS, "lacks something"), (mail.TLS, "STARTTLS for port 587")],
    ids=["starttls", "tls"],
)
def test_server_without_tls_is_told_apart(security: str, said: str) -> None:
    with open_inbox() as inbox:
        assert said in str(refusal(access(inbox.port, security)))


def test_silent_server_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mail, "ALL_SECONDS", 0.1)

    async def hang(*_: Any) -> str:
        await asyncio.sleep(5)
        return "250 OK"

    with open_inbox() as inbox:
        monkeypatch.setattr(Inbox, "handle_DATA", hang)
        assert "ended the call" in str(refusal(access(inbox.port)))


def test_password_is_in_no_repr() -> None:
    assert "secret-1" not in repr(access(25, password="secret-1"))
