"""Connecting a tool: dynamic registration, or Canvas's developer key from JSON."""

import json
from typing import Any
from urllib.error import URLError
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, build_opener

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from lti_sandbox.practice_lms.addresses import PATHS, origin
from lti_sandbox.practice_lms.current import current_lms
from lti_sandbox.practice_lms.registration import new_registration_token
from lti_sandbox.practice_lms.state import ToolSpec

views = Blueprint("connecting", __name__)

FETCH_SECONDS = 5.0
_fetcher = build_opener(ProxyHandler({}))


@views.get("/tools/register")
def begin() -> ResponseReturnValue:
    """Open a tool's registration page in a frame, with a fresh token."""
    state = current_lms()
    url = request.args.get("url", "")
    if urlsplit(url).scheme not in ("http", "https"):
        text = "Paste the registration URL that the tool's operator gave you."
        return render_template("lms_problem.html", problem=text), 400
    asked = {
        "openid_configuration": origin() + PATHS[state.dialect].configuration,
        "registration_token": new_registration_token(state),
    }
    joiner = "&" if urlsplit(url).query else "?"
    return render_template("register.html", url=f"{url}{joiner}{urlencode(asked)}")


@views.post("/tools/<client_id>/activate")
def activate(client_id: str) -> ResponseReturnValue:
    """Activate a registered tool."""
    tools = current_lms().tools
    if client_id in tools:
        tools[client_id].active = True
    return redirect(url_for("pages.tools"), 303)


@views.post("/tools/canvas-key")
def canvas_key() -> ResponseReturnValue:
    """Connect the tool whose JSON stands at the address that an admin pasted."""
    try:
        with _fetcher.open(request.form.get("url", ""), timeout=FETCH_SECONDS) as answer:
            tool = _read_key(json.loads(answer.read()))
    except (URLError, OSError, ValueError, KeyError, IndexError, TypeError) as error:
        text = f"The configuration could not be read: {type(error).__name__}."
        return render_template("lms_problem.html", problem=text), 400
    current_lms().connect(tool)
    return redirect(url_for("pages.tools"), 303)


def _read_key(found: dict[str, Any]) -> ToolSpec:
    settings = found["extensions"][0]
    return ToolSpec(
        found["title"],
        found["oidc_initiation_url"],
        [found["target_link_uri"]],
        found["public_jwk_url"],
        target_link_uri=found["target_link_uri"],
        scopes=list(found["scopes"]),
        custom=dict(found.get("custom_fields", {})),
        shares_names=settings.get("privacy_level") == "public",
    )
