"""Leases: one worker at a time has a row, for a limited time, and a token proves it.

The rule of every lease, which this module writes and each chapter uses:

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
NOW = bindparam("now", type_=UtcDateTime())  # in the conditions of `Leases`: the moment of taking


class LeaseLost(Exception):
    """The lease is another worker's now: the writes of this transaction are undone."""


class Lease(NamedTuple):
    """A lease just taken: its token, when it ends, and what was read of its row."""

    token: str
    until: datetime
    row: Row[Any]


def raise_lost() -> NoReturn:
    """Undo the transaction's writes, and raise LeaseLost."""
    db.session.rollback()
    raise LeaseLost


def new_token() -> str:
    """Return a token that no other lease has."""
    return secrets.token_hex(16)


def outlasting(call_seconds: float, least: timedelta = timedelta()) -> timedelta:
    """Return how long a lease must last for a call with such a deadline, `least` at least."""
    return max(least, timedelta(seconds=call_seconds) + CALL_MARGIN)


def none_or_past(column: SQLColumnExpression[Any], now: Any = NOW) -> SQLColumnExpression[bool]:
    """Return the condition that no moment is set, or that it has come: the row is free, or due."""
    return or_(column.is_(None), column <= now)


class Leases:
    """The leases on a table's rows; made once in a module, because its statements are.

    `key` is the column that names the row or rows, `token` and `until` those of the lease. To be
    taken, a row must be free and meet the conditions `only` (with NOW as the moment); `sets` is
    what taking it writes besides, `returning` names the columns that are read then.
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
        """Take a row that is free, or that the given `token` has; None when it is another's."""
        token, until = token or new_token(), now + life
        values = {"key": key, "now": now, "token": token, "until": until}
        row = db.session.connection().execute(self._take, values).first()
        return Lease(token, until, row) if row is not None else None

    def make_and_take(self, key: Any, now: datetime, life: timedelta, **new: Any) -> Lease | None:
        """Take a row as `take` does, that is made here, with `new` columns, if it is missing."""
        insert_row(db.session.connection(), self._table, **{self._key: key}, **new)
        return self.take(key, now, life)

    def take_all(self, key: Any, now: datetime, life: timedelta, token: str) -> datetime | None:
        """Take every free row of a key, and extend those that the token has already.

        Returns when the last lease of others on such rows ends; None when there is none.
        """
        self.take(key, now, life, token)
        values = {"key": key, "token": token}
        return cast("datetime | None", db.session.connection().scalar(self._others, values))

    def write(self, key: Any, token: str, values: Values, **only: Any) -> bool:
        """Write into the row if the token has it, and its columns are as `only` says.

        Tells whether it was so. What the session holds is written before.
        """
        db.session.flush()
        mine = {self._key: key, self._token: token, **only}
        return update_rows(db.session.connection(), self._table, mine, dict(values)) > 0

    def extend(self, key: Any, token: str, until: datetime, values: Values = NOTHING) -> None:
        """Let the lease last until a moment, and write into the row.

        Raises LeaseLost after a rollback when the token has it no more.
        """
        if not self.write(key, token, {**values, self._until: until}):
            raise_lost()

    def release(self, key: Any, token: str, values: Values = NOTHING, **only: Any) -> bool:
        """Free the row and write into it, if the token has it, as `write` does."""
        return self.write(key, token, {self._token: None, self._until: None, **values}, **only)
