"""Identities never change: learners' registrations hang on them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lti_bridge.platforms.identity import deployment_identity, join, platform_identity


def test_identity_never_changes():
    platform = platform_identity("https://lms.example", "client-1")

    assert platform == "9066c169-af8b-53df-90f3-36e96909f4b3"
    assert deployment_identity(platform, "1") == "4d4430e0-d98e-5740-bd94-07aaea261522"


@pytest.mark.parametrize(
    "one, other",
    list(itertools.combinations([("a", "b"), ("ab", ""), ("a,b", ""), ('a","b', "")], 2)),
    ids=[
        "apart and joined",
        "apart and with a comma",
        "apart and with quotes",
        "joined and with a comma",
        "joined and with quotes",
        "comma and quotes",
    ],
)
def test_facts_never_run_together(one, other):
    assert platform_identity(*one) != platform_identity(*other)


@given(st.lists(st.text()), st.lists(st.text()))
def test_different_facts_join_differently(one, other):
    assert (join(*one) == join(*other)) == (one == other)
