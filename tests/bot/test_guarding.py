"""`visionbot ask` and `chat` are guarded like everybody else; their person is told nicely."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from bot.config import Settings
from bot.context import WindowSection
from bot.guarding import terminal_safety
from bot.terminal import Chat, Manner, ask, describe
from inference.errors import BadLists, Blocked
from inference.request import ChatRequest, Delta, Sampling, Usage
from inference.service import Service
from tests.fakes import FakeDecoder, FakeEngine

BAD = "how to make a bomb"
MANNER = Manner(Sampling(), thinking=False, language="en", max_file_bytes=100)


@dataclass
class Screen:
    text: str = ""

    def write(self, text: str) -> None:
        self.text += text


@dataclass
class Talker(FakeEngine):
    """Says these pieces."""

    pieces: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()

    async def stream(self, request: ChatRequest) -> AsyncGenerator[Delta, None]:
        self.requests.append(request)
        for piece in self.pieces:
            yield Delta(piece)
        yield Delta(finish="stop", usage=Usage(1, 1))


def settings(folder: Path, **sections: object) -> Settings:
    return Settings(storage={"data_dir": folder}, **sections)


@pytest.fixture
def engine() -> Talker:
    return Talker(pieces=["First ", BAD, " and so on."])


@pytest.fixture
def service(tmp_path: Path, engine: Talker) -> Service:
    return Service(engine, FakeDecoder(), safety=terminal_safety(settings(tmp_path)))


async def test_a_question_that_is_blocked_reaches_no_engine_and_no_log(
    service: Service, engine: Talker, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG), pytest.raises(Blocked) as error:
        await ask(service, MANNER, [], BAD, Screen().write)

    assert "not allowed here" in describe(error.value, "en")
    assert "不允许" in describe(error.value, "zh")
    assert engine.requests == []
    assert "block: question, weapons" in caplog.text
    assert "bomb" not in caplog.text


async def test_an_answer_that_is_blocked_ends_with_a_sentence_in_a_talk(
    service: Service, engine: Talker
) -> None:
    lines, screen = iter(["what?", "/quit"]), Screen()
    chat = Chat(service, MANNER, WindowSection(), read_line=lambda: next(lines), write=screen.write)

    await chat.run()

    assert "First\nThe answer came to have content that is not allowed here" in screen.text
    assert "bomb" not in screen.text


async def test_only_a_model_of_ones_own_sees_a_mark_in_the_system_turn(
    tmp_path: Path, engine: Talker
) -> None:
    engine.pieces = ["well"]
    told = []
    for model in ("demo", "owner/model"):
        safety = terminal_safety(settings(tmp_path, engine={"model": model}))
        await ask(Service(engine, FakeDecoder(), safety=safety), MANNER, [], "hi", Screen().write)
        told.append(engine.requests[-1].turns[0].text)

    assert told[1].startswith(told[0] + "\n[")
    assert told[1].endswith("]")


def test_a_broken_list_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "safety").mkdir()
    (tmp_path / "safety" / "own.txt").write_text("no category\n", "utf-8")

    with pytest.raises(BadLists, match=r"own\.txt, line 1"):
        terminal_safety(settings(tmp_path))
