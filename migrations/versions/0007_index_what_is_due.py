"""Keep in the indexes of due rows only what is due: most rows never are again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

COLUMNS = (("grade", "next_read_at"), ("grade", "next_send_at"), ("registration", "recheck_at"))


def upgrade() -> None:
    for table, column in COLUMNS:
        name = f"ix_{table}_{column}"
        there = sa.text(f"{column} IS NOT NULL")
        op.drop_index(name, table)
        op.create_index(name, table, [column], sqlite_where=there, postgresql_where=there)
