"""`platform …`: the connected LMSs and their deployments."""

from typing import Any

import click

from ..audit.log import OPERATOR, record
from ..core.clock import say_time
from ..core.config import Settings
from ..core.db import db
from ..core.plain_text import counted
from ..lms.registry import KEYS
from ..lms.tool_definition import ToolDefinition
from ..passback.actions.outlook import tell_pause_of
from ..passback.actions.policy_change import change_platform_policy
from ..platforms import deployments, registry
from ..platforms.accounts import account_name
from ..platforms.connection_values import (
    LINE_ITEMS,
    NEW_VERSIONS,
    PLAYERS,
    PlatformFacts,
    new_versions_of,
)
from ..platforms.invites import make_invite
from ..platforms.models import Deployment, Platform
from ..registrations.grade_updates import wake_all_for_event
from ..registrations.grading import TeacherGrade, make_policy
from ..registrations.granted_scopes import missing_grants_at
from ..registrations.models import Grade
from ..registrations.succession import (
    Succession,
    plan_deployment,
    plan_platform,
    succeed_deployment,
    succeed_platform,
)
from ..services import Services
from .opening import open_bridge, policy_option, table


@click.group()
def platform() -> None:
    """Who may launch us: the LMSs that are connected."""


@platform.command()
@click.option("--name", required=True, help="What people call this LMS.")
@click.option("--issuer", required=True, help="The LMS's issuer, exactly as it says it.")
@click.option("--client-id", required=True, help="The client id that the LMS gave us.")
@click.option("--auth-url", required=True, help="Where logins are confirmed (OIDC).")
@click.option("--token-url", required=True, help="Where access tokens come from.")
@click.option("--jwks-url", required=True, help="Where the LMS publishes its keys.")
@click.option("--deployment-id", required=True, help="The installation within the LMS.")
@click.option("--dialect", type=click.Choice(KEYS), required=True, help="Kind of LMS.")
@click.option("--audience", help="Audience of token requests, when it is not the token URL.")
@click.option("--account", help="SCORM Cloud account, when it is not the default one.")
@click.option(
    "--privacy", type=click.Choice(["named", "pseudonymous"]), help="What is kept of people."
)
@click.option("--player", type=click.Choice(PLAYERS), help="Where the player opens.")
@click.option(
    "--new-versions",
    type=click.Choice(list(NEW_VERSIONS)),
    help="Whether its instructors and admins may replace courses (unshared: while no other LMS "
    "uses the account).",
)
@click.option(
    "--line-items",
    type=click.Choice(LINE_ITEMS),
    help="When an activity has no gradebook column: wait until the LMS makes one, or create one "
    "(the LMS must grant the scope lineitem); an activity can say otherwise.",
)
@policy_option(
    "--teacher-grade",
    TeacherGrade,
    "What a score does to a grade that a person set in the LMS; an activity can say otherwise.",
)
@click.option("--identity", help="From `platform show`: restores an edited platform's identity.")
@click.option("--deployment-identity", help="The same for the deployment of a successor.")
def add(deployment_id: str, teacher_grade: str | None, **told: Any) -> None:
    """Add a platform or a deployment; the same issuer and client id again updates.

    Never calls the network. Takes effect in a running server at once.
    """
    with open_bridge() as services:
        facts = PlatformFacts(
            authorization_url=told.pop("auth_url"),
            **{key: value.strip() if value else value for key, value in told.items()},
        )
        default = services.settings.privacy.default
        row = registry.write_platform(
            facts, deployment_id.strip(), now=services.now(), new_privacy=default
        )
        _record(services, row, "platform", f"added or changed it, deployment {deployment_id}")
        db.session.commit()
        if teacher_grade:
            change_platform_policy(services, row, {"teacher_grade": teacher_grade})
        wake_all_for_event(Grade.platform_id == row.id, services.now())
        db.session.commit()
        click.echo(f"Platform {row.id} ({row.name}) may launch, deployment {deployment_id}.\n")
        click.echo(paste_into_lms(services.settings))


