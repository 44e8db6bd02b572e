"""SCORM Cloud accounts: the account of each platform, and a client for each account."""

import hashlib
import threading
from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from sqlalchemy import ColumnElement, Select, select
from sqlalchemy.exc import IntegrityError

from ..core.config import Settings
from ..core.config_values import http_url
from ..core.db import db
from ..core.errors import BridgeError, ConfigurationError, Refused
from ..core.events import Events
from ..core.http.session import Outbound
from ..core.signing import BadToken, Signer
from ..scorm_cloud.client import ScormCloudClient
from ..scorm_cloud.concurrency import CallSlots
from ..scorm_cloud.transport import Report
from .models import ACCOUNT, Platform, ScormAccount

DEFAULT = "default"


class Account(Protocol):
    """A SCORM Cloud account's row: an object or a tuple of values."""

    @property
    def id(self) -> int: ...

    @property
    def name(self) -> str: ...

    @property
    def base_url(self) -> str: ...

    @property
    def app_id(self) -> str: ...

    @property
    def secret_encrypted(self) -> str: ...


def ensure_default_account(settings: Settings, signer: Signer, *, now: datetime) -> None:
    """Copy the settings [scorm_cloud] to the account `default`; no-op without an app id. Commits.

    When the app id changed, the old row is renamed; it keeps its registrations and stays in the
    sweep.
    """
    cloud = settings.scorm_cloud
    if not cloud.app_id:
        return
    row = find_account(DEFAULT)
    if row is not None and row.app_id != cloud.app_id:
        _step_aside(row, cloud.app_id)
        row = find_account(DEFAULT)
    unchanged = (
        row is not None and row.base_url == cloud.base_url and _keeps(row, cloud.secret_key, signer)
    )
    db.session.commit()
    if not unchanged:
        save_account(DEFAULT, cloud.base_url, cloud.app_id, cloud.secret_key, signer, now=now)


def _keeps(row: ScormAccount, secret_key: str, signer: Signer) -> bool:
    try:
        return signer.decrypt(row.secret_encrypted) == secret_key
    except BadToken:  # encrypted with a lost key; the settings still have the secret
        return False


def _step_aside(row: ScormAccount, next_app_id: str) -> None:
    """Rename the default account, and restore a former default with the next app id."""
    row.name = _former(row.app_id)
    db.session.flush()
    returning = find_account(_former(next_app_id))
    if returning is not None:
        returning.name = DEFAULT
    db.session.flush()


def _former(app_id: str) -> str:
    # A digest, since an app id may be longer than the column (100 characters).
    return f"former default {hashlib.sha256(app_id.encode()).hexdigest()[:12]}"


def save_account(
    name: str, base_url: str, app_id: str, secret_key: str, signer: Signer, *, now: datetime
) -> ScormAccount:
    """Add the account `name`, or update its URL and secret. Commits.

    Raises ConfigurationError when its app id differs: registrations belong to one SCORM Cloud
    application, so another application needs an account of its own.
    """
    row = find_account(name)
    if row is not None and row.app_id != app_id:
        db.session.rollback()
        raise ConfigurationError(
            f"the account {name} belongs to another app id: add the new one under another name"
        )
    if row is None:
        row = ScormAccount(name=name, created_at=now)
        db.session.add(row)
    row.base_url = http_url("--base-url", base_url)
    row.app_id = app_id
    row.secret_encrypted = signer.encrypt(secret_key)
    try:
        db.session.commit()
    except IntegrityError:  # another node added it at the same time
        db.session.rollback()
        return get_account(name)
    return row


def remove_account(account_id: int) -> str:
    """Remove an unused account in the caller's transaction; returns its name.

    Raises ConfigurationError for the default account and for one that a platform uses. The caller
    checks that it has no registrations: those rows belong to a later chapter.
    """
    row = db.session.get_one(ScormAccount, account_id)
    if row.name == DEFAULT:
        raise ConfigurationError("the account default is the one in the settings: change it there")
    if names := ", ".join(db.session.scalars(select(Platform.name).where(uses(row)))):
        raise ConfigurationError(f"{names} opens its courses in it: choose another one there first")
    db.session.delete(row)
    db.session.flush()
    return row.name


