"""Rosters: recorded ones, paged ones, odd ones, and refusals."""

import time

import pytest

from lti_bridge.core.errors import NotFound, Refused, Unavailable
from lti_bridge.lti import memberships as module
from lti_bridge.lti.memberships import MEMBERS_TYPE, Member, Memberships
from lti_bridge.lti.tokens import AccessTokens
from lti_bridge.lti.values import SigningKey
from tests.mini_platform import Reply, captured, rsa_key

ROSTER = ("GET", "/memberships")


@pytest.fixture
def memberships(outbound, clock):
    tokens = AccessTokens(outbound, clock, lambda: SigningKey("tool-1", rsa_key("tool")))
    return Memberships(outbound, tokens)


def read(memberships, platform, path="/memberships"):
    return memberships.read_roster(platform.values(), platform.url + path, deadline_seconds=5)


def roster(*members, **headers):
    return Reply(200, {"members": list(members)}, headers)


def test_reads_a_recorded_roster(platform, memberships):
    asked = (e for e in captured("nrps.json") if e["request"]["url"].endswith("/memberships"))
    entry = next(e for e in asked if e["response"]["status"] == 200)
    platform.routes[ROSTER] = Reply(200, entry["response"]["body"])

    found = read(memberships, platform)

    assert found
    assert all(member.sub and member.name and member.active for member in found)
    assert any("Learner" in role for member in found for role in member.roles)
    assert platform.asked[-1].headers["accept"] == MEMBERS_TYPE


def test_reads_every_page(platform, memberships):
    platform.routes[ROSTER] = roster(
        {"user_id": "1", "roles": ["Learner"]},
        Link=f'<{platform.url}/more?page=2>; rel="next"',
    )
    platform.routes[("GET", "/more")] = roster({"user_id": "2", "roles": []})

    assert [member.sub for member in read(memberships, platform)] == ["1", "2"]


def test_roster_is_used_again_for_a_while(platform, memberships, monkeypatch):
    moment = time.monotonic()
    monkeypatch.setattr(module.time, "monotonic", lambda: moment)
    platform.routes[ROSTER] = roster({"user_id": "1", "roles": []})
    read(memberships, platform)
    platform.routes[ROSTER] = roster({"user_id": "2", "roles": []})

    assert [member.sub for member in read(memberships, platform)] == ["1"]
    moment += module.KEPT_SECONDS
    assert [member.sub for member in read(memberships, platform)] == ["2"]


def test_each_context_has_its_own_roster(platform, memberships):
    platform.routes[ROSTER] = roster({"user_id": "1", "roles": []})
    platform.routes[("GET", "/others")] = roster({"user_id": "2", "roles": []})

    assert [member.sub for member in read(memberships, platform)] == ["1"]
    assert [member.sub for member in read(memberships, platform, "/others")] == ["2"]


def test_refusal_is_not_kept(platform, memberships):
    platform.routes[ROSTER] = Reply(403, b"no")
    with pytest.raises(Refused):
        read(memberships, platform)
    platform.routes[ROSTER] = roster({"user_id": "1", "roles": []})

    assert [member.sub for member in read(memberships, platform)] == ["1"]


def test_few_rosters_are_kept(platform, memberships, monkeypatch):
    monkeypatch.setattr(module, "MOST_KEPT", 2)
    for number in (1, 2, 3):
        path = f"/members-{number}"
        platform.routes[("GET", path)] = roster({"user_id": "old", "roles": []})
        read(memberships, platform, path)
        platform.routes[("GET", path)] = roster({"user_id": "new", "roles": []})

    assert [read(memberships, platform, f"/members-{n}")[0].sub for n in (3, 2)] == ["old", "old"]
    assert read(memberships, platform, "/members-1")[0].sub == "new"


@pytest.mark.parametrize(
    ("entry", "member"),
    [
        ({"user_id": 7, "roles": ["Learner"]}, Member("7", ("Learner",))),
        ({"user_id": "7", "roles": "Learner", "name": " Ann "}, Member("7", (), "Ann")),
        ({"user_id": "7", "given_name": "Ann", "family_name": "Lee"}, Member("7", (), "Ann Lee")),
        ({"user_id": "7", "status": "Inactive"}, Member("7", (), None, active=False)),
        ({"user_id": "7", "name": 5, "roles": [1, "x"]}, Member("7", ("x",))),
        ({"user_id": "7", "name": "Al\ud83d"}, Member("7", (), "Al?")),
    ],
    ids=[
        "number as id",
        "no list of roles",
        "two names",
        "inactive",
        "wrong types",
        "half a letter",
    ],
)
def test_reads_odd_entries(platform, memberships, entry, member):
    platform.routes[ROSTER] = roster(entry)

    assert read(memberships, platform) == [member]


@pytest.mark.parametrize("entry", [{}, "text", {"user_id": ""}, {"user_id": True}, None], ids=repr)
def test_skips_entries_without_a_person(platform, memberships, entry):
    platform.routes[ROSTER] = roster(entry, {"user_id": "1", "roles": []})

    assert [member.sub for member in read(memberships, platform)] == ["1"]


@pytest.mark.parametrize(
    ("reply", "error"),
    [
        (Reply(403, b"no"), Refused),
        (Reply(404, b"no"), NotFound),
        (Reply(503, b""), Unavailable),
        (Reply(200, b"not json"), Unavailable),
        (Reply(200, b"[]"), Unavailable),
    ],
    ids=["refused", "gone", "down", "no json", "no roster"],
)
def test_says_why_there_is_no_roster(platform, memberships, reply, error):
    platform.routes[ROSTER] = reply

    with pytest.raises(error):
        read(memberships, platform)
