"""Every address of the console x every role x every platform: who gets in, read from the map."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.routing import Rule as UrlRule

from lti_bridge.console.access import RULE, Rule
from lti_bridge.core.db import db
from lti_bridge.lti.roles import Visitor
from lti_bridge.registrations.models import Grade
from lti_bridge.web.page_tokens import PageToken, sign_page
from tests.console.visitors import csrf_token, sign_in_admin, sign_in_owner
from tests.door import Door, open_door

# Pages inside an LMS: a signed token in the form or address says who may see them.
BY_TOKEN = {
    "console.link",
    "console.courses",
    "console.choose",
    "console.review",
    "console.result",
    "console.enter",
    "console.go_through",
    "link_pages.learner",
    "link_pages.act",
    "link_pages.ask_resend",
    "link_pages.ask_resend_many",
    "link_pages.resend",
    "link_pages.policy",
    "link_pages.set_policy",
    "link_pages.gradebook",
    "link_pages.compare_now",
    "link_pages.leave_lost",
    "link_pages.scores",
}
# What learners open themselves: their own result, and the way into the console for LMS admins.
ASSISTANTS_READ = {
    "console.link",
    "link_pages.learner",
    "link_pages.gradebook",
    "link_pages.scores",
}
# A token of its own, not a page's.
DOOR = {"console.go_through"}
LEARNERS_OWN = {"console.review", "console.result"}


def console_rules(door: Door) -> list[UrlRule]:
    return [one for one in door.app.url_map.iter_rules() if one.rule.startswith("/console")]


def rule_of(door: Door, one: UrlRule) -> Rule | None:
    found: Rule | None = getattr(door.app.view_functions[one.endpoint], RULE, None)
    return found


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    folder: Path = tmp_path_factory.mktemp("console")
    with open_door(f"sqlite:///{folder / 'bridge.sqlite3'}", folder) as opened:
        yield opened


@pytest.fixture(scope="module")
def people(door: Door) -> dict[str, FlaskClient]:
    """A browser of everybody: signed out, owner, and an admin of one platform."""
    return {
        "nobody": door.app.test_client(),
        "owner": sign_in_owner(door.app.test_client(), door.world.services),
        "admin": sign_in_admin(door.visitor()),
    }


def test_every_address_has_a_rule(door: Door) -> None:
    without = {one.endpoint for one in console_rules(door) if rule_of(door, one) is None}

    assert without == BY_TOKEN, "decorate a new view with allow(…): without it everybody may use it"


def ask(browser: FlaskClient, one: UrlRule, token: str) -> Any:
    """Ask for an address, with a number that names nothing, as a form of ours would."""
    path = one.rule
    for name in one.arguments:
        path = path.replace(f"<int:{name}>", "999999").replace(f"<{name}>", "nothing")
    if "POST" in (one.methods or ()):
        return browser.post(path, data={"csrf_token": token})
    return browser.get(path)


def is_refused(answer: Any) -> bool:
    to_sign_in = answer.status_code == 303 and "/console/sign-in" in answer.location
    return to_sign_in or "You are signed out" in answer.text or "Only an owner" in answer.text


@pytest.mark.parametrize("who", ["nobody", "owner", "admin"])
def test_each_role_gets_what_its_rule_says(
    door: Door, people: dict[str, FlaskClient], who: str
) -> None:
    fits = {
        "nobody": (Rule.PUBLIC,),
        "owner": (Rule.PUBLIC, Rule.SIGNED_IN, Rule.OWNER),
        "admin": (Rule.PUBLIC, Rule.SIGNED_IN),
    }[who]
    token = csrf_token(people[who].get("/console/sign-in"))
    tried = 0
    for one in console_rules(door):
        rule = rule_of(door, one)
        if rule is None or one.endpoint == "sign_in.leave":
            continue
        answer = ask(people[who], one, token)
        assert is_refused(answer) is (rule not in fits), (who, one.rule, answer.status_code)
        assert answer.status_code < 500, one.rule
        tried += 1
    assert tried >= 10


def test_form_without_its_token_changes_nothing(door: Door, people: dict[str, FlaskClient]) -> None:
    rows = door.everything()
    for one in console_rules(door):
        if "POST" not in (one.methods or ()) or rule_of(door, one) is None:
            continue
        for who, browser in people.items():
            answer = ask(browser, one, "")
            assert answer.status_code in (403, 303), (who, one.rule)
    assert door.everything() == rows


def token_of(door: Door, visitor: Visitor) -> str:
    """Return the token of a page of the one activity that a learner has opened."""
    if db.session.scalars(select(Grade)).first() is None:
        assert door.visitor().launch(sub="alice").status_code == 303
    grade = db.session.scalars(select(Grade)).one()
    link = grade.resource_link
    deployment = link.deployment
    page = PageToken(deployment.platform_id, deployment.id, "somebody", visitor, link.id)
    db.session.commit()
    return sign_page(door.world.services, page)


@pytest.mark.parametrize("visitor", [one for one in Visitor if not one.manages])
@pytest.mark.parametrize("endpoint", sorted(BY_TOKEN - LEARNERS_OWN - DOOR))
def test_pages_in_the_lms_open_for_staff_alone(door: Door, endpoint: str, visitor: Visitor) -> None:
    """A learner's pages carry a token of the same kind, which must not open those of staff."""
    token = token_of(door, visitor)
    rule = next(one for one in console_rules(door) if one.endpoint == endpoint)
    writes = "POST" in (rule.methods or ())
    values = {"page": token, "learner": "1", "which": "all", "action": "reread"}
    browser = door.visitor().browser

    if writes:
        answer = browser.post(rule.rule, data=values)
    else:
        answer = browser.get(rule.rule, query_string=values)

    reads_as_assistant = visitor is Visitor.ASSISTANT and endpoint in ASSISTANTS_READ
    assert answer.status_code == (200 if reads_as_assistant else 403), answer.text
