"""The service desk: tickets, what was said in them, and complaints that may lead to one.

Why: a customer whom the bot cannot help is handed to a person, and nothing of it may be lost.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    _tickets()
    _lines()
    _complaints()


def _tickets() -> None:
    op.create_table(
        "tickets",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("chat", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("member", sa.Text, nullable=False),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("shared", sa.Boolean, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
        sa.Column("why", sa.Text, nullable=False),
        sa.Column("taken_by", sa.Text, nullable=False),
        sa.Column("taken_name", sa.Text, nullable=False),
        sa.Column("staff_platform", sa.Text, nullable=False),
        sa.Column("staff_chat", sa.Text, nullable=False),
        sa.Column("staff_thread", sa.Text),
        sa.Column("announce", sa.Boolean, nullable=False),
        sa.Column("told", sa.Integer, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("opened_at", sa.Float, nullable=False),
        sa.Column("changed_at", sa.Float, nullable=False),
        sa.Column("last_customer_at", sa.Float),
        sa.Column("unanswered_since", sa.Float),
        sa.Column("reminded_at", sa.Float),
        sa.Column("escalated_at", sa.Float),
        sa.Column("closed_at", sa.Float),
        sa.Column("score", sa.Integer),
    )
    op.create_index("tickets_staff", "tickets", ["staff_platform", "staff_chat", "staff_thread"])
    op.create_index("tickets_state", "tickets", ["state", "id"])
    op.create_index(
        "tickets_open",
        "tickets",
        ["platform", "chat", "thread", "member"],
        unique=True,
        sqlite_where=sa.text("state != 'closed'"),
        postgresql_where=sa.text("state != 'closed'"),
    )


def _lines() -> None:
    op.create_table(
        "ticket_lines",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("ticket_id", sa.Integer, sa.ForeignKey("tickets.id"), nullable=False),
        sa.Column("number", sa.Integer, nullable=False),
        sa.Column("event", sa.Text, nullable=False, unique=True),
        sa.Column("side", sa.Text, nullable=False),
        sa.Column("who", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("text", sa.Text, nullable=False),
        sa.Column("photos", sa.Text, nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("said", sa.Text, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.UniqueConstraint("ticket_id", "number"),
    )


def _complaints() -> None:
    op.create_table(
        "complaints",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("platform", sa.Text, nullable=False),
        sa.Column("chat", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("member", sa.Text, nullable=False),
        sa.Column("event", sa.Text, nullable=False, unique=True),
        sa.Column("answers", sa.Integer, nullable=False),
    )
    op.create_index(
        "complaints_conversation",
        "complaints",
        ["platform", "chat", "thread", "member", "id"],
    )
