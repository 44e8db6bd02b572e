"""What a cell of the gradebook means for a score on its way: the table, row by row, by LMS."""

from dataclasses import replace
from typing import Any

import pytest

from lti_bridge.lms.canvas import EXTENSION
from lti_bridge.lms.readings import (
    HeldGrade,
    Outgoing,
    Post,
    Reading,
    Unclear,
    Verdict,
    judge_repeat,
)
from lti_bridge.lms.registry import KEYS, get_lms
from lti_bridge.lms.score_replies import Accepted, Superseded
from lti_bridge.lti.values import LmsResult

NO_ENTRY, EMPTY = HeldGrade(), HeldGrade(exists=True)
FIRST = Outgoing(80)
LATER = Outgoing(80, ours=(60,), sent=True)
BOTH = ("keep", "replace")


def held(score: float, *, by_person: bool = False) -> HeldGrade:
    return HeldGrade(exists=True, score=score, by_person=by_person)


# LMSs, what was sent, what stands, the verdict under keep, the verdict under replace
TABLE: list[tuple[str, Outgoing, HeldGrade, type[Verdict], type[Verdict]]] = [
    ("canvas moodle generic", FIRST, NO_ENTRY, Post, Post),
    ("canvas moodle generic", FIRST, held(0), Post, Post),
    ("canvas", FIRST, held(0, by_person=True), Post, Post),
    ("canvas", FIRST, held(50, by_person=True), Superseded, Post),
    ("canvas", FIRST, held(95, by_person=True), Superseded, Post),
    ("canvas moodle generic", FIRST, held(50), Post, Post),
    ("canvas moodle generic", FIRST, held(80), Post, Post),
    ("canvas moodle generic", FIRST, held(95), Superseded, Post),
    ("canvas generic", FIRST, EMPTY, Superseded, Post),
    ("moodle", FIRST, EMPTY, Post, Post),
    ("canvas generic", LATER, EMPTY, Superseded, Post),
    ("moodle", LATER, EMPTY, Post, Post),
    ("canvas moodle generic", LATER, held(60), Post, Post),
    ("canvas moodle generic", LATER, held(60.009), Post, Post),
    ("canvas moodle generic", LATER, held(80), Post, Post),
    ("canvas moodle generic", LATER, NO_ENTRY, Post, Post),
    ("canvas generic", LATER, held(61), Superseded, Post),
    ("canvas generic", LATER, held(0), Superseded, Post),
    ("moodle", LATER, held(61), Post, Post),
    (
        "canvas generic",
        Outgoing(80, ours=(80,), sent=True, tried=True),
        held(80),
        Accepted,
        Accepted,
    ),
    ("canvas moodle generic", Outgoing(80, found=True), held(95), Superseded, Superseded),
    ("canvas generic", Outgoing(80, ours=(60,), sent=True, found=True), held(70), Post, Post),
    ("moodle", Outgoing(80, ours=(60,), sent=True, found=True), held(95), Superseded, Superseded),
]


def name_of(value: object) -> str:
    """Return how a test of the table is called: by what was sent, what stands and the verdict."""
    if isinstance(value, HeldGrade):
        if value.score is None:
            return "cleared" if value.exists else "no entry"
        return f"holds {value.score:g}" + (" by a person" if value.by_person else "")
    if isinstance(value, Outgoing):
        after = "".join(f" after {ours:g}" for ours in value.ours)
        return f"{value.score_given:g}{after}" + (", found there" if value.found else "")
    return value.__name__ if isinstance(value, type) else str(value)


@pytest.mark.parametrize(
    ("dialect", "outgoing", "cell", "kept", "replaced"),
    [(dialect, *row[1:]) for row in TABLE for dialect in row[0].split()],
    ids=name_of,
)
def test_reading_means(
    dialect: str,
    outgoing: Outgoing,
    cell: HeldGrade,
    kept: type[Verdict],
    replaced: type[Verdict],
) -> None:
    judge = get_lms(dialect).judge_reading
    replacing = Outgoing(**(vars(outgoing) | {"keeps": False}))

    assert isinstance(judge(cell, outgoing), kept)
    assert isinstance(judge(cell, replacing), replaced)


def test_sentence_names_both_values() -> None:
    verdict = get_lms("canvas").judge_reading(held(61), LATER)

    assert isinstance(verdict, Superseded)
    assert "holds 61 of 100, set in the LMS" in verdict.reason
    assert "Ours would be 80." in verdict.reason


def entry(sub: str = "alice", score: float | None = 85, **more: Any) -> LmsResult:
    fields = frozenset(("userId", "resultScore", EXTENSION))
    return replace(LmsResult(score=score, maximum=100.0, user_id=sub, fields=fields), **more)


@pytest.mark.parametrize(
    ("dialects", "results", "reading"),
    [
        (KEYS, [], NO_ENTRY),
        (KEYS, [entry()], held(85)),
        (KEYS, [entry(maximum=50.0)], held(170)),
        (KEYS, [entry(maximum=None)], held(85)),
        (KEYS, [entry(score=None)], EMPTY),
        (KEYS, [entry(score=None, garbled=True)], Unclear()),
        (KEYS, [entry("ben"), entry(score=70)], held(70)),
        (KEYS, [entry("ben"), entry("carla")], Unclear()),
        (("moodle", "generic"), [entry("ben")], Unclear()),
        (("canvas",), [entry("ben")], held(85)),
        (("canvas",), [entry(fields=frozenset(("userId",)))], held(85, by_person=True)),
    ],
    ids=[
        "no entry",
        "the learner's entry",
        "a maximum of 50",
        "no maximum named",
        "an entry without a score",
        "a garbled score",
        "another's entry beside it",
        "two of others",
        "only another's",
        "only another's on canvas",
        "an entry that a person made",
    ],
)
def test_cell_is_found_among_the_entries(
    dialects: tuple[str, ...], results: list[LmsResult], reading: Reading
) -> None:
    for dialect in dialects:
        assert get_lms(dialect).read_cell(results, "alice") == reading


@pytest.mark.parametrize(
    ("ours", "cell", "expected"),
    [
        (80, held(80), Accepted),
        (33.3333, held(33.33), Accepted),
        (80, held(79), Superseded),
        (0, EMPTY, Accepted),
        (80, EMPTY, Superseded),
        (80, NO_ENTRY, Unclear),
    ],
    ids=[
        "the same",
        "the same, rounded",
        "another score",
        "a cleared cell for 0",
        "a cleared cell",
        "no entry",
    ],
)
def test_repeat_is_told_from_a_persons_grade(
    ours: float, cell: HeldGrade, expected: type[object]
) -> None:
    assert isinstance(judge_repeat(cell, Outgoing(ours, sent=True, tried=True)), expected)
