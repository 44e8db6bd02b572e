"""Every address that takes a POST refuses one that another site could have made (CSRF)."""

import json
import re
from collections.abc import Callable
from typing import Any

import pytest

from lti_bridge.platforms.invites import make_invite
from lti_bridge.registrations.return_urls import postback_address
from tests.deep_linking.picking import deep_link, token_of
from tests.door import Door
from tests.mini_platform import INSTRUCTOR
from tests.security.pages import COURSE, button_targets, post_forms
from tests.world import page_token

HOUR = 3601
# Who may post, and what proves it. A cookie alone never does: another site's form would send it.
PUBLIC = "anybody; it writes nothing"
STATE = "the state of this browser's login, with its secret, and a signed id_token"
RESUME = "a signed token of an interrupted launch, and its browser's cookie"
PAGE = "the page's signed token, in the form"
TICKET = "an upload ticket in the address and the page's token in the form"
DOOR = "a signed token of one use, which a page gives that is tied to its browser"
INVITE = "an invite that is not used yet"
BASIC = "a signed address and its own password"
SESSION = "the csrf_token of the page, which belongs to this browser's session cookie"
PROOFS = {
    "login.login": PUBLIC,
    "launches.launch": STATE,
    "launches.try_again": RESUME,
    "launches.choose_attempt": PAGE,
    "launches.learn": PAGE,
    "launches.open_preview": PAGE,
    "console.choose": PAGE,
    "console.enter": PAGE,
    "console.go_through": DOOR,
    "link_pages.act": PAGE,
    "link_pages.resend": PAGE,
    "link_pages.set_policy": PAGE,
    "link_pages.compare_now": PAGE,
    "link_pages.leave_lost": PAGE,
    "picker.browse": PAGE,
    "picker.preview": PAGE,
    "picker.choose": PAGE,
    "picker.add": PAGE,
    "picker.cancel": PAGE,
    "picker.return_refused": PAGE,
    "packages.ask": PAGE,
    "packages.check": PAGE,
    "packages.upload": TICKET,
    "packages.look_again": PAGE,
    "packages.import_status": PAGE,
    "platforms.finish_registration": INVITE,
    "passback.postback": BASIC,
    "sign_in.enter": SESSION,
    "sign_in.accept": SESSION,
    "sign_in.leave": SESSION,
    "sign_in.set_password": SESSION,
    "people.invite": SESSION,
    "people.disable": SESSION,
    "people.enable": SESSION,
    "people.decide": SESSION,
    "courses.preview": SESSION,
    "courses.check": SESSION,
    "courses.send": SESSION,
    "courses.import_status": SESSION,
    "learners.act": SESSION,
    "learners.export": SESSION,
    "learners.erase": SESSION,
    "resets.reset": SESSION,
    "platform_pages.invite": SESSION,
    "platform_pages.add": SESSION,
    "platform_pages.edit": SESSION,
    "platform_pages.keep_settings": SESSION,
    "platform_pages.invite_again": SESSION,
    "platform_pages.disable": SESSION,
    "platform_pages.enable": SESSION,
    "platform_pages.approve_one": SESSION,
    "platform_pages.succeed_now": SESSION,
    "accounts.add": SESSION,
    "accounts.change": SESSION,
    "accounts.remove": SESSION,
    "keys.rotate": SESSION,
    "keys.replace_leaked": SESSION,
    "checks.run_all": SESSION,
    "checks.run_platform": SESSION,
    "checks.run_account": SESSION,
    "alerts.add": SESSION,
    "alerts.change": SESSION,
    "alerts.test": SESSION,
    "alerts.renew_secret": SESSION,
    "alerts.switch_off": SESSION,
    "alerts.switch_on": SESSION,
    "alerts.remove": SESSION,
    "alerts.set_mail": SESSION,
    "problems.act": SESSION,
    "problems.forget": SESSION,
}
# The field of a form that carries the proof.
FIELDS = {
    PUBLIC: "iss",
    STATE: "state",
    RESUME: "token",
    PAGE: "page",
    DOOR: "door",
    TICKET: "page",
    INVITE: "invite",
    SESSION: "csrf_token",
}
GUARDED = sorted(name for name, proof in PROOFS.items() if proof != PUBLIC)


def posting_rules(door: Door) -> dict[str, str]:
    """Return the address of each endpoint that takes a POST."""
    rules = door.app.url_map.iter_rules()
    return {rule.endpoint: rule.rule for rule in rules if "POST" in (rule.methods or ())}


def test_every_posting_address_has_a_rule(door):
    assert set(posting_rules(door)) == set(PROOFS), (
        "say in PROOFS what proves a POST to a new address; without that it could be forged"
    )


def other_methods(door: Door) -> set[str]:
    methods = {name for rule in door.app.url_map.iter_rules() for name in rule.methods or ()}
    return methods - {"GET", "HEAD", "POST", "OPTIONS"}


def test_no_other_method_changes_anything(door):
    assert other_methods(door) == set()


