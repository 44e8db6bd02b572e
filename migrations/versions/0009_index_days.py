"""Index the moments by which the dashboard counts each day."""

from alembic import op

revision = "0009"
down_revision = "0008"

COLUMNS = (
    ("launch", "launched_at"),
    ("registration", "progress_changed_at"),
    ("score", "finished_at"),
)


def upgrade() -> None:
    for table, column in COLUMNS:
        op.create_index(f"ix_{table}_{column}", table, [column])
