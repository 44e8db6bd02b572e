"""Decide what the exit page tells a learner about the grade."""

from dataclasses import dataclass, replace

from ...core.sentences import N_, Sentence
from ...registrations.grading import GradingAnswer
from ...scorm_cloud.progress import Completion, CourseOutcome, Success
from .score_states import ScoreState, Standing

COLLECTING, SCORED, SENT, DONE = 0, 1, 2, 3
PASSED, FAILED = N_("Passed"), N_("Failed")
VERDICTS: dict[str, str] = {Success.PASSED: PASSED, Success.FAILED: FAILED}
# The LMS may hide the grade that stands from learners, so its value is not shown.
SET_IN_LMS = N_("A grade set in the LMS stands; look in the gradebook of your course.")
SHOWN_LATER = N_("It was accepted and is shown in the gradebook later.")
MAY_CLOSE = N_("You can close this page; it goes on by itself.")
GO_ON = N_("You can open the activity again and go on where you left.")
TRY_AGAIN = N_("You have another attempt: open the activity again to use it.")
COUNTS_FOR_NOW = N_("The course is not finished: a later result takes the place of this one.")


@dataclass(frozen=True)
class ShownScore:
    """The newest score of the launched course.

    `given` of 100; `fresh`: decided since the launch, or the course is still open; `tried`: it was
    posted at least once; `standing`: that of an accepted score; `seen`: the LMS showed it.
    """

    state: ScoreState
    given: float
    reason: str
    fresh: bool
    tried: bool = False
    standing: Standing | None = None
    seen: bool = False


@dataclass(frozen=True)
class ExitFacts:
    """The inputs of the decision.

    `expired`: details are no longer shown; `looking`: a result may still arrive by itself;
    `report`: the attempt's outcome in SCORM Cloud, `changed` by this visit, `read` since its end.
    `waits_for_line_item`: the LMS has no column yet; `retry_planned`: the next post is scheduled;
    `resting`: the text of a pause that the LMS asked for, or "". `answer` is the grading policy's;
    `attempts_left`: the learner may begin another attempt. `decision` is the reason of the newest
    decision.
    """

    expired: bool = False
    looking: bool = False
    report: CourseOutcome = CourseOutcome(Completion.UNKNOWN, Success.UNKNOWN, None)
    changed: bool = False
    read: bool = False
    score: ShownScore | None = None
    waits_for_line_item: bool = False
    retry_planned: bool = False
    resting: str = ""
    answer: GradingAnswer = GradingAnswer.BEST
    attempts: int = 1
    attempts_left: bool = False
    decision: str = ""
    back_url: str | None = None
    locale: str | None = None

    @property
    def is_unfinished(self) -> bool:
        """The learner left an unfinished course, as far as is known: no result is expected."""
        return self.read and not self.report.is_outcome

    @property
    def is_told(self) -> bool:
        """Whether the course's passed or failed belongs to this visit, or is final."""
        return self.changed or not self.looking


@dataclass(frozen=True, kw_only=True)
class ExitPage:
    """What the exit page shows at one moment.

    `step` is 0 to 3; `final`: it will not change soon, so the page stops polling. `verdict` is
    passed or failed in words, `notes` are further sentences.
    """

    step: int
    title: str
    text: str
    tone: str  # busy | good | neutral | wait | problem
    score: float | None = None  # of 100
    final: bool = False
    closed: bool = False
    verdict: str = ""
    notes: tuple[str, ...] = ()
    attempts: int = 1
    back_url: str | None = None
    locale: str | None = None  # of the launch


def decide_exit_page(facts: ExitFacts) -> ExitPage:
    """Return the exit page for the newest decision about the grade."""
    page = replace(
        _decide(facts), attempts=facts.attempts, back_url=facts.back_url, locale=facts.locale
    )
    if page.closed or page.step == COLLECTING or not facts.is_told or _is_another(page, facts):
        return page
    verdict = VERDICTS.get(facts.report.success, "")
    if verdict != FAILED:
        return replace(page, verdict=verdict)
    tone = "neutral" if page.tone == "good" else page.tone
    notes = (*page.notes, TRY_AGAIN) if facts.attempts_left else page.notes
    return replace(page, verdict=verdict, tone=tone, notes=notes)


