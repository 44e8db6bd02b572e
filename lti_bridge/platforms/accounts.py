"""SCORM Cloud accounts: which one a platform uses, and a client for each."""

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
    """A SCORM Cloud account's row, as an object or as plain values."""

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
    """Keep the account `default` in step with [scorm_cloud]; nothing set, nothing done. Commits.

    Another app id is another account: the old row keeps its registrations under another name,
    and is still swept.
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
    except BadToken:  # our own key was lost; the configuration knows the secret still
        return False


def _step_aside(row: ScormAccount, next_app_id: str) -> None:
    """Rename the former default, and call back the row that was the default of the next id."""
    row.name = _former(row.app_id)
    db.session.flush()
    returning = find_account(_former(next_app_id))
    if returning is not None:
        returning.name = DEFAULT
    db.session.flush()


def _former(app_id: str) -> str:
    # The name holds 100 characters; an app id may be longer, so a digest stands for it.
    return f"former default {hashlib.sha256(app_id.encode()).hexdigest()[:12]}"


def save_account(
    name: str, base_url: str, app_id: str, secret_key: str, signer: Signer, *, now: datetime
) -> ScormAccount:
    """Add the account `name`, or give it a new address or secret. Commits.

    Raises ConfigurationError for another app id: the registrations of an account live in its
    application, so another application is another account.
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
    except IntegrityError:  # another node added it in the same moment
        db.session.rollback()
        return get_account(name)
    return row


def remove_account(account_id: int) -> str:
    """Remove an account that nothing lives in, in the caller's transaction; returns its name.

    Raises ConfigurationError for the default one, and for one that a platform uses. Whether
    registrations live in it is the caller's question: they belong to a later chapter.
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
    """Return the condition on platforms whose new registrations live in an account."""
    named: ColumnElement[bool] = Platform.scorm_account_id == row.id
    if row == find_default():
        return named | Platform.scorm_account_id.is_(None)
    return named


def may_replace_courses(platform: Platform) -> bool:
    """Tell whether people of a platform may upload new versions of its account's courses.

    A new version reaches every LMS that uses the account: an owner of the bridge decides, and
    otherwise it is for an account that no other platform uses. Raises ConfigurationError when
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
    """Return the account `name`; raises ConfigurationError that says how to add it."""
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
    """Return the query for the account of platforms that name none, over `scorm_account`.

    It is the one named `default`; without it the oldest one, which further accounts leave as it
    is.
    """
    return select(table).order_by(table.c.name != DEFAULT, table.c.id).limit(1)


def find_default() -> ScormAccount | None:
    """Return the account of platforms that name none; None when there is no account at all."""
    query = select_default(ACCOUNT)
    return db.session.scalars(select(ScormAccount).from_statement(query)).one_or_none()


def account_for(platform: Any) -> ScormAccount:
    """Return the account that new registrations of a platform live in.

    Raises ConfigurationError that says how to add one.
    """
    if platform.scorm_account_id is not None:
        return db.session.get_one(ScormAccount, platform.scorm_account_id)
    return find_default() or get_account(DEFAULT)


def account_name(platform: Any) -> str:
    """Return the name of the account that a platform's new registrations live in."""
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
    """Return a function from account to client; one client per credentials and process.

    `events` are told of each call whether SCORM Cloud served it.
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
