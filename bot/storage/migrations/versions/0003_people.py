"""People, their roles, what they may use and what they used; audit, pause, broadcasts.

Why: who may ask how much is decided by commands while the program runs, and every such decision
leaves a trace.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    _people()
    _chats()
    _tellings()
    _limits()
    _gifts()
    _resets()
    _ledger()
    _audit()
    _pauses()
    _broadcasts()


def _people() -> None:
    op.create_table(
        "people",
        sa.Column("platform", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("spoken", sa.Text, nullable=False),
        sa.Column("banned_until", sa.Float),
        sa.Column("ban_reason", sa.Text, nullable=False),
        sa.Column("first_seen", sa.Float, nullable=False),
        sa.Column("last_seen", sa.Float),
    )


def _chats() -> None:
    op.create_table(
        "chats",
        sa.Column("platform", sa.Text, primary_key=True),
        sa.Column("chat", sa.Text, primary_key=True),
        sa.Column("is_group", sa.Boolean, nullable=False),
        sa.Column("gone", sa.Boolean, nullable=False),
        sa.Column("first_seen", sa.Float, nullable=False),
        sa.Column("last_seen", sa.Float, nullable=False),
    )


def _tellings() -> None:
    op.create_table(
        "tellings",
        sa.Column("platform", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("about", sa.Text, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
    )


def _limits() -> None:
    op.create_table(
        "limits",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("unit", sa.Text, primary_key=True),
        sa.Column("period", sa.Text, primary_key=True),
        sa.Column("amount", sa.Integer),
    )


def _gifts() -> None:
    op.create_table(
        "gifts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("scope", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("unit", sa.Text, nullable=False),
        sa.Column("amount", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
    )
    op.create_index("gifts_subject", "gifts", ["scope", "subject", "at"])


def _resets() -> None:
    op.create_table(
        "resets",
        sa.Column("scope", sa.Text, primary_key=True),
        sa.Column("subject", sa.Text, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
    )


def _ledger() -> None:
    op.create_table(
        "ledger",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("inbox_id", sa.Integer, sa.ForeignKey("inbox.id"), unique=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("chat", sa.Text),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("reserved_questions", sa.Integer, nullable=False),
        sa.Column("reserved_tokens", sa.Integer, nullable=False),
        sa.Column("settled_questions", sa.Integer),
        sa.Column("settled_tokens", sa.Integer),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_index("ledger_person", "ledger", ["person", "at"])
    op.create_index("ledger_chat", "ledger", ["chat", "at"])
    op.create_index("ledger_state", "ledger", ["state"])
    op.create_index("ledger_at", "ledger", ["at"])


def _audit() -> None:
    op.create_table(
        "audit",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("event", sa.Text, nullable=False, unique=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("subject", sa.Text, nullable=False),
        sa.Column("outcome", sa.Text, nullable=False),
        sa.Column("refused", sa.Boolean, nullable=False),
    )


def _pauses() -> None:
    op.create_table(
        "pauses",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("since", sa.Float, nullable=False),
        sa.Column("until", sa.Float),
        sa.Column("text", sa.Text, nullable=False),
    )


def _broadcasts() -> None:
    op.create_table(
        "broadcasts",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("event", sa.Text, nullable=False, unique=True),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("actor", sa.Text, nullable=False),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("chat", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("chats", sa.Integer, nullable=False),
    )
    op.create_index("broadcasts_state", "broadcasts", ["state"])
