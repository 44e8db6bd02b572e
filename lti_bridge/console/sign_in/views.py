"""The console's views to sign in and out, use one-time links, and change a password."""

from flask import Blueprint, Response, request, session, url_for

from ...audit.actor import Actor
from ...core.errors import ConfigurationError, Refused
from ...services import current_services
from ..access import ConsoleRefused, Rule, allow, allow_public, sign_in_as
from ..forms import PasswordForm, SignInForm, WelcomeForm, explain
from ..guide.steps import needs_setup
from ..layout import go, show
from ..people.accounts import Welcome, accept_invite, change_password, read_invite, sign_in
from .sessions import end_session

blueprint = Blueprint("sign_in", __name__, url_prefix="/console")


@blueprint.get("/sign-in")
@allow_public
def form() -> Response:
    """Ask for name and password."""
    return show("console/sign_in/sign_in.html", form=SignInForm(next=request.args.get("next", "")))


@blueprint.post("/sign-in")
@allow_public
def enter() -> Response:
    """Sign in, and go to the page that was requested."""
    services, form = current_services(), SignInForm()
    try:
        token = sign_in(
            services.settings.console,
            form.name.data or "",
            form.password.data or "",
            request.remote_addr or "",
            now=services.now(),
        )
    except Refused as error:
        explain(form, error)
        status = 429 if error.code == "wait" else 403
        return show("console/sign_in/sign_in.html", status=status, form=form)
    sign_in_as(token)
    response = go("dashboard.overview")
    if _is_ours(wanted := form.next.data or ""):
        response.location = wanted
    return response


def _is_ours(path: str) -> bool:
    """Tell whether a path is one of the console, and not of another site."""
    home = url_for("dashboard.overview")
    return path.startswith(home) and "//" not in path and "\\" not in path and path.isprintable()


@blueprint.post("/sign-out")
@allow(Rule.SIGNED_IN)
def leave(actor: Actor) -> Response:
    """End this session."""
    end_session(actor.session_id)
    session.clear()
    return go("sign_in.form", "You have signed out.")


@blueprint.get("/welcome")
@allow_public
def welcome() -> Response:
    """The page of a one-time link: a new account, or a new password."""
    token = request.args.get("invite", "")
    found = _read(token)
    return show("console/sign_in/welcome.html", form=WelcomeForm(invite=token), found=found)


@blueprint.post("/welcome")
@allow_public
def accept() -> Response:
    """Create the account or set the password, and sign in."""
    services, form = current_services(), WelcomeForm()
    token = form.invite.data or ""
    found = _read(token)
    try:
        if form.password.data != form.again.data:
            raise ConfigurationError("the two passwords differ: type them again")
        session_token = accept_invite(
            services.settings.console,
            token,
            found.name or form.name.data or "",
            form.password.data or "",
            now=services.now(),
        )
    except (ConfigurationError, Refused) as error:
        explain(form, error)
        return show("console/sign_in/welcome.html", status=400, form=form, found=found)
    sign_in_as(session_token)
    first = "guide.steps" if needs_setup() else "dashboard.overview"
    return go(first, "Welcome to the console.")


def _read(token: str) -> Welcome:
    try:
        return read_invite(token, now=current_services().now())
    except Refused as error:
        text = (
            f"The reason: {error}. An owner makes a new one under People; the operator with "
            "`lti-bridge console owner`."
        )
        raise ConsoleRefused(410, "This link is not good any more", text) from error


@blueprint.get("/password")
@allow(Rule.OWNER)
def password(actor: Actor) -> Response:
    """Ask for a new password."""
    return show("console/sign_in/password.html", form=PasswordForm())


@blueprint.post("/password")
@allow(Rule.OWNER)
def set_password(actor: Actor) -> Response:
    """Set the user's new password."""
    services, form = current_services(), PasswordForm()
    try:
        if form.password.data != form.again.data:
            raise ConfigurationError("the two passwords differ: type them again")
        change_password(
            actor,
            form.old.data or "",
            form.password.data or "",
            request.remote_addr or "",
            now=services.now(),
        )
    except (ConfigurationError, Refused) as error:
        explain(form, error)
        return show("console/sign_in/password.html", status=400, form=form)
    return go("dashboard.overview", "Your password was changed; other sessions were ended.")
