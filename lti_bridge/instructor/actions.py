"""Actions of instructors on the grades of their activity, recorded in the audit log."""

from collections.abc import Callable, Sequence

from sqlalchemy import select

from ..audit.log import record
from ..core.db import db, reading
from ..core.errors import PageRefused, Reason
from ..passback.actions import by_hand, comparison
from ..passback.learner_state import ATTENTION
from ..passback.rules.drift import ASKED_ABOUT, OTHER_STANDS
from ..registrations.models import Grade
from ..services import Services
from ..web.page_tokens import PageToken
from .activity import LinkFacts, load_facts, require_manager, require_staff
from .roster import LearnerRow, load_learners

Act = Callable[[Services, int, str], str | None]
# Each button's function and its audit log text.
ACTS: dict[str, tuple[Act, str]] = {
    "reread": (by_hand.read_again, "asked to read the result again"),
    "resend": (by_hand.resend, "asked to send the grade again"),
    "another": (by_hand.allow_another_attempt, "allowed another attempt"),
}
# Selections of grades to send again: those that need attention, all, or after a comparison with the
# gradebook the lost ones or those that differ.
COMPARED = {"lost": ASKED_ABOUT, "other": OTHER_STANDS}
WHICH = ("attention", "all", *COMPARED)
SEND_AGAIN = {"lost": comparison.send_lost_again, "other": comparison.send_all_again}


def act_on(services: Services, page: PageToken, learner_id: int, action: str) -> None:
    """Carry out one of the buttons of a learner's grade. Commits.

    Raises PageRefused, or Refused when the action is not possible now.
    """
    require_manager(page)
    with reading():
        facts = load_facts(page)
        if action not in ACTS:
            raise PageRefused(Reason.PAGE_EXPIRED, f"no act {action}")
        grade_id = _find_grade(facts, learner_id)
    do, said = ACTS[action]
    _record(services, page, action, f"grade {grade_id}", said)
    do(services, grade_id, who(page))


def _find_grade(facts: LinkFacts, learner_id: int) -> int:
    query = select(Grade.id).where(
        Grade.resource_link_id == facts.link_id, Grade.learner_id == learner_id
    )
    grade_id = db.session.scalar(query)
    if grade_id is None:  # of another activity, or erased
        raise PageRefused(Reason.PAGE_EXPIRED)
    return grade_id


def find_to_resend(services: Services, page: PageToken, which: str) -> tuple[LinkFacts, list[int]]:
    """Return the ids of the grades that would be sent again, those with a decided score.

    Raises PageRefused.
    """
    require_manager(page)
    if which not in WHICH:
        raise PageRefused(Reason.PAGE_EXPIRED, f"no choice {which}")
    with reading():
        facts = load_facts(page)
    with reading():
        if which in COMPARED:
            return facts, comparison.find_grades(facts.link_id, COMPARED[which])
        learners = load_learners(facts.link_id, facts.course_id, None, now=services.now())
    return facts, _decided(learners, which)


def _decided(learners: Sequence[LearnerRow], which: str) -> list[int]:
    return [
        one.grade_id
        for one in learners
        if one.grade_id is not None
        and one.state.score is not None
        and (which == "all" or one.state.label == ATTENTION)
    ]


def resend_many(services: Services, page: PageToken, which: str) -> int:
    """Decide and send the grades again; returns how many. Commits. Raises PageRefused."""
    facts, grade_ids = find_to_resend(services, page, which)
    if grade_ids:
        said = f"asked to send {len(grade_ids)} of the activity's grades again"
        _record(services, page, "resend", f"link {facts.link_id}", said)
        if which in SEND_AGAIN:
            return SEND_AGAIN[which](services, facts.link_id, who(page))
        by_hand.resend_all(services, grade_ids, who(page))
    return len(grade_ids)


def compare(services: Services, page: PageToken) -> None:
    """Compare the activity with its gradebook and store the result. Commits.

    Raises PageRefused.
    """
    require_manager(page)
    with reading():
        facts = load_facts(page)
    said = "asked to compare the activity with its gradebook"
    _record(services, page, "compare", f"link {facts.link_id}", said)
    db.session.commit()
    comparison.compare_now(services, facts.link_id)


def leave(services: Services, page: PageToken) -> int:
    """Mark the grades that the gradebook has lost as left; returns how many. Commits.

    Raises PageRefused.
    """
    require_manager(page)
    with reading():
        facts = load_facts(page)
    said = "left the grades as they are that the gradebook had lost"
    _record(services, page, "leave", f"link {facts.link_id}", said)
    count = comparison.leave_lost(services, facts.link_id, who(page))
    if not count:
        db.session.rollback()
    return count


def load_gradebook(page: PageToken) -> tuple[LinkFacts, comparison.Comparison]:
    """Return the newest comparison of the activity. Raises PageRefused."""
    require_staff(page)
    with reading():
        facts = load_facts(page)
        found = comparison.load_comparison(facts.link_id)
    return facts, found


def who(page: PageToken) -> str:
    """Return the name of the page's user in a learner's history."""
    return f"The {page.visitor} {page.sub}"


def _record(services: Services, page: PageToken, action: str, subject: str, said: str) -> None:
    """Add to the audit log in the action's transaction: a refused one leaves no entry."""
    actor = f"{page.visitor} {page.sub}"
    record(actor, action, subject, said, now=services.now(), platform_id=page.platform_id)


def record_change(
    services: Services, page: PageToken, action: str, link_id: int, said: str
) -> None:
    """Add a change of an activity to the audit log, in the caller's transaction."""
    _record(services, page, action, f"link {link_id}", said)
