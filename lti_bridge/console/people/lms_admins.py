"""Console access from inside an LMS: its admins request it, an owner of the bridge grants it."""

import secrets
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from ...audit.actor import Actor
from ...audit.log import OPERATOR, record
from ...core.db import db, insert_if_new, reading
from ...core.errors import ConfigurationError, PageRefused, Reason
from ...core.plain_text import full_name
from ...core.signing import BadToken
from ...lti.launch_state import same_secret
from ...lti.models import UsedNonce
from ...lti.values import PlatformValues
from ...people.models import ConsoleGrant
from ...platforms import registry
from ...platforms.models import Platform
from ...registrations.models import Learner
from ...services import Services
from ...web.page_tokens import ADMIN, BROWSER, PageToken
from ..sign_in.sessions import end_sessions_of_grant, start_session

# A platform has few admins: a limit of requests.
ASKING_AT_MOST = 50
# Purpose of the token that leads from a page inside an LMS into the console.
DOOR = "console"
DOOR_LIFE = timedelta(seconds=60)


def ask_for_door(services: Services, page: PageToken, browser_secret: str | None) -> str | None:
    """Return a token that signs an LMS admin in to the console, if they have a grant.

    It is valid once, for a minute. Without a grant the request is stored, and None returned. The
    page must be in the browser that launched it: its URL is not enough, as URLs are shared. Raises
    PageRefused "not_for_you", "page_not_yours" or "platform_disabled". Commits.
    """
    if not page.data.get(ADMIN):
        raise PageRefused(Reason.NOT_FOR_YOU, "the console is for admins of the LMS")
    if not same_secret(str(page.data.get(BROWSER)), browser_secret):
        raise PageRefused(Reason.PAGE_NOT_YOURS)
    now = services.now()
    row = _find_or_ask(page, now)
    if row is not None and row.platform.disabled_at is not None:
        raise PageRefused(Reason.PLATFORM_DISABLED)
    db.session.commit()
    if row is None:
        return None
    values = [row.id, secrets.token_urlsafe(24), now.timestamp()]
    return services.signer.sign(DOOR, values)


def open_door(services: Services, token: str) -> str:
    """Exchange a token of `ask_for_door` for a session token. Commits.

    Raises PageRefused "console_door_closed" for a used or expired token, and when the grant has
    been revoked.
    """
    now = services.now()
    try:
        grant_id, once, issued_at = services.signer.unsign(DOOR, token)
        issued = datetime.fromtimestamp(issued_at, UTC)
    except (BadToken, ValueError, TypeError) as error:
        raise PageRefused(Reason.CONSOLE_DOOR_CLOSED) from error
    if now - issued > DOOR_LIFE:
        raise PageRefused(Reason.CONSOLE_DOOR_CLOSED)
    used_up = insert_if_new(
        db.session, UsedNonce, nonce=f"{DOOR}:{once}", expires_at=issued + DOOR_LIFE * 2
    )
    row = db.session.get(ConsoleGrant, grant_id)
    if not used_up or row is None or row.granted_at is None or row.platform.disabled_at:
        db.session.rollback()
        raise PageRefused(Reason.CONSOLE_DOOR_CLOSED)
    session_token = start_session(services.settings.console, now, grant=row)
    db.session.commit()
    return session_token


def load_platform_values(page: PageToken) -> PlatformValues:
    """Return the values of the token's platform; raises PageRefused when it may not launch."""
    with reading():
        return registry.get_platform(page.platform_id)


def _find_or_ask(page: PageToken, now: datetime) -> ConsoleGrant | None:
    row = _find(page)
    if row is None and _asking(page.platform_id) < ASKING_AT_MOST:
        insert_if_new(
            db.session,
            ConsoleGrant,
            platform_id=page.platform_id,
            sub=page.sub,
            deployment_id=page.deployment_id,
            whole_platform=True,
            asked_at=now,
        )
    elif row is not None and row.granted_at is None:
        row.deployment_id = page.deployment_id
    return row if row is not None and row.granted_at is not None else None


def _find(page: PageToken) -> ConsoleGrant | None:
    query = select(ConsoleGrant).where(
        ConsoleGrant.platform_id == page.platform_id, ConsoleGrant.sub == page.sub
    )
    return db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _asking(platform_id: int) -> int:
    waiting = ConsoleGrant.platform_id == platform_id, ConsoleGrant.granted_at.is_(None)
    return db.session.scalar(select(func.count()).where(*waiting)) or 0


def list_grants() -> list[ConsoleGrant]:
    """Return every request and grant, oldest first."""
    return list(db.session.scalars(select(ConsoleGrant).order_by(ConsoleGrant.id)))


def names_of(grants: Sequence[ConsoleGrant]) -> dict[int, str]:
    """Return the known names of admins by the ids of their grants.

    Only the user id of staff is stored: a name is known when they are learners here, too.
    """
    same = (Learner.platform_identity == Platform.identity) & (Learner.sub == ConsoleGrant.sub)
    query = (
        select(ConsoleGrant.id, Learner.first_name, Learner.last_name)
        .join(Platform, Platform.id == ConsoleGrant.platform_id)
        .join(Learner, same)
        .where(ConsoleGrant.id.in_([row.id for row in grants]))
    )
    return {row.id: full_name(*row[1:]) for row in db.session.execute(query)}


def grant(
    number: int, *, now: datetime, by: Actor | str = OPERATOR, whole_platform: bool = True
) -> ConsoleGrant:
    """Grant an admin console access, to their platform or the deployment they asked from.

    Raises ConfigurationError. Commits.
    """
    row = _get(number)
    if not whole_platform and row.deployment_id is None:
        raise ConfigurationError("it is not known from which installation they asked")
    row.granted_at = row.granted_at or now
    row.whole_platform = whole_platform
    where = "the platform" if whole_platform else "one installation"
    _record(by, "grant", row, f"let them into the console of {where}", now)
    db.session.commit()
    return row


def revoke(number: int, *, now: datetime, by: Actor | str = OPERATOR) -> ConsoleGrant:
    """Revoke a grant or refuse a request, with immediate effect; they may ask again. Commits."""
    row = _get(number)
    end_sessions_of_grant(row.id)
    _record(by, "revoke", row, "keeps them out of the console", now)
    db.session.delete(row)
    db.session.commit()
    return row


def decide_grant(by: Actor, number: int, decision: str, *, now: datetime) -> str:
    """Apply an owner's decision and return the notice. Raises ConfigurationError. Commits."""
    if decision == "platform":
        grant(number, now=now, by=by)
        return "They may use the console of their platform."
    if decision == "deployment":
        grant(number, now=now, by=by, whole_platform=False)
        return "They may use the console of the installation they came from."
    if decision == "refuse":
        revoke(number, now=now, by=by)
        return "They may not use the console."
    raise ConfigurationError("choose what to grant")


def _record(by: Actor | str, action: str, row: ConsoleGrant, text: str, now: datetime) -> None:
    subject = f"console grant {row.id}"
    who = f"LMS admin {row.sub}: {text}"
    record(by, action, subject, who, now=now, platform_id=row.platform_id)


def _get(number: int) -> ConsoleGrant:
    row = db.session.get(ConsoleGrant, number)
    if row is None:
        raise ConfigurationError(f"there is no wish {number}: see `lti-bridge console list`")
    return row
