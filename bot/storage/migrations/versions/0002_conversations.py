"""Conversations of one person in a group, parts of a question, keys of sends, ratings, cursors,
the outbox.

Why: in a group everybody may have a window of their own; pictures and words sent apart are asked
about together, also after a restart; a message whose sending was interrupted is sent again under
the same key; what is said without being asked must survive a restart too.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    _members()
    _replies()
    _new_tables()


def _members() -> None:
    """SQLite adds a column at the end only, and the tables shall be the same on every engine."""
    op.drop_index("turns_conversation", "turns")
    with _rebuilt("turns", "id, inbox_id, platform, chat, thread, role, text, photos, tokens, at"):
        op.create_table(
            "turns",
            sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
            sa.Column("inbox_id", sa.Integer, sa.ForeignKey("inbox.id"), nullable=False),
            sa.Column("platform", sa.Text, nullable=False),
            sa.Column("chat", sa.Text, nullable=False),
            sa.Column("thread", sa.Text, nullable=False),
            sa.Column("member", sa.Text, nullable=False),
            sa.Column("role", sa.Text, nullable=False),
            sa.Column("text", sa.Text, nullable=False),
            sa.Column("photos", sa.Text, nullable=False),
            sa.Column("tokens", sa.Integer, nullable=False),
            sa.Column("at", sa.Float, nullable=False),
            sa.Column("replaced_by", sa.Integer),
            sa.UniqueConstraint("inbox_id", "role"),
        )
    op.create_index("turns_conversation", "turns", ["platform", "chat", "thread", "member", "id"])
    with _rebuilt("windows", "platform, chat, thread, after_turn", told_long="false"):
        op.create_table(
            "windows",
            sa.Column("platform", sa.Text, primary_key=True),
            sa.Column("chat", sa.Text, primary_key=True),
            sa.Column("thread", sa.Text, primary_key=True),
            sa.Column("member", sa.Text, primary_key=True),
            sa.Column("after_turn", sa.Integer, nullable=False),
            sa.Column("told_long", sa.Boolean, nullable=False),
        )
    with _rebuilt("kept_photos", "id, inbox_id, platform, chat, thread, digest", at="0"):
        op.create_table(
            "kept_photos",
            sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
            sa.Column("inbox_id", sa.Integer, sa.ForeignKey("inbox.id"), nullable=False),
            sa.Column("platform", sa.Text, nullable=False),
            sa.Column("chat", sa.Text, nullable=False),
            sa.Column("thread", sa.Text, nullable=False),
            sa.Column("member", sa.Text, nullable=False),
            sa.Column("digest", sa.Text, nullable=False),
            sa.Column("at", sa.Float, nullable=False),
            sa.UniqueConstraint("inbox_id", "digest"),
        )


def _replies() -> None:
    with _rebuilt("replies", "inbox_id, part, message", member=None, key="'before 0002'"):
        op.create_table(
            "replies",
            sa.Column("inbox_id", sa.Integer, sa.ForeignKey("inbox.id"), primary_key=True),
            sa.Column("part", sa.Integer, primary_key=True),
            sa.Column("key", sa.Text, nullable=False),
            sa.Column("message", sa.Text),
        )
    op.create_index("replies_message", "replies", ["message"])


@contextmanager
def _rebuilt(table: str, kept: str, *, member: str | None = "''", **filled: str) -> Iterator[None]:
    """Inside, the table is made anew; then it gets its rows back, and `filled` in new columns."""
    new = {"member": member, **filled} if member is not None else filled
    op.rename_table(table, f"old_{table}")
    yield
    columns, values = ", ".join([kept, *new]), ", ".join([kept, *new.values()])
    # no word of anybody is in it: these names are ours
    op.execute(f"INSERT INTO {table} ({columns}) SELECT {values} FROM old_{table}")  # nosec B608
    op.drop_table(f"old_{table}")


def _new_tables() -> None:
    op.create_index("inbox_chat", "inbox", ["platform", "chat", "id"])
    op.create_table(
        "parts",
        sa.Column("inbox_id", sa.Integer, sa.ForeignKey("inbox.id"), primary_key=True),
        sa.Column("asked_as", sa.Integer, sa.ForeignKey("inbox.id"), nullable=False),
    )
    op.create_index("parts_asked_as", "parts", ["asked_as"])
    op.create_table(
        "ratings",
        sa.Column("inbox_id", sa.Integer, sa.ForeignKey("inbox.id"), primary_key=True),
        sa.Column("value", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_table(
        "cursors",
        sa.Column("platform", sa.Text, primary_key=True),
        sa.Column("bot", sa.Text, primary_key=True),
        sa.Column("value", sa.Text, nullable=False),
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("key", sa.Text, nullable=False, unique=True),
        sa.Column("batch", sa.Text, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("chat", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("photo", sa.Text, nullable=False),
        sa.Column("buttons", sa.Text, nullable=False),
        sa.Column("reply_to", sa.Text),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("message", sa.Text),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("ended_at", sa.Float),
        sa.Column("patient", sa.Boolean, nullable=False),
    )
    op.create_index("outbox_state", "outbox", ["state", "id"])
    op.create_index("outbox_batch", "outbox", ["batch", "state"])
    op.create_table(
        "outbox_messages",
        sa.Column("outbox_id", sa.Integer, sa.ForeignKey("outbox.id"), primary_key=True),
        sa.Column("part", sa.Integer, primary_key=True),
        sa.Column("message", sa.Text, nullable=False),
    )
    op.create_index("outbox_messages_message", "outbox_messages", ["message"])
