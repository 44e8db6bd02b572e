"""The console's views of platforms: list, one, connection, settings, deployments, succession."""

from collections.abc import Mapping, Sequence

from flask import Blueprint, Response, request
from werkzeug.datastructures import MultiDict

from ...audit.actor import Actor
from ...core.errors import ConfigurationError
from ...core.plain_text import counted
from ...lms.moodle import MOODLE
from ...lms.registry import ALL
from ...lms.tool_definition import ToolDefinition
from ...passback.actions.policy_change import Change
from ...services import current_services
from ..access import Rule, allow
from ..forms import explain
from ..layout import go, show
from .forms import LISTED, InviteForm, NewPlatformForm, PlatformForm, SettingsForm
from .pages import (
    PlatformPage,
    account_names,
    add_by_hand,
    approve,
    change_connection,
    change_settings,
    invite_address,
    load_platform,
    load_platforms,
    plan,
    preview_settings,
    set_disabled,
    succeed,
)

blueprint = Blueprint("platform_pages", __name__, url_prefix="/console/platforms")


@blueprint.get("")
@allow(Rule.SIGNED_IN)
def list_all(actor: Actor) -> Response:
    """The platforms that the actor may see."""
    return show("console/platforms/list.html", platforms=load_platforms(actor), form=InviteForm())


@blueprint.post("/invite")
@allow(Rule.OWNER)
def invite(actor: Actor) -> Response:
    """Create a URL for dynamic registration, and show it once."""
    form = InviteForm()
    if not form.validate():
        shown = load_platforms(actor)
        return show("console/platforms/list.html", status=400, platforms=shown, form=form)
    dialect = form.dialect.data or None
    address = invite_address(current_services(), actor, str(form.name.data), dialect=dialect)
    return show(
        "console/platforms/invited.html", address=address, dialect=dialect, name=form.name.data
    )


@blueprint.get("/new")
@allow(Rule.OWNER)
def ask_new(actor: Actor) -> Response:
    """Ask for the values that an LMS shows its admin."""
    known = {name: request.args.get(name, "") for name in ("issuer", "client_id")}
    kind = request.args.get("dialect", MOODLE.key)
    return _ask_new(NewPlatformForm(account_names(), dialect=kind, **known))


def _ask_new(form: NewPlatformForm, status: int = 200) -> Response:
    tool = ToolDefinition(current_services().settings.public_url)
    return show("console/platforms/new.html", status=status, form=form, tool=tool, kinds=ALL)


@blueprint.post("/new")
@allow(Rule.OWNER)
def add(actor: Actor) -> Response:
    """Store a platform that was connected by hand."""
    form = NewPlatformForm(account_names())
    if not form.validate():
        return _ask_new(form, 400)
    try:
        row = add_by_hand(current_services(), actor, form.facts(), str(form.deployment_id.data))
    except ConfigurationError as error:
        explain(form, error)
        return _ask_new(form, 400)
    return go("platform_pages.one", f"{row.name} may launch.", platform_id=row.id)


@blueprint.get("/<int:platform_id>")
@allow(Rule.SIGNED_IN)
def one(actor: Actor, platform_id: int) -> Response:
    """One platform."""
    return show(
        "console/platforms/platform.html",
        shown=load_platform(current_services(), actor, platform_id),
    )


@blueprint.get("/<int:platform_id>/edit")
@allow(Rule.OWNER)
def ask_edit(actor: Actor, platform_id: int) -> Response:
    """The form of the connection."""
    shown = load_platform(current_services(), actor, platform_id)
    row, names = shown.row, ("name", "issuer", "client_id", "authorization_url", "token_url")
    values = {name: getattr(row, name) for name in (*names, "jwks_url", "dialect", "privacy")}
    values |= {"audience": row.audience or "", "player": shown.player}
    values["new_versions"] = shown.new_versions
    account = "" if row.scorm_account_id is None else shown.account
    form = PlatformForm(account_names(), account=account, **values)
    return show("console/platforms/edit.html", shown=shown, form=form)


@blueprint.post("/<int:platform_id>/edit")
@allow(Rule.OWNER)
def edit(actor: Actor, platform_id: int) -> Response:
    """Store changed values of the connection."""
    shown = load_platform(current_services(), actor, platform_id)
    form = PlatformForm(account_names())
    if form.validate():
        try:
            change_connection(current_services(), actor, platform_id, form.facts())
            return go("platform_pages.one", "The new values hold at once.", platform_id=platform_id)
        except ConfigurationError as error:
            explain(form, error)
    return show("console/platforms/edit.html", status=400, shown=shown, form=form)


@blueprint.get("/<int:platform_id>/settings")
@allow(Rule.SIGNED_IN)
def ask_settings(actor: Actor, platform_id: int) -> Response:
    """The form of the settings; query parameters preview the effect of a choice."""
    shown = load_platform(current_services(), actor, platform_id)
    form = _settings_form(shown, request.args or None)
    if not request.args:
        return _settings(shown, form)
    if not form.validate():
        return _settings(shown, form, 400)
    changes = preview_settings(current_services(), actor, platform_id, form.policy())
    return _settings(shown, form, changes=changes)


