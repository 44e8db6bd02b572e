"""Keep the pause that an LMS asked for, and when learners finished their attempts.

Besides, take over where the scores of before went, and let those go that nothing would send.
"""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.add_column("platform", sa.Column("paused_until", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "platform",
        sa.Column("is_throttled", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("platform", sa.Column("probe_grade_id", sa.Integer(), nullable=True))
    op.add_column(
        "registration", sa.Column("completed_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("score", sa.Column("held_before", sa.Double(), nullable=True))
    op.execute(
        "UPDATE score SET line_item_url = (SELECT resource_link.line_item_url FROM resource_link "
        "JOIN grade ON grade.resource_link_id = resource_link.id WHERE grade.id = score.grade_id) "
        "WHERE timestamp IS NOT NULL AND line_item_url IS NULL"
    )
    waiting = "SELECT grade_id FROM score WHERE state = 'queued'"
    op.execute(
        "UPDATE grade SET next_send_at = CURRENT_TIMESTAMP WHERE next_send_at IS NULL "
        f"AND next_read_at IS NULL AND NOT waits_for_line_item AND id IN ({waiting})"
    )
