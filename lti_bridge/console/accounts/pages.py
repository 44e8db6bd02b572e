"""SCORM Cloud accounts in the console: list, use, and changes that are tested first."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, func, select

from ...audit.actor import Actor
from ...audit.log import record
from ...core.db import db, reading
from ...core.errors import ConfigurationError, NotFound, Refused, Unavailable
from ...ops.kept_checks import Kept, account_subject, kept_checks
from ...passback.models import SweepCursor
from ...platforms.accounts import DEFAULT, list_accounts, remove_account, save_account, uses
from ...platforms.models import Platform, ScormAccount
from ...registrations.models import Registration
from ...scorm_cloud.client import ScormCloudClient
from ...services import Services
from ..access import not_found

COUNTED_AT_MOST = 1000
TRIAL_SECONDS = 10.0


@dataclass(frozen=True)
class AccountLine:
    """One account; `registrations` counts to `COUNTED_AT_MOST`, secrets are never shown."""

    row: ScormAccount
    platforms: Sequence[str]
    registrations: int
    checked: Kept | None

    @property
    def is_default(self) -> bool:
        """True for the account of the settings, which is changed there."""
        return self.row.name == DEFAULT

    @property
    def may_go(self) -> bool:
        """True when the account can be removed."""
        return not (self.is_default or self.platforms or self.registrations)


def load_accounts() -> list[AccountLine]:
    """Return every account, oldest first."""
    with reading():
        rows = list_accounts()
        kept = kept_checks([account_subject(row.id) for row in rows])
        return [_line(row, kept.get(account_subject(row.id))) for row in rows]


def load_account(account_id: int) -> AccountLine:
    """Return one account; raises ConsoleRefused when there is none of this number."""
    with reading():
        row = db.session.get(ScormAccount, account_id)
        if row is None:
            raise not_found()
        subject = account_subject(row.id)
        return _line(row, kept_checks([subject]).get(subject))


def _line(row: ScormAccount, checked: Kept | None) -> AccountLine:
    return AccountLine(
        row=row,
        platforms=list(db.session.scalars(select(Platform.name).where(uses(row)).order_by("name"))),
        registrations=_count_registrations(row.id),
        checked=checked,
    )


def _count_registrations(account_id: int) -> int:
    some = select(Registration.id).where(Registration.scorm_account_id == account_id)
    counted = select(func.count()).select_from(some.limit(COUNTED_AT_MOST).subquery())
    return db.session.scalar(counted) or 0


def try_keys(services: Services, base_url: str, app_id: str, secret_key: str) -> int:
    """Test an account's address and keys at SCORM Cloud; returns its number of courses.

    No transaction may be open. Raises ConfigurationError with a sentence.
    """
    client = ScormCloudClient(
        base_url, app_id, secret_key, services.outbound, deadline_seconds=TRIAL_SECONDS
    )
    try:
        client.ping(deadline_seconds=TRIAL_SECONDS)
        page = client.find_courses(deadline_seconds=TRIAL_SECONDS)
    except Unavailable as error:
        raise ConfigurationError(
            f"SCORM Cloud could not be asked: {error}. Check the address, or try again later"
        ) from error
    except NotFound as error:
        raise ConfigurationError(
            "that address does not answer as SCORM Cloud's API does: it ends in /api/v2"
        ) from error
    except Refused as error:
        raise ConfigurationError(
            f"{error}. Copy the app id and the secret key from Apps / API in SCORM Cloud"
        ) from error
    return page.total if page.total is not None else len(page.courses)


def add_account(
    services: Services, actor: Actor, name: str, base_url: str, app_id: str, secret_key: str
) -> None:
    """Test the keys, then add the account or change its address and secret. Commits.

    Raises ConfigurationError; nothing is stored then.
    """
    if name == DEFAULT:
        raise ConfigurationError(
            "the account default is the one in the settings: set scorm_cloud.app_id and "
            "scorm_cloud.secret_key there, or choose another name"
        )
    if name.startswith(f"former {DEFAULT}"):
        raise ConfigurationError("this name is the bridge's own: choose another one")
    try_keys(services, base_url, app_id, secret_key)
    now = services.now()
    said = "added the account, or gave it a new address or secret"
    # In the transaction of the account, which `save_account` commits.
    record(actor, "account", f"account {name}"[:100], said, now=now)
    save_account(name, base_url, app_id, secret_key, services.signer, now=now)


def drop_account(services: Services, actor: Actor, account_id: int) -> str:
    """Remove an unused account; returns its name. Commits.

    Raises ConfigurationError with a sentence, ConsoleRefused when there is no such account.
    """
    if db.session.get(ScormAccount, account_id) is None:
        db.session.rollback()
        raise not_found()
    if _count_registrations(account_id):
        db.session.rollback()
        raise ConfigurationError(
            "learners have registrations in it: it stays, and its results are still read. "
            "Choose another account for the platform; that holds for new registrations"
        )
    db.session.execute(delete(SweepCursor).where(SweepCursor.scorm_account_id == account_id))
    try:
        name = remove_account(account_id)
    except ConfigurationError:
        db.session.rollback()
        raise
    record(actor, "account", f"account {name}"[:100], "removed it", now=services.now())
    db.session.commit()
    return name
