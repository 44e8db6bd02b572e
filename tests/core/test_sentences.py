"""Sentences that rows keep: as code and values, readable again, also what older releases wrote."""

import copy
import pickle
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
    [
        "Something {odd} of before.",
        "#from_a_newer_release",
        '#from_a_newer_release {"score": 1}',
        '#reported {"points": 1}',
        '#reported {"score": ',
        "#reported [1]",
    ],
    ids=["older", "newer", "newer_with_values", "other_values", "cut", "no_values"],
)
def test_what_is_not_known_stays_as_it_is(kept, written):
    read = kept.process_result_value(written, None)

    assert (str(read), read.code, kept.process_bind_param(read, None)) == (written, "", written)


@pytest.mark.parametrize("said", ["0123", "1.10", "2024001", "7"], ids=str)
def test_older_text_with_a_number_stays_as_it_was(kept, said):
    written = f"The LMS gives the tool no access token. It says: {said}"
    read = kept.process_result_value(written, None)

    assert (str(read), read.code) == (written, "token_refused")


def test_sentence_that_is_too_long_is_kept_as_text(kept):
    said = reasons.PARKED_BY.fill(who='"' * 300)
    written = kept.process_bind_param(said, None)

    assert written == str(said)
    assert kept.process_bind_param("x" * 600, None) == "x" * 500


@pytest.mark.parametrize(
    "copied", [copy.deepcopy, lambda it: pickle.loads(pickle.dumps(it))], ids=["copy", "pickle"]
)
def test_sentence_can_be_copied(copied):
    for said in (reasons.UNFINISHED, reasons.REPORTED.fill(score=1.5)):
        again = copied(said)
        assert (again, again.code, again.values) == (said, said.code, said.values)


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
