"""`visionbot admin pictures`: blocked, listed and allowed on the machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from bot.cli import app


@pytest.fixture(autouse=True)
def _a_folder_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    file = tmp_path / "bad.png"
    Image.new("RGB", (64, 48), "red").save(file)
    return file


def typed(*words: str) -> Result:
    return CliRunner().invoke(app, ["admin", "pictures", *words, "--language", "en"])


def ordered(*words: str) -> str:
    done = typed(*words)
    assert (done.exit_code, done.stderr) == (0, "")
    return done.stdout


def test_a_picture_is_blocked_listed_with_its_reason_and_allowed_again(photo: Path) -> None:
    assert "No picture is blocked" not in ordered("block", str(photo), "--why", "an example")

    title, line = ordered("list").splitlines()
    assert title == "Blocked pictures:"
    assert line.startswith("1  ")
    assert line.endswith("  an example")

    assert "Picture 1 is not blocked any more" in ordered("allow", "1")
    assert "No picture is blocked" in ordered("list")


def test_the_same_pixels_in_another_file_are_the_same_picture(photo: Path, tmp_path: Path) -> None:
    other = tmp_path / "bad.webp"
    Image.open(photo).save(other, lossless=True)
    ordered("block", str(photo))

    said = ordered("block", str(other))

    assert "number 1 " in said
    assert len(ordered("list").splitlines()) == 2


@pytest.mark.parametrize(
    ("words", "said", "code"),
    [
        (("block", "nowhere.png"), "nowhere.png cannot be read", 2),
        (("block", "words.txt"), "no photo", 1),
        (("allow", "7"), "no picture 7", 1),
    ],
    ids=["no file", "no photo", "no number"],
)
def test_what_cannot_be_done_is_said(
    words: tuple[str, ...], said: str, code: int, photo: Path, tmp_path: Path
) -> None:
    (tmp_path / "words.txt").write_text("words, no pixels", "utf-8")
    ordered("block", str(photo))

    done = typed(*words)

    assert done.exit_code == code
    assert said in done.stderr
    assert len(ordered("list").splitlines()) == 2
