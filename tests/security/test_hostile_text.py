"""Titles, names and everything else that others wrote stand on our pages as text."""

import html
import re

import pytest

from tests.certification.bench import Bench
from tests.mini_platform import TEST_USER
from tests.security.pages import policy_of, tags_of

# Which pages must show the attack, as text: a page that hides it would prove nothing.
SHOW_IT = {
    "console link",
    "console courses",
    "signed in activities",
    "signed in learner",
    "player window",
    "preview",
    "review",
    "new window",
    "storage put",
    "storage get",
    "register",
    "picker",
    "picker search",
    "picker confirm",
    "picker package",
    "picker gone",
}


@pytest.fixture(scope="module")
def opened(pages):
    return pages.all()


def test_attacks_stand_on_pages_as_text(opened):
    for name, page in opened.items():
        assert page.mimetype == "text/html", (name, page.status)
        assert "<b onmouseover" not in page.text, name
        assert "<script>hostile" not in page.text, name
        shown = "hostile()" in html.unescape(page.text)
        assert shown or name not in SHOW_IT, f"{name} does not show the attack"


def test_what_looks_like_a_template_is_not_run(opened):
    for name in SHOW_IT:
        assert "{{7*7}}" in opened[name].text, name


def test_pages_run_only_their_own_scripts(opened):
    for name, page in opened.items():
        policy = policy_of(page)
        assert policy["default-src"] == "'none'", name
        assert policy["base-uri"] == "'none'", name
        nonce = re.fullmatch(r"'nonce-([\w-]{22})'", policy["script-src"])
        assert nonce, (name, policy["script-src"])
        for tag, attributes in tags_of(page):
            assert tag != "script" or attributes.get("nonce") == nonce.group(1), name
            assert tag not in ("b", "base", "object", "embed"), (name, tag)
            bad = [one for one in attributes if one == "style" or one.startswith("on")]
            assert not bad, (name, tag, bad)
            for where in ("href", "src", "action", "formaction"):
                address = attributes.get(where) or "/"
                assert address.startswith(("/", "http://", "https://", "#")), (name, address)


def test_nonce_is_new_each_time(pages):
    first, second = pages.staff("/console/link"), pages.staff("/console/link")

    assert policy_of(first)["script-src"] != policy_of(second)["script-src"]


def test_exit_status_is_no_page(pages, opened):
    url = re.search(r"/exit/[\w.-]+", opened["exit"].text)

    answer = pages.door.visitor().browser.get(f"{url.group(0)}/status") if url else None

    assert answer is None or (answer.mimetype, answer.headers["X-Content-Type-Options"]) == (
        "application/json",
        "nosniff",
    )


@pytest.mark.parametrize(
    "hostile",
    [
        "https://evil.example\r\nSet-Cookie: a=b",
        "https://evil.example; script-src *",
        "https://evil.example' 'unsafe-inline",
        "https://evil.example,https://b.example",
        "https://evil.example/\0",
        "https://*.example/",
    ],
    ids=["line break", "directive", "quote", "second address", "NUL", "wildcard"],
)
def test_claims_inject_no_header(door, hostile):
    bench = Bench(door)

    response = bench.enter(
        sub="tess",
        roles=[TEST_USER],
        launch_presentation={"return_url": hostile, "locale": hostile},
    )

    assert response.status_code == 200
    assert "a=b" not in "".join(response.headers.getlist("Set-Cookie"))
    policy = policy_of(response)
    assert "*" not in "".join(policy.values())
    assert "unsafe-inline" not in "".join(policy.values())
    assert len(policy["script-src"].split()) == 1
