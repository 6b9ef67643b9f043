"""The web page: who is signed in, buttons and marked-up text of its messages, forgotten photos.

Why: a page that others reach asks for a code, and what people delete is gone for good.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    _sessions()
    _sign_in_links()
    _page_messages()
    _forgotten_photos()


def _sessions() -> None:
    op.create_table(
        "sessions",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("begun_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
    op.create_index("sessions_person", "sessions", ["person"])
    op.create_index("sessions_expires", "sessions", ["expires_at"])


def _sign_in_links() -> None:
    op.create_table(
        "sign_in_links",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("person", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("begun_at", sa.Float, nullable=False),
        sa.Column("expires_at", sa.Float, nullable=False),
    )
    op.create_index("sign_in_links_person", "sign_in_links", ["person"])
    op.create_index("sign_in_links_expires", "sign_in_links", ["expires_at"])


def _page_messages() -> None:
    """Made anew: the numbers of deleted messages must not be given out again."""
    op.drop_index("page_messages_chat")
    op.drop_index("page_messages_key")
    op.rename_table("page_messages", "page_messages_before")
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
        sa.Column("rich", sa.Boolean, nullable=False),
        sa.Column("buttons", sa.Text, nullable=False),
        sqlite_autoincrement=True,
    )
    op.execute(
        "INSERT INTO page_messages (id, chat, side, text, photos, final, at, key, rich, buttons)"
        " SELECT id, chat, side, text, photos, final, at, key, false, '[]'"
        " FROM page_messages_before ORDER BY id"
    )
    op.drop_table("page_messages_before")
    op.create_index("page_messages_chat", "page_messages", ["chat", "id"])
    op.create_index("page_messages_key", "page_messages", ["chat", "key"], unique=True)


def _forgotten_photos() -> None:
    op.create_table(
        "forgotten_photos",
        sa.Column("digest", sa.Text, primary_key=True),
        sa.Column("at", sa.Float, nullable=False),
    )
