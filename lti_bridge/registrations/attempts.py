"""Further attempts, which a learner may begin where the activity allows them."""

from dataclasses import dataclass

from sqlalchemy import select

from ..core.db import db
from ..core.errors import LaunchRejected, Reason
from ..platforms.accounts import account_for
from ..scorm_cloud.progress import Success
from ..services import Services
from .grade_updates import trail
from .grading import GradingAnswer, make_policy
from .identity import attempts_for, may_begin_another
from .kept_outcomes import newest_outcome
from .models import Grade, Launch, Registration
from .open_registration import add_launch, find_attempt, make_attempt, renew_registration


@dataclass(frozen=True)
class Offer:
    """A learner's choice: continue attempt `newest`, or begin the next one.

    `allowed` 0 means no limit; `score` is the newest attempt's, None without one. `answer` is the
    policy's choice of which attempt counts.
    """

    launch_id: int
    newest: int
    allowed: int
    score: float | None
    passed: bool | None
    answer: GradingAnswer = GradingAnswer.BEST

    @property
    def repeated(self) -> str:
        """How repeating the newest attempt changes the grade, "" when it does not."""
        unchanged = self.answer is GradingAnswer.FIRST and self.newest > 1
        return "" if unchanged else self.answer.words.repeated


def find_offer(launch_id: int) -> Offer | None:
    """Return the choice that a launch's learner has, or None.

    Reads only, in the caller's transaction.
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
    """Begin the attempt after a launch's; returns the id of a new Launch that opens it. Commits.

    Called twice, it opens the same attempt. Raises LaunchRejected "no_attempt_left" or
    "resume_invalid".
    """
    now = services.now()
    before = db.session.get_one(Launch, launch_id)
    registration = before.registration
    number = registration.attempt + 1
    row_id = find_attempt(registration, number)
    if row_id is None:
        if find_offer(launch_id) is None:
            db.session.rollback()
            raise LaunchRejected(Reason.NO_ATTEMPT_LEFT)
        account = account_for(registration.learner.platform)
        row_id = make_attempt(registration, number, account.id, now)
    following = renew_registration(row_id, now)
    new_id = add_launch(
        following,
        now,
        cookie_rung=before.cookie_rung,
        correlation_id=before.correlation_id,
        return_url=before.return_url,
        locale=before.locale,
    )
    text = f"The learner began attempt {number}."
    trail(following.id, "launch", text, now, before.correlation_id)
    db.session.commit()
    return new_id


def _further(registration: Registration) -> int:
    """Return the number of attempts granted to the learner beyond the activity's."""
    query = select(Grade.further_attempts).where(
        Grade.resource_link_id == registration.resource_link_id,
        Grade.learner_id == registration.learner_id,
    )
    return db.session.scalar(query) or 0
