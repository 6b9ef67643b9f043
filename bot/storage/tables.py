"""Every table, in SQLAlchemy Core. A change here needs a migration beside it.

Times are seconds since 1970 in UTC. Photos are named by the SHA-256 of their file's bytes.
"""

from __future__ import annotations

from sqlalchemy import (
    DDL,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    MetaData,
    Table,
    UniqueConstraint,
    event,
    text,
)

from bot.storage.columns import Integer, Text

metadata = MetaData()

# Of a JSON list. Where a condition says it in these words, the index of such rows is taken.
SOME_PHOTOS = text("photos != '[]'")
IS_OPEN = text("state IN ('new', 'waiting')")  # likewise

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
    Index("inbox_chat", "platform", "chat", "id"),
    Index(
        *("inbox_open", "platform", "chat", "id"), sqlite_where=IS_OPEN, postgresql_where=IS_OPEN
    ),
    Index("inbox_person", "platform", "person", "id"),
    Index("inbox_ended", "ended_at"),
)

# The programs that run on this database. The numbers only grow: who has a smaller one is older,
# and the oldest leads. A row that is gone means that others have taken over its work.
replicas = Table(
    "replicas",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("home", Text, nullable=False),  # whoever holds it knows that an earlier one is dead
    Column("beats", Integer, nullable=False),  # raised for as long as it lives
    Column("reloads", Integer, nullable=False),  # raised when all shall read the rules again
    sqlite_autoincrement=True,
)

# Who has an open entry of the inbox in hand, or alone may take it: whoever shows its answers.
claims = Table(
    "claims",
    metadata,
    Column("inbox_id", Integer, primary_key=True, autoincrement=False),
    Column("replica", Integer, nullable=False),
    Column("taken", Boolean, nullable=False),  # False: it came to this one, and waits for it
    Index("claims_replica", "replica"),
)

