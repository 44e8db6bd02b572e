"""Connect an LMS by dynamic registration: invite, configuration, registration, rows."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select

from ..core.db import db, reading
from ..core.errors import ConfigurationError, Refused
from ..lms.base import Lms
from ..lms.registry import get_lms, lms_of_family, may_serve
from ..lms.tool_definition import ToolDefinition
from ..lti.dynamic_registration import (
    PlatformConfiguration,
    Registered,
    fetch_configuration,
    register,
)
from ..services import Services
from .connection_values import LONGEST_NAME, PlatformFacts
from .invites import InviteLease, OpenInvite, give_back, read_invite, take_invite, use_invite
from .models import Platform
from .registry import write_platform


@dataclass(frozen=True)
class Request:
    """The parameters of a registration request: our invite and the LMS's LTI parameters."""

    invite: str
    configuration_url: str
    registration_token: str


@dataclass(frozen=True)
class Connected:
    """A completed registration; without a deployment id the first launch needs approval."""

    platform_id: int
    name: str
    issuer: str
    dialect: str
    deployment_id: str | None


def look_at(services: Services, request: Request) -> OpenInvite:
    """Return a request's invite without using it. Raises Refused; its `code` names a page."""
    with reading():
        invite = read_invite(request.invite, now=services.now())
    if not request.configuration_url:
        raise Refused("no openid_configuration came along", code="not_from_lms")
    return invite


def connect(services: Services, request: Request) -> Connected:
    """Register the tool at the LMS and store the platform; uses up the invite on success.

    Raises Refused (its `code` names a page), Unavailable or ConfigurationError.
    """
    lease = take_invite(look_at(services, request), now=services.now())
    try:
        return _connect(services, lease, request)
    except BaseException:  # bugs too: the admin can then use the same invite again
        give_back(lease)
        raise


def _connect(services: Services, lease: InviteLease, request: Request) -> Connected:
    invite, token = lease.invite, request.registration_token
    address = request.configuration_url
    configuration = fetch_configuration(services.outbound, address, token, may_serve)
    lms = get_lms(invite.dialect) if invite.dialect else lms_of_family(configuration.family)
    _check_platform(invite, configuration)
    metadata = ToolDefinition(services.settings.public_url).registration(lms)
    registered = register(services.outbound, configuration, metadata, token)
    return _keep(services, lease, lms, configuration, registered)


def _check_platform(invite: OpenInvite, configuration: PlatformConfiguration) -> None:
    """Raise Refused when an invite for one platform is used by another LMS."""
    if invite.platform_id is None:
        return
    issuer = db.session.scalar(select(Platform.issuer).where(Platform.id == invite.platform_id))
    db.session.commit()
    if issuer != configuration.issuer:
        text = f"the invite is for {issuer}, and this LMS is {configuration.issuer}"
        raise Refused(text, code="other_platform")


def _keep(
    services: Services,
    lease: InviteLease,
    lms: Lms,
    configuration: PlatformConfiguration,
    registered: Registered,
) -> Connected:
    """Store the platform and use up the invite, in one transaction. Commits."""
    now = services.now()
    known = select(Platform.id).where(
        Platform.issuer == configuration.issuer, Platform.client_id == registered.client_id
    )
    if db.session.scalar(known) not in (None, lease.invite.platform_id):
        raise Refused("this platform exists; it needs an invite of its own", code="needs_invite")
    facts = _facts(lease.invite, lms, configuration, registered)
    row = _write(services, facts, registered.deployment_id, now)
    use_invite(lease, now=now)
    connected = Connected(row.id, row.name, row.issuer, row.dialect, registered.deployment_id)
    # Before the commit: the audit log adds its entry in this transaction.
    anew = lease.invite.platform_id is not None
    services.events.publish("platform_connected", platform_id=row.id, called=row.name, anew=anew)
    db.session.commit()
    return connected


def _write(
    services: Services, facts: PlatformFacts, deployment_id: str | None, now: datetime
) -> Platform:
    privacy = services.settings.privacy.default
    try:
        return write_platform(facts, deployment_id, now=now, new_privacy=privacy)
    except ConfigurationError as error:
        raise Refused(str(error), code="bad_configuration") from error


def _facts(
    invite: OpenInvite,
    lms: Lms,
    configuration: PlatformConfiguration,
    registered: Registered,
) -> PlatformFacts:
    return PlatformFacts(
        name=(invite.name or configuration.issuer)[:LONGEST_NAME],
        issuer=configuration.issuer,
        client_id=registered.client_id,
        authorization_url=configuration.authorization_url,
        token_url=configuration.token_url,
        jwks_url=configuration.jwks_url,
        dialect=lms.key,
        audience=configuration.audience,
    )