def uses(row: ScormAccount) -> ColumnElement[bool]:
    """Return the SQL condition for platforms that create new registrations in an account."""
    named: ColumnElement[bool] = Platform.scorm_account_id == row.id
    if row == find_default():
        return named | Platform.scorm_account_id.is_(None)
    return named


def may_replace_courses(platform: Platform) -> bool:
    """Tell whether instructors and LMS admins of a platform may upload new course versions.

    A new version reaches every LMS that uses the account. Without a decision by an owner of the
    bridge it is allowed while no other platform uses the account. Raises ConfigurationError when
    there is no account.
    """
    if platform.replaces_courses is not None:
        return platform.replaces_courses
    others = select(Platform.id).where(uses(account_for(platform)), Platform.id != platform.id)
    return db.session.scalar(others.limit(1)) is None


def find_account(name: str) -> ScormAccount | None:
    """Return the account `name`, or None."""
    return db.session.scalars(select(ScormAccount).where(ScormAccount.name == name)).one_or_none()


def get_account(name: str) -> ScormAccount:
    """Return the account `name`; raises ConfigurationError, which says how to add it."""
    row = find_account(name)
    if row is None:
        raise ConfigurationError(
            f"there is no SCORM Cloud account {name}: add it with `lti-bridge account add`"
            + (", or set scorm_cloud.app_id and secret_key" if name == DEFAULT else "")
        )
    return row


def list_accounts() -> list[ScormAccount]:
    """Return every account, oldest first."""
    return list(db.session.scalars(select(ScormAccount).order_by(ScormAccount.id)))


def select_default(table: Any) -> Select[Any]:
    """Return the query, over `scorm_account`, for the account of platforms without their own.

    It is the one named `default`, or else the oldest, so that adding accounts does not change it.
    """
    return select(table).order_by(table.c.name != DEFAULT, table.c.id).limit(1)


def find_default() -> ScormAccount | None:
    """Return the account of platforms without their own; None when there is no account."""
    query = select_default(ACCOUNT)
    return db.session.scalars(select(ScormAccount).from_statement(query)).one_or_none()


def account_for(platform: Any) -> ScormAccount:
    """Return the account for new registrations of a platform (row or tuple).

    Raises ConfigurationError, which says how to add one.
    """
    if platform.scorm_account_id is not None:
        return db.session.get_one(ScormAccount, platform.scorm_account_id)
    return find_default() or get_account(DEFAULT)


def account_name(platform: Any) -> str:
    """Return the name of the account for a platform's new registrations, or "none yet"."""
    if platform.scorm_account_id is None and find_default() is None:
        return "none yet"
    return account_for(platform).name


def clients(
    outbound: Outbound,
    signer: Signer,
    settings: Settings,
    call_slots: CallSlots | None = None,
    events: Events | None = None,
) -> Callable[[Account], ScormCloudClient]:
    """Return a function from account to client; clients are cached by their credentials.

    With `events`, each call publishes "scorm_cloud_call" with its failure, if any.
    """
    made: dict[tuple[int, str, str, str], ScormCloudClient] = {}
    lock = threading.Lock()

    def client_for(account: Account) -> ScormCloudClient:
        key = (account.id, account.base_url, account.app_id, account.secret_encrypted)
        with lock:
            if key not in made:
                made[key] = ScormCloudClient(
                    account.base_url,
                    account.app_id,
                    signer.decrypt(account.secret_encrypted),
                    outbound,
                    deadline_seconds=settings.scorm_cloud.deadline_seconds,
                    parallel_calls=settings.scorm_cloud.parallel_calls,
                    call_slots=call_slots,
                    report=_report_to(events, account.id) if events is not None else None,
                )
            return made[key]

    return client_for


def _report_to(events: Events, account_id: int) -> Report:
    def report(error: BridgeError | None) -> None:
        events.publish(
            "scorm_cloud_call",
            account=account_id,
            failure="" if error is None else str(error),
            is_refusal=isinstance(error, Refused),
        )

    return report
