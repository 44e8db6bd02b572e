"""Add erasures and the daily round of retention; no number of a launch comes twice."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "erasure",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("platform_id", sa.Integer(), nullable=False),
        sa.Column("learner_id", sa.Integer(), nullable=True),
        sa.Column("scorm_learner_id", sa.String(length=36), nullable=True),
        sa.Column("ours_anyway", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("reason", sa.String(length=500), nullable=True),
        sa.Column("asked_at", MOMENT, nullable=False),
        sa.Column("asked_by", sa.String(length=300), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", MOMENT, nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("removed", sa.JSON(), nullable=False),
        sa.Column("remains", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["platform_id"], ["platform.id"], name="fk_erasure_platform_id_platform"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_erasure"),
        sa.UniqueConstraint("learner_id", name="uq_erasure_learner_id"),
    )
    op.create_index("ix_erasure_platform_id", "erasure", ["platform_id"])
    op.create_index("ix_erasure_state_next_try_at", "erasure", ["state", "next_try_at"])
    op.create_table(
        "upkeep",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.Column("lease_token", sa.String(length=32), nullable=True),
        sa.Column("lease_until", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_upkeep"),
        sa.UniqueConstraint("name", name="uq_upkeep_name"),
    )
    if op.get_bind().dialect.name == "sqlite":
        # Exit addresses name a launch by its number for ever. SQLite would give the number of an
        # erased launch to the next one.
        with op.batch_alter_table(
            "launch", recreate="always", table_kwargs={"sqlite_autoincrement": True}
        ):
            pass
