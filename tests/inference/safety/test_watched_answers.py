"""Answers while they are written: what may not be shown never comes out, however it is cut."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from inference.errors import Where
from inference.request import (
    CallPiece,
    ChatRequest,
    Delta,
    Finish,
    JsonFormat,
    Likelihood,
    Sampling,
    Turn,
    Usage,
)
from inference.safety.outgoing.canary import Canary
from inference.safety.outgoing.stage import COVER
from inference.safety.safety import Safety
from inference.safety.section import SafetySection
from inference.safety.verdict import Context, Incident, Report, Verdict
from inference.safety.wordlists.wordbook import Wordbook

LIST = """
[weapons]
pipe bomb
土制炸弹
[abuse]
坏家伙
[fraud]
假的发票
"""
USED = Usage(12, 3)


@dataclass
class Staff:
    """Has the cases."""

    incidents: list[Incident] = field(default_factory=list)
    allows: frozenset[str] = frozenset()

    async def report(self, incident: Incident) -> int:
        self.incidents.append(incident)
        return len(self.incidents)

    async def allowed(self, context: Context) -> frozenset[str]:
        return self.allows


@dataclass
class Model:
    """Says what it is told to say; knows whether it was left to end."""

    deltas: list[Delta]
    given: int = 0
    closed: bool = False

    async def stream(self) -> AsyncGenerator[Delta, None]:
        try:
            for delta in self.deltas:
                self.given += 1
                yield delta
                await asyncio.sleep(0)
        finally:
            self.closed = True


@dataclass
class SlowGuard:
    """Blocks what holds `word`, when it is let go."""

    word: str
    action: str = "block"
    go: asyncio.Event = field(default_factory=asyncio.Event)
    seen: list[str] = field(default_factory=list)
    looks_at: frozenset[Where] = frozenset({"answer"})

    async def check(self, text: str, context: Context) -> list[Verdict]:
        self.seen.append(text)
        await self.go.wait()
        return [Verdict(self.action, "unsafe", 0.9, "slow")] if self.word in text else []


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lists")
    (folder / "own.txt").write_text(LIST, "utf-8")
    return folder


@pytest.fixture
def staff() -> Staff:
    return Staff()


def a_safety(
    folder: Path,
    staff: Staff,
    guards: Sequence[SlowGuard] = (),
    *,
    report: Report | None = None,
    canary: Canary | None = None,
    **section: object,
) -> Safety:
    now = SafetySection.model_validate({"default_lists": False, **section})
    return Safety(
        lambda: now,
        Wordbook(lambda: now, folder),
        report=report or staff.report,
        allowed=staff.allowed,
        texts=guards,
        canary=canary,
        measure=lambda turn: len(turn.text),
    )


def request(question: str = "how?", **fields: object) -> ChatRequest:
    return ChatRequest((Turn("user", question),), owner="test:ann", id="r1", **fields)


def says(*pieces: str, finish: Finish | None = "stop", usage: Usage | None = USED) -> Model:
    return Model([*map(Delta, pieces), *([Delta(finish=finish, usage=usage)] if finish else [])])


async def read(safety: Safety, model: Model, asked: ChatRequest | None = None) -> list[Delta]:
    async with aclosing(safety.watched(asked or request(), model.stream())) as deltas:
        return [delta async for delta in deltas]


def text_of(deltas: Sequence[Delta]) -> str:
    return "".join(delta.text for delta in deltas)


async def test_a_clean_answer_comes_out_piece_by_piece_as_it_went_in(
    folder: Path, staff: Staff
) -> None:
    model = says("good ", "morning, ", "土地很好")

    deltas = await read(a_safety(folder, staff), model)

    assert deltas == model.deltas
    assert staff.incidents == []


async def test_a_blocked_phrase_ends_the_answer_and_the_engine_and_staff_have_the_case(
    folder: Path, staff: Staff
) -> None:
    model = says("take a ", "pipe ", "bo", "mb and ", "then")

    deltas = await read(a_safety(folder, staff), model)

    assert text_of(deltas) == "take a "
    assert deltas[-1] == Delta(finish="blocked", usage=Usage(4, 4), case=1)
    assert model.closed
    assert model.given == 4
    (incident,) = staff.incidents
    assert incident.context.where == "answer"
    assert incident.context.person == "test:ann"
    assert incident.verdict.category == "weapons"
    assert "pipe bomb" in incident.excerpt


@pytest.mark.parametrize("where", ["text", "arguments"])
async def test_a_phrase_that_json_spells_in_escapes_is_blocked(
    folder: Path, staff: Staff, where: str
) -> None:
    said = json.dumps({"q": "土制炸弹"})
    delta = Delta(said) if where == "text" else Delta(calls=(CallPiece(0, "c", "f", said),))

    deltas = await read(a_safety(folder, staff), Model([delta]), request(format=JsonFormat()))

    assert deltas[-1].finish == "blocked"
    assert "\\u" not in repr(deltas)


async def test_the_name_of_a_call_is_no_way_out(folder: Path, staff: Staff) -> None:
    named = Delta(calls=(CallPiece(0, "c", "pipe_bomb", "{}"),))

    deltas = await read(a_safety(folder, staff), Model([named]))

    assert [delta.finish for delta in deltas] == ["blocked"]
    assert "bomb" not in repr(deltas)


async def test_the_mark_stays_inside_although_staff_let_leaks_through(
    folder: Path, staff: Staff
) -> None:
    staff.allows = frozenset({"leak"})
    safety = a_safety(folder, staff, canary=Canary("k7xq29mdz4bw83tn"))

    deltas = await read(safety, says("[k7xq29mdz4bw83tn]"), request(own_system=True))

    assert deltas[-1].finish == "blocked"
    assert "29m" not in text_of(deltas)


@pytest.mark.parametrize("size", [1, 3, 200])
async def test_no_number_of_a_person_is_in_a_case_not_even_a_piece(
    folder: Path, staff: Staff, size: int
) -> None:
    text = "Ask 110101199003078515 about it, who has a pipe bomb, 13800138000, and more of it"
    pieces = [text[at : at + size] for at in range(0, len(text), size)]

    await read(a_safety(folder, staff), says(*pieces))

    (incident,) = staff.incidents
    assert "has a pipe bomb" in incident.excerpt
    assert not re.search("[0-9]{5}", incident.excerpt)


async def test_half_a_number_behind_what_was_found_is_in_no_case(
    folder: Path, staff: Staff
) -> None:
    await read(a_safety(folder, staff), says("a pipe bomb 1380013", "8000 is where"))

    assert staff.incidents[0].excerpt == "a pipe bomb"


async def test_what_could_not_be_kept_is_told_again_when_it_is_asked_again(
    folder: Path, staff: Staff
) -> None:
    lost: list[Incident] = []

    async def report(incident: Incident) -> None:
        lost.append(incident)

    safety = a_safety(folder, Staff(), report=report)
    model = ["假的发票, 假的发票", " and 假的发票"]

    await read(safety, says(*model))
    await read(safety, says(*model), replace(request(), id="r2"))

    assert [one.context.request for one in lost] == ["r1", "r2"]


async def test_a_blocked_phrase_at_the_very_end_is_found(folder: Path, staff: Staff) -> None:
    deltas = await read(a_safety(folder, staff), says("a pipe bomb"))

    assert text_of(deltas) == "a "
    assert deltas[-1].finish == "blocked"
    assert deltas[-1].usage == USED  # the engine has told


async def test_an_answer_that_ends_without_a_word_gives_what_was_held(
    folder: Path, staff: Staff
) -> None:
    deltas = await read(a_safety(folder, staff), says("a pipe", finish=None))

    assert text_of(deltas) == "a pipe"


async def test_masked_words_are_covered_in_text_thoughts_and_json(
    folder: Path, staff: Staff
) -> None:
    model = Model(
        [
            Delta(reasoning="坏"),
            Delta(reasoning="家伙"),
            Delta('{"name": "坏家'),
            Delta('伙"}', finish="stop", usage=USED),
        ]
    )

    deltas = await read(a_safety(folder, staff), model)

    assert "".join(delta.reasoning for delta in deltas) == 3 * COVER
    assert json.loads(text_of(deltas)) == {"name": 3 * COVER}
    assert staff.incidents == []


async def test_what_is_for_review_goes_on_and_staff_see_it_once(folder: Path, staff: Staff) -> None:
    model = says("要假的", "发票，要假的发票")

    deltas = await read(a_safety(folder, staff), model)

    assert text_of(deltas) == "要假的发票，要假的发票"
    assert [incident.verdict.action for incident in staff.incidents] == ["review"]


async def test_the_arguments_of_each_call_are_watched_apart(folder: Path, staff: Staff) -> None:
    model = Model(
        [
            Delta(calls=(CallPiece(0, "c0", "send", '{"a": "土制'),)),
            Delta(calls=(CallPiece(1, "c1", "send", '炸弹"}'),)),  # no phrase: another call
            Delta(calls=(CallPiece(0, arguments='纸袋"}'),)),
            Delta(finish="tool_calls", usage=USED),
        ]
    )

    deltas = await read(a_safety(folder, staff), model)

    pieces = [piece for delta in deltas for piece in delta.calls]
    assert [piece.name for piece in pieces if piece.id] == ["send", "send"]
    arguments = {0: "", 1: ""}
    for piece in pieces:
        arguments[piece.index] += piece.arguments
    assert arguments == {0: '{"a": "土制纸袋"}', 1: '炸弹"}'}
    assert deltas[-1].finish == "tool_calls"


async def test_likelihoods_come_with_their_text_and_never_with_what_was_covered(
    folder: Path, staff: Staff
) -> None:
    def token(text: str, shown: str | None = None) -> Delta:
        return Delta(text if shown is None else shown, likelihoods=(Likelihood(text, b"", -1.0),))

    model = Model(
        [
            *(token("是"), token("\ufffd", ""), token("坏"), token("家"), token("伙"), token("吗")),
            Delta(finish="stop", usage=USED),
        ]
    )
    asked = request(sampling=Sampling(logprobs=0))

    deltas = await read(a_safety(folder, staff), model, asked)

    assert text_of(deltas) == f"是{3 * COVER}吗"
    told = [(one.text, delta.text) for delta in deltas for one in delta.likelihoods]
    assert [text for text, _ in told] == ["是", "吗"]


async def test_a_pattern_of_the_operator_is_held_back_too(folder: Path, staff: Staff) -> None:
    pattern = {"name": "orders", "pattern": "PO-[0-9]{4}", "category": "internal"}
    safety = a_safety(folder, staff, patterns=[pattern], actions={"internal": "mask"})

    deltas = await read(safety, says("order P", "O-12", "34 and PO-12"))

    assert text_of(deltas) == f"order {7 * COVER} and PO-12"


async def test_numbers_of_people_are_covered_in_answers_where_that_is_wanted(
    folder: Path, staff: Staff
) -> None:
    model = says("电话138", "0013", "8000。")

    plain = await read(a_safety(folder, staff), model)
    covered = await read(
        a_safety(folder, staff, personal_in_answers=True), says("电话1380013", "8000。")
    )

    assert text_of(plain) == "电话13800138000。"
    assert text_of(covered) == "电话138****8000。"


async def test_what_staff_let_through_is_not_stopped(folder: Path, staff: Staff) -> None:
    staff.allows = frozenset({"weapons"})

    deltas = await read(a_safety(folder, staff), says("a pipe bomb, 坏家伙"))

    assert text_of(deltas) == f"a pipe bomb, {3 * COVER}"
    assert staff.incidents == []


async def test_safety_that_is_off_lets_everything_pass(folder: Path, staff: Staff) -> None:
    model = says("a pipe bomb")

    assert await read(a_safety(folder, staff, enabled=False), model) == model.deltas
    assert await read(Safety(), says("a pipe bomb")) == model.deltas


async def test_closing_the_answer_closes_the_engine(folder: Path, staff: Staff) -> None:
    model = says("one ", "two ", "three")

    async with aclosing(a_safety(folder, staff).watched(request(), model.stream())) as deltas:
        assert await anext(deltas) == Delta("one ")

    assert model.closed
    assert model.given == 1


LONG = "这是一段没有任何问题的话，写得很长，为了让它自成一段。" * 3


async def test_a_slow_guard_takes_back_what_was_shown_where_that_is_possible(
    folder: Path, staff: Staff
) -> None:
    guard = SlowGuard("坏消息")
    safety = a_safety(folder, staff, [guard])
    model = says(LONG, "这里有坏消息。", "然后")

    seen = []
    async with aclosing(safety.watched(request(can_take_back=True), model.stream())) as deltas:
        async for delta in deltas:
            seen.append(delta)
            if len(seen) == 3:
                guard.go.set()

    assert [delta.text for delta in seen[:3]] == [LONG, "这里有坏消息。", "然后"]
    assert seen[-1].finish == "blocked"
    assert guard.seen[0] == LONG
    assert "坏消息" in guard.seen[1]
    assert [one.verdict.detector for one in staff.incidents] == ["slow"]


async def test_a_slow_guard_holds_the_text_where_it_could_not_be_taken_back(
    folder: Path, staff: Staff
) -> None:
    guard = SlowGuard("坏消息")
    guard.go.set()
    model = says(LONG, "这里有", "坏消息。", "然后")

    deltas = await read(a_safety(folder, staff, [guard]), model)

    assert text_of(deltas) == LONG
    assert deltas[-1].finish == "blocked"


async def test_what_a_slow_guard_wants_reviewed_goes_on(folder: Path, staff: Staff) -> None:
    guard = SlowGuard("坏消息", "review")
    guard.go.set()

    deltas = await read(a_safety(folder, staff, [guard]), says("有坏消息。"))

    assert text_of(deltas) == "有坏消息。"
    assert deltas[-1].finish == "stop"
    assert [one.verdict.action for one in staff.incidents] == ["review"]


@given(
    st.lists(st.sampled_from("pipe bomb 土制炸弹坏家伙x。\n"), max_size=60).map("".join),
    st.lists(st.integers(0, 60), max_size=12),
    st.sampled_from(["text", "reasoning"]),
)
@settings(
    max_examples=300,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_pieces_make_no_difference(folder: Path, text: str, cuts: list[int], channel: str) -> None:
    places = sorted({0, len(text), *(cut for cut in cuts if cut < len(text))})
    pieces = [text[a:b] for a, b in pairwise(places)]
    end = Delta(finish="stop", usage=USED)
    staff = Staff()

    def run(parts: list[str]) -> list[Delta]:
        model = Model([*(Delta(**{channel: part}) for part in parts), end])
        return asyncio.run(read(a_safety(folder, staff), model))

    whole, cut = run([text]), run(pieces)

    def shown(deltas: list[Delta]) -> str:
        return "".join(getattr(delta, channel) for delta in deltas)

    assert whole[-1].finish == cut[-1].finish
    assert shown(cut) == shown(whole) or cut[-1].finish == "blocked"
    assert not any(phrase in shown(cut) for phrase in ("pipe bomb", "土制炸弹", "坏家伙"))
