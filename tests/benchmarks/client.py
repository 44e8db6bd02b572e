"""The load client: plays platform and browser, a connection per request, its key loaded once."""

import http.client
import re
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

from .stub import KEY_ID

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
AGS_SCOPE = "https://purl.imsglobal.org/spec/lti-ags/scope/"
ISSUER = "https://platform.bench"


@dataclass
class Load:
    """One client's work: who launches, and how long each login + launch pair took."""

    tool: str
    stub: str
    key: rsa.RSAPrivateKey
    seconds: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    busy: int = 0  # pages that said "too many wait" and try again by themselves
    login_path: str = "/lti/login"
    launch_path: str = "/lti/launch"

    def launch(self, learner: str, link: str = "link-1") -> None:
        """Make one login + launch pair and record its time, or what went wrong."""
        started = time.perf_counter()
        login = self._login()
        if login is None:
            return
        state, nonce, cookies = login
        form = urlencode({"id_token": self._id_token(learner, link, nonce), "state": state})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Cookie": cookies}
        status, _, body = self._send("POST", self.launch_path, form, headers)
        if status == 503 and b"cloud_busy" in body:
            self.busy += 1
            return
        if status not in (200, 302, 303):
            self.failures.append(f"launch answered {status}: {_said(body)}")
            return
        self.seconds.append(time.perf_counter() - started)

    def _login(self) -> tuple[str, str, str] | None:
        query = urlencode(
            {
                "iss": ISSUER,
                "client_id": "bench",
                "login_hint": "1",
                "lti_message_hint": "1",
                "target_link_uri": f"{self.tool}{self.launch_path}",
            }
        )
        status, headers, body = self._send("GET", f"{self.login_path}?{query}", None, {})
        if status != 302:
            self.failures.append(f"login answered {status}: {body[:200]!r}")
            return None
        asked = parse_qs(urlsplit(headers.get("Location", "")).query)
        cookies = [c.split(";", 1)[0] for c in headers.get_all("Set-Cookie") or []]
        return asked["state"][0], asked["nonce"][0], "; ".join(cookies)

    def _id_token(self, learner: str, link: str, nonce: str) -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": "bench",
            "sub": learner,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "given_name": "Alice",
            "family_name": "Learner",
            CLAIM + "version": "1.3.0",
            CLAIM + "message_type": "LtiResourceLinkRequest",
            CLAIM + "deployment_id": "1",
            CLAIM + "target_link_uri": f"{self.tool}{self.launch_path}",
            CLAIM + "roles": ["http://purl.imsglobal.org/vocab/lis/v2/membership#Learner"],
            CLAIM + "resource_link": {"id": link, "title": "Fire safety"},
            CLAIM + "context": {"id": "course-1", "title": "Safety"},
            CLAIM + "custom": {"scorm_course_id": "fire-safety"},
            "https://purl.imsglobal.org/spec/lti-ags/claim/endpoint": {
                "scope": [AGS_SCOPE + "score", AGS_SCOPE + "result.readonly"],
                "lineitem": f"{self.stub}/lineitems/{link}",
            },
        }
        return jwt.encode(claims, self.key, algorithm="RS256", headers={"kid": KEY_ID})

    def _send(
        self, method: str, path: str, body: str | None, headers: dict[str, str]
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        connection = http.client.HTTPConnection(urlsplit(self.tool).netloc, timeout=30)
        try:
            connection.request(method, path, body, {"Connection": "close", **headers})
            response = connection.getresponse()
            return response.status, response.headers, response.read()
        finally:
            connection.close()


def _said(body: bytes) -> str:
    """Return the code on a page of the bridge, or how another one begins."""
    code = re.search(rb"Code <code>(\w+)</code>", body)
    return code.group(1).decode() if code else repr(body[:200])