def _is_another(page: ExitPage, facts: ExitFacts) -> bool:
    """Tell whether the page's score is not this attempt's, so that its verdict does not fit."""
    mine = facts.report.score
    return None not in (mine, page.score) and mine != page.score


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
    if score is not None and score.state == ScoreState.QUEUED:
        return _on_its_way(facts, score)
    if facts.looking and (score is None or not score.fresh):
        return _collecting(facts)
    if score is not None and score.state == ScoreState.PARKED:
        return _not_taken(facts, score)
    if score is not None and score.state == ScoreState.ACCEPTED:
        return _accepted(facts, score)
    if score is not None:
        return ExitPage(
            step=SCORED,
            title=N_("Another grade stands in the gradebook"),
            text=SET_IN_LMS,
            tone="wait",
            final=not facts.looking,
        )
    if facts.is_unfinished:
        return _unfinished(facts)
    return ExitPage(
        step=COLLECTING,
        title=N_("No grade yet"),
        text=facts.decision or N_("The course has not reported a result yet."),
        notes=() if facts.report.completion == Completion.COMPLETED else (GO_ON,),
        tone="wait",
        final=not facts.looking,
    )


def _not_taken(facts: ExitFacts, score: ShownScore) -> ExitPage:
    return ExitPage(
        step=SENT,
        title=N_("Your result is safe, but the gradebook did not take it"),
        text=score.reason,
        notes=(N_("Your instructor or LMS admin can send it again."),),
        tone="problem",
        score=score.given,
        final=not facts.looking,
    )


def _collecting(facts: ExitFacts) -> ExitPage:
    if facts.is_unfinished:
        return _unfinished(facts)
    text = N_("The course hands over your result. This usually takes a few seconds.")
    if facts.changed and facts.report.is_outcome:
        text = N_("The course has said how it ended; its score may still come.")
    return ExitPage(
        step=COLLECTING,
        title=N_("Collecting your result"),
        text=text,
        notes=(MAY_CLOSE,),
        tone="busy",
    )


def _unfinished(facts: ExitFacts) -> ExitPage:
    """Return the page for an unfinished course; a late result may still change it."""
    text = N_("The course says that you have not finished it. You can close this page.")
    return ExitPage(
        step=COLLECTING,
        title=N_("Not finished yet"),
        text=text,
        notes=(GO_ON,),
        tone="wait",
        final=not facts.looking,
    )


def _on_its_way(facts: ExitFacts, score: ShownScore) -> ExitPage:
    title = N_("Your result is on its way")
    if facts.waits_for_line_item:
        return ExitPage(
            step=SCORED,
            title=N_("Your result is safe"),
            text=facts.decision or N_("The activity has no gradebook column yet."),
            notes=(MAY_CLOSE,),
            tone="wait",
            score=score.given,
            final=not facts.looking,
        )
    if facts.resting or (score.tried and facts.retry_planned):
        return ExitPage(
            step=SENT,
            title=title,
            text=facts.resting or facts.decision or N_("It is tried again soon."),
            notes=(N_("You need not wait: it is sent by itself."),),
            tone="wait",
            score=score.given,
        )
    text = N_("It is being written to the gradebook.")
    return ExitPage(
        step=SENT, title=title, text=text, notes=(MAY_CLOSE,), tone="busy", score=score.given
    )


def _accepted(facts: ExitFacts, score: ShownScore) -> ExitPage:
    if score.standing in (Standing.KEPT, Standing.NO_FINAL, Standing.PENDING):
        return ExitPage(
            step=DONE,
            title=N_("The LMS has your result"),
            text=SHOWN_LATER if score.standing == Standing.PENDING else SET_IN_LMS,
            tone="wait",
            final=not facts.looking,
        )
    if facts.is_unfinished and not score.fresh:
        return ExitPage(
            step=DONE,
            title=N_("Not finished yet"),
            text=N_("The course says that you have not finished it. Your grade stays as it was."),
            notes=(GO_ON,),
            tone="wait",
            score=score.given,
            final=True,
        )
    title = N_("Your grade stays as it was")
    text = N_("This visit did not change it. You can open the activity again at any time.")
    if score.fresh:
        title = N_("Your grade is in the gradebook") if score.seen else N_("The LMS has your grade")
        text = N_("You can close this page or go back to your course.")
    notes = [_counted(facts, score)]
    if score.fresh and facts.report.is_provisional:
        notes.append(COUNTS_FOR_NOW)
    return ExitPage(
        step=DONE,
        title=title,
        text=text,
        notes=tuple(note for note in notes if note),
        tone="good",
        score=score.given,
        final=not facts.looking,
    )


def _counted(facts: ExitFacts, score: ShownScore) -> str:
    """Return which score counts, if it is not this visit's, else ""."""
    mine = facts.report.score
    if not facts.changed or mine is None or not facts.report.is_outcome or mine == score.given:
        return ""
    return Sentence(facts.answer.words.counted).fill(score=mine, counts=score.given)
