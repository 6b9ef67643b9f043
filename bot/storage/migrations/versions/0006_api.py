"""The API: keys, answers kept for a repeated request, and what is used without an entry.

Why: a key is a person like any other to the ledger, which counts a call of the API once; a client
that repeats a request since the connection broke does not pay twice.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_INDEXES = {
    "ledger_person": ["person", "at"],
    "ledger_chat": ["chat", "at"],
    "ledger_state": ["state"],
    "ledger_at": ["at"],
}
_KEPT = (
    "id, inbox_id, person, chat, at, reserved_questions, reserved_tokens,"
    " settled_questions, settled_tokens, state"
)


def upgrade() -> None:
    _ledger()
    _keys()
    _repeats()


def _ledger() -> None:
    """SQLite adds no unique column, so the table is made anew and gets its rows back."""
    for name in _INDEXES:
        op.drop_index(name, "ledger")
    op.rename_table("ledger", "old_ledger")
    op.create_table(
        "ledger",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("inbox_id", sa.Integer, sa.ForeignKey("inbox.id"), unique=True),
        sa.Column("call", sa.Text, unique=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("chat", sa.Text),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("reserved_questions", sa.Integer, nullable=False),
        sa.Column("reserved_tokens", sa.Integer, nullable=False),
        sa.Column("settled_questions", sa.Integer),
        sa.Column("settled_tokens", sa.Integer),
        sa.Column("state", sa.Text, nullable=False),
    )
    # no word of anybody is in it: these names are ours
    op.execute(f"INSERT INTO ledger ({_KEPT}) SELECT {_KEPT} FROM old_ledger")  # nosec B608
    op.drop_table("old_ledger")
    for name, columns in _INDEXES.items():
        op.create_index(name, "ledger", columns)


def _keys() -> None:
    op.create_table(
        "keys",
        sa.Column("id", sa.Text, primary_key=True),
        sa.Column("digest", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("models", sa.Text, nullable=False),
        sa.Column("per_minute", sa.Integer),
        sa.Column("created_at", sa.Float, nullable=False),
        sa.Column("revoked_at", sa.Float),
    )


def _repeats() -> None:
    op.create_table(
        "repeats",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("key", sa.Text, nullable=False),
        sa.Column("request", sa.Text, nullable=False),
        sa.Column("answer", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.UniqueConstraint("person", "key"),
    )
    op.create_index("repeats_at", "repeats", ["at"])
