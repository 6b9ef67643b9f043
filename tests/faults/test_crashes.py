"""Rows 8 to 12 of the fault matrix: the program is killed at each named point of a question's way,
a photo's and a letter's, and started again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass

import pytest
import pytest_asyncio

from bot.texts import say
from tests.e2e.drawing import photo
from tests.emulators.telegram.chats import Chat
from tests.emulators.telegram.people import Person
from tests.faults.house import House
from tests.faults.model import SLOWLY, answer_to
from tests.faults.street import Death, Sees, street

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(180),
    pytest.mark.asyncio(loop_scope="module"),
]

HOUSES = 3
KEPT, LOOKING = say("photo_kept", "en"), say("looking", "en")
CALLED = say("called", "en", number="")[:-1]
OPENING = "…"
NO_ANSWER = (KEPT, LOOKING, OPENING)


def asks_about_a_photo(person: Person) -> None:
    person.sends_photo(photo("circle", "red"), _question(person))


def asks_about_an_album(person: Person) -> None:
    person.sends_album([photo("circle", "red"), photo("square", "blue")], _question(person))


def asks_slowly(person: Person) -> None:
    person.sends_photo(photo("circle", "red"), f"{_question(person)} Tell me {SLOWLY}.")


def asks_at_length(person: Person) -> None:
    person.says(_question(person).ljust(4090, "."))


def sends_a_photo_and_asks(person: Person) -> None:
    person.sends_photo(photo("circle", "red"))
    person.says(_question(person))


def sends_a_photo(person: Person) -> None:
    person.sends_photo(photo("circle", "red"))


def calls_a_person(person: Person) -> None:
    person.says("/human")


PHOTOS_OF = {asks_about_a_photo: 1, asks_about_an_album: 2, asks_at_length: 0}
PHOTOS_OF |= {sends_a_photo_and_asks: 1, asks_slowly: 1}


def words(said: Iterable[str]) -> str:
    """All that answers, which one message may be too short for."""
    return "".join(one for one in said if one not in NO_ANSWER)


def is_answered(house: House, person: Person, _: Chat) -> bool:
    asked = next(
        one.text
        for one in house.emulator.visible(person.chat)
        if one.sender == person.id and one.text
    )
    return words([one.text for one in house.emulator.said(person.chat)]) == answer_to(asked)


def has_kept(house: House, person: Person, _: Chat) -> bool:
    return KEPT in [one.text for one in house.emulator.said(person.chat)]


def has_called(house: House, person: Person, staff: Chat) -> bool:
    """Staff read of it, and so does who called."""
    told = any(one.text.startswith(CALLED) for one in house.emulator.said(person.chat))
    return told and any(person.user["first_name"] in one.text for one in house.emulator.said(staff))


@dataclass(frozen=True)
class Case:
    point: str  # with :2, the second time
    asks: Callable[[Person], None] = asks_about_a_photo
    is_over: Sees = is_answered
    orphans: int = 0  # at most: the first message may be on its way meanwhile

    @property
    def name(self) -> str:
        return f"{self.point} {self.asks.__name__}"


UNCOMMITTED = [
    Case("before_accept"),
    Case("before_commit"),
    Case("before_commit:2", asks_about_an_album),
]
UNACKNOWLEDGED = [
    Case("after_accept"),
    Case("after_accept", asks_about_an_album),
    Case("after_accept:2", sends_a_photo_and_asks),
]
UNDER_WAY = [
    Case("before_reserve"),
    Case("after_wait", asks_about_an_album),
    Case("after_reserve", sends_a_photo_and_asks),
    Case("after_begin", orphans=1),
    Case("before_photo", orphans=1),
    Case("after_photo:2", asks_about_an_album, orphans=1),
    Case("mid_answer", orphans=1),
    Case("before_send"),
    Case("after_note"),
    Case("after_preview", asks_slowly),
    Case("after_key", asks_at_length),
]
UNKNOWN = [
    Case("after_send"),
    Case("after_continuing", asks_at_length),
]
UNENDED = [
    Case("before_final"),
    Case("after_final"),
    Case("after_final", asks_at_length),
    Case("before_settle"),
    Case("after_settle"),
    Case("before_end"),
    Case("after_end"),
]
PHOTOS = [
    Case("after_photo", sends_a_photo, has_kept),
    Case("after_keeping", sends_a_photo, has_kept),
    Case("before_photo_end", sends_a_photo, has_kept),
]
LETTERS = [
    Case("after_put", calls_a_person, has_called),
    Case("before_letter", calls_a_person, has_called),
    Case("before_letter_note", calls_a_person, has_called),
    Case("after_letter_note", calls_a_person, has_called),
    Case("after_letter_end", calls_a_person, has_called),
]
ALL = UNCOMMITTED + UNACKNOWLEDGED + UNDER_WAY + UNKNOWN + UNENDED + PHOTOS + LETTERS
Deaths = dict[str, asyncio.Task[Death]]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def deaths(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Deaths]:
    """Those that the chosen tests ask for, under way."""
    chosen = {item.callspec.id for item in request.session.items if hasattr(item, "callspec")}
    async with street(tmp_path_factory.mktemp("street"), HOUSES) as place:
        deaths = {
            case.name: asyncio.ensure_future(
                place.die(case.point, f"Person {number}", case.asks, case.is_over)
            )
            for number, case in enumerate(ALL)
            if case.name in chosen
        }
        yield deaths
        for death in deaths.values():
            death.cancel()
        await asyncio.gather(*deaths.values(), return_exceptions=True)


def each(cases: list[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


@pytest.mark.row(8)
@each(UNCOMMITTED)
async def test_row_08_what_was_not_committed_comes_again_and_is_answered_once(
    deaths: Deaths, case: Case
) -> None:
    death = await deaths[case.name]

    assert (death.code, death.orphans) == (-9, 0)
    assert words(death.said) == answer_to(death.question)
    assert death.asked == 1
    assert death.photos == PHOTOS_OF[case.asks]


@pytest.mark.row(9)
@each(UNACKNOWLEDGED)
async def test_row_09_what_was_committed_and_not_acknowledged_is_dropped_when_it_comes_again(
    deaths: Deaths, case: Case
) -> None:
    death = await deaths[case.name]

    assert (death.code, death.orphans) == (-9, 0)
    assert words(death.said) == answer_to(death.question)
    assert death.asked == 1
    assert death.photos == PHOTOS_OF[case.asks]


@pytest.mark.row(10)
@each(UNDER_WAY)
async def test_row_10_a_question_under_way_goes_on_in_the_same_message(
    deaths: Deaths, case: Case
) -> None:
    death = await deaths[case.name]

    assert death.code == -9
    assert death.orphans <= case.orphans
    assert words(death.said) == answer_to(death.question)
    assert death.photos == PHOTOS_OF[case.asks]


@pytest.mark.row(11)
@each(UNKNOWN)
async def test_row_11_a_message_whose_id_was_not_kept_stays_behind_and_one_answer_comes(
    deaths: Deaths, case: Case
) -> None:
    death = await deaths[case.name]

    assert (death.code, death.orphans) == (-9, 1)
    assert words(death.said) == answer_to(death.question)


@pytest.mark.row(12)
@each(UNENDED)
async def test_row_12_an_answer_that_people_have_read_is_not_written_again(
    deaths: Deaths, case: Case
) -> None:
    death = await deaths[case.name]

    assert (death.code, death.orphans) == (-9, 0)
    assert words(death.said) == answer_to(death.question)


@pytest.mark.row(10)
@each(PHOTOS)
async def test_row_10_a_photo_without_words_is_kept_whenever_the_program_dies(
    deaths: Deaths, case: Case
) -> None:
    death = await deaths[case.name]

    assert death.code == -9
    # the notice has no id by which a repetition could be known
    assert set(death.said) == {KEPT}
    assert len(death.said) <= (2 if case.point == "before_photo_end" else 1)


@pytest.mark.row(11)
@each(LETTERS)
async def test_row_11_a_letter_to_staff_arrives_whenever_the_program_dies(
    deaths: Deaths, case: Case
) -> None:
    death = await deaths[case.name]

    assert death.code == -9
    # Telegram has no keys: sent and not noted, it is sent once more rather than never
    assert len(death.staff) == (2 if case.point == "before_letter_note" else 1)


def _question(person: Person) -> str:
    return f"What does {person.user['first_name']} see?"
