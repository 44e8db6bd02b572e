"""The launch: verify it, store its rows, and decide what opens."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from ..core.db import db, reading
from ..core.errors import LaunchRejected, Reason, Unavailable
from ..deep_linking.picker import begin_picking
from ..lms.base import MASQUERADING
from ..lti.browser_binding import BrowserBinding
from ..lti.claims import DEEP_LINKING, RESOURCE_LINK, SUBMISSION_REVIEW, LaunchClaims
from ..lti.handshake import read_launch_state
from ..lti.launch_state import LaunchState, cookie_name, hash_secret
from ..lti.replies import origin
from ..lti.roles import Visitor, administers, decide_visitor, is_masked
from ..platforms import registry
from ..platforms.models import Deployment, DeploymentStatus
from ..registrations.attempts import begin_attempt
from ..registrations.create_registration import build_launch_link, open_registration
from ..registrations.launch_rows import Arrival, LaunchBegun, begin_launch
from ..registrations.launch_snapshot import LaunchSnapshot, get_snapshot
from ..registrations.models import ResourceLink
from ..registrations.platform_pause import send_probe
from ..registrations.resource_links import keep_link, opens_in_window
from ..registrations.staff_visits import forget_staff, remember_staff
from ..services import Services
from ..web.login_cookies import page_secret
from ..web.page_tokens import ADMIN, BROWSER, REVIEW, read_page, sign_page
from ..web.visit import SECRET_FIELD, Visit
from .before_player import read_before_player, sign_before_player
from .outcomes import AskStorage, OpenPage, OpenPlayer, Outcome, Shown
from .preview import keep_claims, page_of, read_claims
from .verify_launch import check_state, verify_and_enter


def receive_launch(
    services: Services, form: Mapping[str, str], cookies: Mapping[str, str], visit: Visit
) -> Outcome:
    """Verify a launch, consume its nonce, and return what opens for this visitor.

    Fills in `visit`. Raises LaunchRejected, Unavailable or ConfigurationError.
    """
    state = visit.state = read_launch_state(form, signer=services.signer)
    visit.browser_secret = form.get(SECRET_FIELD, "")
    if state.storage_target is not None and SECRET_FIELD not in form:
        return _ask_storage(services, state, visit, form)
    launch, snapshot = verify_and_enter(services, form, cookies, visit)
    claims = launch.claims
    visit.visitor = decide_visitor(claims.roles)
    if claims.message_type == DEEP_LINKING:
        _note_staff(services, snapshot, claims, visit.visitor)
        deployment = db.session.get_one(Deployment, snapshot.deployment.id)
        in_window = launch.state.rung == BrowserBinding.WINDOW
        start = begin_picking(services, claims, deployment, visit.visitor, in_window=in_window)
        return OpenPage("picker.refusal" if start.refused else "picker.courses", start.token)
    if claims.message_type not in (RESOURCE_LINK, SUBMISSION_REVIEW):
        raise LaunchRejected(Reason.UNKNOWN_MESSAGE, claims.message_type)
    if visit.visitor is Visitor.STRANGER:
        raise LaunchRejected(Reason.NOT_ENROLLED)
    snapshot = keep_link(snapshot, claims, services.now())
    _note_staff(services, snapshot, claims, visit.visitor)
    if claims.message_type == SUBMISSION_REVIEW:
        return _show_review(services, _link(snapshot), claims, visit.visitor)
    if visit.visitor is Visitor.LEARNER:
        visit.visitor = _behind_the_learner(snapshot, claims, services.now())
    if visit.visitor.is_staff:
        page = _show_staff(services, _link(snapshot), claims, visit.visitor, cookies)
        send_probe(services, snapshot.platform)
        return page
    if visit.visitor is not Visitor.LEARNER:
        return _show_preview(services, _link(snapshot), claims, visit.visitor, launch.state.rung)
    return _open_activity(services, visit, claims, snapshot, launch.state.rung)


def open_as_learner(services: Services, token: str, visit: Visit) -> Shown:
    """Open the activity for a user seen as staff who pressed "I am a learner here".

    `token` is the preview's page token. Raises LaunchRejected, Unavailable or
    ConfigurationError.
    """
    page = read_page(services, token)
    claims, rung = read_claims(page)
    visit.visitor, visit.return_url = page.visitor, page.back_url
    visit.platform = registry.get_platform(page.platform_id)
    snapshot = get_snapshot(page.platform_id, claims)
    if snapshot.link is None or snapshot.deployment.status != DeploymentStatus.ACTIVE:
        db.session.rollback()
        raise LaunchRejected(Reason.PAGE_EXPIRED)
    forget_staff(snapshot.platform.identity, snapshot.link.context_id, claims.sub)
    visit.visitor = Visitor.LEARNER
    return _open_activity(services, visit, claims, snapshot, rung)


def _note_staff(
    services: Services, snapshot: LaunchSnapshot, claims: LaunchClaims, visitor: Visitor
) -> None:
    """Record a launch as staff in the current transaction."""
    if not visitor.is_staff:
        return
    context = claims.context_id
    if context is None and snapshot.link is not None:
        context = snapshot.link.context_id
    remember_staff(snapshot.platform.identity, context, claims.sub, services.now())


def _link(snapshot: LaunchSnapshot) -> ResourceLink:
    """Return the link's row as an object, for pages that are not opened often."""
    return db.session.get_one(ResourceLink, snapshot.known_link.id)


