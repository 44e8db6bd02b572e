"""Keep what fails right now beside grades, and since when a self-test has failed."""

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    op.create_table(
        "outage",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("subject", sa.String(100), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("failure", sa.String(500), nullable=False),
        sa.Column("is_refusal", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outage")),
        sa.UniqueConstraint("kind", "subject", name=op.f("uq_outage_kind_subject")),
    )
    op.add_column("check_result", sa.Column("failed_since", sa.DateTime(timezone=True)))
    op.add_column("node_process", sa.Column("skewed_since", sa.DateTime(timezone=True)))
    op.add_column("node_process", sa.Column("ended_at", sa.DateTime(timezone=True)))
    there = sa.text("standing IS NOT NULL")
    op.create_index(
        op.f("ix_score_standing"),
        "score",
        ["standing"],
        sqlite_where=there,
        postgresql_where=there,
    )
