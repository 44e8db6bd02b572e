"""What thousands of tests would do anew each time, done once per process.

None of it changes what is tested: the same tables, addresses and templates, and real keys.
"""

import importlib.metadata
import secrets
import shutil
import socket
import tempfile
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from socketserver import BaseServer
from typing import Any
from urllib.parse import urlsplit

import sqlalchemy
import sqlalchemy.exc
from cryptography.hazmat.primitives.asymmetric import rsa
from flask import Flask
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.util import LRUCache
from werkzeug.routing.rules import Rule

from lti_bridge.core.db import db, sqlalchemy_url
from lti_bridge.core.migrate import migrate_database

# A test that makes more keys than these waits for real ones.
KEYS_KEPT = 2
# More than the bridge has, so that none is forgotten.
STATEMENTS_KEPT = 10_000


def make_tables(app: Flask) -> None:
    """Give the app a migrated database, unless it has one, from another node perhaps."""
    url = sqlalchemy.make_url(app.config["SQLALCHEMY_DATABASE_URI"])
    if url.get_backend_name() == "sqlite" and not Path(str(url.database)).exists():
        shutil.copyfile(_migrated_file(), str(url.database))


@cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="lti-bridge-templates-")


@cache
def _migrated_file() -> Path:
    """Return a SQLite database of the newest schema, to be copied."""
    path = Path(_folder().name) / "migrated.sqlite3"
    _migrate(f"sqlite:///{path}")
    return path


def _migrate(database_url: str) -> None:
    from lti_bridge.app import create_app
    from tests.conftest import close_app, make_settings

    app = create_app(make_settings(database_url, Path(_folder().name)))
    migrate_database(app)
    close_app(app)


