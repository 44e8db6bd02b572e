"""Webhook client: one signed POST, with errors that say what to do."""

import hashlib
import hmac
from datetime import datetime

from ...core.errors import Refused, Unavailable
from ...core.http.session import Outbound
from ...lti.replies import read_retry_after

DEADLINE_SECONDS = 15.0


def sign_body(secret: str, timestamp: str, body: bytes) -> str:
    """Return the value of X-LTI-Bridge-Signature."""
    signed = timestamp.encode() + b"." + body
    return f"sha256={hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()}"


def post(
    outbound: Outbound,
    url: str,
    secret: str,
    payload: str,
    *,
    event: str,
    delivery: str,
    now: datetime,
) -> None:
    """Post a message; `delivery` is the same in every try.

    Raises Unavailable or Refused with a sentence that says what to do, without the address: for
    Slack and Teams that is a secret.
    """
    body, timestamp = payload.encode(), str(int(now.timestamp()))
    headers = {
        "Content-Type": "application/json",
        "X-LTI-Bridge-Event": event,
        "X-LTI-Bridge-Delivery": delivery,
        "X-LTI-Bridge-Timestamp": timestamp,
        "X-LTI-Bridge-Signature": sign_body(secret, timestamp, body),
    }
    answer = outbound.send(
        "POST",
        url,
        deadline_seconds=DEADLINE_SECONDS,
        headers=headers,
        data=body,
    )
    _judge(answer.status_code, read_retry_after(answer))


def _judge(status: int, retry_after: float | None) -> None:
    if 200 <= status < 300:
        return
    if status == 429 or status >= 500:
        raise Unavailable(
            f"the webhook answered {status}: it is tried again",
            retry_after=retry_after,
        )
    if 300 <= status < 400:
        raise Refused(f"the webhook answered {status}, a redirect: give the address it leads to")
    raise Refused(
        f"the webhook answered {status}: check its address, and whether it takes this form"
    )
