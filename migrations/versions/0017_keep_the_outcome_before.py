"""Keep the outcome that an attempt had before it was opened again, and SCORM Cloud's own time."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("registration", sa.Column("kept_completion", sa.String(10), nullable=True))
    op.add_column("registration", sa.Column("kept_success", sa.String(10), nullable=True))
    op.add_column("registration", sa.Column("kept_score", sa.Double(), nullable=True))
    op.add_column(
        "registration", sa.Column("reported_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column(
        "learner", sa.Column("name_changed_at", sa.DateTime(timezone=True), nullable=True)
    )
