"""Requests near a valid exit, postback, page or resume token, and plain garbage everywhere."""

import base64
import json
import re
from random import Random
from typing import Any

from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.registrations.models import Launch, Registration
from lti_bridge.registrations.return_urls import exit_url, postback_address
from tests.deep_linking.picking import deep_link, token_of
from tests.door import HOSTILE, Door
from tests.fuzz.fuzzer import Shot
from tests.fuzz.launches import LAUNCH_HEADERS
from tests.fuzz.odd import change_claims, change_text, dump, odd_text, odd_value
from tests.fuzz.wire import Request, query_of
from tests.mini_platform import INSTRUCTOR
from tests.world import page_token

PROGRESS: dict[str, Any] = {
    "id": "x",
    "instance": 0,
    "updated": "2026-11-02T09:00:00.000Z",
    "registrationCompletion": "COMPLETED",
    "registrationSuccess": "PASSED",
    "score": {"scaled": 85.5},
    "totalSecondsTracked": 60.0,
    "course": {"id": "golf", "title": HOSTILE, "version": 0},
}
PAGES = [
    ("GET", "/console/link"),
    ("GET", "/console/link/courses"),
    ("GET", "/console/link/learner"),
    ("GET", "/console/link/learner/resend"),
    ("GET", "/console/link/resend"),
    ("GET", "/console/link/policy"),
    ("GET", "/console/link/scores.csv"),
    ("POST", "/console/link/learner"),
    ("POST", "/console/link/resend"),
    ("POST", "/console/link/policy"),
    ("GET", "/console/review"),
    ("POST", "/console/link/course"),
    ("GET", "/lti/login/window"),
    ("GET", "/lti/preview"),
    ("POST", "/lti/preview"),
    ("GET", "/lti/preview/done"),
    ("GET", "/lti/attempt"),
    ("POST", "/lti/attempt"),
    ("GET", "/lti/pick"),
    ("GET", "/lti/pick/choose"),
    ("GET", "/lti/pick/answer"),
    ("GET", "/lti/pick/refused"),
    ("GET", "/lti/pick/package"),
    ("GET", "/lti/pick/package/import"),
    ("POST", "/lti/pick"),
    ("POST", "/lti/pick/preview"),
    ("POST", "/lti/pick/choose"),
    ("POST", "/lti/pick/add"),
    ("POST", "/lti/pick/cancel"),
    ("POST", "/lti/pick/refused"),
    ("POST", "/lti/pick/package"),
    ("POST", "/lti/pick/package/check"),
    ("POST", "/lti/pick/package/import"),
    ("POST", "/lti/pick/package/import/status"),
]
FIELDS = ["course", "course_id", "search", "searched", "find", "trail", "preview", "target"]
FIELDS += ["title-0", "width", "height", "choice", "new_version_of", "named-golf", "x"]


