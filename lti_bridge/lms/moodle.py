"""Moodle: its differences from the specifications; docs/developer/lms/moodle.md has them all."""

from ..core.sentences import coded
from . import generic
from .base import Lms
from .readings import HeldGrade, Outgoing, Post, Verdict, judge_found
from .score_replies import Outcome, Reply, ScoreRejected

_USER = coded(
    "moodle_user",
    "Moodle does not take a score for this user: they are not a graded participant of the course "
    "(not enrolled, or enrolled as a teacher).",
)
_LOCKED = coded(
    "moodle_locked",
    "The grade or the column is locked in the gradebook. When it is unlocked, the score is sent.",
)


def read_reply(reply: Reply) -> Outcome:
    """Return what Moodle's reply to a score means.

    Measured on Moodle 4.5.6: success is 200 with an empty body; a refusal whose reason phrase has
    a line break arrives as 200 with the rest of the header block as its body; a locked grade or
    column is 500 with "[]". A user who cannot be graded is 400
    (https://github.com/moodle/moodle/blob/MOODLE_405_STABLE/mod/lti/service/gradebookservices/classes/local/resources/scores.php).
    """
    body = reply.excerpt.strip()
    if reply.status == 400 or (reply.status == 200 and body and not generic.is_page(reply)):
        return ScoreRejected(_USER)
    if reply.status == 500 and body == "[]":
        return ScoreRejected(_LOCKED)
    return generic.read_reply(reply)


def judge_reading(cell: HeldGrade, outgoing: Outgoing) -> Verdict:
    """Return what a cell's content before the first score means.

    Moodle protects an overridden cell itself, so only a grade from a restored course needs a check
    (measured on Moodle 4.5.6). An entry without a score is 0 or empty.
    """
    if not cell.score or (outgoing.sent and not outgoing.found):
        return Post()
    return judge_found(cell.score, outgoing)


MOODLE = Lms(
    key="moodle",
    label="Moodle",
    name="Moodle",
    family_codes=frozenset({"moodle"}),
    read_reply=read_reply,
    parallel_posts=generic.parallel_posts,
    judge_reading=judge_reading,
    keeps_overrides=True,
    # `resultMaximum` is from the time of posting, `resultScore` on the current scale (measured).
    rescales=True,
)
