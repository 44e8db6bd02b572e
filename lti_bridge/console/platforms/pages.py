"""Platforms in the console: what is shown of each, and changes to it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ...audit.actor import Actor
from ...audit.log import record
from ...core.db import db, reading
from ...core.plain_text import counted
from ...ops.kept_checks import Kept, kept_checks, platform_subject
from ...passback.actions.outlook import tell_pause_of
from ...passback.actions.policy_change import (
    Change,
    change_platform_policy,
    preview_platform_policy,
)
from ...platforms.accounts import account_name, list_accounts
from ...platforms.connection_values import LINE_ITEMS, PLAYERS, PlatformFacts, new_versions_of
from ...platforms.deployments import approve_deployment
from ...platforms.invites import make_invite
from ...platforms.missing_grants import MissingGrant
from ...platforms.models import Deployment, Platform
from ...platforms.registry import edit_platform, find_named_platform, list_platforms, write_platform
from ...registrations.grade_updates import wake_all_for_event
from ...registrations.grading import GradingPolicy, make_policy
from ...registrations.granted_scopes import missing_grants_at
from ...registrations.models import Grade
from ...registrations.succession import (
    Succession,
    plan_deployment,
    plan_platform,
    succeed_deployment,
    succeed_platform,
)
from ...services import Services
from ..access import not_found


@dataclass(frozen=True)
class PlatformLine:
    """One line of the list; `active` and `pending` count its installations."""

    row: Platform
    active: int
    pending: int
    checked: Kept | None


@dataclass(frozen=True)
class PlatformPage:
    """Everything that the page of one platform shows."""

    row: Platform
    account: str
    player: str
    new_versions: str
    line_items: str
    policy: GradingPolicy
    took_over: Mapping[str, str]  # by installation: the one whose registrations it has now
    narrowed: Sequence[MissingGrant]
    pause: str  # why calls to it are paused, or ""
    checked: Kept | None
    others: Sequence[tuple[int, str]]  # platforms that it may succeed


def load_platforms(actor: Actor) -> list[PlatformLine]:
    """Return the platforms that the actor may see."""
    with reading():
        kept = kept_checks()
        return [_line(row, kept) for row in list_platforms() if actor.scope.covers(row.id)]


def _line(row: Platform, kept: dict[str, Kept]) -> PlatformLine:
    active = sum(one.is_active for one in row.deployments)
    return PlatformLine(
        row=row,
        active=active,
        pending=len(row.deployments) - active,
        checked=kept.get(platform_subject(row.id)),
    )


def load_platform(services: Services, actor: Actor, platform_id: int) -> PlatformPage:
    """Return one platform's page; raises ConsoleRefused for one outside the actor's scope."""
    with reading():
        row = get_row(actor, platform_id)
        subject = platform_subject(row.id)
        return PlatformPage(
            row=row,
            account=account_name(row),
            player=PLAYERS[bool(row.player_window)],
            new_versions=new_versions_of(row),
            line_items=LINE_ITEMS[bool(row.creates_line_items)],
            policy=make_policy(services.settings.passback.policy, row.grading_policy),
            took_over={one.deployment_id: _predecessor(one) for one in row.deployments},
            narrowed=missing_grants_at(row),
            pause=tell_pause_of(row, services.now()),
            checked=kept_checks([subject]).get(subject),
            others=_others(row) if actor.is_owner else [],
        )


def _others(row: Platform) -> list[tuple[int, str]]:
    return [(one.id, one.name) for one in list_platforms() if one.id != row.id]


def get_row(actor: Actor, platform_id: int) -> Platform:
    """Return a platform's row, in the caller's transaction; raises ConsoleRefused."""
    row = db.session.get(Platform, platform_id) if actor.scope.covers(platform_id) else None
    if row is None:
        db.session.rollback()
        raise not_found()
    return row


def _predecessor(row: Deployment) -> str:
    old = db.session.get(Deployment, row.succeeds_id) if row.succeeds_id is not None else None
    return f"{old.deployment_id} of {old.platform.name}" if old is not None else ""


def account_names() -> list[str]:
    """Return every account's name."""
    with reading():
        return [row.name for row in list_accounts()]


def add_by_hand(
    services: Services, actor: Actor, facts: PlatformFacts, deployment_id: str
) -> Platform:
    """Add a platform with its first deployment, or update both. Commits.

    Raises ConfigurationError; nothing is stored then.
    """
    now, privacy = services.now(), services.settings.privacy.default
    row = write_platform(facts, deployment_id, now=now, new_privacy=privacy)
    said = f"added the platform {row.name} by hand, deployment {deployment_id}"
    record(actor, "platform", f"platform {row.id}", said, now=now, platform_id=row.id)
    db.session.commit()
    return row


