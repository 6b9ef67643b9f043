"""The first tables: inbox, replies, turns, windows, kept photos, page messages.

Why: an update is acknowledged only after its inbox row is committed, the visible message of an
answer is known before it is edited, and a conversation's window outlives a restart.
Written out, not taken from tables.py: that file goes on changing, this one never does.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None


def upgrade() -> None:
    _inbox_and_replies()
    _conversations()
    _page()


def _inbox_and_replies() -> None:
    op.create_table(
        "inbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("bot", sa.Text, nullable=False),
        sa.Column("chat", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("attempts", sa.Integer, nullable=False),
        sa.Column("received_at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float),
        sa.UniqueConstraint("platform", "bot", "chat", "message"),
    )
    op.create_index("inbox_state", "inbox", ["state", "id"])
    op.create_table(
        "replies",
        sa.Column("inbox_id", sa.Integer, sa.ForeignKey("inbox.id"), primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True),
        sa.Column("message", sa.Text, nullable=False),
    )


def _conversations() -> None:
    op.create_table(
        "turns",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("inbox_id", sa.Integer, sa.ForeignKey("inbox.id"), nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("chat", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("role", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("photos", sa.Text, nullable=False),
        sa.Column("tokens", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.UniqueConstraint("inbox_id", "role"),
    )
    op.create_index("turns_conversation", "turns", ["platform", "chat", "thread", "id"])
    op.create_table(
        "windows",
        sa.Column("platform", sa.Text, primary_key=True),
        sa.Column("chat", sa.Text, primary_key=True),
        sa.Column("thread", sa.Text, primary_key=True),
        sa.Column("after_turn", sa.Integer, nullable=False),
    )
    op.create_table(
        "kept_photos",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("inbox_id", sa.Integer, sa.ForeignKey("inbox.id"), nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("chat", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("digest", sa.Text, nullable=False),
        sa.UniqueConstraint("inbox_id", "digest"),
    )


def _page() -> None:
    op.create_table(
        "page_messages",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("chat", sa.Text, nullable=False),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("photos", sa.Text, nullable=False),
        sa.Column("final", sa.Boolean, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("key", sa.Text),
    )
    op.create_index("page_messages_chat", "page_messages", ["chat", "id"])
    op.create_index("page_messages_key", "page_messages", ["chat", "key"], unique=True)
