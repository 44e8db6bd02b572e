"""What the exit page tells a learner: where their grade is on its way home."""

from dataclasses import dataclass, replace

from ...web.sentences import N_
from .score_states import ACCEPTED, KEPT, NO_FINAL, PARKED, PENDING, QUEUED

COLLECTING, SCORED, SENT, DONE = 0, 1, 2, 3
# What stands may be hidden from learners in the LMS: they read no figure of it.
SET_IN_LMS = N_("A grade set in the LMS stands; look in the gradebook of your course.")
SHOWN_LATER = N_("It was accepted and is shown in the gradebook later.")


@dataclass(frozen=True)
class ShownScore:
    """The newest score of the course that was launched.

    `given` of 100; `fresh`: decided since the launch, or the course is still open; `tried`: it
    was posted at least once; `standing`: how it stands since it was accepted.
    """

    state: str
    given: float
    reason: str
    fresh: bool
    tried: bool = False
    standing: str | None = None


@dataclass(frozen=True)
class ExitFacts:
    """What the page is decided by.

    `expired`: the details are no longer shown; `looking`: a result may still come in by itself;
    `waits_for_line_item`: the LMS has no column yet; `retry_planned`: the next post has a time.
    `decision` is the sentence that the last decision about the grade left, in English.
    """

    expired: bool = False
    looking: bool = False
    score: ShownScore | None = None
    waits_for_line_item: bool = False
    retry_planned: bool = False
    decision: str = ""
    back_url: str | None = None
    locale: str | None = None


@dataclass(frozen=True, kw_only=True)
class ExitPage:
    """One moment of the way home.

    `step` counts 0 to 3; `final` says that nothing will change soon, so the page stops asking.
    """

    step: int
    title: str
    text: str
    tone: str  # busy | good | wait | problem
    score: float | None = None  # of 100
    final: bool = False
    closed: bool = False
    more: str = ""  # a second sentence
    back_url: str | None = None
    locale: str | None = None  # of the launch


def decide_exit_page(facts: ExitFacts) -> ExitPage:
    """Return what the learner sees."""
    return replace(_decide(facts), back_url=facts.back_url, locale=facts.locale)


def _decide(facts: ExitFacts) -> ExitPage:
    score = facts.score
    if facts.expired:
        return ExitPage(
            step=DONE,
            title=N_("This page has closed"),
            text=N_("Its details are no longer shown here. Look in the gradebook of your course."),
            tone="wait",
            final=True,
            closed=True,
        )
    if score is not None and score.state == QUEUED:
        return _on_its_way(facts, score)
    if score is not None and score.state == PARKED:
        return ExitPage(
            step=SENT,
            title=N_("Your result is safe, but the gradebook did not take it"),
            text=score.reason,
            more=N_("Your instructor or LMS admin can send it again."),
            tone="problem",
            score=score.given,
            final=True,
        )
    if facts.looking and (score is None or not score.fresh):
        return ExitPage(
            step=COLLECTING,
            title=N_("Collecting your result"),
            text=N_("The course hands over your result. This usually takes a few seconds."),
            tone="busy",
        )
    if score is not None and score.state == ACCEPTED:
        return _in_the_gradebook(facts, score)
    if score is not None and score.fresh:
        return ExitPage(
            step=DONE,
            title=N_("Another grade stands in the gradebook"),
            text=SET_IN_LMS,
            tone="wait",
            final=not facts.looking,
        )
    return ExitPage(
        step=COLLECTING,
        title=N_("No grade yet"),
        text=facts.decision or N_("The course has not reported a result yet."),
        more=N_("You can open the activity again and go on where you left."),
        tone="wait",
        final=not facts.looking,
    )


def _on_its_way(facts: ExitFacts, score: ShownScore) -> ExitPage:
    if facts.waits_for_line_item:
        return ExitPage(
            step=SCORED,
            title=N_("Your result is safe"),
            text=facts.decision or N_("The activity has no gradebook column yet."),
            tone="wait",
            score=score.given,
            final=True,
        )
    title = N_("Your result is on its way")
    if score.tried and facts.retry_planned:
        return ExitPage(
            step=SENT,
            title=title,
            text=facts.decision,
            more=N_("You need not wait: it is sent by itself."),
            tone="wait",
            score=score.given,
        )
    text = N_("It is being written to the gradebook.")
    return ExitPage(step=SENT, title=title, text=text, tone="busy", score=score.given)


def _in_the_gradebook(facts: ExitFacts, score: ShownScore) -> ExitPage:
    if score.standing in (KEPT, NO_FINAL, PENDING):
        return ExitPage(
            step=DONE,
            title=N_("The LMS has your result"),
            text=SHOWN_LATER if score.standing == PENDING else SET_IN_LMS,
            tone="wait",
            final=not facts.looking,
        )
    if score.fresh:
        return ExitPage(
            step=DONE,
            title=N_("Your grade is in the gradebook"),
            text=N_("You can close this page or go back to your course."),
            tone="good",
            score=score.given,
            final=not facts.looking,
        )
    return ExitPage(
        step=DONE,
        title=N_("Your grade stays as it was"),
        text=N_("This visit did not change it. You can open the activity again at any time."),
        tone="good",
        score=score.given,
        final=True,
    )