def change_connection(
    services: Services, actor: Actor, platform_id: int, facts: PlatformFacts
) -> None:
    """Change a platform's connection. Commits. Raises ConfigurationError, ConsoleRefused."""
    row = get_row(actor, platform_id)
    edit_platform(row, facts)
    said = f"changed how the bridge reaches {row.name}"
    _note(services, actor, row, said)


def change_settings(
    services: Services,
    actor: Actor,
    platform_id: int,
    *,
    player: str,
    line_items: str,
    policy: Mapping[str, str | None],
    frame_origins: list[str],
) -> int:
    """Change a platform's settings. Commits. Raises ConsoleRefused.

    The policy applies to activities without one of their own; None means the bridge's setting.
    Returns the number of grades that are decided again.
    """
    row = get_row(actor, platform_id)
    row.player_window = player == "window"
    row.creates_line_items = line_items == "create"
    row.frame_origins = frame_origins
    words = ", ".join(f"{name} {value or 'as usual'}" for name, value in policy.items())
    said = f"player in a {player}; default policy: {words}; line items: {line_items}; "
    said += counted(len(frame_origins), "more site")
    _record(services, actor, row, said)
    due = change_platform_policy(services, row, policy)
    _let_parked_go(services, platform_id)
    return due


def preview_settings(
    services: Services, actor: Actor, platform_id: int, policy: Mapping[str, str | None]
) -> list[Change]:
    """Return the grades that another default policy would change. Raises ConsoleRefused."""
    with reading():
        return preview_platform_policy(services, get_row(actor, platform_id), policy)


def set_disabled(services: Services, actor: Actor, platform_id: int, disabled: bool) -> None:
    """Stop a platform's launches, or let it launch again; nothing is deleted. Commits."""
    row = get_row(actor, platform_id)
    row.disabled_at = services.now() if disabled else None
    _note(services, actor, row, "stopped its launches" if disabled else "let it launch again")


def approve(services: Services, actor: Actor, platform_id: int, deployment_id: str) -> None:
    """Let a pending deployment launch. Commits. Raises ConfigurationError, ConsoleRefused."""
    row = get_row(actor, platform_id)
    said = f"approved the deployment {deployment_id}"[:500]
    subject = f"platform {row.id}"
    record(actor, "approve", subject, said, now=services.now(), platform_id=row.id)
    approve_deployment(row, deployment_id)


def invite_address(
    services: Services,
    actor: Actor,
    name: str,
    *,
    dialect: str | None = None,
    platform_id: int | None = None,
) -> str:
    """Return a new single-use URL for dynamic registration. Commits.

    With `platform_id` it registers that platform again instead of adding one.
    """
    row = get_row(actor, platform_id) if platform_id is not None else None
    now, called = services.now(), row.name if row is not None else name
    subject = f"platform {row.id}" if row is not None else "platforms"
    said = f"made an address to connect {called}"
    record(actor, "invite", subject, said, now=now, platform_id=platform_id)
    token = make_invite(called, row, now=now, dialect=dialect)
    return f"{services.settings.public_url}/lti/register?invite={token}"


def plan(actor: Actor, platform_id: int, new_id: str, old_id: str, old_platform: str) -> Succession:
    """Return the effect of a succession of a deployment, or of a platform by its id.

    Raises ConfigurationError, ConsoleRefused.
    """
    row = get_row(actor, platform_id)
    if old_platform:
        return plan_platform(row, find_named_platform(old_platform))
    return plan_deployment(row, new_id, old_id)


def succeed(
    services: Services, actor: Actor, platform_id: int, new_id: str, old_id: str, old_platform: str
) -> None:
    """Let a deployment or a platform take over every registration of another. Commits."""
    row = get_row(actor, platform_id)
    found = plan(actor, platform_id, new_id, old_id, old_platform)
    what = f"platform {old_platform}" if old_platform else f"the deployment {old_id}"
    said = f"let {row.name if old_platform else new_id} take over the registrations of {what}"
    record(actor, "succeed", f"platform {row.id}", said, now=services.now(), platform_id=row.id)
    if old_platform:
        succeed_platform(services, found, row, find_named_platform(old_platform))
    else:
        succeed_deployment(found)


def _note(services: Services, actor: Actor, row: Platform, said: str) -> None:
    platform_id = row.id
    _record(services, actor, row, said)
    db.session.commit()
    _let_parked_go(services, platform_id)


def _record(services: Services, actor: Actor, row: Platform, said: str) -> None:
    """Add to the audit log in the caller's transaction."""
    subject, now = f"platform {row.id}", services.now()
    record(actor, "platform", subject, said, now=now, platform_id=row.id)


def _let_parked_go(services: Services, platform_id: int) -> None:
    """Retry parked scores: the change of the platform may have removed their cause."""
    wake_all_for_event(Grade.platform_id == platform_id, services.now())
    db.session.commit()
