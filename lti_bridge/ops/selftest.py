"""Self-test of the configuration: each line says what is wrong and who can fix it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from functools import partial

from ..core.db import db, reading
from ..core.errors import BridgeError, Refused
from ..core.plain_text import counted
from ..lms.tool_definition import short_scope
from ..lti.keysets import fetch_keys
from ..lti.values import AGS_SCOPES, TO_SEND_SCORES, Granted, PlatformValues
from ..passback.actions.outlook import tell_pause_of
from ..platforms.accounts import list_accounts
from ..platforms.keys import signing_key
from ..platforms.missing_grants import MissingGrant
from ..platforms.models import Platform, ScormAccount
from ..platforms.registry import list_platforms, platform_values
from ..registrations.grade_updates import wake_all_for_event
from ..registrations.granted_scopes import find_telling_link, missing_grants_at
from ..registrations.models import Grade
from ..scorm_cloud.client import ScormCloudClient
from ..services import Services
from .reachability import may_test, try_postback

OPERATOR, LMS_ADMIN, ACCOUNT_OWNER = "operator", "LMS admin", "owner of the SCORM Cloud account"
CALL_SECONDS = 10.0
SKEW_WARN_SECONDS = 5.0


class Mark(StrEnum):
    """The result of one check."""

    OK = "ok"
    WARN = "warning"
    FAIL = "failed"


@dataclass(frozen=True)
class CheckLine:
    """One check: its subject, result and findings; `who` can fix it, and `how`."""

    subject: str
    check: str
    mark: Mark
    found: str
    who: str = ""
    how: str = ""


@dataclass(frozen=True)
class _Facts:
    """A platform's values, read before any call."""

    name: str
    values: PlatformValues
    active: int
    pending: int
    line_items_url: str | None
    resource_link_id: str | None
    granted: Granted
    narrowed: tuple[MissingGrant, ...]
    pause: str  # why calls to it are paused, or ""


def run_selftest(services: Services) -> Iterator[CheckLine]:
    """Check the bridge, every account and every enabled platform; yields each result.

    No transaction is open across a call.
    """
    yield from check_bridge(services)
    with reading():
        accounts = list_accounts()
    for account in accounts:
        yield from check_account(services, account)
    with reading():
        rows = [_read(row, services.now()) for row in list_platforms() if row.disabled_at is None]
    for facts in rows:
        yield from _check_platform(services, facts)
    if not rows:
        how = "Add one: the console's guide, or `lti-bridge platform invite`."
        yield CheckLine("platforms", "connected", Mark.WARN, "none may launch", OPERATOR, how)


def check_platform(services: Services, row: Platform) -> Iterator[CheckLine]:
    """Check one platform: its keys, deployments, grants, an access token and its line items."""
    with reading():
        facts = _read(row, services.now())
    yield from _check_platform(services, facts)


def check_bridge(services: Services) -> Iterator[CheckLine]:
    """Check the bridge itself: public address, database, queue and signing key."""
    url = services.settings.public_url
    if url.startswith("https://"):
        yield CheckLine("bridge", "public address", Mark.OK, url)
    else:
        how = "Set public_url to the https address that browsers use; LMS frames need it."
        yield CheckLine("bridge", "public address", Mark.WARN, url, OPERATOR, how)
    yield _try("bridge", "database", lambda: f"answers, {services.now():%H:%M:%S} UTC", OPERATOR)
    yield _try("bridge", "queue", lambda: _ping_queue(services), OPERATOR)
    yield _try("bridge", "signing key", lambda: _signing_key(services), OPERATOR)


def _signing_key(services: Services) -> str:
    return signing_key(services.signer, now=services.now()).kid


def _ping_queue(services: Services) -> str:
    services.queue.ping()
    return "answers"