# Which replica has ended all that it did for somebody who is to be forgotten.
let_go = Table(
    "let_go",
    metadata,
    Column("replica", Integer, primary_key=True, autoincrement=False),
    Column("platform", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("upto", Integer, nullable=False),  # of the order
)

# Entries that are asked about together with another one: the other pictures of an album, a photo
# and the question that came before or after it.
parts = Table(
    "parts",
    metadata,
    Column("inbox_id", Integer, ForeignKey("inbox.id"), primary_key=True),
    Column("asked_as", Integer, ForeignKey("inbox.id"), nullable=False),
    Index("parts_asked_as", "asked_as"),
)

# The visible messages of an answer. The key is kept before the message is sent, the message's id
# before the first edit. Part 0 is the placeholder.
replies = Table(
    "replies",
    metadata,
    Column("inbox_id", Integer, ForeignKey("inbox.id"), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("key", Text, nullable=False),  # Platform.send's
    Column("message", Text),  # NULL: being sent, or that was interrupted
    Index("replies_message", "message"),
)

# Questions whose people read that the answer will come, however long that takes.
promises = Table(
    "promises",
    metadata,
    Column("inbox_id", Integer, ForeignKey("inbox.id"), primary_key=True),
    Column("at", Float, nullable=False),
)

# What people thought of an answer.
ratings = Table(
    "ratings",
    metadata,
    Column("inbox_id", Integer, ForeignKey("inbox.id"), primary_key=True),
    Column("value", Integer, nullable=False),  # 1 | -1
    Column("at", Float, nullable=False),
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
    Column("member", Text, nullable=False),  # Conversation.person
    Column("role", Text, nullable=False),  # user | assistant
    Column("text", Text, nullable=False),
    Column("photos", Text, nullable=False),  # JSON list of photo digests
    Column("tokens", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Column("replaced_by", Integer),  # the entry that was answered anew in its place, newest one
    UniqueConstraint("inbox_id", "role"),
    Index("turns_conversation", "platform", "chat", "thread", "member", "id"),
    Index("turns_at", "at"),
    Index("turns_photos", "photos", sqlite_where=SOME_PHOTOS, postgresql_where=SOME_PHOTOS),
)

# Where the window of a conversation begins; moved forward by /new.
windows = Table(
    "windows",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("chat", Text, primary_key=True),
    Column("thread", Text, primary_key=True),
    Column("member", Text, primary_key=True),
    Column("after_turn", Integer, nullable=False),  # turns with a larger id belong to the window
    Column("told_long", Boolean, nullable=False),  # they know that old turns have left it
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
    Column("member", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("inbox_id", "digest"),
)

# How far a platform's stream of events has been read, where the platform does not keep that.
cursors = Table(
    "cursors",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("bot", Text, primary_key=True),
    Column("value", Text, nullable=False),
)

# A customer's conversation with the service desk. Of one conversation at most one is not closed.
tickets = Table(
    "tickets",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("platform", Text, nullable=False),
    Column("chat", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("member", Text, nullable=False),  # Conversation.person
    Column("person", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("shared", Boolean, nullable=False),  # others read there too
    Column("state", Text, nullable=False),  # bot | waiting | staff | closed
    Column("why", Text, nullable=False),  # asked | words | dissatisfied | refused | ...
    Column("taken_by", Text, nullable=False),  # "platform:id", or empty
    Column("taken_name", Text, nullable=False),
    Column("staff_platform", Text, nullable=False),
    Column("staff_chat", Text, nullable=False),
    Column("staff_thread", Text),  # NULL: not opened yet; empty: the group has no threads
    Column("announce", Boolean, nullable=False),  # staff must still be shown it
    Column("told", Integer, nullable=False),  # the last line that staff were shown
    Column("message", Text, nullable=False),  # the customer's newest, which answers reply to
    Column("opened_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("last_customer_at", Float),
    Column("unanswered_since", Float),  # NULL: staff have answered all
    Column("reminded_at", Float),
    Column("escalated_at", Float),
    Column("closed_at", Float),
    Column("score", Integer),  # 1 to 5
    Index("tickets_staff", "staff_platform", "staff_chat", "staff_thread"),
    Index("tickets_state", "state", "id"),
)
Index(
    "tickets_open",
    tickets.c.platform,
    tickets.c.chat,
    tickets.c.thread,
    tickets.c.member,
    unique=True,
    sqlite_where=tickets.c.state != "closed",
    postgresql_where=tickets.c.state != "closed",
)

# What was said in a ticket and what happened to it, in the order of `number`.
ticket_lines = Table(
    "ticket_lines",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("ticket_id", Integer, ForeignKey("tickets.id"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("event", Text, nullable=False, unique=True),  # what caused it: it has effect once
    Column("side", Text, nullable=False),  # customer | bot | staff | note | system
    Column("who", Text, nullable=False),  # "platform:id", or empty
    Column("name", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("photos", Text, nullable=False),  # JSON list of photo digests
    Column("message", Text, nullable=False),  # its id where it was written, or empty
    Column("said", Text, nullable=False),  # what its author was told about it
    Column("at", Float, nullable=False),
    UniqueConstraint("ticket_id", "number"),
)

# Complaints about answers since the last hand-off or praise.
complaints = Table(
    "complaints",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("platform", Text, nullable=False),
    Column("chat", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("member", Text, nullable=False),
    Column("event", Text, nullable=False, unique=True),
    Column("answers", Integer, nullable=False),  # given in the conversation before it
    Index("complaints_conversation", "platform", "chat", "thread", "member", "id"),
)

# Everybody who has spoken to us or was given something.
people = Table(
    "people",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("name", Text, nullable=False),
    Column("role", Text),  # guest | member | staff | admin; NULL: no command gave one
    Column("language", Text, nullable=False),  # zh | en, as chosen; empty: not chosen
    Column("spoken", Text, nullable=False),  # zh | en, in their last words; empty: not needed
    Column("patience_s", Float),  # 0: they wait however long; NULL: not chosen
    Column("banned_until", Float),
    Column("ban_reason", Text, nullable=False),
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float),  # NULL: never yet
)

chats = Table(
    "chats",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("chat", Text, primary_key=True),
    Column("is_group", Boolean, nullable=False),
    Column("gone", Boolean, nullable=False),  # a broadcast did not reach it
    Column("first_seen", Float, nullable=False),
    Column("last_seen", Float, nullable=False),
)

# What was told and is not to be repeated for a while; the event that caused it is told it again.
tellings = Table(
    "tellings",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("about", Text, primary_key=True),
    Column("at", Float, nullable=False),
    Column("event", Text, nullable=False),
)

# What people may use. Subjects: "platform:id" of a person or group, "*" for all groups, a role.
limits = Table(
    "limits",
    metadata,
    Column("scope", Text, primary_key=True),  # person | group | role
    Column("subject", Text, primary_key=True),
    Column("unit", Text, primary_key=True),  # questions | tokens
    Column("period", Text, primary_key=True),  # day | month
    Column("amount", Integer),  # NULL: no limit, whatever config.toml says
)

# On top of the limits, until the day and the month in which it was given are over.
gifts = Table(
    "gifts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("scope", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("unit", Text, nullable=False),
    Column("amount", Integer, nullable=False),
    Column("at", Float, nullable=False),
    Index("gifts_subject", "scope", "subject", "at"),
)

# What was used before does not count.
resets = Table(
    "resets",
    metadata,
    Column("scope", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("at", Float, nullable=False),
)

# What was used. Until an amount is settled, the reserved one counts.
ledger = Table(
    "ledger",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("inbox_id", Integer, ForeignKey("inbox.id"), unique=True),  # NULL: not from a chat
    Column("call", Text, unique=True),  # "replica/id" of an API request; NULL: not from the API
    Column("person", Text, nullable=False),  # "platform:id"
    Column("chat", Text),  # of a group, "platform:id"; NULL: said in private
    Column("at", Float, nullable=False),
    Column("reserved_questions", Integer, nullable=False),
    Column("reserved_tokens", Integer, nullable=False),
    Column("settled_questions", Integer),
    Column("settled_tokens", Integer),
    Column("state", Text, nullable=False),  # reserved | settled
    Index("ledger_person", "person", "at"),
    Index("ledger_chat", "chat", "at"),
    Index("ledger_state", "state"),
    Index("ledger_at", "at"),
)

# Every change that somebody ordered, and every order that was denied.
audit = Table(
    "audit",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("event", Text, nullable=False, unique=True),  # its lasting name
    Column("at", Float, nullable=False),
    Column("actor", Text, nullable=False),  # "platform:id", "machine:user"
    Column("command", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("outcome", Text, nullable=False),  # what the actor was told
    Column("refused", Boolean, nullable=False),  # a rule forbade it, and nothing was changed
)

# One row while no question is taken.
pauses = Table(
    "pauses",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("since", Float, nullable=False),
    Column("until", Float),  # NULL: until somebody ends it
    Column("text", Text, nullable=False),
)

broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("event", Text, nullable=False, unique=True),  # that wrote it
    Column("at", Float, nullable=False),
    Column("actor", Text, nullable=False),
    Column("platform", Text, nullable=False),  # where its end is reported; empty: nowhere
    Column("chat", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("language", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("state", Text, nullable=False),  # draft | cancelled | sending | done
    Column("chats", Integer, nullable=False),  # how many it goes to
    Index("broadcasts_state", "state"),
)

# Messages that answer no question of the moment: relays of the service desk, broadcasts, notices.
outbox = Table(
    "outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),  # named by what caused it: put once
    Column("batch", Text, nullable=False),  # those that are counted together; mostly empty
    Column("platform", Text, nullable=False),
    Column("chat", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("text", Text, nullable=False),
    Column("photo", Text, nullable=False),  # a digest, or empty
    Column("buttons", Text, nullable=False),  # JSON: [[name, label], ...]
    Column("reply_to", Text),
    Column("state", Text, nullable=False),  # waiting | sent | unclear | failed | left
    Column("message", Text),  # the id of its first message once it is sent
    Column("at", Float, nullable=False),
    Column("ended_at", Float),
    Column("patient", Boolean, nullable=False),  # everything else goes first
    Index("outbox_state", "state", "id"),
    Index("outbox_batch", "batch", "state"),
    Index("outbox_ended", "ended_at"),
)

# The messages that a letter has become so far; a long one takes several.
outbox_messages = Table(
    "outbox_messages",
    metadata,
    Column("outbox_id", Integer, ForeignKey("outbox.id"), primary_key=True),
    Column("part", Integer, primary_key=True),
    Column("message", Text, nullable=False),
    Index("outbox_messages_message", "message"),
)

# The knowledge base: what people taught, cut into passages.
documents = Table(
    "documents",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("title", Text, nullable=False, unique=True),
    Column("kind", Text, nullable=False),  # text | txt | md | pdf | docx | xlsx
    Column("digest", Text, nullable=False, unique=True),  # SHA-256 of what was sent
    Column("who", Text, nullable=False),  # "platform:id"
    Column("at", Float, nullable=False),
    Column("passages", Integer, nullable=False),
    Column("characters", Integer, nullable=False),
    sqlite_autoincrement=True,  # people name a document by its number, also later
)

passages = Table(
    "passages",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("document", Integer, ForeignKey("documents.id"), nullable=False),
    Column("number", Integer, nullable=False),  # within the document, from 1
    Column("place", Text, nullable=False),  # "p. 3"
    Column("text", Text, nullable=False),
    UniqueConstraint("document", "number"),
)

# The words of the passages by their id; read and written by bot/storage/search.py alone.
_WORDS = {
    "sqlite": ["CREATE VIRTUAL TABLE passage_words USING fts5(words, tokenize='ascii')"],
    "postgresql": [
        "CREATE TABLE passage_words (passage BIGINT PRIMARY KEY, words TEXT NOT NULL,"
        " known TEXT[] NOT NULL)",
        "CREATE INDEX passage_words_known ON passage_words USING gin (known)",
    ],
}
for _dialect, _statements in _WORDS.items():
    for _statement in _statements:
        event.listen(
            metadata,
            "after_create",
            DDL(_statement).execute_if(dialect=_dialect),  # type: ignore[no-untyped-call]  # SQLAlchemy's gap
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
    Column("key", Text),  # its sender's name for it, so that it is shown once
    Column("rich", Boolean, nullable=False),  # the text is Markdown
    Column("buttons", Text, nullable=False),  # JSON: [[name, label], ...]
    Index("page_messages_chat", "chat", "id"),
    Index("page_messages_key", "chat", "key", unique=True),
    Index("page_messages_at", "at"),
    Index("page_photos", "photos", sqlite_where=SOME_PHOTOS, postgresql_where=SOME_PHOTOS),
    sqlite_autoincrement=True,  # what is deleted is still named by presses and replies
)

# Photos that people deleted; their files go when nobody else has them.
forgotten_photos = Table(
    "forgotten_photos",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("at", Float, nullable=False),
)

# People who are to be forgotten: a row goes when nothing of its person is left.
erasures = Table(
    "erasures",
    metadata,
    Column("platform", Text, primary_key=True),
    Column("person", Text, primary_key=True),
    Column("upto", Integer, nullable=False),  # entries of the inbox with larger numbers stay
    Column("at", Float, nullable=False),
    Column("chat", Text, nullable=False),  # where its end is told; empty: nowhere
    Column("thread", Text, nullable=False),
    Column("language", Text, nullable=False),
)

# One row: the newest time at which the age of things was looked at, see
# bot/storage/retention/clock.py.
upkeep = Table(
    "upkeep",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("seen_at", Float, nullable=False),
)

# Who is signed in on a page; of the token that the browser has, its SHA-256.
sessions = Table(
    "sessions",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("person", Text, nullable=False),  # "platform:id"
    Column("kind", Text, nullable=False),  # page | console
    Column("begun_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Index("sessions_person", "person"),
    Index("sessions_expires", "expires_at"),
)

# Codes that sign in once, kept the same way.
sign_in_links = Table(
    "sign_in_links",
    metadata,
    Column("digest", Text, primary_key=True),
    Column("person", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("begun_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Index("sign_in_links_person", "person"),
    Index("sign_in_links_expires", "expires_at"),
)

# Keys of the API. The secret half of a key is not kept, its SHA-256 is. Their people are "api:id".
keys = Table(
    "keys",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("models", Text, nullable=False),  # JSON list of the only ones; empty: all
    Column("per_minute", Integer),  # NULL: as configured; 0: no limit
    Column("created_at", Float, nullable=False),
    Column("revoked_at", Float),
)

# Answers kept for requests that are repeated under their Idempotency-Key.
repeats = Table(
    "repeats",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("person", Text, nullable=False),  # "platform:id"
    Column("key", Text, nullable=False),  # SHA-256 of the header
    Column("request", Text, nullable=False),  # SHA-256 of what was asked
    Column("answer", Text, nullable=False),
    Column("at", Float, nullable=False),
    UniqueConstraint("person", "key"),
    Index("repeats_at", "at"),
)

# Requests under an Idempotency-Key that are being answered, and by whom.
under_way = Table(
    "under_way",
    metadata,
    Column("person", Text, primary_key=True),  # "platform:id"
    Column("key", Text, primary_key=True),  # SHA-256 of the header
    Column("request", Text, nullable=False),  # SHA-256 of what is asked
    Column("replica", Integer, nullable=False),
)

# What content safety blocked or wants looked at. Words of people are masked, or not here at all.
cases = Table(
    "cases",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),  # what happened: it is one case
    Column("at", Float, nullable=False),
    Column("request", Text, nullable=False),
    Column("person", Text, nullable=False),  # "platform:id"; of the API also the user it names
    Column("platform", Text, nullable=False),  # where it was asked; empty: over the API
    Column("chat", Text, nullable=False),
    Column("thread", Text, nullable=False),
    Column("member", Text, nullable=False),  # Conversation.person
    Column("message", Text, nullable=False),  # that letters to the person reply to, or empty
    Column("language", Text, nullable=False),
    Column("place", Text, nullable=False),  # question | picture | answer
    Column("action", Text, nullable=False),  # block | review
    Column("category", Text, nullable=False),
    Column("detector", Text, nullable=False),
    Column("version", Text, nullable=False),  # of the detector's lists or model
    Column("score", Float, nullable=False),
    Column("excerpt", Text, nullable=False),  # masked
    Column("picture", Text, nullable=False),  # SHA-256 of its pixels, or empty
    Column("photo", Text, nullable=False),  # the file it came from, or empty
    Column("subject", Text, nullable=False),  # names the words or pixels; what is let through
    Column("state", Text, nullable=False),  # open | approved | rejected
    Column("appealed_at", Float),
    Column("appeal", Text, nullable=False),  # their words, masked
    Column("decided_at", Float),
    Column("decided_by", Text, nullable=False),
    Column("answer", Text, nullable=False),  # the words of who decided
    Column("banned_until", Float),  # it was one of the strikes for which the person was shut out
    Index("cases_person", "person", "at"),
    Index("cases_state", "state", "id"),
    Index("cases_at", "at"),
    sqlite_autoincrement=True,  # people name a case by its number, also later
)

# Answers that are given again to the same question. Nothing of the question stands here.
answers = Table(
    "answers",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", Text, nullable=False, unique=True),  # a hash of all that decided the answer
    Column("owner", Text, nullable=False),  # "platform:id"; of the API also the user it names
    Column("model", Text, nullable=False),  # with its revision
    Column("text", Text, nullable=False),
    Column("reasoning", Text, nullable=False),
    Column("calls", Text, nullable=False),  # JSON list of [id, name, arguments]
    Column("finish", Text, nullable=False),
    Column("usage", Text, nullable=False),  # JSON list: prompt, completion and cached tokens
    Column("question", Text, nullable=False),  # SHA-256 of owner and words, or empty
    Column("likeness", Text, nullable=False),  # hex, see inference/images/likeness.py, or empty
    Column("at", Float, nullable=False),
    Column("used_at", Float, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("attempt_of", Text, nullable=False),  # the entry that it was written for, or empty
    Index("answers_owner", "owner"),
    Index("answers_question", "question"),
    Index("answers_used", "used_at"),
    sqlite_autoincrement=True,  # a button may name one that is gone
)

# The photos that a kept answer may speak of: it goes with any of them.
answer_photos = Table(
    "answer_photos",
    metadata,
    Column("answer_id", Integer, ForeignKey("answers.id"), primary_key=True),
    Column("digest", Text, primary_key=True),
    Index("answer_photos_digest", "digest"),
)

# Known bad pictures, which nobody gets an answer about.
blocked_pictures = Table(
    "blocked_pictures",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("digest", Text, nullable=False, unique=True),  # SHA-256 of its pixels
    Column("likeness", Text, nullable=False),  # hex, or empty where the pixels are gone
    Column("who", Text, nullable=False),  # blocked it, "platform:id"
    Column("why", Text, nullable=False),
    Column("at", Float, nullable=False),
    sqlite_autoincrement=True,  # people name it by its number, also later
)
