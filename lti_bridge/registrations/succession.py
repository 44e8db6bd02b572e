"""Succession: move registrations to a tool that was installed again in the LMS."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select, update

from ..core.db import db
from ..core.errors import ConfigurationError
from ..core.plain_text import full_name
from ..platforms.models import Deployment, DeploymentStatus, Platform
from ..services import Services
from .models import Grade, Learner, ResourceLink

NAMES_SHOWN = 10
Pair = tuple[Deployment, Deployment]  # the new one, the old one


@dataclass(frozen=True)
class Succession:
    """The effects of a succession.

    `links` and `learners` count what is taken over, `names` are some of those learners.
    `left_behind` counts links already opened in the new installation: registrations made there are
    no longer used, since launches resume the old ones.
    """

    pairs: Sequence[Pair]
    links: int
    learners: int
    names: Sequence[str]
    left_behind: int


def plan_deployment(platform: Platform, new_id: str, old_id: str) -> Succession:
    """Return the effects of one deployment succeeding another of the same platform.

    Raises ConfigurationError.
    """
    new, old = _deployment(platform, new_id), _deployment(platform, old_id)
    if new.id == old.id:
        raise ConfigurationError("a deployment cannot succeed itself")
    return _plan([(new, old)])


def plan_platform(new: Platform, old: Platform) -> Succession:
    """Return the effects of a platform succeeding an old one: same LMS, new client id.

    Deployments are paired by id, or when each platform has only one. Raises ConfigurationError.
    """
    if new.id == old.id:
        raise ConfigurationError("a platform cannot succeed itself")
    known = {deployment.deployment_id: deployment for deployment in old.deployments}
    pairs = [(d, known[d.deployment_id]) for d in new.deployments if d.deployment_id in known]
    if not pairs and len(new.deployments) == len(old.deployments) == 1:
        pairs = [(new.deployments[0], old.deployments[0])]
    if not pairs:
        raise ConfigurationError(
            "no deployment of the new platform fits one of the old: launch once from the new "
            "installation, or add its deployment, then try again"
        )
    return _plan(pairs)


def succeed_deployment(plan: Succession) -> None:
    """Give the new deployment the old identity, and so its registrations. Commits."""
    _hand_over(plan.pairs)
    db.session.commit()


def succeed_platform(services: Services, plan: Succession, new: Platform, old: Platform) -> None:
    """Move identity, learners and grades to the new platform; disable the old. Commits."""
    given, kept = old.identity, new.identity
    # Identities are unique: the old platform gets a temporary one first.
    for row, identity in ((old, f"{old.id:036d}"), (new, given), (old, kept)):
        row.identity = identity
        db.session.flush()
    old.disabled_at, new.succeeds_id = services.now(), old.id
    db.session.execute(
        update(Learner).where(Learner.platform_identity == given).values(platform_id=new.id)
    )
    db.session.execute(update(Grade).where(Grade.platform_id == old.id).values(platform_id=new.id))
    _hand_over(plan.pairs)
    db.session.commit()


def _hand_over(pairs: Sequence[Pair]) -> None:
    for new, old in pairs:
        new.identity, new.succeeds_id = old.identity, old.id
        new.status = DeploymentStatus.ACTIVE
        # Waiting scores get tokens from the new installation at once.
        links = update(ResourceLink).where(ResourceLink.deployment_id == old.id)
        db.session.execute(links.values(deployment_id=new.id))


def _plan(pairs: Sequence[Pair]) -> Succession:
    followed = [old.identity for _, old in pairs]
    following = [new.identity for new, old in pairs if new.identity != old.identity]
    links = select(ResourceLink.id).where(ResourceLink.deployment_identity.in_(followed))
    learners = (
        select(Learner)
        .join(Grade, Grade.learner_id == Learner.id)
        .where(Grade.resource_link_id.in_(links))
        .distinct()
    )
    shown = db.session.scalars(learners.order_by(Learner.id).limit(NAMES_SHOWN)).all()
    return Succession(
        pairs=tuple(pairs),
        links=_count(links),
        learners=_count(learners.with_only_columns(Learner.id).order_by(None)),
        names=[full_name(one.first_name, one.last_name) or f"user {one.sub}" for one in shown],
        left_behind=_count(
            select(ResourceLink.id).where(ResourceLink.deployment_identity.in_(following))
        ),
    )


def _count(query: Select[int]) -> int:
    return db.session.scalar(select(func.count()).select_from(query.subquery())) or 0


def _deployment(platform: Platform, deployment_id: str) -> Deployment:
    query = select(Deployment).where(
        Deployment.platform_id == platform.id, Deployment.deployment_id == deployment_id
    )
    row = db.session.scalars(query).one_or_none()
    if row is None:
        raise ConfigurationError(f"platform {platform.name} has no deployment {deployment_id}")
    return row