def _settings_form(shown: PlatformPage, chosen: MultiDict[str, str] | None) -> SettingsForm:
    policy = shown.policy
    return SettingsForm(
        current_services().settings.passback.teacher_grade,
        chosen,
        player=shown.player,
        line_items=shown.line_items,
        answer=policy.answer,
        completion=policy.completion,
        partial=policy.partial,
        teacher_grade=(shown.row.grading_policy or {}).get("teacher_grade", ""),
        frame_origins="\n".join(shown.row.frame_origins),
    )


def _settings(
    shown: PlatformPage,
    form: SettingsForm,
    status: int = 200,
    changes: Sequence[Change] | None = None,
) -> Response:
    return show(
        "console/platforms/settings.html",
        status=status,
        shown=shown,
        form=form,
        changes=changes,
        listed=LISTED,
    )


@blueprint.post("/<int:platform_id>/settings")
@allow(Rule.SIGNED_IN)
def keep_settings(actor: Actor, platform_id: int) -> Response:
    """Store the settings; changes of grades are shown first."""
    services = current_services()
    shown = load_platform(services, actor, platform_id)
    form = _settings_form(shown, request.form)
    if not form.validate():
        return _settings(shown, form, 400)
    if request.form.get("sure") != "1" and preview_settings(
        services, actor, platform_id, form.policy()
    ):
        chosen = {field.name: field.data for field in form}
        return go("platform_pages.ask_settings", platform_id=platform_id, **chosen)
    due = change_settings(
        services,
        actor,
        platform_id,
        player=str(form.player.data),
        line_items=str(form.line_items.data),
        policy=form.policy(),
        frame_origins=form.origins(),
    )
    anew = f" By the changed grading {counted(due, 'grade')} will be looked at anew." if due else ""
    return go("platform_pages.one", f"The settings hold at once.{anew}", platform_id=platform_id)


@blueprint.post("/<int:platform_id>/invite")
@allow(Rule.OWNER)
def invite_again(actor: Actor, platform_id: int) -> Response:
    """Create a URL that registers this platform again."""
    shown = load_platform(current_services(), actor, platform_id)
    address = invite_address(current_services(), actor, "", platform_id=platform_id)
    name, dialect = shown.row.name, shown.row.dialect
    return show("console/platforms/invited.html", address=address, dialect=dialect, name=name)


@blueprint.get("/<int:platform_id>/disable")
@allow(Rule.OWNER)
def ask_disable(actor: Actor, platform_id: int) -> Response:
    """Ask for confirmation to stop a platform's launches."""
    return show(
        "console/platforms/disable.html",
        shown=load_platform(current_services(), actor, platform_id),
    )


@blueprint.post("/<int:platform_id>/disable")
@allow(Rule.OWNER)
def disable(actor: Actor, platform_id: int) -> Response:
    """Stop a platform's launches."""
    set_disabled(current_services(), actor, platform_id, True)
    return go("platform_pages.one", "It may no longer launch.", platform_id=platform_id)


@blueprint.post("/<int:platform_id>/enable")
@allow(Rule.OWNER)
def enable(actor: Actor, platform_id: int) -> Response:
    """Let a platform launch again."""
    set_disabled(current_services(), actor, platform_id, False)
    return go("platform_pages.one", "It may launch again.", platform_id=platform_id)


@blueprint.post("/<int:platform_id>/approve")
@allow(Rule.OWNER)
def approve_one(actor: Actor, platform_id: int) -> Response:
    """Let a pending deployment launch."""
    deployment_id = request.form.get("deployment_id", "")
    approve(current_services(), actor, platform_id, deployment_id)
    notice = f"Installation {deployment_id} may launch now."
    if request.form.get("back") == "guide":
        return go("guide.steps", notice)
    return go("platform_pages.one", notice, platform_id=platform_id)


@blueprint.get("/<int:platform_id>/succeed")
@allow(Rule.OWNER)
def ask_succeed(actor: Actor, platform_id: int) -> Response:
    """Show the effect of a succession, and ask for confirmation."""
    asked = _succession(request.args)
    shown = load_platform(current_services(), actor, platform_id)
    found = plan(actor, platform_id, **asked)
    return show("console/platforms/succeed.html", shown=shown, plan=found, asked=asked)


@blueprint.post("/<int:platform_id>/succeed")
@allow(Rule.OWNER)
def succeed_now(actor: Actor, platform_id: int) -> Response:
    """Take over every registration of a former deployment or platform."""
    succeed(current_services(), actor, platform_id, **_succession(request.form))
    return go("platform_pages.one", "Every registration was taken over.", platform_id=platform_id)


def _succession(told: Mapping[str, str]) -> dict[str, str]:
    return {name: told.get(name, "") for name in ("new_id", "old_id", "old_platform")}
