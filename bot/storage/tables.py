"""Every table, in SQLAlchemy Core. A change here needs a migration beside it.

Times are seconds since 1970 in UTC. Photos are named by the SHA-256 of their file's bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
)

metadata = MetaData()

# Every accepted event. States: new (not looked at), waiting (in line or being answered), and the
# ends: answered, said, refused, stopped, expired, undeliverable, dead, ignored.
inbox = Table(
    "inbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("platform", Text, nullable=False),
    Column("bot", Text, nullable=False),
    Column("chat", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("message", Text, nullable=False),
    Column("person", Text, nullable=False),
    Column("event", Text, nullable=False),  # JSON of bot.event.Event
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False),  # raised before each try, so that a crash counts
    Column("received_at", Float, nullable=False),
    Column("ended_at", Float),
    UniqueConstraint("platform", "bot", "chat", "message"),
    Index("inbox_state", "state", "id"),
)

# The visible messages of an answer, kept before the first edit. Part 0 is the placeholder.
replies = Table(
    "replies",
    metadata,
    Column("inbox_id", Integer, ForeignKey("inbox.id"), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("message", Text, nullable=False),
)

# What was said, question by question: the raw material of a window.
turns = Table(
    "turns",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("inbox_id", Integer, ForeignKey("inbox.id"), nullable=False),
    Column("platform", Text, nullable=False),
    Column("chat", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("role", Text, nullable=False),  # user | assistant
    Column("text", Text, nullable=False),
    Column("photos", Text, nullable=False),  # JSON list of photo digests
    Column("tokens", Integer, nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("inbox_id", "role"),
    Index("turns_conversation", "platform", "chat", "thread", "id"),
)

# Where the window of a conversation begins; moved forward by /new.
windows = Table(
    "windows",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("chat", Text, primary_key=True),
    Column("thread", Text, primary_key=True),
    Column("after_turn", Integer, nullable=False),  # turns with a larger id belong to the window
)

# Photos sent without words, waiting for their question.
kept_photos = Table(
    "kept_photos",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("inbox_id", Integer, ForeignKey("inbox.id"), nullable=False),
    Column("platform", Text, nullable=False),
    Column("chat", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("digest", Text, nullable=False),
    UniqueConstraint("inbox_id", "digest"),
)

# The web page's own side of a chat: what a person sees there.
page_messages = Table(
    "page_messages",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("chat", Text, nullable=False),
    Column("side", Text, nullable=False),  # person | bot
    Column("text", Text, nullable=False),
    Column("photos", Text, nullable=False),  # JSON list of photo digests
    Column("final", Boolean, nullable=False),  # False: still being written
    Column("at", Float, nullable=False),
    Column("key", Text),  # the page's own name for what it sent; NULL: the bot's
    Index("page_messages_chat", "chat", "id"),
    Index("page_messages_key", "chat", "key", unique=True),
)
