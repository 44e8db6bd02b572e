"""Good tokens at the wrong place or time: mixed up, replayed, or with another login's state."""

from sqlalchemy import delete

from lti_bridge.core.db import db
from lti_bridge.platforms.models import Deployment
from tests.certification.bench import Bench
from tests.door import HOSTILE, OTHER_ISSUER
from tests.mini_platform import rsa_key


def test_unknown_deployment_waits_once(bench):
    token = bench.token(deployment_id="unheard-of")
    before = bench.door.everything()["deployment"]

    bench.refused(token, "unknown_deployment", ignore=("deployment",))
    bench.refused(token, "unknown_deployment", ignore=("deployment",))

    (made,) = [row for row in bench.door.everything()["deployment"] if row not in before]
    assert "pending" in made


def test_unknown_deployments_are_capped(bench):
    most = bench.world.services.settings.launch.pending_deployments

    for number in range(most + 3):
        token = bench.token(deployment_id=f"flood-{number}")
        bench.refused(token, "unknown_deployment", ignore=("deployment",))

    rows = bench.door.everything()["deployment"]
    assert sum("pending" in row for row in rows) == most
    # The module shares this bridge, and other tests need room for one more.
    db.session.execute(delete(Deployment).where(Deployment.deployment_id.startswith("flood-")))
    db.session.commit()


def test_client_mix_up(door):
    bench, other = Bench(door), Bench(door, client_id="client-2")

    bench.refused(bench.token(aud="client-2"), "wrong_audience")
    other.refused(other.token(), "wrong_audience")
    bench.refused(other.token(aud="client-2"), "wrong_audience")


def test_issuer_mix_up(door):
    bench = Bench(door, iss=OTHER_ISSUER)

    bench.refused(bench.token(), "bad_signature")
    theirs = door.platform.sign(bench.claims(), key=rsa_key("other"))
    bench.refused(theirs, "wrong_issuer")
    mine = Bench(door)
    mine.refused(door.platform.sign(mine.claims(iss=OTHER_ISSUER)), "wrong_issuer")


def test_state_of_another_platform(door):
    bench, other = Bench(door), Bench(door, client_id="client-2")

    bench.refused(bench.token(), "browser_unproven", state=other.sent["state"])
    bench.world.browser._cookies.update(other.world.browser._cookies)
    bench.refused(bench.token(), "wrong_audience", state=other.sent["state"])
    bench.refused(bench.token(aud="client-2"), "wrong_nonce", state=other.sent["state"])


def test_state_tampered(bench):
    payload, stamp, proof = bench.sent["state"].rsplit(".", 2)
    swapped = payload[:-5] + payload[-5:].swapcase()

    for state in (f"{swapped}.{stamp}.{proof}", f"{payload}.{stamp}.x", payload, "x", HOSTILE, "é"):
        bench.refused(bench.token(), "state_invalid", state=state)


def test_state_signed_for_something_else(bench):
    signer = bench.world.services.signer

    for token in (signer.sign("exit", 1), signer.sign("resume", {}), signer.sign("state", {})):
        bench.refused(bench.token(), "state_invalid", state=token)


def test_state_missing(bench):
    bench.refused(bench.token(), "state_missing", state="")


def test_state_expired(bench):
    bench.door.clock.advance(601)

    bench.refused(bench.token(), "state_expired")


def test_replay_in_the_same_browser(bench):
    token = bench.token()
    cookies = bench.world.browser._cookies.copy()
    assert bench.post(token).status_code == 303

    bench.refused(token, "reloaded")
    bench.world.browser._cookies.update(cookies)
    bench.refused(token, "replayed")


def test_replay_in_another_browser(bench, door):
    token, other = bench.token(), Bench(door)

    other.refused(token, "browser_unproven", state=bench.sent["state"])
    other.refused(token, "wrong_nonce")
    assert bench.post(token).status_code == 303
    other.refused(token, "reloaded", state=bench.sent["state"])


def test_fresh_token_for_a_used_login(bench):
    cookies = bench.world.browser._cookies.copy()
    assert bench.launch(sub="alice").status_code == 303

    bench.world.browser._cookies.update(cookies)
    bench.refused(bench.token(sub="bob"), "replayed")


def test_browser_cookie_of_another_login(bench):
    (kept,) = bench.world.browser._cookies.values()
    for value in ("", "x", "1793610000.other", "é" * 50, "x" * 3000):
        bench.world.browser.set_cookie(kept.key, value, domain="bridge.example")
        bench.world.browser.set_cookie(kept.key, value)
        bench.refused(bench.token(), "browser_unproven")


def test_keys_that_cannot_be_had(door):
    bench = Bench(door, iss="https://silent.example")

    bench.refused(bench.token(iss="https://silent.example"), "keys_unavailable")
