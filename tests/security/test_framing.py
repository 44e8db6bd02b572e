"""Who may show our pages in a frame: the LMS that launched, and no other site (clickjacking)."""

import pytest

from tests.certification.bench import Bench
from tests.mini_platform import INSTRUCTOR, TEST_USER, rsa_key
from tests.security.pages import policy_of

# Pages that any site may frame: they have no session and no button with an effect.
HARMLESS = {"exit", "end of preview", "register"}


def ancestors(page) -> list[str]:
    return policy_of(page)["frame-ancestors"].split()


def test_pages_with_buttons_name_who_may_frame_them(door, pages):
    for name, page in pages.all().items():
        if name in HARMLESS or name.startswith("signed in"):
            continue
        found = ancestors(page)
        assert found[0] == "'self'", (name, found)
        assert door.platform.url in found, (name, found)
        assert not any("*" in one or "evil" in one for one in found), (name, found)


def test_signed_in_console_is_in_no_frame(pages):
    mine = {name: page for name, page in pages.all().items() if name.startswith("signed in")}

    assert len(mine) >= 3
    assert {name: ancestors(page) for name, page in mine.items()} == dict.fromkeys(mine, ["'self'"])


def test_school_of_a_verified_launch_may_frame(door):
    school = {"return_url": "https://school.example:8443/course/1?x=y"}

    page = Bench(door).enter(sub="tess", roles=[TEST_USER], launch_presentation=school)

    assert ancestors(page)[-1] == "https://school.example:8443"


@pytest.mark.parametrize(
    "break_it",
    [
        lambda bench, claims: bench.platform.sign(claims, key=rsa_key("mallory")),
        lambda bench, claims: bench.platform.sign({**claims, "nonce": "other"}),
        lambda bench, claims: bench.platform.sign({**claims, "exp": 5}),
    ],
    ids=["foreign key", "other nonce", "expired"],
)
def test_unverified_launch_names_no_site(door, break_it):
    bench = Bench(door)
    claims = bench.claims(launch_presentation={"return_url": "https://evil.example/"})

    page = bench.post(break_it(bench, claims))

    assert page.status_code == 400
    assert not any("evil" in one for one in ancestors(page))
    assert not any("evil" in str(row) for row in door.everything()["platform"])


def test_another_platforms_school_may_not_frame(door):
    other = Bench(door, iss="https://other.example")
    claims = other.claims(
        iss="https://other.example",
        sub="tess",
        roles=[TEST_USER],
        launch_presentation={"return_url": "https://only-other.example/"},
    )
    page = other.world.follow(other.post(door.platform.sign(claims, key=rsa_key("other"))))
    assert "https://only-other.example" in ancestors(page)

    mine = Bench(door).enter(sub="tess", roles=[TEST_USER])

    assert "https://only-other.example" not in ancestors(mine)


def test_login_page_is_no_page_to_frame(door):
    """The ways on carry the policy too: a redirect that is not followed shows nothing."""
    world = door.visitor()
    begun = world.browser.post("/lti/login", data=world.login_form())
    player = Bench(door).launch()
    staff = Bench(door).launch(sub="teacher", roles=[INSTRUCTOR])

    for answer in (begun, player, staff):
        assert answer.status_code in (302, 303)
        assert "script-src" not in policy_of(answer)
        assert policy_of(answer)["default-src"] == "'none'"
