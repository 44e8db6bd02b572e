"""What an LMS's admin took away, told from launches."""

import pytest

from lti_bridge.lms.tool_definition import SCOPES, short_scope
from lti_bridge.lti.values import SCOPE_LINE_ITEM
from lti_bridge.platforms.missing_grants import find_missing_grants, our_scopes

SCORE = SCOPES[2]


@pytest.mark.parametrize(
    ("granted", "shares_names", "privacy", "narrowed"),
    [
        (SCOPES, True, "named", []),
        (None, None, "named", []),
        (SCOPES, False, "pseudonymous", []),
        (SCOPES, False, "named", ["names and email addresses"]),
        (SCOPES[1:], True, "named", ["scope lineitem.readonly"]),
        ([], True, "named", [f"scope {short_scope(scope)}" for scope in SCOPES]),
    ],
    ids=["all", "no launch yet", "names not wanted", "no names", "one scope", "no scope"],
)
def test_tells_what_is_missing(granted, shares_names, privacy, narrowed):
    found = find_missing_grants(granted, shares_names, privacy)

    assert [one.what for one in found] == narrowed


@pytest.mark.parametrize(
    ("granted", "missing"),
    [
        (SCOPES, ["scope lineitem"]),
        ([SCOPE_LINE_ITEM, *SCOPES[1:]], []),
        (SCOPES[1:], ["scope lineitem", "scope lineitem.readonly"]),
        (None, []),
    ],
    ids=["reading is not enough", "granted", "neither", "no launch yet"],
)
def test_columns_that_are_made_need_their_scope(granted, missing):
    found = find_missing_grants(granted, True, "named", makes_columns=True)

    assert [one.what for one in found] == missing


def test_only_the_score_scope_is_serious():
    found = find_missing_grants([], True, "named")

    assert [one.what for one in found if one.serious] == ["scope score"]


@pytest.mark.parametrize(
    "claimed, ours",
    [
        ([SCORE, "https://lms.example/other"], [SCORE]),
        ([SCOPES[3], SCORE], [SCORE, SCOPES[3]]),
        ([SCOPE_LINE_ITEM, SCORE], [SCOPES[0], SCORE]),
        ([], []),
    ],
    ids=["foreign", "roster", "line item stands in", "nothing"],
)
def test_our_scopes_are_told_from_claims(claimed, ours):
    assert our_scopes(claimed) == ours
