"""Launches that are correctly signed but for one mutation, and logins."""

import base64
import copy
import html
import json
import re
from collections.abc import Callable
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from lti_bridge.core.signing import BadToken
from lti_bridge.launches.receive_launch import SECRET_FIELD
from tests.door import HOSTILE, Door
from tests.fuzz.fuzzer import OF_A_LAUNCH, Shot
from tests.fuzz.odd import change_claims, change_text, dump, odd_text, odd_value
from tests.fuzz.oracle import DL, Expected, may_learn, may_pass, read_payload, same_token
from tests.fuzz.wire import Request, Response, call, query_of
from tests.mini_platform import INSTRUCTOR, LEARNER, LTI, rsa_key

USES_OF_A_LOGIN = 20
IN_STORAGE = [("lti_storage_target", "_parent"), ("lti_bridge_bounced", "1")]
TEST_USER = "http://purl.imsglobal.org/vocab/lti/system/person#TestUser"
PEOPLE: list[dict[str, Any]] = [
    {},
    {"sub": "bob", "email": None, "given_name": HOSTILE},
    {"sub": "teacher", "roles": [INSTRUCTOR]},
    {"sub": "tester", "roles": [TEST_USER, LEARNER]},
    {"sub": "teacher", "roles": [INSTRUCTOR], "message_type": "LtiDeepLinkingRequest"},
    {"message_type": "LtiSubmissionReviewRequest", "for_user": {"user_id": "alice"}},
    {"custom": {"scorm_course_id": "$Unknown"}, "resource_link": {"id": "bare", "title": "Bare"}},
    {"custom": {"scorm_course_id": "tennis"}, "resource_link": {"id": "lost", "title": HOSTILE}},
]
SETTINGS = {
    "deep_link_return_url": "https://lms.example/return?key=1",
    "accept_types": ["ltiResourceLink"],
    "accept_presentation_document_targets": ["iframe", "window"],
    "accept_multiple": True,
    "data": "opaque",
}
LAUNCH_HEADERS = {
    "host": ["evil.example", "bridge.example:81", "", "a b", HOSTILE, "bridge.example,evil"],
    "x-forwarded-host": ["evil.example"],
    "x-forwarded-proto": ["https", HOSTILE],
    "x-forwarded-prefix": ["/evil"],
    "forwarded": ["host=evil.example"],
    "origin": ["https://evil.example", "null"],
    "referer": [HOSTILE],
    "sec-fetch-dest": ["iframe", "document", "x" * 300],
    "accept": ["application/json", "*/*;q=x", HOSTILE],
    "accept-language": [HOSTILE, "x" * 5000],
    "user-agent": ["", HOSTILE],
    "content-type": ["application/json", "text/plain", "multipart/form-data", "x", ""],
    "content-length": ["0", "1", "-1", "x", "99999999999"],
    "content-encoding": ["gzip"],
    "transfer-encoding": ["chunked"],
    "authorization": ["Basic x", "Bearer x", "Basic " + "x" * 3000],
    "x-http-method-override": ["DELETE"],
    "range": ["bytes=0-1"],
    "if-none-match": ["*"],
}


class Logins:
    """A browser with a login under way; the login is renewed when it is used up.

    Every third one keeps its secret with the LMS instead of in a cookie.
    """

    def __init__(self, door: Door) -> None:
        self.door = door
        self.state = self.nonce = self.cookie = self.secret = ""
        self.uses, self.count = USES_OF_A_LOGIN, 0

    def current(self) -> None:
        """Make sure that there is a login which waits for its launch."""
        self.uses += 1
        if self.uses <= USES_OF_A_LOGIN:
            return
        self.uses, self.count = 1, self.count + 1
        stored = self.count % 3 == 0
        form = self.form() + (IN_STORAGE if stored else [])
        headers = {"sec-fetch-dest": "iframe"} if stored else {}
        answer = call(self.door.app, Request("POST", "/lti/login", form=form, headers=headers))
        assert answer.status == (200 if stored else 302), answer
        place = attribute(answer, "next") if stored else answer.header("Location")
        self.secret = attribute(answer, "value") if stored else ""
        query = parse_qs(urlsplit(place).query)
        self.state, self.nonce = query["state"][0], query["nonce"][0]
        self.cookie = "; ".join(f"{name}={value}" for name, value in answer.cookies().items())

    def form(self) -> list[tuple[str, str]]:
        return list(self.door.world.login_form().items())

    def used(self) -> None:
        """The nonce has gone: the next launch needs a new login."""
        self.uses = USES_OF_A_LOGIN


def attribute(page: Response, name: str) -> str:
    """Return a data attribute of the page that talks with the LMS's storage."""
    found = re.search(rf'data-{name}="([^"]*)"', page.body.decode())
    assert found, page
    return html.unescape(found.group(1))


