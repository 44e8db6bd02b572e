"""Let each process of the bridge say that it is there."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "node_process",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=300), nullable=False),
        sa.Column("node", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("started_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("clock_ahead_seconds", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_node_process"),
        sa.UniqueConstraint("name", name="uq_node_process_name"),
    )
    op.create_index("ix_node_process_seen_at", "node_process", ["seen_at"])
