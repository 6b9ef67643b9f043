"""From `[guards]` to what looks: names, words written in pictures, detectors of others."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from inference.errors import CannotRead, ModelUnusable
from inference.images.reading import ReadLine, ReadText
from inference.request import Picture
from inference.safety.guards.guard import Guards
from inference.safety.guards.guards import GuardsSection, make_guards
from inference.safety.guards.written import Check
from inference.safety.section import SafetySection
from inference.safety.verdict import Context, Verdict
from inference.safety.wordlists.wordbook import Wordbook

SHOWN = Context("picture")
PICTURE = Picture(2, 1, bytes(6))
PACKAGE = """
from inference.safety.guards.guard import Finding

class Detector:
    version = "2"
    def __init__(self, options):
        self.category = options["category"]
    async def start(self):
        pass
    async def look(self, what, context):
        return [Finding(self.category, 0.6)] if what != "odd" else ["sexual"]
    async def close(self):
        pass
"""
ENTRY_POINTS = "[visionbot.detectors]\nacme = acme_detector:Detector\n"


class FakeReader:
    def __init__(self, *rows: str) -> None:
        lines = [ReadLine(text, (0, 0, 1, 1), 1.0, row) for row, text in enumerate(rows)]
        self.answer: ReadText | Exception = ReadText(tuple(lines))

    async def read(self, picture: Picture) -> ReadText:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


def checked(text: str) -> list[Verdict]:
    return [Verdict("block", "weapons")] if "a gun\nfor sale" in text else []


def made(section: GuardsSection, reader: Any = None, check: Check = checked) -> Guards:
    return make_guards(
        section,
        ask=None,
        reader=reader,
        check=check,
        action_of=SafetySection(actions={"sexual": "block"}).action_of,
    )


def of(*models: dict[str, Any], **keys: Any) -> GuardsSection:
    return GuardsSection.model_validate({"models": models} | keys)


@pytest.fixture
def acme(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package that offers a detector is installed."""
    (tmp_path / "acme_detector.py").write_text(PACKAGE)
    info = tmp_path / "acme_detector-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-detector\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(ENTRY_POINTS)
    monkeypatch.syspath_prepend(str(tmp_path))


def test_at_first_there_are_none() -> None:
    assert made(GuardsSection()) == Guards()


def test_a_guard_without_a_name_is_called_by_its_kind() -> None:
    section = of(
        {"kind": "self", "looks_at": ["picture"]},
        {"kind": "self", "looks_at": ["answer"], "name": "words"},
    )

    assert [guard.rule.name for guard in made(section).all] == ["self", "words"]


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(ValidationError, match="'self' twice"):
        of({"kind": "self", "looks_at": ["picture"]}, {"kind": "self", "looks_at": ["answer"]})


def test_the_examples_in_config_toml_are_guards_of_all_kinds() -> None:
    text = (Path(__file__).parents[3] / "config.toml").read_text("utf-8")
    part = text.partition("\n[guards]\n")[2].partition("\n[ocr]\n")[0]
    examples = re.findall(r"^# (\[\[.*|\w+ = .*)$", part, re.MULTILINE)

    section = GuardsSection.model_validate(tomllib.loads("\n".join(examples))["guards"])

    kinds = ["classifier", "text_guard", "moderation", "self", "plugin"]
    assert [entry.kind for entry in section.models] == kinds


async def test_words_written_in_a_picture_are_checked_across_its_rows() -> None:
    reader = FakeReader("a gun", "for sale")

    guards = made(GuardsSection(read_pictures=True), reader)

    (verdict,) = await guards.pictures[0].check(PICTURE, SHOWN)
    assert (verdict.action, verdict.category, verdict.detector) == ("block", "weapons", "written")
    assert guards.texts == []


@pytest.mark.parametrize(
    ("action", "follows"), [("block", "block"), ("review", "review"), ("mask", "review")]
)
@pytest.mark.parametrize("phrase", ["green mountain school", "青山学校"])
async def test_what_a_list_itself_says_holds_for_words_written_in_a_picture(
    tmp_path: Path, action: str, follows: str, phrase: str
) -> None:
    (tmp_path / "own.txt").write_text(f"[school = {action}]\n{phrase}\n", "utf-8")
    book = Wordbook(lambda: SafetySection(default_lists=False), tmp_path)
    read = FakeReader("welcome", f"to {phrase}")
    guards = made(GuardsSection(read_pictures=True), read, check=book.check)

    (verdict,) = await guards.pictures[0].check(PICTURE, SHOWN)

    assert (verdict.action, verdict.category) == (follows, "school")
    ((start, end),) = verdict.spans
    assert verdict.words[start:end] == phrase


@pytest.mark.parametrize("fails", ["open", "closed"])
async def test_a_picture_that_cannot_be_read_passes_or_blocks_as_is_set(fails: Any) -> None:
    reader = FakeReader()
    reader.answer = CannotRead("timeout")
    (guard,) = made(GuardsSection(read_pictures=True, read_fails=fails), reader).pictures

    found = [verdict.category for verdict in await guard.check(PICTURE, SHOWN)]

    assert found == (["unchecked"] if fails == "closed" else [])


def test_reading_pictures_without_a_reader_stops_the_start() -> None:
    with pytest.raises(ModelUnusable, match=r'pip install -e "\.\[ocr\]"'):
        made(GuardsSection(read_pictures=True))


def of_acme(**changed: Any) -> GuardsSection:
    entry = {"kind": "plugin", "detector": "acme", "looks_at": ["question", "picture"]}
    return of(entry | {"options": {"category": "sexual"}} | changed)


@pytest.mark.usefixtures("acme")
async def test_a_detector_of_others_gets_its_options_and_is_ruled_like_ours() -> None:
    guards = made(of_acme())
    await guards.start()

    (verdict,) = await guards.pictures[0].check(PICTURE, SHOWN)

    assert (verdict.action, verdict.category, verdict.score) == ("block", "sexual", 0.6)
    assert (verdict.detector, verdict.version) == ("plugin", "2")
    await guards.close()


@pytest.mark.usefixtures("acme")
async def test_a_threshold_holds_for_a_detector_of_others() -> None:
    guards = made(of_acme(thresholds={"sexual": 0.7}))
    await guards.start()

    assert await guards.pictures[0].check(PICTURE, SHOWN) == []


@pytest.mark.usefixtures("acme")
async def test_a_detector_of_others_that_answers_nonsense_has_failed() -> None:
    guards = made(of_acme(fails="closed"))
    await guards.start()

    (verdict,) = await guards.texts[0].check("odd", Context("question"))

    assert verdict.category == "unchecked"


@pytest.mark.usefixtures("acme")
@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"detector": "acmee"}, ["'acmee'", "acme", "install its package"]),
        ({"options": {}}, ["acme", "KeyError", "check its options"]),
    ],
    ids=["not installed", "of wrong options"],
)
async def test_a_detector_that_cannot_be_started_is_named(
    changed: dict[str, Any], said: list[str]
) -> None:
    guards = made(of_acme(**changed))

    with pytest.raises(ModelUnusable) as caught:
        await guards.start()

    assert [part for part in said if part not in str(caught.value)] == []
