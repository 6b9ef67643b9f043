"""What must hold after every fault: I1 to I10 of docs/reliability.md, asked of the database, of
what people see, of the log and of /health."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from typing import Any

from aiohttp import ClientError, ClientSession, ClientTimeout

from tests.emulators.telegram.chats import Message
from tests.emulators.telegram.people import Person
from tests.faults.house import House
from tests.faults.model import answer_to
from tests.faults.records import Ask, Row, records

_ENDS = ("answered", "said", "refused", "stopped", "expired", "undeliverable", "dead", "ignored")
_MOST_ATTEMPTS = 3
_WITHIN_S = 20.0
_OPENING = "…"
_TRACEBACK = "Traceback (most recent call last):"
_NEVER = ("was never retrieved", "was never awaited", "Task was destroyed")
_MARGIN = re.compile(r"^ *[|+] ?")  # of the parts of an exception group


async def check_invariants(
    house: House,
    *,
    stops: bool = True,
    most_attempts: int = _MOST_ATTEMPTS,
    expected: str = "",
    photos: bool = True,
    within_s: float = _WITHIN_S,
) -> int:
    """Waits until nothing is to be done any more, and stops the program (not `stops`: it goes on).
    How many orphans people see: messages of waiting that nothing knows of, see `orphans`.

    `expected`: a regular expression for the tracebacks that may be there: what was logged with
    one, or its last line; without it none may be. `photos`: those that the database names are
    still there; False where time was turned forward, or the disk is what failed.
    """
    await _until_all_is_done(house, most_attempts, photos=photos, within_s=within_s)
    found = await _found_in_health(house) if house.program.is_running() else []
    if stops and house.program.is_running():
        code = await house.program.stop()
        found += [f"it ended with {code}"] if code else []
        await _until_none_survives(house)
    found += await found_in_database(house, most_attempts=most_attempts, photos=photos)
    found += await found_by_people(house)
    found += found_in_log(house, expected=expected)
    assert not found, found
    return len(await orphans(house))


async def found_in_database(
    house: House, *, most_attempts: int = _MOST_ATTEMPTS, photos: bool = True
) -> list[str]:
    """Damage, and what breaks I1, I2, I3, I5; nothing: all is done and well."""
    async with records(house) as ask:
        found = [] if house.url else await _damage(ask)
        found += await _in_inbox(ask, most_attempts)
        found += await _in_books(ask)
        found += await _unknown_messages(ask, house)
        found += await _lost_photos(ask, house) if photos else []
    return found


async def found_by_people(house: House) -> list[str]:
    """I3 and I4 as people see them: a message with two answers, an answer left half-written, or
    one whose message was written on before its id was kept."""
    async with records(house) as ask:
        answers_kept = await _answer_messages(ask)
        kept = answers_kept | await _letter_messages(ask)
    found = []
    for person in house.emulator.people:
        if person.chat.blocked:  # who does not want to hear from us reads what was there
            continue
        said = house.emulator.said(person.chat)
        words = [one for one in said if not _is_orphan(one, kept)]
        # a notice has no id by which its repetition after a crash could be known
        once = {_name(one) if _name(one) in answers_kept else one.text: one for one in words}
        answers = Counter(one.answers for one in once.values() if one.answers)
        found += [f"I4: message {id_} has {n} answers" for id_, n in answers.items() if n > 1]
        for one in filter(_is_waiting, words):
            known = "" if _name(one) in kept else ", and its id was not kept"
            found.append(f"I3: {person.user['first_name']} still reads {one.text!r}{known}")
    return found


async def orphans(house: House) -> list[Message]:
    """Words about waiting that nobody will ever change: sent, but the program died, or the reply
    was lost, before it knew their id."""
    async with records(house) as ask:
        kept = await _answer_messages(ask) | await _letter_messages(ask)
    said = (one for person in house.emulator.people for one in house.emulator.said(person.chat))
    return [one for one in said if _is_orphan(one, kept)]


def found_in_log(house: House, *, expected: str = "") -> list[str]:
    """I7, and tracebacks that nobody expects."""
    output = house.program.output()
    secrets = (house.emulator.token.partition(":")[2], *house.secrets)
    found = [f"I7: {secret[:4]}... stands in the log" for secret in secrets if secret in output]
    found += [f"in the log: {words}" for words in _NEVER if words in output]
    wanted = re.compile(expected) if expected else None
    return found + [
        f"in the log: {error}"
        for error in _tracebacks(output)
        if wanted is None or wanted.search(error) is None
    ]


def unanswered(house: House) -> list[str]:
    """What a bot that answers as EchoModel does, ours or another, owes its people: each of their
    messages one message with its whole answer, by what they see alone."""
    return [fault for person in house.emulator.people for fault in _owed(house, person)]


def _owed(house: House, person: Person) -> Iterator[str]:
    said = Counter(one.text for one in house.emulator.said(person.chat))
    for one in house.emulator.visible(person.chat):
        number = said[answer_to(one.text)]
        if one.sender == person.id and one.text and number != 1:
            fault = "lost" if number == 0 else f"answered {number} times"
            yield f"{fault}: {person.user['first_name']}, {one.text!r}"


async def _until_all_is_done(
    house: House, most_attempts: int, *, photos: bool, within_s: float
) -> None:
    found = ["nothing was looked at"]
    try:
        async with asyncio.timeout(within_s):
            while found:  # another process writes it
                found = await found_in_database(house, most_attempts=most_attempts, photos=photos)
                await asyncio.sleep(0.1 if found else 0)
    except TimeoutError:
        raise AssertionError(f"{found}\n{house.program.output()[-6000:]}") from None


async def _until_none_survives(house: House) -> None:
    """The engine and the readers of photos end with the program, however it ended."""
    async with asyncio.timeout(_WITHIN_S):
        while house.program.survivors():  # noqa: ASYNC110  (other processes)
            await asyncio.sleep(0.05)


async def _found_in_health(house: House) -> list[str]:
    """I10: it answers, tells the age of each sign of life, and holds no place of what has ended."""
    told: dict[str, Any] = {}
    try:
        async with asyncio.timeout(_WITHIN_S), ClientSession(timeout=ClientTimeout(5.0)) as client:
            while told.get("waiting") != 0 or told.get("answering") != 0:
                told = await _health(client, house) or told
                await asyncio.sleep(0.05)
    except TimeoutError:
        return [f"I10: /health says {told}"]
    return [
        f"I10: no sign of {sign}" for sign in ("polls_s", "commit_s") if sign not in told["signs"]
    ]


async def _health(client: ClientSession, house: House) -> dict[str, Any]:
    """Nothing: it starts."""
    with suppress(ClientError):
        async with client.get(f"{house.program.url}/health") as response:
            told: dict[str, Any] = json.loads(await response.text())
            return told
    return {}


async def _damage(ask: Ask) -> list[str]:
    found = [f"damage: {line}" for (line,) in await ask("PRAGMA integrity_check") if line != "ok"]
    return found + [f"damage: {row}" for row in await ask("PRAGMA foreign_key_check")]


async def _in_inbox(ask: Ask, most_attempts: int) -> list[str]:
    ends = ",".join(f"'{end}'" for end in _ENDS)
    twice = await ask(
        "SELECT platform, chat, message FROM inbox GROUP BY platform, bot, chat, message"
        " HAVING COUNT(*) > 1"
    )
    open_ = await ask(f"SELECT id, state FROM inbox WHERE state NOT IN ({ends})")
    untimed = await ask(f"SELECT id FROM inbox WHERE state IN ({ends}) AND ended_at IS NULL")
    often = await ask(f"SELECT id, attempts FROM inbox WHERE attempts > {most_attempts + 1}")
    # the attempt at which it is given up asks the model no more
    tried = await ask(
        f"SELECT id, attempts FROM inbox WHERE attempts > {most_attempts} AND state = 'answered'"
    )
    half = await ask(
        "SELECT inbox.id, COUNT(turns.id) FROM inbox LEFT JOIN turns ON turns.inbox_id = inbox.id"
        " WHERE inbox.state = 'answered' GROUP BY inbox.id HAVING COUNT(turns.id) <> 2"
    )
    unsaid = await ask(
        "SELECT inbox.id FROM inbox WHERE inbox.state = 'answered' AND NOT EXISTS (SELECT 1 FROM"
        " replies WHERE replies.inbox_id = inbox.id AND replies.message IS NOT NULL)"
    )
    return [
        *(f"I2: {where} was accepted twice" for where in twice),
        *(f"I3: entry {id_} is {state}" for id_, state in open_),
        *(f"I3: entry {id_} has an end without a time" for (id_,) in untimed),
        *(f"I3: entry {id_} is answered, but {n} turns are kept" for id_, n in half),
        *(f"I4: entry {id_} is answered in no message" for (id_,) in unsaid),
        *(f"I5: entry {id_} was tried {times} times" for id_, times in often + tried),
    ]


async def _in_books(ask: Ask) -> list[str]:
    """What was reserved is settled, what was answered was booked, every letter has its end."""
    unsettled = await ask(
        "SELECT id FROM ledger WHERE state <> 'settled' OR settled_questions IS NULL"
    )
    unbooked = await ask(
        "SELECT id FROM inbox WHERE state = 'answered' AND NOT EXISTS"
        " (SELECT 1 FROM ledger WHERE ledger.inbox_id = inbox.id)"
    )
    letters = await ask("SELECT id FROM outbox WHERE state = 'waiting'")
    return [
        *(f"I3: reservation {id_} is not settled" for (id_,) in unsettled),
        *(f"I3: entry {id_} was answered and not booked" for (id_,) in unbooked),
        *(f"I3: letter {id_} waits" for (id_,) in letters),
    ]


async def _unknown_messages(ask: Ask, house: House) -> list[str]:
    """I1: whatever Telegram was told that we have, in private chats, is in the inbox."""
    rows = await ask("SELECT chat, message FROM inbox WHERE platform = 'telegram'")
    known = {(chat, message) for chat, message in rows}
    waiting = [update.get("message", {}) for update in house.emulator.updates.waiting()]
    kept = {(one["chat"]["id"], one["message_id"]) for one in waiting if one}
    return [
        f"I1: {person.user['first_name']}'s message {one.id} was acknowledged and is not kept"
        for person in house.emulator.people
        for one in house.emulator.visible(person.chat)
        if one.sender == person.id
        and (one.chat, one.id) not in kept
        and (str(one.chat), str(one.id)) not in known
    ]


async def _lost_photos(ask: Ask, house: House) -> list[str]:
    """Photos whose file is gone though a talk, a waiting photo or the page still shows it."""
    digests = {digest for (digest,) in await ask("SELECT digest FROM kept_photos")}
    for table in ("turns", "page_messages", "ticket_lines"):
        rows = await ask(f"SELECT photos FROM {table} WHERE photos <> '[]'")
        digests |= {digest for (photos,) in rows for digest in json.loads(photos)}
    digests -= {digest for (digest,) in await ask("SELECT digest FROM forgotten_photos")}
    files = [(one, house.photos_dir / one[:2] / one[2:]) for one in sorted(digests)]
    return [f"I3: photo {digest[:12]} has no file" for digest, file in files if not file.exists()]


async def _answer_messages(ask: Ask) -> set[tuple[str, str]]:
    """Chat and id of each message of ours that answers, as far as the database knows them."""
    return _names(
        await ask(
            "SELECT inbox.chat, replies.message FROM replies JOIN inbox"
            " ON inbox.id = replies.inbox_id WHERE replies.message IS NOT NULL"
        )
    )


async def _letter_messages(ask: Ask) -> set[tuple[str, str]]:
    return _names(
        await ask(
            "SELECT outbox.chat, outbox_messages.message FROM outbox_messages JOIN outbox"
            " ON outbox.id = outbox_messages.outbox_id"
        )
    )


def _names(rows: list[Row]) -> set[tuple[str, str]]:
    return {(chat, message.partition("@")[0]) for chat, message in rows}


def _is_orphan(message: Message, kept: set[tuple[str, str]]) -> bool:
    """One that was written on belongs to somebody, and its id should have been kept before."""
    return _is_waiting(message) and not message.is_edited and _name(message) not in kept


def _is_waiting(message: Message) -> bool:
    """With the button that stops an answer, or the first sign of a further message of one."""
    return message.text == _OPENING or any(name.startswith("stop") for name, _ in message.buttons)


def _name(message: Message) -> tuple[str, str]:
    return str(message.chat), str(message.id)


def _tracebacks(output: str) -> Iterator[str]:
    """What was logged with each, and the line that it ends with; of a group its head alone."""
    parts = output.split(_TRACEBACK)
    for before, part in pairwise(parts):
        if "|" not in before[before.rfind("\n") :]:
            indent = before[before.rfind("\n") + 1 :]  # as the program's log has it
            lines = [_MARGIN.sub("", one.removeprefix(indent)) for one in part.splitlines()[1:]]
            error = next((line for line in lines if line.strip() and not line.startswith(" ")), "")
            yield f"{' '.join(before.splitlines()[-2:])[-300:]} {error[:300]}"