class PostgresqlDatabases:
    """Migrated databases on the server at `url`, each emptied after one test for the next."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._server = sqlalchemy.create_engine(sqlalchemy_url(url), isolation_level="AUTOCOMMIT")
        self._idle: list[str] = []
        self._cleaners: dict[str, sqlalchemy.Engine] = {}

    def make(self) -> str:
        """Return the address of a new, empty database."""
        name = f"test_{secrets.token_hex(6)}"
        self._execute(f"CREATE DATABASE {name}")
        return urlsplit(self._url)._replace(path=f"/{name}").geturl()

    def drop(self, address: str) -> None:
        """Drop such a database, with any connection that is still open."""
        if cleaner := self._cleaners.pop(address, None):
            cleaner.dispose()
        self._execute(f"DROP DATABASE {urlsplit(address).path[1:]} WITH (FORCE)")

    def borrow(self) -> str:
        """Return the address of a database with all tables and no rows."""
        if self._idle:
            return self._idle.pop()
        address = self.make()
        _migrate(address)
        # One connection for all its tests: a new one would plan every statement anew.
        self._cleaners[address] = sqlalchemy.create_engine(sqlalchemy_url(address))
        return address

    def give_back(self, address: str) -> None:
        """Empty a borrowed database; one that was changed, or is still worked in, is dropped."""
        try:
            with self._cleaners[address].begin() as connection:
                connection.exec_driver_sql(_emptying())
            self._idle.append(address)
        except sqlalchemy.exc.DBAPIError:
            self.drop(address)

    def close(self) -> None:
        """Drop what is not borrowed."""
        while self._idle:
            self.drop(self._idle.pop())
        self._server.dispose()

    def _execute(self, statement: str) -> None:
        with self._server.connect() as connection:
            connection.execute(sqlalchemy.text(statement))


@cache
def _emptying() -> str:
    """Return the statements that empty a database, to be sent in one go."""
    tables = "; ".join(f"DELETE FROM {one.name}" for one in reversed(db.metadata.sorted_tables))
    return (
        f"SET lock_timeout = '2s'; {tables};"
        " SELECT setval(quote_ident(schemaname) || '.' || quote_ident(sequencename), 1, false)"
        " FROM pg_sequences"
    )


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
    """Let each app use what another one has compiled for an equal routing rule.

    A rule is bound to its app by its converters only, and ours ask nothing of it.
    """
    made: dict[Any, Rule] = {}
    compile_one = Rule.compile

    def find(rule: Rule) -> None:
        assert rule.map is not None
        place = rule.host if rule.map.host_matching else rule.subdomain
        defaults = repr(sorted((rule.defaults or {}).items()))
        converters = tuple(rule.map.converters.items())
        key = (rule.rule, place, rule.merge_slashes, defaults, converters)
        if key not in made:
            compile_one(rule)
            made[key] = rule
            return
        equal: Any = made[key]
        rule._parts, rule._trace, rule._converters = equal._parts, equal._trace, equal._converters
        rule.arguments = equal.arguments
        rule._build = equal._build.__func__.__get__(rule)
        rule._build_unknown = equal._build_unknown.__func__.__get__(rule)

    patch.setattr(Rule, "compile", find)


def share_versions(patch: Any) -> None:
    """Read once which versions of the libraries are installed, not for each app and server."""
    patch.setattr(importlib.metadata, "version", cache(importlib.metadata.version))
    patch.setattr("lti_bridge.lti.library.version", importlib.metadata.version)


def share_statements(patch: Any) -> None:
    """Let each engine use the SQL that another one of its kind of database has compiled.

    An engine keeps it under the statement and its own dialect, so dialects of one class are made
    equal: all engines of a run are made with the same options. The statements are sent as ever.
    """
    kept: dict[type, Any] = {}

    def find(engine: sqlalchemy.Engine) -> Any:
        return kept.setdefault(type(engine.dialect), LRUCache(STATEMENTS_KEPT))

    shared = property(find, lambda engine, own: vars(engine).update(_compiled_cache=own))
    patch.setattr(sqlalchemy.Engine, "_compiled_cache", shared, raising=False)
    patch.setattr(DefaultDialect, "__hash__", lambda one: hash(type(one)))
    patch.setattr(DefaultDialect, "__eq__", lambda one, other: type(one) is type(other))


def stop_at_once(patch: Any) -> None:
    """Wake a server that shall stop: by itself it looks only every 20 ms whether it shall."""
    wait_for_end = BaseServer.shutdown

    def shutdown(server: Any) -> None:
        with suppress(OSError):  # systems other than Linux do not wake it, and it waits as ever
            server.socket.shutdown(socket.SHUT_RDWR)
        wait_for_end(server)

    patch.setattr(BaseServer, "shutdown", shutdown)


def know_no_names(patch: Any, but: set[str | None]) -> None:
    """Say at once that the name of another machine is unknown, `bridge.example` for one.

    Practice servers call such addresses in the background. A resolver may take five seconds to
    say the same, and a test that ends would wait for it. `but` names the servers of the tests.
    """
    ask = socket.getaddrinfo
    known = but | {None, "", "localhost"}

    def look_up(
        host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0
    ) -> Any:
        if host not in known:
            flags |= socket.AI_NUMERICHOST
        return ask(host, port, family, type, proto, flags)

    patch.setattr(socket, "getaddrinfo", look_up)


@cache
def _kept_key(owner: str, number: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class KeptKeys:
    """Stands for the module `rsa` where one `owner` makes keys: each key takes 75 ms.

    The first keys that a test makes are those that tests before it made; no other owner has them.
    """

    RSAPrivateKey = rsa.RSAPrivateKey

    def __init__(self, owner: str) -> None:
        self._owner, self._made = owner, 0

    def generate_private_key(self, public_exponent: int, key_size: int) -> rsa.RSAPrivateKey:
        """Return a key that this test has not made yet."""
        self._made += 1
        if (public_exponent, key_size) == (65537, 2048) and self._made <= KEYS_KEPT:
            return _kept_key(self._owner, self._made)
        return rsa.generate_private_key(public_exponent, key_size)


class SkippedWaits:
    """Stands for the module `time` where a call to SCORM Cloud waits before its next try.

    A thread that sleeps goes on at once, and its clock says that the time has passed: as many
    tries fit into a deadline as ever.
    """

    def __init__(self) -> None:
        self._threads = threading.local()

    def sleep(self, seconds: float) -> None:
        """Put the thread's clock forward by seconds."""
        self._threads.skipped = self._skipped() + seconds

    def monotonic(self) -> float:
        """Return the thread's clock in seconds."""
        return time.monotonic() + self._skipped()

    def _skipped(self) -> float:
        skipped: float = getattr(self._threads, "skipped", 0.0)
        return skipped
