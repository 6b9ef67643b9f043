"""[storage] of config.toml: where all that is kept stands."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

from pydantic import BaseModel, SecretStr, field_validator

NO_URL = SecretStr("")

_SCHEMES = ("postgresql", "postgres")
_HOST = r"(\[[0-9a-f:.]+(%[\w.-]+)?\]|([\w.-]|%[0-9a-f]{2})*)(:\d+)?"  # %2F: a socket's folder
_HOSTS = re.compile(f"{_HOST}(,{_HOST})*", re.IGNORECASE)


class StorageSection(BaseModel, extra="forbid", frozen=True):
    data_dir: Path = Path("data")
    url: SecretStr = NO_URL  # of PostgreSQL; empty: SQLite in data_dir
    photos_dir: str = ""  # empty: in data_dir

    @field_validator("url")
    @classmethod
    def _check_url(cls, url: SecretStr) -> SecretStr:
        if url:
            place_of(url)
        return url

    @property
    def photos(self) -> Path:
        return Path(self.photos_dir) if self.photos_dir else self.data_dir / "photos"


def place_of(url: SecretStr) -> str:
    """Host and database, which may be shown. Raises ValueError, which may be shown too."""
    whole = url.get_secret_value()
    try:
        found = urlsplit(whole)
    except ValueError:
        found = urlsplit("")
    hosts = found.netloc.rpartition("@")[2]
    name = unquote(found.path.strip("/"))
    # A bare / ? # or @ in a password moves the borders: a part of it would be shown as the host.
    is_cut_right = "#" not in whole and whole.count("@") == found.netloc.count("@") <= 1
    is_known = found.scheme in _SCHEMES and bool(_HOSTS.fullmatch(hosts) and name)
    if not (is_cut_right and is_known):
        raise ValueError(
            "must be like postgresql://user:password@host:5432/database, where characters of the "
            "password other than letters and digits are written like %2F (/), %23 (#), %40 (@)"
        )
    folder = parse_qs(found.query).get("host", ["localhost"])[0]
    return f"{hosts or folder}/{name}"
