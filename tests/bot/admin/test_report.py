"""What a command answers, in a chat and in a terminal."""

from __future__ import annotations

from bot.admin.report import Report


def test_a_chat_gets_lines_and_no_empty_cells():
    report = Report("Limits:", [("ann", "5", ""), ("bob", "50", "left")])

    assert report.as_message() == "Limits:\nann · 5\nbob · 50 · left"


def test_a_terminal_gets_columns_in_which_wide_letters_count_twice():
    report = Report("额度：", [("访客", "5"), ("ann", "50")])

    assert report.as_table() == "额度：\n访客  5\nann   50"


def test_without_rows_there_is_the_sentence_alone():
    assert Report("Nobody.").as_table() == Report("Nobody.").as_message() == "Nobody."
