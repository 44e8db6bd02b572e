"""Let people allow one learner further attempts, beyond what the activity allows everybody."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    column = sa.Column("further_attempts", sa.Integer(), nullable=False, server_default="0")
    op.add_column("grade", column)