def launch_shot(random: Random, logins: Logins) -> Shot:
    """Return a launch that is one mutation away from a good one (rarely: a good one)."""
    logins.current()
    payload = good_payload(random, logins)
    mutate = random.choices(list(MUTATIONS), weights=list(MUTATIONS.values()))[0]
    return mutate(random, logins, payload)


def good_payload(random: Random, logins: Logins) -> dict[str, Any]:
    """Return the claims of a valid launch of some user."""
    door, changes = logins.door, copy.deepcopy(random.choice(PEOPLE))
    payload = door.platform.claims(door.clock(), logins.nonce, **changes)
    if payload[f"{LTI}message_type"] == "LtiDeepLinkingRequest":
        payload[DL] = copy.deepcopy(SETTINGS)
    return payload


def _claims(random: Random, logins: Logins, payload: dict[str, Any]) -> Shot:
    changed, note = change_claims(random, payload)
    return _shot(logins, _sign(changed), note)


def _extra_claim(random: Random, logins: Logins, payload: dict[str, Any]) -> Shot:
    name = random.choice(
        ("azp", "nbf", "name", f"{LTI}for_user", f"{LTI}lis", "sid", "\0", HOSTILE)
    )
    return _shot(logins, _sign({**payload, name: odd_value(random)}), name)


def _header(random: Random, logins: Logins, payload: dict[str, Any]) -> Shot:
    """Sign with a strange header; the signature is right for it."""
    name = random.choice(("kid", "typ", "cty", "jku", "jwk", "x5u", "crit", "b64", "zip", "x"))
    value = odd_value(random)
    if name == "b64" and value is False:
        value = "no"  # a detached payload cannot be signed here
    header = dump({"alg": "RS256", "kid": "key-1", name: value})
    token = _sign_raw(header, json.dumps(payload).encode())
    harmless = name != "kid"
    return _shot(logins, token, f"header {name}", None if harmless else False)


def _algorithm(random: Random, logins: Logins, payload: dict[str, Any]) -> Shot:
    named = random.choice(("none", "HS256", "RS384", "PS256", "rs256", "", "ES256", HOSTILE))
    header = json.dumps({"alg": named, "kid": "key-1"}).encode()
    return _shot(logins, _sign_raw(header, json.dumps(payload).encode()), f"alg {named}", False)


def _token(random: Random, logins: Logins, payload: dict[str, Any]) -> Shot:
    good = _sign(payload)
    token = change_text(random, good)
    return _shot(logins, token, "token changed", None if same_token(good, token) else False)


def _raw_payload(random: Random, logins: Logins, payload: dict[str, Any]) -> Shot:
    """Change the payload's text before it is signed."""
    text = change_text(random, json.dumps(payload)).encode("utf-8", "replace")
    token = _sign_raw(b'{"alg":"RS256","kid":"key-1"}', text)
    return _shot(logins, token, "payload text")


def _state(random: Random, logins: Logins, payload: dict[str, Any]) -> Shot:
    state = change_text(random, logins.state)
    signer = logins.door.world.services.signer
    try:
        same = signer.unsign("state", state) == signer.unsign("state", logins.state)
    except BadToken:
        same = False
    token = _sign(payload)
    return _shot(logins, token, "state changed", None if same else False, state=state)


def _field(random: Random, logins: Logins, payload: dict[str, Any]) -> Shot:
    """Add, double or drop a field of the form."""
    form = _form(logins, _sign(payload))
    kind = random.randrange(4)
    if kind == 0:
        del form[random.randrange(len(form))]
    elif kind == 1:
        form.append((random.choice(("error", "id_token", "state", "x", "")), odd_text(random)))
    elif kind == 2:
        form.insert(0, (random.choice(("error", "state", "id_token")), odd_text(random)))
    else:
        form += [("x", "y")] * random.choice((10, 500, 1500))
    return _post(logins, form, f"form {kind}")


def _cookie(random: Random, logins: Logins, payload: dict[str, Any]) -> Shot:
    form = _form(logins, _sign(payload))
    if logins.secret:
        secret = random.choice((change_text(random, logins.secret), odd_text(random), ""))
        form[-1] = (SECRET_FIELD, secret)
        same = None if secret == logins.secret else False
        return _post(logins, form, f"secret {secret[:60]!r}", same)
    name, _, value = logins.cookie.partition("=")
    cookie = random.choice(
        (
            "",
            f"{name}={change_text(random, value)}",
            f"{change_text(random, name)}={value}",
            odd_text(random),
            f"{name}={odd_text(random)}",
            logins.cookie + "; " + "; ".join(f"c{n}=v" for n in range(200)),
        )
    )
    shot = _post(logins, form, f"cookie {cookie[:60]!r}")
    shot.request.headers["cookie"] = cookie
    return shot


def _http_header(random: Random, logins: Logins, payload: dict[str, Any]) -> Shot:
    form = _form(logins, _sign(payload))
    name = random.choice(list(LAUNCH_HEADERS))
    value = random.choice(LAUNCH_HEADERS[name])
    shot = _post(logins, form, f"{name}: {value[:60]!r}")
    shot.request.headers[name] = value
    return shot


