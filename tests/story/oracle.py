"""What the gradebook must show, by the table of decisions alone; no code of the bridge."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class State:
    """What SCORM Cloud showed at some time."""

    completion: str
    success: str
    score: float | None

    @property
    def real(self) -> float | None:
        """The score, if this is a result: completed, or passed."""
        is_result = self.completion == "COMPLETED" or self.success == "PASSED"
        return None if self.score is None or not is_result else min(100.0, max(0.0, self.score))

    def inferred(self, completion: str) -> float | None:
        """What stands in for a result, under `completion` = full_marks or no_grade."""
        if self.score is not None and self.real is not None:
            return None
        if self.success == "FAILED" and self.completion != "COMPLETED":
            return None if self.score is None else min(100.0, max(0.0, self.score))
        if self.success == "PASSED":
            return 100.0
        if self.completion != "COMPLETED":
            return None
        if self.success == "FAILED":
            return 0.0
        return 100.0 if completion == "full_marks" else None


def allowed_grades(
    now: State,
    known: Iterable[State],
    passing: Iterable[State],
    before: float | None,
    *,
    answer: str,
    completion: str,
) -> set[float | None]:
    """Return what the gradebook may show for one attempt when everything is quiet.

    `now` is what SCORM Cloud shows; `known` it showed at earlier quiet times, so the bridge has
    seen it; `passing` it showed in between, so the bridge may have seen it. `before` is what the
    gradebook showed at the last quiet time.
    """
    known = list(known)
    passing = list(passing)
    known_reals = {state.real for state in known if state.real is not None}
    maybe = known_reals | {state.real for state in passing if state.real is not None}
    if now.real is not None:
        best = max(known_reals | {now.real})
        return {now.real} if answer == "latest" else {best} | {s for s in maybe if s > best}
    if known_reals:  # wiped at SCORM Cloud since: what counted once stays
        best = max(known_reals)
        return {score for score in maybe if answer == "latest" or score >= best}
    guess = now.inferred(completion)
    if guess is not None:
        return {guess, *maybe}
    # Nothing is sent now; what was sent on the way here stays.
    shown = [*known, *passing]
    guesses = {s.inferred(rule) for s in shown for rule in ("full_marks", "no_grade")}
    return {before, *maybe, *(guesses - {None})}


@dataclass(frozen=True)
class Teacher:
    """What a person did with the cell last. `may_lose`: a score may have come after it."""

    acted: bool = False
    score: float | None = None
    may_lose: bool = False


def allowed_cells(
    progress: set[float | None],
    teacher: Teacher,
    floor: float | None,
    *,
    posted: Iterable[float],
    seen: Iterable[State],
    forgotten: Iterable[float | None] = (),
) -> set[float | None]:
    """Return what the gradebook may show when people and restores have a part in it.

    `progress` is what progress alone allows. What a person set stays; one who typed the very
    number that the bridge sends cannot be told from it, and neither can the higher of the two
    that stood before the bridge's first score (`floor`), which `posted` went over. A grade of a
    person that an older database does not know of (`forgotten`) counts as the bridge's own.
    """
    cells = progress
    if floor is not None:
        raised = any(score > floor for score in posted)
        cells = {score for score in progress if raised or (score is not None and score >= floor)}
        if raised is False and any(score is None or score <= floor for score in progress):
            cells.add(floor)
        cells = cells or {floor}
    if not teacher.acted:
        return cells
    numbers = {state.real for state in seen} | {
        state.inferred(rule) for state in seen for rule in ("full_marks", "no_grade")
    }
    if teacher.may_lose or teacher.score in numbers - {None}:
        return {*cells, teacher.score, *forgotten}
    return {teacher.score}
