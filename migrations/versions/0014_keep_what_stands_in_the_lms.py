"""Keep where a score went, what stands there since, and what a parked one waits for.

Scores that were parked before wait for an event: nothing of them becomes due by itself.
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    for name in ("asked", "stopped", "renewed"):
        op.add_column(
            "score", sa.Column(name, sa.Boolean(), nullable=False, server_default=sa.false())
        )
    op.add_column("score", sa.Column("line_item_url", sa.String(1000), nullable=True))
    op.add_column("score", sa.Column("standing", sa.String(20), nullable=True))
    op.add_column("score", sa.Column("held_after", sa.Double(), nullable=True))
    op.add_column(
        "score", sa.Column("unclear_reads", sa.Integer(), nullable=False, server_default="0")
    )
    for name in ("unclear_since", "checked_at"):
        op.add_column("score", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    for name in ("parked_at", "event_at"):
        op.add_column("grade", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    _take_over_parked()


def _take_over_parked() -> None:
    op.execute(
        "UPDATE score SET stopped = (1 = 1) WHERE state = 'parked' AND reason LIKE '% parked it.'"
    )
    newest = "(SELECT max(n.sequence) FROM score AS n WHERE n.grade_id = grade.id)"
    parked = (
        "SELECT score.finished_at FROM score WHERE score.grade_id = grade.id "
        f"AND score.sequence = {newest} AND score.state = 'parked' AND NOT score.stopped"
    )
    # Only the few grades that have such a score are written.
    some = "SELECT grade_id FROM score WHERE state = 'parked' AND NOT stopped"
    op.execute(f"UPDATE grade SET parked_at = ({parked}) WHERE id IN ({some})")