def check_account(services: Services, account: ScormAccount) -> Iterator[CheckLine]:
    """Check one SCORM Cloud account: its address and keys, and that courses can be listed.

    When the keys fail the rest is skipped: it would fail the same way, and the user waits.
    """
    subject, client = f"account {account.name}", services.scorm_cloud(account)
    how = "Check base_url, app_id and secret_key, and that SCORM Cloud can be reached."

    def ping() -> str:
        client.ping(deadline_seconds=CALL_SECONDS)
        return "the keys are accepted"

    def courses() -> str:
        page = client.find_courses(deadline_seconds=CALL_SECONDS)
        count = page.total if page.total is not None else len(page.courses)
        return counted(count, "course")

    keys = _try(subject, "keys", ping, ACCOUNT_OWNER, how)
    yield keys
    if keys.mark is Mark.OK:
        yield _try(subject, "courses", courses, ACCOUNT_OWNER, how)
        yield _check_postbacks(services, subject, account, client)


def _check_postbacks(
    services: Services, subject: str, account: ScormAccount, client: ScormCloudClient
) -> CheckLine:
    if services.settings.scorm_cloud.postbacks == "off":
        return CheckLine(
            subject, "postbacks", Mark.OK, "off by the settings; results are looked up"
        )
    if not may_test(services, account):
        found = "not tested: SCORM Cloud cannot reach a private address"
        how = "Grades come without postbacks, some seconds later; set public_url to a public one."
        return CheckLine(subject, "postbacks", Mark.WARN, found, OPERATOR, how)
    how = "SCORM Cloud must be able to POST to /postback/ on our public address."
    run = partial(try_postback, services, client, deadline_seconds=CALL_SECONDS)
    return _try(subject, "postbacks", run, OPERATOR, how)


def _read(row: Platform, now: datetime) -> _Facts:
    link = find_telling_link(row)
    active = sum(one.is_active for one in row.deployments)
    return _Facts(
        name=row.name,
        values=platform_values(row),
        active=active,
        pending=len(row.deployments) - active,
        line_items_url=link.line_items_url if link is not None else None,
        resource_link_id=link.resource_link_id if link is not None else None,
        granted=link.service_scopes if link is not None else None,
        narrowed=tuple(missing_grants_at(row)),
        pause=tell_pause_of(row, now),
    )


def _check_platform(services: Services, facts: _Facts) -> Iterator[CheckLine]:
    subject = f"platform {facts.name}"
    yield from _check_keys(services, subject, facts.values)
    yield _check_deployments(subject, facts)
    yield from _check_pause(subject, facts)
    yield from _check_grants(subject, facts)

    # For granted scopes only: an LMS may refuse the whole request for one that was not granted.
    known = facts.granted if facts.granted is not None else TO_SEND_SCORES
    wanted = tuple(scope for scope in AGS_SCOPES if scope in known) or TO_SEND_SCORES

    def token() -> str:
        services.tokens.drop(facts.values, wanted)
        services.tokens.get(facts.values, wanted, deadline_seconds=CALL_SECONDS)
        scopes = services.tokens.granted(facts.values, wanted)
        return f"granted for {', '.join(short_scope(scope) for scope in scopes)}"

    how = (
        "The LMS must know our key set (/lti/jwks.json) and grant the tool Assignment and Grade "
        "Services."
    )
    granted = _try(subject, "access token", token, LMS_ADMIN, how)
    yield granted
    if granted.mark is not Mark.OK:
        return
    _let_parked_go(services, facts)
    yield _check_line_items(services, subject, facts)


def _check_line_items(services: Services, subject: str, facts: _Facts) -> CheckLine:
    if facts.line_items_url is None or facts.resource_link_id is None:
        how = "Open an activity of this LMS once."
        return CheckLine(
            subject, "line items", Mark.WARN, "not known before a launch", LMS_ADMIN, how
        )
    url, link = facts.line_items_url, facts.resource_link_id

    def items() -> str:
        found = services.gradebook.find_line_items(
            facts.values, url, link, CALL_SECONDS, granted=facts.granted
        )
        return f"can be read ({len(found)} for the newest activity)"

    how = "Grant the tool the scope lineitem.readonly."
    return _try(subject, "line items", items, LMS_ADMIN, how)


