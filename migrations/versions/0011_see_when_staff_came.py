"""Remember when a user was last seen as staff: only the newest role counts."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.add_column("staff_visit", sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True))
