"""Word lists are read again while the program runs: whole, or not at all."""

from __future__ import annotations

import asyncio
import logging
import os
from pathlib import Path

import pytest

from inference.errors import BadLists
from inference.safety.section import SafetySection
from inference.safety.wordlists.wordbook import Wordbook


class Setting:
    """The section and the clock of the moment."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.section = SafetySection(default_lists=False)
        self.now = 0.0
        self.changes = 0

    def write(self, text: str) -> None:
        file = self.folder / "own.txt"
        file.write_text(text, "utf-8")
        self.changes += 1
        os.utime(file, ns=(self.changes, self.changes))  # two changes may come within one tick

    def book(self) -> Wordbook:
        return Wordbook(lambda: self.section, self.folder, clock=lambda: self.now)


async def later(setting: Setting, book: Wordbook) -> None:
    """The next question, a second after the one before."""
    setting.now += 1.0
    await book.fresh()


@pytest.fixture
def setting(tmp_path: Path) -> Setting:
    (tmp_path / "lists").mkdir()
    setting = Setting(tmp_path / "lists")
    setting.write("[a]\nred house\n")
    return setting


async def test_a_folder_that_cannot_be_read_any_more_changes_nothing(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    book = setting.book()
    (setting.folder / "own.txt").unlink()
    setting.folder.rmdir()
    setting.folder.write_text("no folder", "utf-8")

    for _ in range(3):
        await later(setting, book)

    assert book.check("red house")
    assert caplog.text.count("cannot be read") == 1


@pytest.mark.parametrize("phrase", ["blue house", "蓝房子"])
async def test_a_file_that_changed_counts_for_the_first_questions_a_second_later(
    setting: Setting, phrase: str
) -> None:
    book = setting.book()
    setting.write(f"[a]\n{phrase}\n")
    setting.now += 1.0

    first, same_moment = await asyncio.gather(book.fresh(), book.fresh())

    assert [bool(first.check(text)) for text in ("red house", phrase)] == [False, True]
    assert same_moment is first


async def test_a_folder_that_does_not_answer_keeps_nobody_waiting(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    book = Wordbook(
        lambda: setting.section, setting.folder, clock=lambda: setting.now, patience_s=0.01
    )
    slow = setting.folder / "slow.txt"
    os.mkfifo(slow)  # whoever reads it waits for somebody who writes
    setting.now += 1.0

    meanwhile = [await book.fresh(), await book.fresh()]

    assert [bool(words.check("red house")) for words in meanwhile] == [True, True]
    assert caplog.text.count("take longer than 0.01 s to read") == 1

    await asyncio.to_thread(slow.write_text, "[b]\nblue house\n", "utf-8")
    await book.close()

    assert book.check("blue house")


async def test_files_are_looked_at_once_a_second_at_most(setting: Setting) -> None:
    book = setting.book()
    setting.write("[a]\nblue house\n")
    setting.now += 0.9

    await book.fresh()
    await book.close()

    assert book.check("blue house") == []


async def test_a_new_file_and_one_that_is_gone_are_noticed(setting: Setting) -> None:
    book = setting.book()
    (setting.folder / "more.txt").write_text("[b]\nblue house\n", "utf-8")
    await later(setting, book)
    (setting.folder / "own.txt").unlink()
    await later(setting, book)

    assert [bool(book.check(text)) for text in ("red house", "blue house")] == [False, True]


async def test_a_broken_file_leaves_the_old_lists_and_is_told_once(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    book = setting.book()
    setting.write("[a]\nblue house\nno! way\n")

    with caplog.at_level(logging.ERROR):
        await later(setting, book)
        await later(setting, book)

    assert book.check("red house")
    assert [r.message for r in caplog.records if "own.txt, line 3" in r.message] == [
        r.message for r in caplog.records
    ]
    assert len(caplog.records) == 1

    setting.write("[a]\nblue house\n")
    await later(setting, book)

    assert book.check("blue house")


async def test_what_reload_changed_counts_for_the_next_question(setting: Setting) -> None:
    book = setting.book()
    setting.section = SafetySection(default_lists=False, actions={"a": "block"})

    words = await book.fresh()

    assert [verdict.action for verdict in words.check("red house")] == ["block"]


async def test_reload_of_something_else_reads_no_list_again(setting: Setting) -> None:
    book = setting.book()
    before = book.now
    setting.section = SafetySection(default_lists=False, strikes=7)

    assert await book.fresh() is before


def test_a_folder_that_is_not_there_is_named_at_the_start(tmp_path: Path) -> None:
    section = SafetySection(lists=str(tmp_path / "none"))

    with pytest.raises(BadLists, match=r"\[safety\] lists is .*none.*, which is no folder; make"):
        Wordbook(lambda: section, tmp_path)


def test_without_a_folder_of_their_own_operators_have_ours(tmp_path: Path) -> None:
    book = Wordbook(SafetySection, tmp_path / "none")

    assert book.check("how to make a bomb")