def paste_into_lms(settings: Settings) -> str:
    """Return the values that an LMS admin enters for this tool."""
    tool = ToolDefinition(settings.public_url)
    lines = ["Paste this into the LMS:"]
    lines += [f"  {name:<40} {value}" for name, value in tool.manual_values()]
    lines += [f"  {'Canvas: JSON of the developer key':<40} {settings.public_url}/lti/canvas.json"]
    lines += ["Each activity gets its course by deep linking, or by the custom parameter"]
    lines += ["  scorm_course_id=<course id>"]
    return "\n".join(lines)


@platform.command("list")
def list_() -> None:
    """List the platforms."""
    with open_bridge():
        rows = [
            (str(row.id), row.name, row.dialect, row.issuer, row.client_id, _state(row))
            for row in registry.list_platforms()
        ]
        if not rows:
            click.echo("No platform may launch us yet: lti-bridge platform add --help")
            return
        table(rows, ("number", "name", "dialect", "issuer", "client id", "state"))


def _state(row: Platform) -> str:
    return "active" if row.disabled_at is None else f"disabled {say_time(row.disabled_at)}"


@platform.command()
@click.argument("name")
def show(name: str) -> None:
    """Show one platform (its NAME, number, client id or issuer) and its identities."""
    with open_bridge() as services:
        row = registry.find_named_platform(name)
        for label, value in _facts_of(row, services.settings):
            click.echo(f"{label:<18} {value}")
        click.echo("deployments")
        for deployment in row.deployments:
            click.echo(
                f"  {deployment.deployment_id} ({deployment.status}), "
                f"identity {deployment.identity}{_took_over(deployment)}"
            )
        if pause := tell_pause_of(row, services.now()):
            click.echo(f"\n{pause}")
        for narrowed in missing_grants_at(row):
            click.echo(f"\nnot granted: {narrowed.what}: {narrowed.loss}. {narrowed.how}")
        click.echo("\n" + paste_into_lms(services.settings))


def _facts_of(row: Platform, settings: Settings) -> list[tuple[str, str]]:
    policy = make_policy(settings.passback.policy, row.grading_policy)
    return [
        ("number", str(row.id)),
        ("name", row.name),
        ("state", _state(row)),
        ("identity", row.identity),
        ("issuer", row.issuer),
        ("client id", row.client_id),
        ("authorization URL", row.authorization_url),
        ("token URL", row.token_url),
        ("key set URL", row.jwks_url),
        ("audience", row.audience or "the token URL"),
        ("dialect", row.dialect),
        ("privacy", row.privacy),
        ("player", PLAYERS[bool(row.player_window)]),
        ("new versions", new_versions_of(row)),
        ("line items", LINE_ITEMS[bool(row.creates_line_items)]),
        ("teacher's grade", policy.teacher_grade),
        ("account", account_name(row)),
    ]


def _took_over(row: Deployment) -> str:
    if row.succeeds_id is None:
        return ""
    old = db.session.get_one(Deployment, row.succeeds_id)
    return f", took over the registrations of {old.deployment_id} of {old.platform.name}"


@platform.command()
@click.argument("name")
def disable(name: str) -> None:
    """Stop launches from a platform; nothing of it is deleted, `add` enables it again."""
    with open_bridge() as services:
        row = registry.find_named_platform(name)
        _record(services, row, "platform", "stopped its launches")
        registry.disable_platform(name, now=services.now())
        click.echo(f"Platform {row.id} ({row.name}) may no longer launch.")


