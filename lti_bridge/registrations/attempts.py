"""A further attempt: offered where the activity allows it, never forced."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select

from ..core.db import db, insert_if_new
from ..core.errors import LaunchRejected, Reason
from ..platforms.accounts import account_for
from ..platforms.models import Platform
from ..scorm_cloud.progress import Success
from ..services import Services
from .create_lease import registration_values
from .grade_updates import trail
from .grading import GradingAnswer, make_policy
from .identity import attempts_for, may_begin_another
from .kept_outcomes import keep_at_launch, newest_outcome
from .launch_rows import FIRST_RECHECK
from .models import Grade, Launch, Learner, Registration, ResourceLink


@dataclass(frozen=True)
class Offer:
    """What a learner may choose: go on with attempt `newest`, or begin the next one.

    `allowed` 0 means no limit; `score` is the newest attempt's, None when it has none. `answer`
    says which attempt counts.
    """

    launch_id: int
    newest: int
    allowed: int
    score: float | None
    passed: bool | None
    answer: GradingAnswer = GradingAnswer.BEST

    @property
    def repeated(self) -> str:
        """What finishing the newest attempt again does to the grade, "" when nothing."""
        unchanged = self.answer is GradingAnswer.FIRST and self.newest > 1
        return "" if unchanged else self.answer.words.repeated


def find_offer(launch_id: int) -> Offer | None:
    """Return the choice that a launch's learner has, None when there is none to make.

    Reads only; the transaction stays the caller's.
    """
    launch = db.session.get_one(Launch, launch_id)
    registration = launch.registration
    allowed = attempts_for(registration.resource_link.attempts_allowed, _further(registration))
    outcome = newest_outcome(registration)
    if outcome is None or not may_begin_another(registration.attempt, allowed, True):
        return None
    link = registration.resource_link
    policy = make_policy(link.deployment.platform.grading_policy, link.grading_policy)
    return Offer(
        launch_id=launch_id,
        newest=registration.attempt,
        allowed=allowed,
        score=outcome.score,
        passed=None if outcome.success == Success.UNKNOWN else outcome.success == Success.PASSED,
        answer=policy.answer,
    )


def begin_attempt(services: Services, launch_id: int) -> int:
    """Begin the attempt after a launch's and return the id of a Launch that opens it. Commits.

    A second click opens the attempt that the first one began. Raises LaunchRejected
    "no_attempt_left".
    """
    now = services.now()
    before = db.session.get_one(Launch, launch_id)
    registration = before.registration
    following = _find(registration, registration.attempt + 1)
    if following is None:
        if find_offer(launch_id) is None:
            db.session.rollback()
            raise LaunchRejected(Reason.NO_ATTEMPT_LEFT)
        add_registration_row(
            registration.resource_link,
            registration.learner,
            registration.learner.platform,
            registration.course_id,
            registration.attempt + 1,
            now,
        )
        following = _find(registration, registration.attempt + 1)
        assert following is not None
    launch = Launch(
        launched_at=now,
        cookie_rung=before.cookie_rung,
        correlation_id=before.correlation_id,
        return_url=before.return_url,
        locale=before.locale,
        looks=0,
        history_looks=0,
        ended=False,
    )
    mark_launched(following, launch)
    db.session.add(launch)
    text = f"The learner began attempt {following.attempt}."
    trail(following.id, "launch", text, now, before.correlation_id)
    db.session.commit()
    return launch.id


def _further(registration: Registration) -> int:
    """Return how many attempts the learner was given beyond the activity's."""
    query = select(Grade.further_attempts).where(
        Grade.resource_link_id == registration.resource_link_id,
        Grade.learner_id == registration.learner_id,
    )
    return db.session.scalar(query) or 0


def _find(registration: Registration, attempt: int) -> Registration | None:
    """Return one attempt of the same learner, link and course, locked and read anew."""
    query = select(Registration).where(
        Registration.resource_link_id == registration.resource_link_id,
        Registration.learner_id == registration.learner_id,
        Registration.course_id == registration.course_id,
        Registration.attempt == attempt,
    )
    locked = query.with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(locked).one_or_none()


def add_registration_row(
    link: ResourceLink,
    learner: Learner,
    platform: Platform,
    course_id: str,
    attempt: int,
    now: datetime,
    account_id: int | None = None,
) -> bool:
    """Insert the row of one attempt unless it is there; tells whether it was inserted."""
    values = registration_values(
        platform_identity=platform.identity,
        link=link,
        learner_id=learner.id,
        sub=learner.sub,
        course_id=course_id,
        attempt=attempt,
        account_id=account_id or account_for(platform).id,
        now=now,
    )
    return insert_if_new(db.session, Registration, **values)


def mark_launched(registration: Registration, launch: Launch) -> None:
    """Let a launch open a registration: remember what its result must differ from."""
    unsettled = select(func.count()).where(
        Launch.registration_id == registration.id,
        Launch.exited_at.is_not(None),
        Launch.settled_at.is_(None),
    )
    launch.overlaps = bool(db.session.scalar(unsettled))
    launch.registration = registration
    launch.known_completion = registration.completion
    launch.known_success = registration.success
    launch.known_score = registration.score_scaled
    for name, value in keep_at_launch().items():
        setattr(registration, name, value)
    registration.launched_at = launch.launched_at
    registration.recheck_at = launch.launched_at + FIRST_RECHECK
