"""Tool keys are made once, encrypted at rest, and published."""

import threading

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from flask import Flask
from sqlalchemy import select

from lti_bridge.core.db import db
from lti_bridge.core.errors import ConfigurationError
from lti_bridge.core.signing import BadToken, Signer
from lti_bridge.platforms import keys
from lti_bridge.platforms.models import ToolKey


def test_first_start_makes_one_key(services):
    keys.ensure_keys(services.signer, now=services.now())
    keys.ensure_keys(services.signer, now=services.now())

    assert [(row.state, row.created_at) for row in keys.list_keys()] == [
        ("signing", services.now())
    ]


def test_nodes_that_start_together_share_one_key(app: Flask):
    services = app.extensions["lti_bridge"]
    gate = threading.Barrier(4)

    def start() -> None:
        with app.app_context():
            gate.wait()
            keys.ensure_keys(services.signer, now=services.now())

    nodes = [threading.Thread(target=start) for _ in range(4)]
    for node in nodes:
        node.start()
    for node in nodes:
        node.join()

    with app.app_context():
        assert len(keys.list_keys()) == 1


def test_published_key_verifies_what_is_signed(services):
    keys.ensure_keys(services.signer, now=services.now())

    signing = keys.signing_key(services.signer, now=services.now())

    token = jwt.encode({"sub": "x"}, signing.private_key, "RS256", headers={"kid": signing.kid})
    published = jwt.PyJWKSet.from_dict(keys.public_jwks())[signing.kid]
    assert jwt.decode(token, published, ["RS256"]) == {"sub": "x"}


def test_public_set_holds_no_private_part(services):
    keys.ensure_keys(services.signer, now=services.now())

    (published,) = keys.public_jwks()["keys"]

    assert set(published) == {"kty", "n", "e", "kid", "alg", "use"}


def test_key_is_2048_bits_and_encrypted_at_rest(services):
    keys.ensure_keys(services.signer, now=services.now())

    private_key = keys.signing_key(services.signer, now=services.now()).private_key

    assert isinstance(private_key, RSAPrivateKey)
    assert private_key.key_size == 2048
    assert "PRIVATE KEY" not in db.session.scalars(select(ToolKey)).one().private_key_encrypted


def test_key_is_parsed_once(services):
    keys.ensure_keys(services.signer, now=services.now())

    assert keys.signing_key(services.signer, now=services.now()) is keys.signing_key(
        services.signer, now=services.now()
    )


def test_signing_leaves_no_transaction_open(services):
    keys.ensure_keys(services.signer, now=services.now())

    keys.signing_key(services.signer, now=services.now())

    assert not db.session().in_transaction()


def test_every_key_in_use_is_published(services):
    rows = {
        state: keys.make_key(services.signer, state, services.now())
        for state in ("next", "signing", "published", "retired")
    }
    db.session.add_all(rows.values())
    db.session.commit()

    kids = {entry["kid"] for entry in keys.public_jwks()["keys"]}

    assert kids == {rows[state].kid for state in ("next", "signing", "published")}
    assert keys.signing_key(services.signer, now=services.now()).kid == rows["signing"].kid


def test_missing_key_is_said(services):
    with pytest.raises(ConfigurationError, match="there is no signing key"):
        keys.signing_key(services.signer, now=services.now())


def test_lost_secret_key_is_said(services):
    keys.ensure_keys(services.signer, now=services.now())

    with pytest.raises(BadToken, match="add that key to secret_keys_previous"):
        keys.signing_key(Signer("another secret"), now=services.now())
