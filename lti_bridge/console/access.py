"""Access control of the console: each view declares who may use it, and is wrapped to check."""

from collections.abc import Callable
from enum import StrEnum
from functools import wraps
from typing import Any, Concatenate, ParamSpec

from flask import Response, g, request, session, url_for
from werkzeug.exceptions import RequestEntityTooLarge
from wtforms import ValidationError

from ..audit.actor import Actor
from ..core.errors import BridgeError, ConfigurationError, NotFound, Refused, Unavailable
from ..services import current_services
from ..web.pages import see_other
from .forms import sentence
from .layout import PROBLEMS, count_problems, show
from .sign_in.sessions import find_actor

P = ParamSpec("P")
RULE = "console_rule"
TOKEN = "token"


class Rule(StrEnum):
    """Who may use an address."""

    PUBLIC = "public"
    SIGNED_IN = "signed in"  # the view must check the actor's scope
    OWNER = "owner"


class ConsoleRefused(BridgeError):
    """The console refuses, with a status, a title, and a sentence that says what to do."""

    def __init__(self, status: int, title: str, text: str) -> None:
        super().__init__(title)
        self.status, self.title, self.text = status, title, text


def not_found() -> ConsoleRefused:
    """Return the refusal for a missing row and, the same, for one outside the user's scope."""
    return ConsoleRefused(
        404, "There is nothing here", "It was removed, or it belongs to a platform you don't see."
    )


def allow(
    rule: Rule, *, max_bytes: Callable[[], int] | None = None
) -> Callable[[Callable[Concatenate[Actor, P], Response]], Callable[P, Response]]:
    """Decorate a view so that only users who meet `rule` reach it; its first argument is the actor.

    A POST must carry the session's csrf_token. Failures become pages with a sentence. `max_bytes`
    is the size limit of a form once the user is known.
    """

    def decorate(view: Callable[Concatenate[Actor, P], Response]) -> Callable[P, Response]:
        @wraps(view)
        def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
            _forget_others()
            actor = _find_actor()
            if actor is None:
                return _to_sign_in() if request.method == "GET" else _refuse(_signed_out())
            g.actor = actor
            if request.method == "GET":
                count_problems(actor)
            try:
                if rule is Rule.OWNER and not actor.is_owner:
                    text = "Ask an owner of this bridge to do it."
                    raise ConsoleRefused(403, "Only an owner may do this", text)
                if max_bytes is not None:
                    _take_in(max_bytes())
                check_form()
                return view(actor, *args, **kwargs)
            except BridgeError as error:
                return _refuse(error)

        setattr(guarded, RULE, rule)
        return guarded

    return decorate


def allow_public(view: Callable[P, Response]) -> Callable[P, Response]:
    """Decorate a view that needs no sign-in; a POST still needs the csrf_token."""

    @wraps(view)
    def guarded(*args: P.args, **kwargs: P.kwargs) -> Response:
        _forget_others()
        try:
            check_form()
            return view(*args, **kwargs)
        except BridgeError as error:
            return _refuse(error)

    setattr(guarded, RULE, Rule.PUBLIC)
    return guarded


def sign_in_as(token: str) -> None:
    """Store a session's token in the browser's cookie, which is cleared first."""
    session.clear()
    session[TOKEN] = token


def _take_in(max_bytes: int) -> None:
    """Read a form with a large file; raises ConsoleRefused when it is too large or cut off."""
    request.max_content_length = max_bytes
    try:
        request.form.get("csrf_token")
    except RequestEntityTooLarge as error:
        text = "Nothing was changed. A package can be made smaller by taking videos out of it."
        raise ConsoleRefused(413, "This is too large", text) from error
    except OSError as error:
        text = "Nothing was changed. The operator of this bridge can free space on its disk."
        raise ConsoleRefused(507, "There is no room for it", text) from error


def check_form() -> None:
    """Raise ConsoleRefused unless a POST has this browser's csrf_token."""
    if request.method != "POST":
        return
    from flask_wtf.csrf import validate_csrf  # see layout.csrf_token

    try:
        validate_csrf(request.form.get("csrf_token", ""))
    except ValidationError as error:
        text = "Go back, reload the page and try again. Nothing was changed."
        raise ConsoleRefused(403, "This form is too old", text) from error


def _forget_others() -> None:
    """Reset per-request state, where one app context serves several requests."""
    for name in ("actor", "csrf_token", PROBLEMS):
        g.pop(name, None)


def _find_actor() -> Actor | None:
    token = session.get(TOKEN)
    if not isinstance(token, str):
        return None
    services = current_services()
    return find_actor(services.settings.console, token, services.now())


def _signed_out() -> ConsoleRefused:
    text = "Sign in again, then repeat what you did. Nothing was changed."
    return ConsoleRefused(403, "You are signed out", text)


def _to_sign_in() -> Response:
    values: dict[str, Any] = {}
    if request.method == "GET" and request.path != url_for("dashboard.overview"):
        values["next"] = request.full_path.rstrip("?")
    return see_other(url_for("sign_in.form", **values))


def _refuse(error: BridgeError) -> Response:
    """Return the page of a failure that no form has shown."""
    if isinstance(error, ConsoleRefused):
        status, title, text = error.status, error.title, error.text
    elif isinstance(error, Unavailable):
        status, title, text = 503, "It does not answer", f"{sentence(error)} Try again in a minute."
    elif isinstance(error, ConfigurationError | NotFound | Refused):
        status, title, text = 400, "That did not work", sentence(error)
    else:
        status, title, text = 400, "That did not work", "Go back and try again."
    return show("console/refused.html", status=status, heading=title, text=text)
