"""Where the database of a test stands: in its folder, or on a server."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.storage.db import Database
from bot.storage.section import NO_URL

# Of what one of the engines alone has; the test says what that is.
on_sqlite = pytest.mark.parametrize("ground", ["sqlite"], indirect=True)
on_postgres = pytest.mark.parametrize("ground", ["postgres"], indirect=True)


@dataclass(frozen=True, slots=True)
class Ground:
    data_dir: Path
    url: SecretStr = NO_URL

    async def open(self) -> Database:
        return await Database.open(self.data_dir, self.url)

    async def join(self) -> Database:
        return await Database.join(self.data_dir, self.url)
