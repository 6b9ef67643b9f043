"""Cases: what content safety blocked or wants looked at.

Why: staff see what was done, people can appeal, and what was wrong is let through.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "cases",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("chat", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("member", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("place", sa.Text, nullable=False),
        sa.Column("action", sa.Text, nullable=False),
        sa.Column("category", sa.Text, nullable=False),
        sa.Column("detector", sa.Text, nullable=False),
        sa.Column("version", sa.Text, nullable=False),
        sa.Column("score", sa.Float, nullable=False),
        sa.Column("excerpt", sa.Text, nullable=False),
        sa.Column("picture", sa.Text, nullable=False),
        sa.Column("photo", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("appealed_at", sa.Float),
        sa.Column("appeal", sa.Text, nullable=False),
        sa.Column("decided_at", sa.Float),
        sa.Column("decided_by", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("banned_until", sa.Float),
        sqlite_autoincrement=True,
    )
    op.create_index("cases_person", "cases", ["person", "at"])
    op.create_index("cases_state", "cases", ["state", "id"])
    op.create_index("cases_at", "cases", ["at"])
