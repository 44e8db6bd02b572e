"""Which sites may frame our pages."""

import dataclasses

import pytest
from flask import Response

from lti_bridge.lti.replies import origin
from lti_bridge.lti.values import PlatformValues
from lti_bridge.platforms.frame_origins import note_frame_origin
from lti_bridge.platforms.models import Platform
from lti_bridge.web.frames import frame_origins
from lti_bridge.web.pages import with_headers

CANVAS = PlatformValues(
    id=1,
    issuer="https://canvas.instructure.com",
    client_id="1",
    authorization_url="https://sso.canvaslms.com/api/lti/authorize_redirect",
    token_url="https://canvas.instructure.com/login/oauth2/token",
    jwks_url="https://sso.canvaslms.com/api/lti/security/jwks",
    frame_origins=("https://school.instructure.com",),
)


def test_issuer_and_schools_may_frame():
    assert frame_origins(CANVAS, "https://other.example/courses/1") == [
        "https://canvas.instructure.com",
        "https://sso.canvaslms.com",
        "https://other.example",
        "https://school.instructure.com",
    ]


def test_known_origin_is_named_once():
    platform = dataclasses.replace(CANVAS, authorization_url="https://canvas.instructure.com/a")

    found = frame_origins(platform, "https://school.instructure.com/x")

    assert found == ["https://canvas.instructure.com", "https://school.instructure.com"]


@pytest.mark.parametrize(
    "return_url, kept",
    [
        (None, []),
        ("javascript:alert(1)", []),
        ("https://canvas.instructure.com/courses/1", []),
        ("https://School.example:443/x?y", ["https://school.example"]),
        ("http://localhost:8088/x", ["http://localhost:8088"]),
        ("https://a.example; script-src *", []),
    ],
    ids=[
        "no address",
        "a script",
        "a known site",
        "a school's own site",
        "loopback",
        "a directive",
    ],
)
def test_remembers_where_launches_come_from(return_url, kept):
    row = Platform(issuer="https://canvas.instructure.com", frame_origins=[])

    note_frame_origin(row, return_url)

    assert (row.learnt_origins or [], row.frame_origins) == (kept, [])


def test_remembers_only_the_newest_twenty():
    row = Platform(issuer="https://lms.example", frame_origins=[])

    for number in range(25):
        note_frame_origin(row, f"https://school-{number}.example/")

    assert row.learnt_origins[0] == "https://school-5.example"
    assert len(row.learnt_origins) == 20


def test_learnt_sites_push_out_none_of_the_admin_s():
    own = [f"https://own-{number}.example" for number in range(20)]
    row = Platform(issuer="https://lms.example", frame_origins=own)

    for number in range(25):
        note_frame_origin(row, f"https://school-{number}.example/")

    assert row.frame_origins == own
    assert len(row.learnt_origins) == 20


def test_admin_s_site_is_not_learnt_again():
    row = Platform(issuer="https://lms.example", frame_origins=["https://own.example"])

    note_frame_origin(row, "https://own.example/course")

    assert row.learnt_origins is None


@pytest.mark.parametrize(
    "url, expected",
    [
        ("https://LMS.example/x", "https://lms.example"),
        ("http://lms.example:80", "http://lms.example"),
        ("http://[::1]:8000/x", "http://[::1]:8000"),
        ("https://user@lms.example/", "https://lms.example"),
        ("https://lms.example:bad/", None),
        ("ftp://lms.example/", None),
        ("//lms.example/", None),
        ("https://a b.example/", None),
        ("https://a.example'/", None),
        ("", None),
    ],
    ids=[
        "capitals",
        "usual port",
        "IPv6",
        "user name",
        "broken port",
        "ftp",
        "no scheme",
        "space",
        "quote",
        "empty",
    ],
)
def test_origin_of_an_address(url, expected):
    assert origin(url) == expected


def test_page_without_action_may_be_framed_by_anyone():
    policy = with_headers(Response()).headers["Content-Security-Policy"]

    assert "frame-ancestors *" in policy
    assert "script-src" not in policy
