"""Tokens whose envelope is wrong: key, algorithm, signature, shape or size."""

import hmac
import json
from base64 import urlsafe_b64encode

import jwt
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.door import HOSTILE
from tests.mini_platform import public_jwk, rsa_key


def test_no_kid_sent_in_header(bench):
    token = bench.platform.sign(bench.claims(), headers={})

    bench.refused(token, "key_unnamed")


def test_incorrect_kid_in_header(bench):
    token = bench.platform.sign(bench.claims(), headers={"kid": "imstester_66067"})

    bench.refused(token, "unknown_key")


def test_foreign_key_under_a_known_kid(bench):
    bench.refused(bench.platform.sign(bench.claims(), key=rsa_key("mallory")), "bad_signature")


def test_key_that_the_token_brings_itself(bench):
    mine = rsa_key("mallory")
    headers = {"kid": "key-1", "jwk": public_jwk("key-1", mine), "jku": "https://evil.example"}

    bench.refused(bench.platform.sign(bench.claims(), key=mine, headers=headers), "bad_signature")


def test_unsigned_token(bench):
    token = bench.platform.sign(bench.claims(), algorithm="none", key=None)

    bench.refused(token, "wrong_algorithm")
    head, payload, _ = bench.token().split(".")
    bench.refused(f"{head}.{payload}.", "bad_signature")


def test_public_key_as_shared_secret(bench):
    public = rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    _, payload, _ = bench.token().split(".")
    head = encode(b'{"alg":"HS256","kid":"key-1"}')
    proof = hmac.digest(public, f"{head}.{payload}".encode(), "sha256")

    bench.refused(f"{head}.{payload}.{encode(proof)}", "wrong_algorithm")


@pytest.mark.parametrize("algorithm", ["RS384", "RS512", "PS256"])
def test_other_algorithm_with_the_right_key(bench, algorithm):
    bench.refused(bench.platform.sign(bench.claims(), algorithm=algorithm), "wrong_algorithm")


MALFORMED = {
    "a word": "x",
    "three words": "a.b.c",
    "dots": "....",
    "accents": "é.é.é",
    "endless": "x" * 200_000,
    "hostile text": HOSTILE,
    "header that is no object": "W10.e30.x",
    "header as deep as a well": urlsafe_b64encode(b'{"a":' * 9000).decode() + ".e30.x",
}


@pytest.mark.parametrize("token", MALFORMED.values(), ids=MALFORMED.keys())
def test_malformed_token(bench, token):
    bench.refused(token, "token_malformed")


@pytest.mark.parametrize(
    "payload",
    [b'["claims"]', b'"claims"', b"\xff\xfe", b"{", b'{"a":' * 9000, b'{"exp":' + b"9" * 5000],
    ids=["list", "text", "no text", "cut", "as deep as a well", "endless number"],
)
def test_payload_that_is_no_object(bench, payload):
    token = jwt.api_jws.encode(payload, rsa_key(), "RS256", headers={"kid": "key-1"})

    bench.refused(token, "token_malformed")


def test_payload_changed_after_signing(bench):
    head, _, proof = bench.token().split(".")
    _, payload, _ = bench.token(sub="mallory").split(".")

    bench.refused(f"{head}.{payload}.{proof}", "bad_signature")


def test_claim_as_deep_as_a_well(bench):
    well: list = []
    for _ in range(200):
        well = [well]

    bench.refused(bench.token(**{"https://x.example/claim": well}), "token_malformed")


def test_oversized_token(bench):
    bench.refused(bench.token(custom={"filler": "x" * 130_000}), "token_malformed")


def test_oversized_request(bench):
    bench.refused("x" * 1_200_000, "request_too_large")


def test_launch_without_token(bench):
    bench.refused("", "token_missing")


def test_claims_twice_are_the_last(bench):
    """JSON with a name twice: what is verified is what is used."""
    text = json.dumps(bench.claims()).replace('"sub":', '"sub": "mallory", "sub":')
    token = jwt.api_jws.encode(text.encode(), rsa_key(), "RS256", headers={"kid": "key-1"})

    assert bench.post(token).status_code == 303
    subs = bench.door.column("learner", "sub")
    assert "mallory" not in subs


def encode(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()
