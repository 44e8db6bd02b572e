"""The gate's closing lines count what ran, and notice what did not."""

import pytest

from tests.kinds import KINDS, REST, count, gaps, kind_of


@pytest.mark.parametrize(
    "module, name, kind",
    [
        ("tests.passback.rules.test_settlement", "test_a", "decisions"),
        ("tests.lti.test_claims", "test_a", "decisions"),
        ("tests.lti.test_tokens", "test_a", "doors"),
        ("tests.queue.test_queue", "test_a[postgresql]", "doors"),
        ("tests.story.test_journey", "test_a[sqlite-moodle]", "stories"),
        ("tests.certification.test_bad_tokens", "test_a", "certification"),
        ("tests.test_migrations", "test_a[sqlite]", "migrations on SQLite"),
        ("tests.test_migrations", "test_a[postgresql]", "migrations on PostgreSQL"),
        ("tests.browser.test_demo", "test_a[canvas-1]", "browser, Canvas"),
        ("tests.browser.test_demo", "test_a[moodle-1]", "browser, Moodle"),
        ("tests.lti_sandbox.lms.test_services", "test_a", REST),
    ],
    ids=[
        "rule",
        "pure module of a door",
        "door",
        "door on PostgreSQL",
        "story",
        "certification",
        "migration on SQLite",
        "migration on PostgreSQL",
        "browser on Canvas",
        "browser on Moodle",
        "other",
    ],
)
def test_knows_the_kind(module: str, name: str, kind: str) -> None:
    assert kind_of(module, name) == kind


def test_counts_what_passed_in_the_end() -> None:
    report = """<testsuites><testsuite>
      <testcase classname="tests.story.test_a" name="one"/>
      <testcase classname="tests.story.test_a" name="two"><failure/></testcase>
      <testcase classname="tests.story.test_a" name="two"/>
      <testcase classname="tests.story.test_a" name="three"><skipped/></testcase>
      <testcase classname="tests.story.test_a" name="four"><error/></testcase>
    </testsuite></testsuites>"""

    passed, skipped = count([report])

    assert (passed["stories"], skipped["stories"]) == (2, 1)


def test_names_what_is_missing() -> None:
    passed, skipped = count([])
    passed.update({kind: 1 for kind in KINDS if kind != "doors"})
    skipped["stories"] = 2

    assert gaps(passed, skipped) == ["no test passed: doors", "2 skipped: stories"]
