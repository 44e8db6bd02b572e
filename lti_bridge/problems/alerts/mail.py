"""SMTP client: send one message to one server, with errors that say what to do."""

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from email import policy
from email.message import EmailMessage
from email.utils import format_datetime, formataddr

from ...core.errors import BridgeError, Refused, Unavailable
from ...core.http.address_guard import Deadline

NO_TLS, STARTTLS, TLS = "none", "starttls", "tls"
STEP_SECONDS = 15.0
# For the whole delivery, because socket timeouts restart with every byte.
ALL_SECONDS = 30.0


@dataclass(frozen=True)
class MailAccess:
    """A mail server's address and credentials; no sign-in when `user` is empty."""

    host: str
    port: int
    security: str = STARTTLS
    user: str = ""
    password: str = field(default="", repr=False)


def compose(
    sender: str,
    recipients: Sequence[str],
    subject: str,
    text: str,
    *,
    message_id: str,
    at: datetime,
) -> EmailMessage:
    """Return an e-mail; `message_id` is the same in every try, so that mail programs show one.

    `subject` must be one line.
    """
    message = EmailMessage(policy.default.clone(cte_type="7bit"))
    message["From"] = formataddr(("LTI Bridge", sender))
    message["To"] = ", ".join(recipients)
    message["Subject"] = subject
    message["Message-ID"] = f"<{message_id}>"
    message["Date"] = format_datetime(at)
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message


def send(
    server: MailAccess, sender: str, recipients: Sequence[str], message: EmailMessage
) -> Sequence[str]:
    """Send a message; returns the recipients that the server refused while it accepted others.

    Raises Unavailable or Refused with a sentence that says what to do.
    """
    try:
        with _opened(server) as line:
            if server.user:
                line.login(server.user, server.password)
            return list(line.send_message(message, sender, list(recipients)))
    except (OSError, ValueError) as error:  # smtplib's failures and those of TLS are OSErrors
        raise _explain(error, server) from error


@contextmanager
def _opened(server: MailAccess) -> Iterator[smtplib.SMTP]:
    trust = ssl.create_default_context()
    with Deadline(ALL_SECONDS) as deadline:
        line = (
            smtplib.SMTP_SSL(server.host, server.port, timeout=STEP_SECONDS, context=trust)
            if server.security == TLS
            else smtplib.SMTP(server.host, server.port, timeout=STEP_SECONDS)
        )
        try:
            if line.sock is not None:
                deadline.hold(line.sock)
            if server.security == STARTTLS:
                line.starttls(context=trust)
            yield line
            with suppress(OSError):  # the message is accepted by now
                line.quit()
        finally:
            line.close()


def _explain(error: Exception, server: MailAccess) -> BridgeError:
    where = f"the mail server {server.host}"
    if isinstance(error, ssl.SSLCertVerificationError):
        return Refused(
            f"{where} has a certificate that does not hold ({error.verify_message}): use the name "
            "that stands in the certificate, or let this machine trust who issued it"
        )
    if isinstance(error, smtplib.SMTPException):
        return _explain_answer(error, where)
    if isinstance(error, ssl.SSLError):
        return Unavailable(
            f"{where} does not speak TLS on port {server.port}: choose STARTTLS for port 587, and "
            "TLS for port 465"
        )
    if isinstance(error, OSError):
        return Unavailable(
            f"{where} cannot be reached on port {server.port} ({type(error).__name__}): check "
            "host, port, security and firewall"
        )
    return Refused(
        f"the message cannot be sent ({type(error).__name__}): check the host and the addresses"
    )


def _explain_answer(error: smtplib.SMTPException, where: str) -> BridgeError:
    if isinstance(error, smtplib.SMTPAuthenticationError):
        return Refused(f"{where} refuses this user and password: type both anew")
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        refused = ", ".join(error.recipients)
        return Refused(f"{where} refuses to deliver to {refused}: check the address")
    if isinstance(error, smtplib.SMTPSenderRefused):
        return Refused(f"{where} refuses the sender {error.sender}: use one that it allows")
    if isinstance(error, smtplib.SMTPNotSupportedError):
        return Refused(
            f"{where} lacks something that is set here ({error}): choose another security, or "
            "leave the user empty when it asks for no sign-in"
        )
    if isinstance(error, smtplib.SMTPResponseException):
        kind = Unavailable if error.smtp_code < 500 else Refused
        return kind(f"{where} answered {error.smtp_code}: its administrator finds it in its log")
    if isinstance(error, smtplib.SMTPServerDisconnected):
        return Unavailable(
            f"{where} ended the call before it took the message: check the port, and which "
            "security belongs to it"
        )
    return Refused(f"{where} offers no way to sign in that is known here ({error})")
