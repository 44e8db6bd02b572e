"""Keep how often launches were refused, by reason and by what the LMS called itself."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    op.create_table(
        "refused_launch",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(40), nullable=False),
        sa.Column("issuer", sa.String(255), nullable=False),
        sa.Column("client_id", sa.String(255), nullable=False),
        sa.Column("deployment_id", sa.String(255), nullable=False),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.Column("first_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("page_references", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refused_launch")),
        sa.UniqueConstraint(
            "code",
            "issuer",
            "client_id",
            "deployment_id",
            name=op.f("uq_refused_launch_code_issuer_client_id_deployment_id"),
        ),
    )
    op.create_index(op.f("ix_refused_launch_last_at"), "refused_launch", ["last_at"])