class Tokens:
    """One learner's launch and one instructor's pages, made by valid launches."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.pages: list[str] = []
        assert door.visitor().launch().status_code == 303
        launch = db.session.scalars(select(Launch)).first()
        registration = db.session.scalars(select(Registration)).first()
        assert launch is not None and registration is not None
        services = door.world.services
        self.exit = exit_url(services, launch.id).rpartition("/")[2]
        self.postback = postback_address(services, registration.registration_id)
        db.session.commit()

    def renew(self) -> None:
        """Pages are good for an hour: get fresh ones."""
        place = self.door.visitor().launch(sub="teacher", roles=[INSTRUCTOR]).location
        self.pages = [page_token(place), token_of(deep_link(self.door.visitor()))]


def exit_shot(random: Random, tokens: Tokens) -> Shot:
    """Return an exit or its status, with a good token one time in four."""
    token = tokens.exit if random.random() < 0.25 else change_text(random, tokens.exit)
    path = f"/exit/{token}" + random.choice(("", "/status", "/", "/status/x"))
    method = random.choice(("GET", "GET", "GET", "HEAD", "POST"))
    may_add = {"trail_event": 1} if token == tokens.exit else {}
    headers = _headers(random)
    return Shot("exit", Request(method, path, headers=headers), token, may_add=may_add)


def postback_shot(random: Random, tokens: Tokens) -> Shot:
    """Return a postback with one thing wrong: token, credentials or body."""
    token = tokens.postback.url.rpartition("/")[2]
    name, password = tokens.postback.user_name, tokens.postback.password
    body, headers, kind = json.dumps(PROGRESS).encode(), {}, random.randrange(6)
    if kind == 0:
        token = change_text(random, token)
    elif kind == 1:
        name = change_text(random, name)
    elif kind == 2:
        password = change_text(random, password)
    elif kind == 3:
        body = dump(change_claims(random, PROGRESS)[0])
    elif kind == 4:
        text = change_text(random, json.dumps(PROGRESS)).encode("utf-8", "replace")
        body = random.choice((text, dump(odd_value(random)), b"\xff" * 50, b""))
    pair = base64.b64encode(f"{name}:{password}".encode("utf-8", "replace")).decode()
    headers["authorization"] = f"Basic {pair}" if kind != 5 else odd_text(random)
    headers["content-type"] = "application/json"
    form = None
    if random.random() < 0.3:
        form, body = [("data", body.decode("utf-8", "replace"))], b""
        headers["content-type"] = "application/x-www-form-urlencoded"
    genuine = kind in (3, 4) or kind == 0
    may_add = {"sweep_cursor": 1, "trail_event": 1} if genuine else {}
    request = Request("POST", f"/postback/{token}", form=form, body=body, headers=headers)
    return Shot("postback", request, f"kind {kind}", may_add=may_add)


def page_shot(random: Random, tokens: Tokens) -> Shot:
    """Return a press of a button with a good token and odd fields, or the other way round."""
    method, path = random.choice(PAGES)
    page = random.choice(tokens.pages)
    if random.random() < 0.4:
        page = change_text(random, page)
    fields = [("page", page)]
    for name in random.sample(FIELDS, 3):
        fields.append((name, random.choice(("golf", "1", odd_text(random)))))
    headers = _headers(random)
    if method == "GET":
        request = Request("GET", path, query_of(dict(fields)), headers=headers)
    else:
        request = Request("POST", path, form=fields, headers=headers)
    # Looking at courses asks SCORM Cloud; no row is ever made.
    return Shot("page", request, f"{path}", may_call=True)


def upload_shot(random: Random, tokens: Tokens) -> Shot:
    """Return an upload that cannot be one."""
    ticket = random.choice((tokens.pages[-1], odd_text(random), ""))
    query = query_of({"ticket": ticket})
    kind = random.choice(("multipart/form-data; boundary=x", "multipart/form-data", "text/plain"))
    part = f'--x\r\nContent-Disposition: form-data; name="{odd_text(random)}"\r\n\r\n'
    body = (part + odd_text(random) + "\r\n--x--").encode("utf-8", "replace")
    headers = {"content-type": kind, **_headers(random)}
    request = Request("POST", "/lti/pick/package/upload", query, body=body, headers=headers)
    return Shot("upload", request, kind)


def resume_shot(random: Random, tokens: Tokens) -> Shot:
    """Return an attempt to go on with a launch that is not interrupted, or not ours."""
    signer = tokens.door.world.services.signer
    good = signer.sign("resume", [1, "lti_bridge_login_0", "0" * 64])
    token = random.choice((good, change_text(random, good), odd_text(random), tokens.exit))
    cookie = {"cookie": f"lti_bridge_login_0={odd_text(random)}"}
    if random.random() < 0.5:
        request = Request("GET", "/lti/resume", query_of({"token": token}), headers=cookie)
    else:
        request = Request("POST", "/lti/resume", form=[("token", token)], headers=cookie)
    return Shot("resume", request, token[:40], passes=lambda _: "another browser went on")


def garbage_shot(random: Random, tokens: Tokens) -> Shot:
    """Return nonsense to any address that the app knows, or to one that it does not."""
    rules = [rule.rule for rule in tokens.door.app.url_map.iter_rules()]
    path = re.sub(r"<[^>]*>", lambda _: odd_text(random), random.choice([*rules, "/x", "/"]))
    if random.random() < 0.3:
        path = change_text(random, path)
    method = random.choice(("GET", "HEAD", "POST", "POST", "PUT", "DELETE", "OPTIONS"))
    names = [
        "page",
        "token",
        "state",
        "invite",
        "openid_configuration",
        "registration_token",
        *FIELDS,
    ]
    fields = [(random.choice(names), odd_text(random)) for _ in range(random.randrange(5))]
    query = query_of(dict(fields)) if random.random() < 0.5 else odd_text(random).replace("\0", "")
    query = query.encode("ascii", "replace").decode()
    body = random.choice((b"", b"\0", b"{", b"\xff" * 2000, dump(odd_value(random))))
    headers = _headers(random)
    form = fields if random.random() < 0.5 else None
    request = Request(method, path, query, form=form, body=body, headers=headers)
    return Shot("garbage", request, path, may_call="readyz" in path)


def _headers(random: Random) -> dict[str, str]:
    if random.random() < 0.8:
        return {}
    name = random.choice(list(LAUNCH_HEADERS))
    return {name: random.choice(LAUNCH_HEADERS[name])}
