"""Open the picker as an LMS would, and read what it sends back."""

import re
from typing import Any

import jwt
from werkzeug.test import TestResponse

from lti_bridge.lti.claims import DEEP_LINKING_CLAIM
from lti_bridge.web.login_cookies import IN_WINDOW
from tests.html import read_page
from tests.mini_platform import INSTRUCTOR
from tests.world import HERE, World

DL = "https://purl.imsglobal.org/spec/lti-dl/claim/"
LTI = "https://purl.imsglobal.org/spec/lti/claim/"
PICK = f"{HERE}/lti/pick"


def deep_link(
    world: World,
    *,
    roles: Any = (INSTRUCTOR,),
    sub: str = "ida",
    in_window: bool = False,
    **settings: Any,
) -> TestResponse:
    """Launch for deep linking; `settings` change what the platform accepts (None leaves out).

    `in_window`: from our button, by a browser that has a cookie of ours.
    """
    if in_window:
        world.login()
    sent = world.login(**({IN_WINDOW: "1"} if in_window else {}))
    claims = world.platform.claims(
        world.services.now(),
        sent["nonce"],
        message_type="LtiDeepLinkingRequest",
        resource_link=None,
        sub=sub,
        roles=list(roles),
    )
    given = {
        "deep_link_return_url": f"{world.platform.url}/return?sesskey=1",
        "accept_types": ["ltiResourceLink"],
        "accept_presentation_document_targets": ["iframe", "window"],
        "accept_multiple": True,
        "data": "csrf:opaque",
        **settings,
    }
    claims[DEEP_LINKING_CLAIM] = {k: v for k, v in given.items() if v is not None}
    form = {"state": sent["state"], "id_token": world.platform.sign(claims)}
    return world.follow(world.browser.post("/lti/launch", data=form))


def token_of(response: TestResponse) -> str:
    """Return the page's token, as its form carries it."""
    fields = [form.fields for form in read_page(response.text, PICK).forms]
    return next(f["page"] for f in fields if f.get("page"))


def pick(world: World, where: str, token: str, **fields: Any) -> TestResponse:
    """Press a button of the picker."""
    return world.follow(world.browser.post(f"/lti/pick{where}", data={"page": token, **fields}))


def titles(response: TestResponse) -> list[str]:
    """Return the titles of the courses that a page lists."""
    return re.findall(r"<strong>([^<]*)</strong>\s*<span", response.text)


def answer(world: World, response: TestResponse) -> dict[str, Any]:
    """Return the claims that the page posts to the LMS, checked as the LMS would."""
    assert response.status_code == 200, response.text
    (form,) = read_page(response.text, PICK).forms
    assert (form.method, form.action) == ("POST", f"{world.platform.url}/return?sesskey=1")
    signed = form.fields["JWT"]
    kid = jwt.get_unverified_header(signed)["kid"]
    keys = world.browser.get("/lti/jwks.json").json["keys"]
    key = jwt.PyJWK(next(k for k in keys if k["kid"] == kid))
    options = {"verify_exp": False, "verify_iat": False}
    return dict(jwt.decode(signed, key, ["RS256"], options=options, audience=world.platform.url))
