"""Sentences that rows keep: as code and values, readable again, also what older releases wrote."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select, text

from lti_bridge.core.db import SentenceText, db
from lti_bridge.core.sentences import CODED, Sentence, coded, plain
from lti_bridge.passback.models import Score
from lti_bridge.passback.rules import reasons
from lti_bridge.registrations.models import Grade
from tests.rows import add_grade, add_link, add_registration, add_try

AT = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
VALUES = {"score": 12.5, "count": 3, "status": 503, "who": "Ida {x} Ivarsson", "said": "no"}
VALUES |= {"held": 77.0, "ours": 97.5, "until": "2026-11-02 09:00:00 UTC"}
CODES = sorted(CODED)


def filled(code: str) -> Sentence:
    """Return a sentence with each of its blanks filled."""
    one = CODED[code]
    return one.fill(**{name: it for name, it in VALUES.items() if f"{{{name}}}" in one.template})


@pytest.fixture
def kept() -> SentenceText:
    return SentenceText(500)


@pytest.mark.parametrize("code", CODES)
def test_sentence_comes_back_as_it_was_made(kept, code):
    said = filled(code)
    written = kept.process_bind_param(said, None)
    read = kept.process_result_value(written, None)

    assert written.split()[0] == f"#{code}"
    assert str(said) not in written
    assert (read, read.code, read.values) == (said, code, said.values)


@pytest.mark.parametrize("code", CODES)
def test_english_of_an_older_release_is_recognised(kept, code):
    said = filled(code)
    read = kept.process_result_value(str(said), None)

    assert read == said
    assert (read.code, read.template) == (code, said.template)
    assert {name: plain(it) for name, it in read.values.items()} == {
        name: plain(it) for name, it in said.values.items()
    }


@pytest.mark.parametrize(
    "written",
    ["Something {odd} of before.", "#from_a_newer_release", '#from_a_newer_release {"score": 1}'],
    ids=["older", "newer", "newer_with_values"],
)
def test_what_is_not_known_stays_as_it_is(kept, written):
    read = kept.process_result_value(written, None)

    assert (str(read), read.code, kept.process_bind_param(read, None)) == (written, "", written)


def test_none_stays_none(kept):
    assert kept.process_bind_param(None, None) is None
    assert kept.process_result_value(None, None) is None


def test_row_holds_no_sentence(services):
    registration = add_registration(AT, add_link(AT))
    grade = add_grade(AT, registration, decision_reason=reasons.UNFINISHED)
    add_try(AT, registration, grade)
    for score in db.session.scalars(select(Score)):
        score.reason = reasons.REPORTED.fill(score=90.5)
    db.session.commit()

    assert raw("SELECT decision_reason FROM grade") == "#unfinished"
    assert raw("SELECT reason FROM score") == '#reported {"score": 90.5}'
    query = select(Score.reason)
    assert db.session.scalars(query).one() == "The course reported a score of 90.5."
    assert db.session.scalars(query.where(Score.reason == reasons.UNFINISHED)).all() == []
    assert db.session.scalars(select(Grade.id).where(Grade.decision_reason == reasons.UNFINISHED))


def raw(query: str) -> str:
    """Return the one value that the database has, as it has it."""
    return str(db.session.execute(text(query)).scalar_one())


def test_two_sentences_do_not_share_a_code():
    with pytest.raises(AssertionError, match="two sentences have the code reported"):
        coded(reasons.REPORTED.code, "Something else.")