@pytest.fixture(scope="module")
def proofs(door, pages) -> Callable[[], dict[str, str]]:
    """Tokens that are good elsewhere, or were good an hour ago."""
    services = door.world.services
    staff = door.visitor().launch(sub="teacher", roles=[INSTRUCTOR]).location
    old = {
        "page of the console": page_token(staff),
        "page of the picker": token_of(deep_link(door.visitor())),
        "used invite": make_invite("X", None, now=services.now()),
    }
    door.clock.advance(HOUR + 7 * 86400)
    console = door.visitor().launch(sub="teacher", roles=[INSTRUCTOR]).location
    whole = json.loads(services.signer.decrypt(page_token(console)))
    elsewhere = {
        "same text for another purpose": services.signer.encrypt(json.dumps(["x", *whole[1:]])),
        "exit token": services.signer.sign("exit", 1),
        "resume token": services.signer.sign("resume", [1, "x", "x"]),
        "state": door.visitor().login()["state"],
        "encrypted secret": services.signer.encrypt("[]"),
        "encrypted page of another kind": services.signer.encrypt('["other",1]'),
        "nothing": "",
        "a word": "x",
        "a number": "1",
        "null": "null",
    }
    return lambda: {**old, **elsewhere}


@pytest.mark.parametrize("endpoint", GUARDED)
def test_post_without_proof_is_refused(door, proofs, endpoint):
    address = posting_rules(door)[endpoint]
    rows = door.everything()

    for name, proof in proofs().items():
        asked = list(door.cloud.asked)
        path = re.sub("<int:[^>]*>", "1", address).replace("<token>", proof or "x")
        fields = {"page": proof, "token": proof, "state": proof, "invite": proof, "id_token": proof}
        fields["csrf_token"] = proof
        form = {**fields, "course_id": COURSE, "course": COURSE, "choice": "another"}
        world = door.visitor()
        world.login()  # the browser has cookies of ours; they must not help
        response = world.browser.post(path, data=form, query_string={"ticket": proof})

        assert 400 <= response.status_code < 500, (name, response.status)
        assert door.cloud.asked == asked, name
    assert door.everything() == rows


@pytest.mark.parametrize("endpoint", [name for name in GUARDED if PROOFS[name] == PAGE])
def test_proof_counts_in_the_form_alone(door, pages, endpoint):
    """An address could leak by a Referer or a log; a form's field does not."""
    staff = door.visitor().launch(sub="teacher", roles=[INSTRUCTOR]).location
    rows = door.everything()
    for page in (page_token(staff), token_of(deep_link(door.visitor()))):
        rows = door.everything()
        path = posting_rules(door)[endpoint]
        query = {"page": page, "course_id": COURSE}

        response = door.visitor().browser.post(path, query_string=query)

        assert response.status_code == 400
    assert door.everything() == rows


def test_with_its_proof_a_post_works(door, pages):
    """So that the tests above are not passed by addresses that refuse everything."""
    staff = door.visitor().launch(sub="teacher", roles=[INSTRUCTOR]).location
    console, picker = page_token(staff), token_of(deep_link(door.visitor()))
    world = door.visitor()
    answers: dict[str, Any] = {
        "console.choose": world.browser.post(
            "/console/link/course", data={"page": console, "course_id": "golf"}
        ),
        "launches.open_preview": world.browser.post("/lti/preview", data={"page": console}),
    }
    for name in ("", "/choose", "/cancel", "/package", "/package/check"):
        form = {"page": picker, "course": "golf", "course_id": "new-one"}
        answers[name] = world.browser.post(f"/lti/pick{name}", data=form)
    target = postback_address(world.services, door.column("registration", "registration_id")[0])
    credentials = (target.user_name, target.password)
    path = target.url.removeprefix("http://bridge.example")
    answers["passback.postback"] = world.browser.post(path, json={}, auth=credentials)

    assert {name: answer.status_code for name, answer in answers.items()} == {
        **dict.fromkeys(("", "/choose", "/cancel", "/package"), 303),
        "/package/check": 200,
        "console.choose": 303,
        "launches.open_preview": 303,
        "passback.postback": 204,
    }


def test_proof_of_another_link_changes_only_that(door, pages):
    """An instructor of one link cannot choose the course of another."""
    world = door.visitor()
    mine = {"id": "mine", "title": "Mine"}
    staff = world.launch(sub="teacher", roles=[INSTRUCTOR], resource_link=mine).location
    form = {"page": page_token(staff), "course_id": COURSE, "link_id": "1", "link": "1"}

    world.browser.post("/console/link/course", data=form)

    names = door.column("resource_link", "resource_link_id")
    chosen = dict(zip(names, door.column("resource_link", "override_course"), strict=True))
    assert {name for name, course in chosen.items() if course == COURSE} == {"mine"}


def test_learners_page_changes_no_course(door, pages):
    """A learner's token, of the page of attempts, opens nothing that is for staff."""
    (form,) = post_forms(pages.attempts())
    rows = door.everything()["resource_link"]

    for path in ("/console/link/course", "/lti/pick", "/lti/pick/package", "/lti/pick/choose"):
        data = {"page": form.fields["page"], "course_id": "golf", "course": "golf"}
        response = door.visitor().browser.post(path, data=data)
        assert response.status_code in (400, 403), path
    assert door.everything()["resource_link"] == rows


def test_every_form_of_every_page_carries_its_proof(door, pages):
    adapter = door.app.url_map.bind("bridge.example")
    seen: set[str] = set()
    for name, page in pages.all().items():
        for form in post_forms(page):
            paths = {form.action.partition("bridge.example")[2].partition("?")[0]}
            for path in paths | button_targets(page):
                endpoint, _ = adapter.match(path, method="POST")
                field = FIELDS[PROOFS[endpoint]]
                # On one page a script fills the field in.
                assert field in form.fields, (name, path, field)
                seen.add(endpoint)
    assert len(seen) >= 10