def _method(random: Random, logins: Logins, payload: dict[str, Any]) -> Shot:
    form = _form(logins, _sign(payload))
    method = random.choice(("GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "X" * 30))
    headers = {"cookie": logins.cookie}
    request = Request(method, "/lti/launch", query_of(dict(form)), form, headers=headers)
    return Shot("launch", request, method, near=True, passes=_only_options)


def _nothing(random: Random, logins: Logins, payload: dict[str, Any]) -> Shot:
    """A good launch: the mutations are near something that works."""
    return _shot(logins, _sign(payload), "no mutation")


Mutation = Callable[[Random, Logins, dict[str, Any]], Shot]
MUTATIONS: dict[Mutation, int] = {
    _claims: 45,
    _extra_claim: 7,
    _raw_payload: 8,
    _header: 7,
    _algorithm: 3,
    _token: 8,
    _state: 7,
    _field: 5,
    _cookie: 5,
    _http_header: 4,
    _method: 1,
    _nothing: 1,
}


def _sign(payload: dict[str, Any]) -> str:
    return _sign_raw(b'{"alg":"RS256","kid":"key-1"}', dump(payload))


def _sign_raw(header: bytes, payload: bytes) -> str:
    text = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload))
    proof = rsa_key().sign(text, PKCS1v15(), SHA256())
    return (text + b"." + base64.urlsafe_b64encode(proof).rstrip(b"=")).decode()


def _form(logins: Logins, token: str, state: str | None = None) -> list[tuple[str, str]]:
    form = [("state", logins.state if state is None else state), ("id_token", token)]
    return form + ([(SECRET_FIELD, logins.secret)] if logins.secret else [])


def _shot(
    logins: Logins, token: str, note: str, valid: bool | None = None, state: str | None = None
) -> Shot:
    """Return the launch; `valid` None: the oracle tells from the payload."""
    return _post(logins, _form(logins, token, state), note, valid)


def _post(
    logins: Logins, form: list[tuple[str, str]], note: str, valid: bool | None = None
) -> Shot:
    payloads = [read_payload(token) for name, token in form if name == "id_token"]
    if valid is None:
        valid = any(_is_valid(logins, payload) for payload in payloads)

    if valid:
        logins.used()  # also by a launch that ends at a registration's page: the nonce has gone

    def passes(response: Response) -> str:
        if logins.secret and b'data-subject="lti.get_data"' in response.body:
            return ""  # it asks for the secret, and has done nothing yet
        logins.used()
        if not valid:
            return "an invalid launch was let through"
        place, player = response.header("Location"), logins.door.cloud.server.url
        if place.startswith(player) and not any(may_learn(one) for one in payloads):
            return "a user who is no learner got a registration"
        if place and not place.startswith((player, "/console/")):
            return f"an open redirect to {place}"
        return ""

    headers = {"cookie": logins.cookie}
    request = Request("POST", "/lti/launch", form=form, headers=headers)
    may_add = dict(OF_A_LAUNCH) if valid else {}
    return Shot("launch", request, note, near=True, may_call=valid, may_add=may_add, passes=passes)


def _is_valid(logins: Logins, payload: Any) -> bool:
    door = logins.door
    expected = Expected(door.platform.url, "client-1", logins.nonce, door.clock().timestamp())
    return may_pass(payload, expected)


def _only_options(response: Response) -> str:
    return "" if response.header("Allow") else "a launch by another method"


def login_shot(random: Random, logins: Logins) -> Shot:
    """Return a login with one thing changed."""
    form = logins.form() + [("lti_storage_target", "_parent")]
    place = random.randrange(len(form))
    kind, headers = random.randrange(5), {}
    if kind == 0:
        del form[place]
    elif kind == 1:
        form[place] = (form[place][0], odd_text(random))
    elif kind == 2:
        form[place] = (form[place][0], change_text(random, form[place][1]))
    elif kind == 3:
        ours = ["lti_bridge_bounced", "lti_bridge_window"]
        form.append((random.choice([*dict(form), *ours, "x"]), odd_text(random)))
        headers["sec-fetch-dest"] = random.choice(["iframe", "document"])
    else:
        name = random.choice(list(LAUNCH_HEADERS))
        headers[name] = random.choice(LAUNCH_HEADERS[name])
    if random.random() < 0.5:
        query = query_of(dict(form))
        request = Request("GET", "/lti/login", query, headers=headers)
    else:
        request = Request("POST", "/lti/login", form=form, headers=headers)
    return Shot("login", request, f"kind {kind}", passes=lambda r: _leads_to_lms(logins, r))


def _leads_to_lms(logins: Logins, response: Response) -> str:
    place = response.header("Location")
    allowed = (f"{logins.door.platform.url}/auth?", "http://bridge.example/", "/")
    if place and not place.startswith(allowed) or place.startswith("//"):
        return f"an open redirect to {place}"
    return ""
