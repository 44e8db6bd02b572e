"""Cases of tables have readable ids; pytest may make up only those that are one word."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from lti_bridge.lti.roles import Visitor
from tests.case_ids import is_word, joins_values

parametrize = pytest.mark.parametrize


@parametrize("value", ["postgresql", "a-b", "/import/status", Path, Visitor.LEARNER])
def test_word_names_its_case(value):
    assert is_word(value)


@parametrize(
    "value",
    ["", "two\nlines", "x" * 61, "größe", "{}", None, True, 7, b"x", [], Path("x"), lambda: 0],
    ids=[
        "empty",
        "two lines",
        "too long",
        "not ASCII",
        "brackets",
        "none",
        "truth",
        "number",
        "bytes",
        "list",
        "object",
        "lambda",
    ],
)
def test_other_values_stop_the_collection(value, request):
    with pytest.raises(pytest.fail.Exception, match="give the case given="):
        request.node.ihook.pytest_make_parametrize_id(
            config=request.config, val=value, argname="given"
        )


@parametrize(
    "table",
    [
        parametrize("a", ["x", "y"]),
        parametrize("a, b", [("x", 1)], ids=["first"]),
        parametrize("a, b", [pytest.param("x", 1, id="first")]),
    ],
    ids=["one argument", "ids", "every case named"],
)
def test_table_that_names_its_cases_is_taken(table):
    assert not joins_values(table.mark)


@parametrize(
    "table",
    [
        parametrize("a, b", [("x", "y")]),
        parametrize(("a", "b"), [("x", "y")]),
        parametrize("a, b", [pytest.param("x", 1, id="first"), ("y", 2)]),
    ],
    ids=["names in a text", "names in a tuple", "one case without a name"],
)
def test_joined_values_stop_the_collection(table, request):
    definition = SimpleNamespace(nodeid="here", iter_markers=lambda name: [table.mark])
    metafunc = SimpleNamespace(definition=definition, fixturenames=())

    with pytest.raises(pytest.fail.Exception, match="here: give the table ids"):
        request.node.ihook.pytest_generate_tests(metafunc=metafunc)