def _open_activity(
    services: Services, visit: Visit, claims: LaunchClaims, snapshot: LaunchSnapshot, rung: str
) -> OpenPlayer | OpenPage:
    """Store a learner's launch; return the player, or the page before it."""
    new_window = opens_in_window(snapshot.known_link, snapshot.platform) and not visit.in_window
    asks_first = snapshot.may_have_several or new_window
    arrival = Arrival(rung, visit.correlation_id)
    with services.call_slots.try_to_take() as free:
        opens_now = free and not asks_first
        begun = begin_launch(services, claims, snapshot, arrival, opens_now=opens_now)
        visit.launch_id = begun.launch_id
        if asks_first:
            page = _page_before(services, begun.launch_id, snapshot, claims, new_window)
            if page is not None:
                return page
        return open_player(services, begun.launch_id, begun)


def _page_before(
    services: Services,
    launch_id: int,
    snapshot: LaunchSnapshot,
    claims: LaunchClaims,
    new_window: bool,
) -> OpenPage | None:
    """Return the page before the player (attempts or a window), or None."""
    with reading():
        page = page_of(_link(snapshot), claims, Visitor.LEARNER)
        page = replace(page, data={**page.data, REVIEW: claims.sub})
        token = sign_before_player(services, page, launch_id, new_window=new_window)
    return OpenPage("launches.show_attempts", token) if token is not None else None


def open_attempt(services: Services, token: str, *, another: bool) -> OpenPlayer:
    """Open the learner's chosen attempt. Raises LaunchRejected or Unavailable."""
    _, launch_id = read_before_player(services, token)
    return open_player(services, begin_attempt(services, launch_id) if another else launch_id)


def _show_preview(
    services: Services, link: ResourceLink, claims: LaunchClaims, visitor: Visitor, rung: str
) -> OpenPage:
    """Return the preview page. Commits."""
    db.session.flush()
    page = page_of(link, claims, visitor)
    db.session.commit()
    if visitor is Visitor.SWITCHED:
        page = keep_claims(page, claims, rung)
    return OpenPage("launches.show_preview", sign_page(services, page))


def _behind_the_learner(snapshot: LaunchSnapshot, claims: LaunchClaims, now: datetime) -> Visitor:
    """Tell a real learner from staff who use a learner's role to look at the activity."""
    if is_masked(claims.custom, MASQUERADING):
        return Visitor.MASKED
    return Visitor.SWITCHED if snapshot.only_looks(now) else Visitor.LEARNER


def _show_staff(
    services: Services,
    link: ResourceLink,
    claims: LaunchClaims,
    visitor: Visitor,
    cookies: Mapping[str, str],
) -> OpenPage:
    """Return the instructor's page; an LMS admin's is bound to this browser. Commits."""
    db.session.flush()
    page, secret = page_of(link, claims, visitor), None
    if administers(claims.roles):
        secret = page_secret(cookies)
        page = replace(page, data={**page.data, ADMIN: True, BROWSER: hash_secret(secret)})
    db.session.commit()
    return OpenPage("console.link", sign_page(services, page), secret)


def _show_review(
    services: Services, link: ResourceLink, claims: LaunchClaims, visitor: Visitor
) -> OpenPage:
    """Return one learner's result page; only staff see results of others. Commits.

    LTI Submission Review 1.0: `for_user` names the learner.
    """
    whose = claims.for_user_id or claims.sub
    if whose != claims.sub and not visitor.is_staff:
        raise LaunchRejected(Reason.NOT_FOR_YOU, "a review of somebody else")
    db.session.flush()
    page = page_of(link, claims, visitor)
    page = replace(page, data={**page.data, REVIEW: whose})
    db.session.commit()
    return OpenPage("console.review", sign_page(services, page))


def open_player(services: Services, launch_id: int, begun: LaunchBegun | None = None) -> OpenPlayer:
    """Find or create a launch's registration and return the player's URL.

    Raises Busy when all of this process's slots for SCORM Cloud calls are taken, besides what
    `open_registration` raises.
    """
    with services.call_slots.take():  # once for all calls of a launch
        registration = open_registration(services, launch_id, begun)
        url = build_launch_link(services, launch_id, registration)
    if not url.startswith(("https://", "http://")):
        raise Unavailable("SCORM Cloud answered without a launch link")
    return OpenPlayer(url)


def _ask_storage(
    services: Services, state: LaunchState, visit: Visit, form: Mapping[str, str]
) -> AskStorage:
    platform = visit.platform = registry.get_platform(state.platform_id)
    check_state(services, state, form)
    assert state.storage_target is not None
    asked_at = origin(platform.authorization_url) or ""
    return AskStorage(cookie_name(state), asked_at, state.storage_target)
