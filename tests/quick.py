"""What thousands of tests would do anew each time, done once per process.

None of it changes what is tested: the same tables, addresses and templates, and real keys.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

import sqlalchemy
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from werkzeug.routing.rules import Rule

from lti_bridge.db import db

# A test that makes more keys than these waits for real ones.
KEYS_KEPT = 2


def make_tables(app: Flask) -> None:
    """Make the app's tables, unless another node has made them: all statements in one go."""
    with app.app_context():
        engine = db.engine
        with engine.begin() as connection:
            if sqlalchemy.inspect(connection).has_table("platform"):
                return
            made = connection.connection.driver_connection
            assert made is not None
            if engine.dialect.name == "sqlite":
                made.executescript(_ddl("sqlite"))
            else:
                made.execute(_ddl(engine.dialect.name))


@cache
def _ddl(dialect: str) -> str:
    """Return what makes every table, index and constraint."""
    found: list[str] = []

    def keep(statement: Any, *_values: Any, **_more: Any) -> None:
        found.append(str(statement.compile(dialect=engine.dialect)).strip())

    url = {"sqlite": "sqlite://", "postgresql": "postgresql+psycopg://"}[dialect]
    engine = sqlalchemy.create_mock_engine(url, keep)
    db.metadata.create_all(engine, checkfirst=False)
    return ";\n".join(found)


class _Memory(BytecodeCache):
    """Compiled templates, for every app of the process: the key names the file's text."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, str], bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if code := self._kept.get((bucket.key, bucket.checksum)):
            bucket.bytecode_from_string(code)

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._kept[bucket.key, bucket.checksum] = bucket.bytecode_to_string()


_templates = _Memory()


def share_templates(app: Flask) -> None:
    """Let an app use templates that another one has compiled."""
    app.jinja_env.bytecode_cache = _templates


def share_addresses(patch: Any) -> None:
    """Let each app use the functions that another one has compiled for equal routing rules."""
    made: dict[Any, Callable[..., Any]] = {}
    compile_one = Rule._compile_builder

    def find(rule: Rule, append_unknown: bool = True) -> Callable[..., Any]:
        defaults = repr(sorted((rule.defaults or {}).items()))
        key = (rule.rule, append_unknown, tuple(rule._trace), defaults)
        if key not in made:
            made[key] = compile_one(rule, append_unknown)
        return made[key]

    patch.setattr(Rule, "_compile_builder", find)


@cache
def _kept_key(number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class KeptKeys:
    """Stands for the module `rsa` in the bridge's own key making: each key takes 75 ms.

    The first keys that a test makes are those that tests before it made; nobody else has them.
    """

    RSAPrivateKey = rsa.RSAPrivateKey

    def __init__(self) -> None:
        self._made = 0

    def generate_private_key(self, public_exponent: int, key_size: int) -> rsa.RSAPrivateKey:
        """Return a key that this test has not made yet."""
        self._made += 1
        if (public_exponent, key_size) == (65537, 2048) and self._made <= KEYS_KEPT:
            return _kept_key(self._made)
        return rsa.generate_private_key(public_exponent, key_size)
