"""PostgreSQL as the other engine: numbers as large as on SQLite, and an index of words.

Why: a number that people type is looked for, however large it is, and not refused. SQLite has all
that; here its part is empty.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"

_TABLES = (
    "inbox parts replies promises ratings turns windows kept_photos cursors tickets ticket_lines"
    " complaints people chats tellings limits gifts resets ledger audit pauses broadcasts outbox"
    " outbox_messages documents passages page_messages forgotten_photos erasures upkeep sessions"
    " sign_in_links keys repeats cases answers answer_photos blocked_pictures replicas claims"
    " let_go under_way"
)
_NARROW = sa.text(
    "SELECT table_name, column_name, pg_get_serial_sequence(table_name, column_name) AS sequence"
    " FROM information_schema.columns"
    " WHERE table_schema = current_schema() AND data_type = 'integer'"
    " ORDER BY table_name, ordinal_position"
)


def upgrade() -> None:
    connection = op.get_bind()
    if connection.dialect.name != "postgresql":
        return
    for table, column, sequence in connection.execute(_NARROW).all():
        if table not in _TABLES.split():  # somebody else's, in the same schema
            continue
        op.alter_column(table, column, type_=sa.BigInteger)
        if sequence is not None:
            op.execute(f"ALTER SEQUENCE {sequence} AS BIGINT")
    op.execute("CREATE TABLE passage_words (passage BIGINT PRIMARY KEY, words TEXT NOT NULL,"
               " known TEXT[] NOT NULL)")  # fmt: skip
    op.execute("CREATE INDEX passage_words_known ON passage_words USING gin (known)")
