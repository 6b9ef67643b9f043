"""Several programs on one database: who runs, and what each of them has in hand.

Why: two programs share the work, and what one leaves when it dies goes on in the other.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "replicas",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("home", sa.Text, nullable=False),
        sa.Column("beats", sa.Integer, nullable=False),
        sa.Column("reloads", sa.Integer, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "claims",
        sa.Column("inbox_id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("replica", sa.Integer, nullable=False),
        sa.Column("taken", sa.Boolean, nullable=False),
    )
    op.create_index("claims_replica", "claims", ["replica"])
    op.create_table(
        "let_go",
        sa.Column("replica", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("platform", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("upto", sa.Integer, nullable=False),
    )
    op.create_table(
        "under_way",
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("key", sa.Text, primary_key=True),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("replica", sa.Integer, nullable=False),
    )
    is_open = sa.text("state IN ('new', 'waiting')")
    columns = ["platform", "chat", "id"]
    op.create_index("inbox_open", "inbox", columns, sqlite_where=is_open, postgresql_where=is_open)