def _let_parked_go(services: Services, facts: _Facts) -> None:
    """Retry parked scores: the LMS serves us, so their cause may have ended. Commits."""
    wake_all_for_event(Grade.platform_id == facts.values.id, services.now())
    db.session.commit()


def _check_keys(services: Services, subject: str, values: PlatformValues) -> Iterator[CheckLine]:
    """Fetch the LMS's key set as a launch does, and compare its Date with our clock."""
    how = "Check the key set URL, and that this server may reach the LMS."
    try:
        fetched = fetch_keys(services.outbound, values.jwks_url)
    except BridgeError as error:
        yield CheckLine(subject, "key set", Mark.FAIL, str(error), OPERATOR, how)
        return
    if not fetched.keys:
        found = "no keys there that a launch could be signed with"
        yield CheckLine(subject, "key set", Mark.FAIL, found, OPERATOR, how)
        return
    yield CheckLine(subject, "key set", Mark.OK, counted(len(fetched.keys), "key"))
    yield _check_clock(subject, fetched.date, services.now())


def _check_clock(subject: str, date: str, now: datetime) -> CheckLine:
    try:
        skew = (now - parsedate_to_datetime(date)).total_seconds()
    except (ValueError, TypeError):
        return CheckLine(subject, "clock", Mark.WARN, "the LMS sends no Date", LMS_ADMIN, "")
    found = f"ours is {skew:+.0f} s from the LMS's"
    if abs(skew) < SKEW_WARN_SECONDS:
        return CheckLine(subject, "clock", Mark.OK, found)
    how = "Let both servers keep time by NTP; Moodle refuses what comes from its future."
    return CheckLine(subject, "clock", Mark.WARN, found, OPERATOR, how)


def _check_deployments(subject: str, facts: _Facts) -> CheckLine:
    found = f"{facts.active} active, {facts.pending} pending"
    if facts.active and not facts.pending:
        return CheckLine(subject, "deployments", Mark.OK, found)
    how = f"`lti-bridge platform deployment list '{facts.name}'`, then approve what is yours."
    mark = Mark.WARN if facts.active else Mark.FAIL
    return CheckLine(subject, "deployments", mark, found, OPERATOR, how)


def _check_pause(subject: str, facts: _Facts) -> Iterator[CheckLine]:
    """Report a pause of calls to the LMS, during which its scores wait."""
    if facts.pause:
        how = "Its scores wait until then; after a 503 a launch that comes before ends the pause."
        yield CheckLine(subject, "pause", Mark.WARN, facts.pause, LMS_ADMIN, how)


def _check_grants(subject: str, facts: _Facts) -> Iterator[CheckLine]:
    """Report the scopes and names that the newest launch in a course had."""
    if facts.granted is None:
        how = "Open a graded activity of this LMS once."
        found = "not known before a launch of a graded activity"
        yield CheckLine(subject, "granted", Mark.WARN, found, LMS_ADMIN, how)
    elif not facts.narrowed:
        yield CheckLine(subject, "granted", Mark.OK, "everything that the tool asks for")
    for one in facts.narrowed:
        mark = Mark.FAIL if one.serious else Mark.WARN
        found = f"{one.what} is missing: {one.loss}"
        yield CheckLine(subject, "granted", mark, found, LMS_ADMIN, one.how)


def _try(subject: str, check: str, run: Callable[[], str], who: str, how: str = "") -> CheckLine:
    try:
        return CheckLine(subject, check, Mark.OK, run())
    except BridgeError as error:
        said = error.explanation if isinstance(error, Refused) else ""
        found = f"{error}. It says: {said}" if said else str(error)
        return CheckLine(subject, check, Mark.FAIL, found, who, how)
