"""Verify a launch against its platform, consume its nonce, and read its rows."""

from collections.abc import Mapping
from typing import NoReturn

from ..core.db import change_row, db, reading
from ..core.errors import LaunchRejected, Reason
from ..lti.handshake import VerifiedLaunch, raise_platform_error, verify_launch
from ..lti.launch_state import (
    LaunchState,
    check_age,
    consume_nonce,
    cookie_name,
    find_use,
    same_browser,
)
from ..lti.values import PlatformValues
from ..platforms.connect_cookie import connected_here
from ..platforms.deployments import get_deployment, note_launch
from ..platforms.frame_origins import with_frame_origin
from ..platforms.models import DeploymentStatus, Platform
from ..platforms.registry import get_platform, platform_values
from ..registrations.launch_snapshot import LaunchSnapshot, find_snapshot, get_snapshot
from ..services import Services
from ..web.visit import Visit
from .login import refuse_two_names, rules


class _PlatformChanged(Exception):
    """The platform's row differs from the values that the launch was verified against."""


def verify_and_enter(
    services: Services, form: Mapping[str, str], cookies: Mapping[str, str], visit: Visit
) -> tuple[VerifiedLaunch, LaunchSnapshot]:
    """Verify a launch, whose state is in `visit`, and consume its nonce.

    Leaves that transaction open: it rolls back if a later step fails. The launch is verified
    against cached platform values, and again against the row when the row differs or the launch
    failed, so that edits take effect at once. Raises LaunchRejected.
    """
    assert visit.state is not None
    name = visit.state.platform_id
    visit.platform = platform = services.platforms.get(name) or get_platform(name)
    while True:
        try:
            launch = _verify(services, form, cookies, visit, platform)
            snapshot = _enter(services, launch, cookies)
        except (LaunchRejected, _PlatformChanged) as error:
            db.session.rollback()
            checked, visit.platform = platform, None
            visit.platform = platform = services.platforms[name] = get_platform(name)
            if isinstance(error, LaunchRejected) and platform == checked:
                raise
        else:
            visit.platform = services.platforms[name] = platform_values(snapshot.platform)
            return launch, snapshot


def check_state(services: Services, state: LaunchState, form: Mapping[str, str]) -> None:
    """Raise LaunchRejected for an error posted by the platform, or for an expired state."""
    raise_platform_error(form)
    seconds = services.settings.launch.state_seconds
    check_age(state, now=services.now(), max_age_seconds=seconds)


def _verify(
    services: Services,
    form: Mapping[str, str],
    cookies: Mapping[str, str],
    visit: Visit,
    platform: PlatformValues,
) -> VerifiedLaunch:
    state = visit.state
    assert state is not None
    check_state(services, state, form)
    secret = visit.browser_secret if state.storage_target else cookies.get(cookie_name(state))
    if not same_browser(state, secret):
        _reject_unproven(services, state, platform)
    launch = verify_launch(
        form,
        state,
        platform,
        keysets=services.keysets,
        now=services.now(),
        rules=rules(services),
    )
    visit.return_url, visit.locale = launch.claims.return_url, launch.claims.locale
    visit.deployment_id = launch.claims.deployment_id
    return launch


def _reject_unproven(services: Services, state: LaunchState, platform: PlatformValues) -> NoReturn:
    """Reject a launch without the browser's secret; a used nonce means reload or back button."""
    with reading():
        used = find_use(state)
    if used is None:
        refuse_two_names(services, platform)
    raise LaunchRejected(Reason.RELOADED if used is not None else Reason.BROWSER_UNPROVEN)


def _enter(
    services: Services, launch: VerifiedLaunch, cookies: Mapping[str, str]
) -> LaunchSnapshot:
    """Check the deployment and consume the nonce: the last step of the verification."""
    snapshot = find_snapshot(launch.platform.id, launch.claims)
    _check_unchanged(launch.platform, snapshot)
    if snapshot is None or snapshot.deployment.status != DeploymentStatus.ACTIVE:
        _bring_deployment(services, launch, cookies)
        snapshot = get_snapshot(launch.platform.id, launch.claims)
    consume_nonce(
        launch.state,
        max_age_seconds=services.settings.launch.state_seconds,
        return_url=launch.claims.return_url,
    )
    return _note(services, launch, snapshot)


def _check_unchanged(verified: PlatformValues, snapshot: LaunchSnapshot | None) -> None:
    row = snapshot.platform if snapshot is not None else db.session.get(Platform, verified.id)
    if row is None or row.disabled_at is not None or platform_values(row) != verified:
        raise _PlatformChanged


def _bring_deployment(
    services: Services, launch: VerifiedLaunch, cookies: Mapping[str, str]
) -> None:
    """Activate a platform's first deployment for the browser that connected it, or reject."""
    settings = services.settings.launch
    get_deployment(
        launch.platform.id,
        launch.claims.deployment_id,
        now=services.now(),
        pending_at_most=settings.pending_deployments,
        activate=connected_here(services, cookies, launch.platform.id),
    )


def _note(services: Services, launch: VerifiedLaunch, snapshot: LaunchSnapshot) -> LaunchSnapshot:
    """Store changes that a launch tells about its platform and deployment."""
    platform, claims = snapshot.platform, launch.claims
    news = note_launch(snapshot.deployment, claims, services.now())
    origins = with_frame_origin(platform, claims.return_url)
    if origins is not None:
        change_row(db.session, Platform, platform.id, learnt_origins=origins)
    return get_snapshot(platform.id, claims) if news or origins is not None else snapshot
