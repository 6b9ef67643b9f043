"""Earlier answers, given again to the same question about the same pixels; known bad pictures.

Why: a repeated question costs the card nothing, and what was blocked once stays blocked.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    _answers()
    _answer_photos()
    _blocked_pictures()


def _answers() -> None:
    op.create_table(
        "answers",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("model", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("reasoning", sa.Text, nullable=False),
        sa.Column("calls", sa.Text, nullable=False),
        sa.Column("finish", sa.Text, nullable=False),
        sa.Column("usage", sa.Text, nullable=False),
        sa.Column("question", sa.Text, nullable=False),
        sa.Column("likeness", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("used_at", sa.Float, nullable=False),
        sa.Column("bytes", sa.Integer, nullable=False),
        sa.Column("attempt_of", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.create_index("answers_owner", "answers", ["owner"])
    op.create_index("answers_question", "answers", ["question"])
    op.create_index("answers_used", "answers", ["used_at"])


def _answer_photos() -> None:
    op.create_table(
        "answer_photos",
        sa.Column("answer_id", sa.Integer, sa.ForeignKey("answers.id"), primary_key=True),
        sa.Column("digest", sa.Text, primary_key=True),
    )
    op.create_index("answer_photos_digest", "answer_photos", ["digest"])


def _blocked_pictures() -> None:
    op.create_table(
        "blocked_pictures",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("digest", sa.Text, nullable=False, unique=True),
        sa.Column("likeness", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sqlite_autoincrement=True,
    )
