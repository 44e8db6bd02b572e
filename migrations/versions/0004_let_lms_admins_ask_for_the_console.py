"""Let LMS admins ask for the console."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "console_grant",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("platform_id", sa.Integer(), nullable=False),
        sa.Column("sub", sa.String(length=255), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("granted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_console_grant"),
        sa.ForeignKeyConstraint(
            ["platform_id"], ["platform.id"], name="fk_console_grant_platform_id_platform"
        ),
        sa.UniqueConstraint("platform_id", "sub", name="uq_console_grant_platform_id_sub"),
    )
