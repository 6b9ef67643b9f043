"""The bot's login, kept between runs: one device for ever, for its keys open encrypted rooms."""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict
from pathlib import Path

from bot.platforms.base import Gone, Misconfigured, Refused, Revoked
from bot.platforms.matrix.client import Client, Login
from bot.platforms.matrix.section import MatrixSection

log = logging.getLogger(__name__)

_FILE = "login.json"


class Session:
    """`folder` also holds nio's store; nobody but this user may read either."""

    def __init__(self, client: Client, settings: MatrixSection, folder: Path) -> None:
        self._client = client
        self._settings = settings
        self._folder = folder
        self.refused = False  # our password is not accepted

    async def open(self) -> None:
        """Raises Misconfigured: it is not the account it should be."""
        login = self._kept()
        if login is None:
            await self.renew()
        else:
            self._client.restore_login(login.user, login.device, login.token)
            try:
                await self._identify()
            except Revoked:
                await self.renew()

    async def renew(self) -> None:
        """A new token by the password. Raises Revoked: it is not accepted."""
        log.info("matrix: logging in as %s", self._settings.user)
        try:
            login = await self._client.log_in(self._settings.password.get_secret_value())
        except (Gone, Refused, Revoked) as error:
            self.refused = True
            raise Revoked(f"the login was refused: {error}") from error
        self.refused = False
        self._keep(login)
        await self._identify()

    async def _identify(self) -> None:
        """An account that takes itself for another would answer its own messages, for ever."""
        found = await self._client.call(self._client.whoami())
        check_user(found.user_id, self._settings.user)

    def _kept(self) -> Login | None:
        file = self._folder / _FILE
        if not file.exists():
            return None
        try:
            found = json.loads(file.read_text("utf-8"))
            homeserver, login = found.pop("homeserver"), Login(**found)
        except (ValueError, KeyError, TypeError, AttributeError):
            log.warning("matrix: %s cannot be read; logging in anew", file)
            return None
        wanted = (self._settings.homeserver, self._settings.user)
        return login if (homeserver, login.user) == wanted else None

    def _keep(self, login: Login) -> None:
        """Written whole or not at all."""
        content = asdict(login) | {"homeserver": self._settings.homeserver}
        file = self._folder / _FILE
        draft = file.with_suffix(".new")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            json.dump(content, opened)
            opened.flush()
            os.fsync(opened.fileno())
        draft.replace(file)


def check_user(found: str, wanted: str) -> None:
    if found != wanted:
        raise Misconfigured(
            f"[matrix] user is {wanted!r}, but the homeserver says that this account is {found!r};"
            " set user to that"
        )


def own_folder(data_dir: Path) -> Path:
    folder = data_dir / "matrix"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    return folder
