"""Deliveries of webhooks"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "deliveries",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("webhook", sa.String(length=63), nullable=False),
        sa.Column("delivery", sa.String(length=128), nullable=True),
        sa.Column("releases", sa.JSON(), nullable=False),
        sa.Column("outdated", sa.JSON(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_deliveries")),
        sa.UniqueConstraint("webhook", "delivery", name=op.f("uq_deliveries_webhook_delivery")),
    )
    op.create_table(
        "pushes",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("webhook", sa.String(length=63), nullable=False),
        sa.Column("repository", sa.String(length=512), nullable=False),
        sa.Column("ref", sa.String(length=300), nullable=False),
        sa.Column("before", sa.String(length=64), nullable=False),
        sa.Column("after", sa.String(length=64), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_pushes")),
    )
    op.create_index(
        op.f("ix_pushes_webhook_repository_ref_before"), "pushes", ["webhook", "repository", "ref", "before"]
    )
    op.create_index(op.f("ix_pushes_received_at"), "pushes", ["received_at"])
