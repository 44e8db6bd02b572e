"""Keep what each comparison with a gradebook found, when SCORM Cloud was last looked through,
and find entries of the audit log by day and kind.
"""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"
ASKED_ABOUT = sa.text("compared IN ('lost', 'cleared')")


def upgrade() -> None:
    op.add_column("grade", sa.Column("compared", sa.String(12), nullable=True))
    op.add_column("grade", sa.Column("compared_score", sa.Double(), nullable=True))
    op.create_index(
        op.f("ix_grade_resource_link_id"),
        "grade",
        ["resource_link_id"],
        sqlite_where=ASKED_ABOUT,
        postgresql_where=ASKED_ABOUT,
    )
    moment = sa.DateTime(timezone=True)
    op.add_column("resource_link", sa.Column("compared_at", moment, nullable=True))
    op.add_column("resource_link", sa.Column("comparison_failure", sa.String(500), nullable=True))
    op.add_column("sweep_cursor", sa.Column("swept_at", moment, nullable=True))
    op.create_index(op.f("ix_audit_entry_at"), "audit_entry", ["at"])
    op.create_index(op.f("ix_audit_entry_action_id"), "audit_entry", ["action", "id"])
