"""What is printed when the program is ready."""

from __future__ import annotations

import re
import socket

import pytest

from bot.config import Settings
from bot.watching.started import what_is_on


def page(host: str) -> str:
    web = {"host": host, "sign_in": "open"}
    (line,) = (one for one in what_is_on(Settings(web=web), 8080) if one.startswith("Web page: "))
    return line.removeprefix("Web page: ")


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "http://127.0.0.1:8080/"), ("fd00::7", "http://[fd00::7]:8080/")],
)
def test_an_address_is_shown_as_it_is_set(host: str, shown: str) -> None:
    assert page(host) == shown


def test_a_database_on_a_server_is_named_without_user_and_password() -> None:
    url = "postgresql://someone:s%2Fcret@db.example:5433/bot"

    lines = what_is_on(Settings(storage={"url": url}), None)

    assert "Database: PostgreSQL at db.example:5433/bot" in lines
    assert not any("someone" in line or "cret" in line for line in lines)


def test_without_a_server_no_database_is_named() -> None:
    lines = what_is_on(Settings(), None)

    assert not any(line.startswith("Database: ") for line in lines)


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_for_all_addresses_one_is_shown_that_a_browser_can_open(host: str) -> None:
    shown = page(host)

    found = re.fullmatch(r"http://\[?(.+?)\]?:8080/", shown)
    assert found is not None
    assert found[1] != host
    assert socket.getaddrinfo(found[1], 8080)
