"""A platform in few lines: keys, signed launches, and answers that a test writes itself."""

import functools
import json
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from lti_bridge.lti.values import PlatformValues

LTI = "https://purl.imsglobal.org/spec/lti/claim/"
ENDPOINT = "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint"
LEARNER = "http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"
INSTRUCTOR = "http://purl.imsglobal.org/vocab/lis/v2/membership#Instructor"
ASSISTANT = "http://purl.imsglobal.org/vocab/lis/v2/membership/Instructor#TeachingAssistant"
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
AGS = "https://purl.imsglobal.org/spec/lti-ags/scope/"
CAPTURES = Path(__file__).parent / "captures" / "moodle"


def captured(name: str) -> Any:
    """Return a recorded Moodle message."""
    return json.loads((CAPTURES / name).read_text(encoding="utf-8"))


@functools.cache
def rsa_key(name: str = "platform", bits: int = 2048) -> rsa.RSAPrivateKey:
    """Return a key for `name`; made once, because making one takes a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def public_jwk(kid: str, key: rsa.RSAPrivateKey, **changes: Any) -> dict[str, Any]:
    entry = jwt.algorithms.RSAAlgorithm.to_jwk(key.public_key(), as_dict=True)
    return {**entry, "kid": kid, "alg": "RS256", "use": "sig", **changes}


@dataclass
class Reply:
    """One answer of the platform; a `date` replaces the server's own clock."""

    status: int = 200
    body: Any = b""
    headers: dict[str, str] = field(default_factory=dict)
    reason: str | None = None
    date: str | None = None

    def content(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return self.body.encode() if isinstance(self.body, str) else json.dumps(self.body).encode()


@dataclass(frozen=True)
class Asked:
    """One request that reached the platform."""

    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: bytes

    def form(self) -> dict[str, str]:
        return {key: values[0] for key, values in parse_qs(self.body.decode()).items()}


Route = Reply | Callable[[Asked], Reply]


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_: Any) -> None:
        """Say nothing of a client that hung up."""


class MiniPlatform:
    """Listens on loopback; `routes` maps (method, path) to an answer or a function of one."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.keys = [public_jwk("key-1", rsa_key())]
        self.routes: dict[tuple[str, str], Route] = {
            ("GET", "/jwks"): lambda _: Reply(body={"keys": self.keys}),
            ("POST", "/token"): lambda _: Reply(body=self.token()),
        }
        self._server = _Server(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), daemon=True
        )
        self._thread.start()

    def values(self, **changes: Any) -> PlatformValues:
        facts: dict[str, Any] = {
            "id": 1,
            "issuer": self.url,
            "client_id": "client-1",
            "authorization_url": f"{self.url}/auth",
            "token_url": f"{self.url}/token",
            "jwks_url": f"{self.url}/jwks",
            "dialect": "moodle",
        }
        return PlatformValues(**{**facts, **changes})

    def token(self) -> dict[str, Any]:
        return {"access_token": secrets.token_hex(8), "token_type": "Bearer", "expires_in": 3600}

    def requests_to(self, path: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path == path]

    def claims(self, now: datetime, login_nonce: str, **changes: Any) -> dict[str, Any]:
        """Return a learner's valid launch; a change to None leaves the claim out.

        A change of a name that is no claim yet gets LTI's prefix: `roles` for example. A whole
        address stands as it is.
        """
        issued = int(now.timestamp())
        payload: dict[str, Any] = {
            "iss": self.url,
            "aud": "client-1",
            "sub": "alice",
            "nonce": login_nonce,
            "iat": issued,
            "exp": issued + 60,
            "given_name": "Alice",
            "family_name": "Learner",
            "email": "alice@example.org",
            f"{LTI}message_type": "LtiResourceLinkRequest",
            f"{LTI}version": "1.3.0",
            f"{LTI}deployment_id": "1",
            f"{LTI}target_link_uri": "http://bridge.example/lti/launch",
            f"{LTI}roles": [LEARNER],
            f"{LTI}resource_link": {"id": "link-1", "title": "Golf"},
            f"{LTI}context": {"id": "c1", "title": "Sports"},
            f"{LTI}custom": {"scorm_course_id": "golf"},
            f"{LTI}launch_presentation": {"return_url": f"{self.url}/back", "locale": "en"},
            ENDPOINT: {"scope": [f"{AGS}score"], "lineitem": f"{self.url}/items/1?type_id=1"},
        }
        for name, value in changes.items():
            whole = name in payload or name in ("azp", "nbf") or name.startswith("https://")
            key = name if whole else f"{LTI}{name}"
            payload[key] = value
        return {key: value for key, value in payload.items() if value is not None}

    def sign(self, payload: dict[str, Any], **options: Any) -> str:
        key = options.pop("key", rsa_key())
        headers = options.pop("headers", {"kid": "key-1"})
        algorithm = options.pop("algorithm", "RS256")
        # Not jwt.encode: that refuses to sign what a bad platform would.
        text = json.dumps(payload).encode()
        return jwt.api_jws.encode(text, key, algorithm=algorithm, headers=headers)

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(timeout=10)

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        platform = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                pass

            def answer(self) -> None:
                parts = urlsplit(self.path)
                length = int(self.headers.get("Content-Length", 0))
                asked = Asked(
                    self.command,
                    parts.path,
                    parts.query,
                    {key.lower(): value for key, value in self.headers.items()},
                    self.rfile.read(length),
                )
                platform.asked.append(asked)
                route = platform.routes.get((asked.method, asked.path), Reply(404))
                self.write(route(asked) if callable(route) else route)

            def write(self, reply: Reply) -> None:
                content = reply.content()
                self.send_response_only(reply.status, reply.reason)
                self.send_header("Date", reply.date or self.date_time_string())
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = answer

        return Handler
