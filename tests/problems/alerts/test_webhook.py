"""The door to webhooks: signed, and refused in words."""

import hashlib
import hmac
import json
import re
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from werkzeug.datastructures import EnvironHeaders

from lti_bridge.core.errors import BridgeError, Refused, Unavailable
from lti_bridge.core.http.session import Outbound
from lti_bridge.problems.alerts.webhook import post
from tests.mini_platform import Asked, MiniPlatform, Reply
from tests.problems.alerts.makers import NOW, SECRET

PAYLOAD = json.dumps({"text": "Ünal"}, ensure_ascii=False)
DOCS = Path(__file__).parents[3] / "docs"
ABOUT = {"event": "began", "delivery": "d1"}


def signature_of(asked: Asked) -> str:
    """Return what the signature must be, as docs/admin/console.md says."""
    signed = asked.headers["x-lti-bridge-timestamp"].encode() + b"." + asked.body
    return f"sha256={hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()}"


def test_request_is_signed(platform: MiniPlatform, outbound: Outbound) -> None:
    platform.routes[("POST", "/hook")] = Reply(204)

    post(outbound, f"{platform.url}/hook?key=1", SECRET, PAYLOAD, now=NOW, **ABOUT)

    (asked,) = platform.asked
    assert asked.body == PAYLOAD.encode()
    assert asked.headers["content-type"] == "application/json"
    assert asked.headers["x-lti-bridge-event"] == "began"
    assert asked.headers["x-lti-bridge-delivery"] == "d1"
    assert asked.headers["x-lti-bridge-timestamp"] == str(int(NOW.timestamp()))
    assert asked.headers["x-lti-bridge-signature"] == signature_of(asked)


def test_check_in_the_docs_holds(platform: MiniPlatform, outbound: Outbound) -> None:
    page = (DOCS / "admin" / "console.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(.*?)```", page, re.S)
    check: dict[str, Any] = {}
    exec(code, check)
    platform.routes[("POST", "/hook")] = Reply(204)
    now = datetime.fromtimestamp(time.time(), UTC)
    post(outbound, f"{platform.url}/hook", SECRET, PAYLOAD, now=now, **ABOUT)
    (asked,) = platform.asked
    headers = EnvironHeaders(
        {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in asked.headers.items()}
    )

    is_ours = check["is_from_the_bridge"]
    assert is_ours(headers, asked.body, SECRET)
    assert not is_ours(headers, asked.body + b" ", SECRET)
    assert not is_ours(headers, asked.body, "another secret")


@pytest.mark.parametrize(
    "reply, kind, said",
    [
        (Reply(503, headers={"Retry-After": "30"}), Unavailable, "answered 503"),
        (Reply(429), Unavailable, "answered 429"),
        (Reply(302, headers={"Location": "/other"}), Refused, "a redirect"),
        (Reply(404), Refused, "check its address"),
        (Reply(410), Refused, "check its address"),
        (Reply(400), Refused, "takes this form"),
    ],
    ids=["503", "429", "302", "404", "410", "400"],
)
def test_other_answers_are_failures(
    platform: MiniPlatform,
    outbound: Outbound,
    reply: Reply,
    kind: type[BridgeError],
    said: str,
) -> None:
    platform.routes[("POST", "/hook")] = reply

    with pytest.raises(kind, match=said) as caught:
        post(outbound, f"{platform.url}/hook?key=s3cret", SECRET, PAYLOAD, now=NOW, **ABOUT)

    assert "s3cret" not in str(caught.value)
    assert len(platform.asked) == 1
    if "Retry-After" in reply.headers:
        assert getattr(caught.value, "retry_after", None) == 30


def test_private_networks_are_not_called(platform: MiniPlatform) -> None:
    guarded = Outbound()
    with pytest.raises(Refused, match="private network"):
        post(guarded, f"{platform.url}/hook", SECRET, PAYLOAD, now=NOW, **ABOUT)
    guarded.close()

    assert platform.asked == []
