"""Note what LMS admins grant, who succeeds whom, and who uses an invite right now."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    # Not by batch mode: it makes a table anew, and SQLite drops none that others refer to.
    op.add_column("platform", sa.Column("granted_scopes", sa.JSON(), nullable=True))
    op.add_column("platform", sa.Column("succeeds_id", sa.Integer(), nullable=True))
    op.add_column("deployment", sa.Column("succeeds_id", sa.Integer(), nullable=True))
    op.add_column("deployment", sa.Column("shares_names", sa.Boolean(), nullable=True))
    op.add_column("deployment", sa.Column("launched_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("invite", sa.Column("dialect", sa.String(length=20), nullable=True))
    op.add_column("invite", sa.Column("claim_token", sa.String(length=32), nullable=True))
    op.add_column("invite", sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True))
