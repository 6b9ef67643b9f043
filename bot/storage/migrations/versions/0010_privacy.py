"""What the promises of /privacy and of the fallback need.

Why: people can have a copy of what is kept, and can have it deleted; who was promised an answer
gets one, and says how long they want to wait.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    _people()
    _promises()
    _erasures()
    _upkeep()
    _indexes()


def _people() -> None:
    op.rename_table("people", "people_before")
    op.create_table(
        "people",
        sa.Column("platform", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("role", sa.Text),
        sa.Column("language", sa.Text, nullable=False),
        sa.Column("spoken", sa.Text, nullable=False),
        sa.Column("patience_s", sa.Float),
        sa.Column("banned_until", sa.Float),
        sa.Column("ban_reason", sa.Text, nullable=False),
        sa.Column("first_seen", sa.Float, nullable=False),
        sa.Column("last_seen", sa.Float),
    )
    columns = (
        "platform, person, name, role, language, spoken,"
        " banned_until, ban_reason, first_seen, last_seen"
    )
    # no word of anybody is in it: these names are ours
    op.execute(f"INSERT INTO people ({columns}) SELECT {columns} FROM people_before")  # nosec B608
    op.drop_table("people_before")


def _promises() -> None:
    op.create_table(
        "promises",
        sa.Column("inbox_id", sa.Integer, sa.ForeignKey("inbox.id"), primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
    )


def _erasures() -> None:
    op.create_table(
        "erasures",
        sa.Column("platform", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, primary_key=True),
        sa.Column("upto", sa.Integer, nullable=False),
        sa.Column("at", sa.Float, nullable=False),
        sa.Column("chat", sa.Text, nullable=False),
        sa.Column("thread", sa.Text, nullable=False),
        sa.Column("language", sa.Text, nullable=False),
    )


def _upkeep() -> None:
    op.create_table(
        "upkeep",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("seen_at", sa.Float, nullable=False),
    )


def _indexes() -> None:
    """By whom, by age, and by what shows a photo."""
    op.create_index("inbox_person", "inbox", ["platform", "person", "id"])
    op.create_index("inbox_ended", "inbox", ["ended_at"])
    op.create_index("turns_at", "turns", ["at"])
    op.create_index("outbox_ended", "outbox", ["ended_at"])
    op.create_index("page_messages_at", "page_messages", ["at"])
    some = sa.text("photos != '[]'")
    op.create_index("turns_photos", "turns", ["photos"], sqlite_where=some, postgresql_where=some)
    op.create_index(
        "page_photos", "page_messages", ["photos"], sqlite_where=some, postgresql_where=some
    )
