"""Leases: one worker at a time holds a row, for a limited time, under a token.

The rules of every lease:

* A row is free when no worker has it, or when its lease has run out. One conditional UPDATE takes
  it under a fresh random token: of two workers at the same moment one gets it, on any database.
* All times are `Services.now()`, the database's time: nodes whose clocks differ agree on an end.
* The token fences, not the time. A lease that has run out stays its holder's until another worker
  takes the row; from then on the old holder writes nothing, and LeaseLost undoes its transaction.
* Nothing here commits. The holder does, before each call, so that others see the lease, and the
  lease outlasts the call (`outlasting`). A killed holder's row is free when its lease ends.
"""

import secrets
from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, NamedTuple, NoReturn, cast

from sqlalchemy import FromClause, Row, SQLColumnExpression, Table, bindparam, func, or_, select

from .db import UtcDateTime, db, insert_row, update_rows

Values = Mapping[str, Any]
CALL_MARGIN = timedelta(seconds=10)
NOTHING: Values = MappingProxyType({})
NOW = bindparam("now", type_=UtcDateTime())  # in conditions of `Leases`: when it is taken


class LeaseLost(Exception):
    """Another worker holds the lease now; this transaction was rolled back."""


class Lease(NamedTuple):
    """A lease just taken: its token, its end, and the row's returned columns."""

    token: str
    until: datetime
    row: Row[Any]


def raise_lost() -> NoReturn:
    """Roll the transaction back and raise LeaseLost."""
    db.session.rollback()
    raise LeaseLost


def new_token() -> str:
    """Return a new random lease token."""
    return secrets.token_hex(16)


def outlasting(call_seconds: float, least: timedelta = timedelta()) -> timedelta:
    """Return a lease duration that outlasts a call with this deadline, and at least `least`."""
    return max(least, timedelta(seconds=call_seconds) + CALL_MARGIN)


def none_or_past(column: SQLColumnExpression[Any], now: Any = NOW) -> SQLColumnExpression[bool]:
    """Return the condition "NULL or not after `now`": a row is free, or due."""
    return or_(column.is_(None), column <= now)


class Leases:
    """The leases on a table's rows; a module-level constant, because it builds its statements once.

    `key`, `token` and `until` are column names: of the row's key and the lease. A row must be free
    and meet the conditions `only` (which may use NOW); taking it also writes `sets`, and reads the
    columns `returning`.
    """

    def __init__(
        self,
        table: FromClause,
        *only: SQLColumnExpression[bool],
        key: str = "id",
        token: str = "lease_token",
        until: str = "lease_until",
        sets: Values = NOTHING,
        returning: tuple[str, ...] = (),
    ) -> None:
        self._table = cast(Table, table)
        self._key, self._token, self._until = key, token, until
        named, ours = table.c[key] == bindparam("key"), table.c[token] == bindparam("token")
        free = or_(none_or_past(table.c[until]), ours)
        values = {token: bindparam("token"), until: bindparam("until"), **sets}
        statement = self._table.update().where(named, free, *only).values(values)
        self._take = statement.returning(*(table.c[name] for name in returning or (key,)))
        self._others = select(func.max(table.c[until])).where(named, ~ours)

    def take(self, key: Any, now: datetime, life: timedelta, token: str = "") -> Lease | None:
        """Take a row that is free or held by `token`; None when another worker holds it."""
        token, until = token or new_token(), now + life
        values = {"key": key, "now": now, "token": token, "until": until}
        row = db.session.connection().execute(self._take, values).first()
        return Lease(token, until, row) if row is not None else None

    def make_and_take(self, key: Any, now: datetime, life: timedelta, **new: Any) -> Lease | None:
        """Insert the row with the columns `new` if it is missing, and take it like `take`."""
        insert_row(db.session.connection(), self._table, **{self._key: key}, **new)
        return self.take(key, now, life)

    def take_all(self, key: Any, now: datetime, life: timedelta, token: str) -> datetime | None:
        """Take every free row of a key, and extend those that the token holds.

        Returns when the last other lease on these rows ends; None when there is none.
        """
        self.take(key, now, life, token)
        values = {"key": key, "token": token}
        return cast("datetime | None", db.session.connection().scalar(self._others, values))

    def write(self, key: Any, token: str, values: Values, **only: Any) -> bool:
        """Update the row if the token holds it and its columns equal `only`; tells whether it did.

        Flushes the session first.
        """
        db.session.flush()
        mine = {self._key: key, self._token: token, **only}
        return update_rows(db.session.connection(), self._table, mine, dict(values)) > 0

    def extend(self, key: Any, token: str, until: datetime, values: Values = NOTHING) -> None:
        """Set the end of the lease, and update the row.

        Raises LeaseLost after a rollback when the token does not hold the row any more.
        """
        if not self.write(key, token, {**values, self._until: until}):
            raise_lost()

    def release(self, key: Any, token: str, values: Values = NOTHING, **only: Any) -> bool:
        """Free the row and update it like `write`, if the token holds it."""
        return self.write(key, token, {self._token: None, self._until: None, **values}, **only)
