"""Let people sign in to the console, and keep what they do."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

MOMENT = sa.DateTime(timezone=True)


def _id() -> sa.Column:
    return sa.Column("id", sa.Integer(), nullable=False)


def _account(table: str) -> tuple[sa.Column, sa.ForeignKeyConstraint]:
    return _reference(table, "account_id", "console_account")


def _reference(
    table: str, column: str, target: str, nullable: bool = True
) -> tuple[sa.Column, sa.ForeignKeyConstraint]:
    name = f"fk_{table}_{column}_{target}"
    return (
        sa.Column(column, sa.Integer(), nullable=nullable),
        sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name),
    )


def upgrade() -> None:
    op.create_table(
        "console_account",
        _id(),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("signed_in_at", MOMENT, nullable=True),
        sa.Column("disabled_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_console_account"),
        sa.UniqueConstraint("name", name="uq_console_account_name"),
    )
    op.create_table(
        "console_invite",
        _id(),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        *_account("console_invite"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("used_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_console_invite"),
        sa.UniqueConstraint("token_hash", name="uq_console_invite_token_hash"),
    )
    op.create_table(
        "console_session",
        _id(),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        *_account("console_session"),
        *_reference("console_session", "grant_id", "console_grant"),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("seen_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_console_session"),
        sa.UniqueConstraint("token_hash", name="uq_console_session_token_hash"),
    )
    for column in ("account_id", "grant_id", "expires_at"):
        op.create_index(f"ix_console_session_{column}", "console_session", [column])
    op.create_table(
        "sign_in_failure",
        _id(),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("failed_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sign_in_failure"),
        sa.UniqueConstraint("key", name="uq_sign_in_failure_key"),
    )
    op.create_index("ix_sign_in_failure_failed_at", "sign_in_failure", ["failed_at"])
    op.create_table(
        "audit_entry",
        _id(),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(length=300), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=100), nullable=False),
        *_reference("audit_entry", "platform_id", "platform"),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_entry"),
    )
    op.create_index("ix_audit_entry_platform_id_id", "audit_entry", ["platform_id", "id"])
    op.create_index("ix_audit_entry_subject", "audit_entry", ["subject"])
    op.create_table(
        "check_result",
        _id(),
        sa.Column("subject", sa.String(length=100), nullable=False),
        sa.Column("checked_at", MOMENT, nullable=False),
        sa.Column("mark", sa.String(length=10), nullable=False),
        sa.Column("lines", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_check_result"),
        sa.UniqueConstraint("subject", name="uq_check_result_subject"),
    )
    with op.batch_alter_table("console_grant") as batch:
        batch.add_column(sa.Column("deployment_id", sa.Integer(), nullable=True))
        batch.add_column(
            sa.Column("whole_platform", sa.Boolean(), nullable=False, server_default=sa.true())
        )
        batch.create_foreign_key(
            "fk_console_grant_deployment_id_deployment", "deployment", ["deployment_id"], ["id"]
        )
    with op.batch_alter_table("scorm_account") as batch:
        batch.add_column(sa.Column("disabled_at", MOMENT, nullable=True))