@platform.command()
@click.option("--name", default="", help="What people will call this LMS.")
@click.option("--platform", "existing", help="Let it change this platform instead of adding one.")
@click.option("--dialect", type=click.Choice(KEYS), help="Kind of LMS, whatever it says.")
def invite(name: str, existing: str | None, dialect: str | None) -> None:
    """Print a single-use address for dynamic registration; paste it into the LMS."""
    with open_bridge() as services:
        row = registry.find_named_platform(existing) if existing else None
        called, now = name or (row.name if row else ""), services.now()
        _record(services, row, "invite", f"made an address to connect {called or 'an LMS'}")
        token = make_invite(called, row, now=now, dialect=dialect)
        click.echo(f"{services.settings.public_url}/lti/register?invite={token}\n")
        click.echo("It works once, within seven days. In Moodle: Site administration, Plugins,")
        click.echo("External tool, Manage tools. In Canvas: Developer keys, LTI registration.")


@platform.command()
@click.argument("name")
@click.argument("old_name")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would happen.")
def succeed(name: str, old_name: str, yes: bool) -> None:
    """Let the platform NAME take over all registrations of OLD_NAME: same LMS, new client id."""
    with open_bridge() as services:
        new, old = registry.find_named_platform(name), registry.find_named_platform(old_name)
        plan = plan_platform(new, old)
        _say(plan, yes)
        if yes:
            said = f"let {new.name} take over the registrations of platform {old.id}"
            _record(services, new, "succeed", said)
            succeed_platform(services, plan, new, old)


def _say(plan: Succession, done: bool) -> None:
    for new, old in plan.pairs:
        verb = "follows" if done else "would follow"
        click.echo(f"Deployment {new.deployment_id} {verb} {old.deployment_id}.")
    links, learners = (
        counted(plan.links, "activity", "activities"),
        counted(plan.learners, "learner"),
    )
    click.echo(f"It takes over {links} and {learners}")
    if plan.names:
        click.echo(f"  ({', '.join(plan.names)}{', …' if plan.learners > len(plan.names) else ''})")
    if plan.left_behind:
        behind = counted(plan.left_behind, "activity", "activities")
        verb = "begins" if plan.left_behind == 1 else "begin"
        click.echo(f"{behind} opened in the new installation {verb} anew.")
    if not done:
        click.echo("Nothing has changed: add --yes to do it.")


@platform.group()
def deployment() -> None:
    """Deployments: the installations within a platform."""


@deployment.command("list")
@click.argument("name")
def list_deployments(name: str) -> None:
    """List the deployments of a platform, pending ones included."""
    with open_bridge():
        row = registry.find_named_platform(name)
        rows = [(d.deployment_id, d.status, say_time(d.created_at)) for d in row.deployments]
        table(rows, ("deployment id", "status", "first seen"))


@deployment.command()
@click.argument("name")
@click.argument("deployment_id")
def approve(name: str, deployment_id: str) -> None:
    """Let a pending deployment of a platform launch."""
    with open_bridge() as services:
        approved = registry.find_named_platform(name)
        _record(services, approved, "approve", f"approved the deployment {deployment_id}")
        row = deployments.approve_deployment(approved, deployment_id)
        click.echo(f"Deployment {row.deployment_id} may launch.")


@deployment.command("succeed")
@click.argument("name")
@click.argument("deployment_id")
@click.argument("old_deployment_id")
@click.option("--yes", is_flag=True, help="Do it; without this, only say what would happen.")
def succeed_one(name: str, deployment_id: str, old_deployment_id: str, yes: bool) -> None:
    """Let DEPLOYMENT_ID take over all registrations of OLD_DEPLOYMENT_ID, after a re-install."""
    with open_bridge() as services:
        row = registry.find_named_platform(name)
        plan = plan_deployment(row, deployment_id, old_deployment_id)
        _say(plan, yes)
        if yes:
            said = f"let {deployment_id} take over the registrations of {old_deployment_id}"
            _record(services, row, "succeed", said)
            succeed_deployment(plan)


def _record(services: Services, row: Platform | None, action: str, said: str) -> None:
    """Add to the audit log, in the transaction of the change."""
    subject, platform_id = (f"platform {row.id}", row.id) if row else ("platforms", None)
    record(OPERATOR, action, subject, said, now=services.now(), platform_id=platform_id)
