"""The grading policy: how a link's attempts become one grade, and its texts."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from ..core.sentences import N_

_REPEATED = N_(
    "If you finish attempt {number} again, its new result takes the place of the old one, and your "
    "grade may change."
)


@dataclass(frozen=True)
class AnswerWords:
    """The texts of an answer: `label` for staff, the others for learners.

    `counted` is shown after an exit, `offered` before another attempt, `repeated` before an
    attempt is finished again.
    """

    label: str
    counted: str
    offered: str
    repeated: str = _REPEATED


class GradingAnswer(StrEnum):
    """Which of a learner's attempts is the grade."""

    BEST = "best"
    LATEST = "latest"
    FIRST = "first"
    AVERAGE = "average"

    @property
    def is_of_one_attempt(self) -> bool:
        """Whether the grade is the value of a single attempt."""
        return self in (GradingAnswer.BEST, GradingAnswer.LATEST, GradingAnswer.FIRST)

    @property
    def label(self) -> str:
        """The text for staff."""
        return self.words.label

    @property
    def words(self) -> AnswerWords:
        """All texts of this answer."""
        match self:
            case GradingAnswer.BEST:
                return AnswerWords(
                    "The best attempt",
                    N_("You scored {score} this time. Your best, {counts}, counts."),
                    N_("Your best attempt counts for your grade, so a new one cannot lower it."),
                    N_("If you finish attempt {number} again, the better of its results counts."),
                )
            case GradingAnswer.LATEST:
                return AnswerWords(
                    "The newest attempt",
                    N_("You scored {score} this time. Your newest attempt, {counts}, counts."),
                    N_(
                        "Your newest attempt with a result counts for your grade: a new one can "
                        "raise it or lower it."
                    ),
                )
            case GradingAnswer.FIRST:
                return AnswerWords(
                    "The first attempt that has a result",
                    N_("You scored {score} this time. Your first attempt, {counts}, counts."),
                    N_(
                        "Your first attempt counts for your grade: a new one is for practice and "
                        "does not change it."
                    ),
                )
            case GradingAnswer.AVERAGE:
                return AnswerWords(
                    "The average of all attempts",
                    N_(
                        "You scored {score} this time. The average of your attempts, {counts}, "
                        "counts."
                    ),
                    N_(
                        "Your grade is the average of your attempts: a new one can raise it or "
                        "lower it."
                    ),
                )


class UnscoredCompletion(StrEnum):
    """The grade of a completed attempt without score and without passed or failed."""

    FULL_MARKS = "full_marks"
    NO_GRADE = "no_grade"

    @property
    def label(self) -> str:
        """The text for staff."""
        if self is UnscoredCompletion.FULL_MARKS:
            return "Full marks for completing it"
        return "No grade"


class UnfinishedScore(StrEnum):
    """Whether scores of unfinished attempts are sent."""

    NONE = "none"
    SEND = "send"

    @property
    def label(self) -> str:
        """The text for staff."""
        if self is UnfinishedScore.SEND:
            return "The score so far, whenever it changes"
        return "Nothing until the course says it is completed, passed or failed"


class TeacherGrade(StrEnum):
    """What happens to a grade that a person has set in the LMS."""

    KEEP = "keep"
    REPLACE = "replace"

    @property
    def label(self) -> str:
        """The text for staff."""
        if self is TeacherGrade.KEEP:
            return "Keep the teacher's grade"
        return "Replace it with the course's"


@dataclass(frozen=True)
class GradingPolicy:
    """How a resource link's attempts become one grade; `scoreMaximum` is always 100.

    `teacher_grade` does not change the decided score, only whether it is sent.
    """

    answer: GradingAnswer = GradingAnswer.BEST
    completion: UnscoredCompletion = UnscoredCompletion.FULL_MARKS
    partial: UnfinishedScore = UnfinishedScore.NONE
    teacher_grade: TeacherGrade = TeacherGrade.KEEP


POLICY_PARTS = tuple(one.name for one in fields(GradingPolicy))


def make_policy(*layers: Mapping[str, Any] | None) -> GradingPolicy:
    """Merge policy layers: later ones win; absent and unknown values are ignored."""
    merged: dict[str, Any] = {}
    for layer in layers:
        for name in POLICY_PARTS:
            kind: type[StrEnum] = type(getattr(_USUAL, name))
            if layer and layer.get(name) in list(kind):
                merged[name] = kind(layer[name])
    return GradingPolicy(**merged)


_USUAL = GradingPolicy()
