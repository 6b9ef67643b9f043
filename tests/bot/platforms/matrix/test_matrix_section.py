"""What `[matrix]` accepts, who may invite, and what is said where the SDK is missing."""

from __future__ import annotations

import json
import sys

import pytest
from pydantic import ValidationError

from bot.checkup.check import check
from bot.platforms.matrix.section import MatrixSection

WHOLE = {"homeserver": "https://m.example.org", "user": "@bot:example.org", "password": "secret"}


@pytest.mark.parametrize(
    ("pattern", "person", "welcome"),
    [
        ("@ann:example.org", "@ann:example.org", True),
        ("@ann:example.org", "@ann2:example.org", False),
        ("@*:example.org", "@bob:example.org", True),
        ("@*:example.org", "@bob:example.org.evil.net", False),
        ("@*:example.org", "@bob:evil.net:example.org", False),
        ("@*:example.org", "@bob:exampleXorg", False),
        ("@*:*.example.org", "@bob:chat.example.org", True),
    ],
)
def test_only_whom_a_pattern_names_may_invite(pattern: str, person: str, *, welcome: bool) -> None:
    assert MatrixSection(**WHOLE, invites=(pattern,)).may_invite(person) is welcome


def test_nobody_may_invite_unless_somebody_is_named() -> None:
    assert not MatrixSection(**WHOLE).may_invite("@ann:example.org")


@pytest.mark.parametrize("missing", ["user", "password"])
def test_a_homeserver_without_an_account_is_no_start(missing: str) -> None:
    rest = {key: value for key, value in WHOLE.items() if key != missing}

    with pytest.raises(ValidationError, match=f"the {missing} is|{missing} is not"):
        MatrixSection(**rest)


@pytest.mark.parametrize(
    ("key", "value"),
    [("user", "bot"), ("homeserver", "m.example.org"), ("invites", ("example.org",))],
)
def test_what_is_no_address_is_refused(key: str, value: object) -> None:
    with pytest.raises(ValidationError, match=key):
        MatrixSection(**WHOLE | {key: value})


def test_a_name_that_is_no_full_id_is_refused_with_an_example() -> None:
    with pytest.raises(ValidationError, match=r'must be a full id such as "@bot:example\.org"'):
        MatrixSection(**WHOLE | {"user": "bot"})


async def test_the_missing_package_is_named_with_its_remedy(
    tmp_path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [name for name in sys.modules if name.startswith("bot.platforms.matrix.")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "nio", None)
    monkeypatch.setenv("VISIONBOT_MATRIX__PASSWORD", "secret")
    file = tmp_path / "config.toml"
    file.write_text(
        f'[storage]\ndata_dir = "{tmp_path}/data"\n'
        '[engine]\nkind = "remote"\nbase_url = "http://127.0.0.1:9/v1"\nstart_timeout_s = 1\n'
        '[matrix]\nhomeserver = "https://m.example.org"\nuser = "@bot:example.org"\n',
        "utf-8",
    )
    lines: list[str] = []

    await check(file, "en", lines.append, as_json=True)

    [matrix] = [row for row in json.loads(lines[0]) if row["part"] == "matrix"]
    assert '.venv/bin/pip install -c constraints.txt -e ".[matrix]"' in matrix["remedy"]
