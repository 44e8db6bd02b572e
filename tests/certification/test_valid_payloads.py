"""Launches that must pass, however odd: 1EdTech's valid payloads by their names, and our own."""

import pytest
from werkzeug.test import TestResponse

from tests.certification.bench import Bench
from tests.mini_platform import ENDPOINT, INSTRUCTOR, LEARNER
from tests.world import code

MEMBERSHIP = "http://purl.imsglobal.org/vocab/lis/v2/membership"
MANY_ROLES = [LEARNER] + [f"http://purl.example/role#{number}" for number in range(300)]
NO_NAMES = {"given_name": None, "family_name": None}
NOBODY = {**NO_NAMES, "email": None, "name": None}

VALID_LEARNERS = {
    "valid student launch": {},
    "names only": {"email": None},
    "email only": NO_NAMES,
    "whole name only": {**NO_NAMES, "https://x.example/name": "Alice"},
    "no personal data": NOBODY,
    "no personal data, no context": {**NOBODY, "context": None},
    "context missing": {"context": None},
    "context without title": {"context": {"id": "c1"}},
    "empty objects as lists, as PHP writes them": {"context": [], "launch_presentation": []},
    "no presentation": {"launch_presentation": None},
    "no gradebook": {ENDPOINT: None},
    "many roles": {"roles": MANY_ROLES},
    "short role name": {"roles": ["Learner"]},
    "learner by a sub-role": {"roles": [f"{MEMBERSHIP}/Learner#GuestLearner"]},
    "learner beside an unknown role": {"roles": [f"{MEMBERSHIP}#Gardener", LEARNER]},
    "audience as text": {"aud": "client-1"},
    "audience in a list": {"aud": ["client-1"]},
    "several audiences and azp": {"aud": ["other", "client-1"], "azp": "client-1"},
    "azp alone": {"azp": "client-1"},
    "extra claims": {"https://x.example/claim": {"a": [1, {"b": None}]}, "extra": [True]},
    "link id is a number": {"resource_link": {"id": 5}},
    "link without title": {"resource_link": {"id": "link-1"}},
    "target with a path and a query": {"target_link_uri": "http://bridge.example/x?course=1"},
    "target with the port spelt out": {"target_link_uri": "http://bridge.example:80/"},
    "letters of the world": {"given_name": "Zoë 学习 🎓", "resource_link": {"id": "ü/ä 学 🎓"}},
    "longest ids": {"sub": "x" * 255, "resource_link": {"id": "y" * 255}},
}


@pytest.mark.parametrize("changes", VALID_LEARNERS.values(), ids=VALID_LEARNERS.keys())
def test_learner_reaches_the_player(bench, changes):
    assert_opens_player(bench, bench.launch(**changes))


@pytest.mark.parametrize(
    "roles",
    [
        [INSTRUCTOR],
        [INSTRUCTOR, LEARNER],
        ["Instructor"],
        ["http://purl.imsglobal.org/vocab/lis/v2/institution/person#Administrator"],
        [f"{MEMBERSHIP}/Instructor#TeachingAssistant"],
    ],
    ids=["teacher", "teacher with multiple roles", "short role", "administrator", "assistant"],
)
def test_valid_teacher_launch_opens_their_page(bench, roles):
    before = len(bench.door.everything()["registration"])

    response = bench.launch(sub="teacher", roles=roles)

    assert response.status_code == 303
    assert response.location.startswith("/console/link?page=")
    page = bench.world.browser.get(response.location)
    assert (page.status_code, "Golf" in page.text) == (200, True)
    assert len(bench.door.everything()["registration"]) == before


@pytest.mark.parametrize(
    "roles",
    [["http://purl.imsglobal.org/vocab/lis/v2/uknownrole/unknown#Helper"], ["Gardener"], [], [""]],
    ids=["unknown role", "unknown short role", "no role", "empty role"],
)
def test_valid_launch_with_unknown_role_is_not_enrolled(bench, roles):
    before = bench.door.everything()

    response = bench.launch(sub="stranger", roles=roles)

    assert (response.status_code, code(response)) == (403, "not_enrolled")
    assert bench.door.everything() == before


def test_role_that_is_no_text_is_ignored(bench):
    assert_opens_player(bench, bench.launch(roles=[5, LEARNER, None, {"name": "Instructor"}]))


def test_user_that_looks_like_a_number_stays_text(bench, door):
    for sub in ("5", "005", "5.0", "5e0"):
        assert_opens_player(bench, Bench(door).launch(sub=sub))

    learners = [row for row in bench.door.column("learner", "sub") if row.startswith(("0", "5"))]
    assert sorted(learners) == ["005", "5", "5.0", "5e0"]


def test_case_of_a_user_counts(bench, door):
    for sub in ("bob", "Bob"):
        assert_opens_player(bench, Bench(door).launch(sub=sub))

    assert {"bob", "Bob"} <= set(bench.door.column("learner", "sub"))


@pytest.mark.parametrize("skew", [-59, -30, 0, 30, 59], ids=lambda skew: f"{skew} s")
def test_tokens_of_a_minute_with_skewed_clocks(bench, skew):
    """Moodle's tokens live for 60 s; its clock and ours may differ by a minute."""
    issued = bench.now + skew

    assert_opens_player(bench, bench.launch(iat=issued, exp=issued + 60))


@pytest.mark.parametrize(
    "issued, expires",
    [(-119, -59), (60, 120), (-960, 60), (-0.5, 59.5)],
    ids=["expired within the leeway", "ahead within it", "old within it", "parts of a second"],
)
def test_times_have_a_leeway(bench, issued, expires):
    times = {"iat": bench.now + issued, "exp": bench.now + expires}

    assert_opens_player(bench, bench.launch(**times))


def test_login_by_get_and_in_its_older_words(bench):
    form = bench.world.login_form(target_link_uri="http://bridge.example/", lti_deployment_id="")
    form["deployment_id"] = "1"

    answer = bench.world.browser.get("/lti/login", query_string=form)

    assert answer.status_code == 302
    assert answer.location.startswith(f"{bench.platform.url}/auth?")


def assert_opens_player(bench: Bench, response: TestResponse) -> None:
    """A learner's launch is one redirect to SCORM Cloud, and one more Launch row."""
    assert response.status_code == 303, response.text
    assert response.location.startswith(bench.door.cloud.server.url)
