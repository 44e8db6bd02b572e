"""Storage of the practice SCORM Cloud: one SQLite database, in memory or in a folder."""

import json
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

SCHEMA = """
CREATE TABLE IF NOT EXISTS course (
    id TEXT, version INTEGER, document TEXT NOT NULL, PRIMARY KEY (id, version));
CREATE TABLE IF NOT EXISTS registration (
    number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE,
    course_id TEXT NOT NULL, learner_id TEXT NOT NULL,
    created TEXT NOT NULL, updated TEXT NOT NULL,
    facts TEXT NOT NULL, results TEXT NOT NULL, seen TEXT NOT NULL);
-- Both carry what lists filter by, so that a list looks up only the rows it returns.
CREATE INDEX IF NOT EXISTS registration_created
    ON registration (created, number, updated, course_id, learner_id);
CREATE INDEX IF NOT EXISTS registration_updated
    ON registration (updated, number, created, course_id, learner_id);
CREATE INDEX IF NOT EXISTS registration_learner ON registration (learner_id);
CREATE INDEX IF NOT EXISTS registration_course ON registration (course_id);
CREATE TABLE IF NOT EXISTS pending (
    number INTEGER PRIMARY KEY AUTOINCREMENT, registration TEXT NOT NULL,
    visible_at REAL NOT NULL, updated TEXT NOT NULL, seen TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS pending_visible_at ON pending (visible_at);
CREATE INDEX IF NOT EXISTS pending_registration ON pending (registration);
CREATE TABLE IF NOT EXISTS post (
    id TEXT PRIMARY KEY, accepted INTEGER NOT NULL DEFAULT 0, refused INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS link (
    id TEXT PRIMARY KEY, registration_id TEXT, course_id TEXT NOT NULL,
    document TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS link_registration ON link (registration_id);
CREATE TABLE IF NOT EXISTS session (
    token TEXT PRIMARY KEY, registration_id TEXT, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS job (id TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS setting (
    scope TEXT, id TEXT, value TEXT NOT NULL, PRIMARY KEY (scope, id));
CREATE TABLE IF NOT EXISTS learner_tag (learner_id TEXT PRIMARY KEY, tags TEXT NOT NULL);
"""


class Store:
    """One connection, one lock. `data_dir` None keeps everything in memory."""

    def __init__(self, data_dir: Path | None) -> None:
        self._lock = threading.RLock()
        path = ":memory:"
        if data_dir is not None:
            data_dir.mkdir(parents=True, exist_ok=True)
            path = str(data_dir / "practice-scorm-cloud.sqlite3")
        self._connection = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._connection.row_factory = sqlite3.Row
        if data_dir is not None:
            self._connection.execute("PRAGMA journal_mode = WAL")
            self._connection.execute("PRAGMA synchronous = NORMAL")
        self._connection.executescript(SCHEMA)

    def close(self) -> None:
        """Close the database; later calls fail."""
        with self._lock:
            self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run statements in a transaction, rolled back by an exception."""
        with self._lock:
            if self._connection.in_transaction:
                yield
                return
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")

    def run(self, sql: str, *values: object) -> int:
        """Run one statement and return the number of affected rows."""
        with self._lock:
            return self._connection.execute(sql, values).rowcount

    def all(self, sql: str, *values: object) -> list[sqlite3.Row]:
        """Return all rows of a query."""
        with self._lock:
            return self._connection.execute(sql, values).fetchall()

    def one(self, sql: str, *values: object) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        with self._lock:
            row: sqlite3.Row | None = self._connection.execute(sql, values).fetchone()
            return row

    def count(self, sql: str, *values: object) -> int:
        """Return the number that a `SELECT COUNT(*)` gives."""
        row = self.one(sql, *values)
        return int(row[0]) if row else 0


def dump(document: object) -> str:
    """Serialize a document for a column.

    Escaped to ASCII, because courses may store unpaired surrogates, which UTF-8 cannot hold.
    """
    return json.dumps(document, separators=(",", ":"))


def load(text: str) -> Any:
    """Parse a document from a column."""
    return json.loads(text)
