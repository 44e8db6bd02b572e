"""Every address, whatever is thrown at it, answers with something other than a crash."""

import json
import re

import pytest

from tests.door import Door
from tests.fuzz.odd import TEXTS
from tests.fuzz.wire import Request, Response, call, query_of

METHODS = ("GET", "HEAD", "POST")
BODIES = {
    "nothing": (b"", ""),
    "form": (b"page=x&token=x&state=x&id_token=x&iss=x", "application/x-www-form-urlencoded"),
    "broken form": (b"%ff%00=&&&==&page=%", "application/x-www-form-urlencoded"),
    "json": (json.dumps({"page": ["x"]}).encode(), "application/json"),
    "broken json": (b'{"a":' * 3000, "application/json"),
    "parts": (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x"),
    "parts without an end": (b"--x\r\nContent-Disposition: form-data", "multipart/form-data"),
    "zeros": (b"\0" * 1000, "text/plain"),
    "wrong length": (b"abc", "application/x-www-form-urlencoded"),
}


def addresses(door: Door, value: str) -> list[str]:
    rules = [rule.rule for rule in door.app.url_map.iter_rules()]
    return [re.sub(r"<[^>]*>", lambda _: value, rule) for rule in rules]


def to_sign_in(answer: Response) -> bool:
    """The console sends a visitor who is not signed in to do so, and nowhere else."""
    place = answer.header("Location") or ""
    return answer.status == 303 and place.partition("?")[0] == "/console/sign-in"


@pytest.mark.parametrize("kind", BODIES)
@pytest.mark.parametrize("method", METHODS)
def test_garbage_crashes_nothing(door, method, kind):
    body, content_type = BODIES[kind]
    rows = door.everything()
    headers = {"content-type": content_type}
    if kind == "wrong length":
        headers["content-length"] = "x"

    for path in addresses(door, "x"):
        answer = call(door.app, Request(method, path, body=body, headers=headers))
        assert answer.status < 500, path
        assert answer.status < 300 or answer.status >= 400 or to_sign_in(answer), path
    assert door.everything() == rows


@pytest.mark.parametrize("text", [text[:200] for text in TEXTS], ids=range(len(TEXTS)))
def test_odd_texts_crash_nothing(door, text):
    """The same odd text as path, as every parameter and as every field."""
    names = ("page", "token", "state", "id_token", "iss", "client_id", "login_hint", "invite")
    names += ("target_link_uri", "openid_configuration", "trail", "search", "ticket", "error")
    fields = dict.fromkeys(names, text)
    rows = door.everything()

    for path in addresses(door, text):
        for method in METHODS:
            request = Request(method, path, query_of(fields), form=list(fields.items()))
            answer = call(door.app, request)
            assert answer.status < 500, (method, path)
            assert b"<b onmouseover" not in answer.body
            assert not any("\n" in value for _, value in answer.headers)
    assert door.everything() == rows


def test_oversized_bodies_are_refused_everywhere(door):
    """2 MB of form: a coded page, on every address that takes a POST."""
    rules = [r for r in door.app.url_map.iter_rules() if "POST" in (r.methods or ())]
    form = [("page", "x"), ("token", "x"), ("filler", "x" * 2_000_000)]
    seen = set()

    for rule in rules:
        path = re.sub(r"<[^>]*>", "x", rule.rule)
        answer = call(door.app, Request("POST", path, form=form))
        assert 400 <= answer.status < 500, path
        signed_out = b"You are signed out" in answer.body
        assert answer.status in (400, 401, 404, 413) or signed_out, (path, answer.status)
        if answer.status == 413:
            assert b"<code>request_too_large</code>" in answer.body
            seen.add(rule.endpoint)
        elif signed_out:
            seen.add(rule.endpoint)
    # The upload looks at its ticket first, a postback at its password.
    numbered = {rule.endpoint for rule in rules if "<int:" in rule.rule}
    everybody = {rule.endpoint for rule in rules} - numbered
    assert seen == everybody - {"packages.upload", "passback.postback"}


def test_unknown_address_gets_a_coded_page(door):
    answer = door.visitor().browser.get("/wp-login.php")

    assert answer.status_code == 404
    assert "<code>page_unknown</code>" in answer.text


def test_wrong_method_gets_a_coded_page(door):
    answer = door.visitor().browser.get("/console/link/course")

    assert answer.status_code == 405
    assert "<code>wrong_method</code>" in answer.text
    assert "POST" in answer.headers["Allow"]


def test_doubled_slashes_lead_nowhere(door):
    """A redirect to the right address would repeat whatever Host it was asked by."""
    request = Request("GET", "//lti//jwks.json", headers={"host": "evil.example"})

    answer = call(door.app, request)

    assert (answer.status, answer.header("Location")) == (404, "")
