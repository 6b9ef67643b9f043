"""What `visionbot admin` does: the orders of a chat, given by whoever may run the program."""

from __future__ import annotations

import asyncio
import os
import pwd
import secrets
import signal
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import typer
from pydantic import SecretStr

from bot.access.names import parse_person
from bot.access.quota import Misread
from bot.admin import privacy
from bot.admin.actor import Actor
from bot.admin.commands import ORDERS
from bot.admin.keys import KeyOrder
from bot.admin.office import Office
from bot.admin.orders import Here, parse_broadcast
from bot.admin.typed import FAILED, MISUSED, Complaint, carried_out
from bot.api.addresses import authority_here
from bot.config import Settings
from bot.rules import Rules
from bot.storage.audit import Act, Outcome
from bot.storage.db import Database, Transaction
from bot.storage.holding import holder
from bot.storage.ledger import Ledger
from bot.storage.outbox import Outbox
from bot.storage.people import People
from bot.texts import Language
from inference.images.decode import Decoder

Work = Callable[[Office, Actor, Settings], Coroutine[Any, Any, str]]
Opens = Callable[[Path, SecretStr], Coroutine[Any, Any, Database]]


def order(command: str, words: str, config: Path | None, language: Language | None) -> int:
    async def work(office: Office, actor: Actor, _: Settings) -> str:
        return (await ORDERS[command](words, Here(), actor, office)).as_table()

    return _end_of(command, words, config, language, work)


def broadcast(words: str, config: Path | None, language: Language | None, *, sure: bool) -> int:
    """A new text is confirmed at once: by --yes, or by whoever sits there."""

    async def work(office: Office, actor: Actor, _: Settings) -> str:
        step = parse_broadcast(words)
        if step.step != "write":
            return await office.broadcaster.carry_out(actor, step)
        said, number = await office.broadcaster.write(actor, step.text)
        if number is None or not (sure or _is_wanted(said)):
            return said
        return await office.broadcaster.confirm(
            _again(actor, f"broadcast confirm {number}"), number
        )

    return _end_of("broadcast", words, config, language, work)


def reload(config: Path | None, language: Language | None) -> int:
    async def work(office: Office, actor: Actor, settings: Settings) -> str:
        async def tell(_: Transaction) -> Outcome:
            process = holder(settings.storage.data_dir)
            if process is None:
                return actor.outcome("", "machine_not_running")
            os.kill(process, signal.SIGHUP)
            return actor.outcome("", "machine_told", process=process)

        return await office.audit.once(actor.act, tell)

    return _end_of("reload", "", config, language, work)


def page(config: Path | None, language: Language | None) -> int:
    """A link for whoever opens it first. That it was made is written down, the link is not."""

    async def work(office: Office, actor: Actor, settings: Settings) -> str:
        async def note(_: Transaction) -> Outcome:
            return actor.outcome("", "machine_page_made")

        await office.audit.once(actor.act, note)
        code = await office.sessions.issue_link(actor.act.actor, "console")
        here = authority_here(settings.web.host, settings.web.port)
        said = [actor.say("machine_page", address=f"http://{here}/admin#{code}")]
        if not (settings.web.enabled or settings.api.enabled):
            said.append(actor.say("machine_page_off"))
        if settings.web.port == 0:
            said.append(actor.say("machine_page_any_port"))
        if holder(settings.storage.data_dir) is None:
            said.append(actor.say("machine_page_bot_off"))
        return "\n".join(said)

    return _end_of("page", "", config, language, work)


def export(who: str, file: Path, config: Path | None, language: Language | None) -> int:
    async def work(office: Office, actor: Actor, settings: Settings) -> str:
        return await privacy.export(office, actor, settings, parse_person(who), file)

    return _end_of("export", who, config, language, work)


def forget(who: str, config: Path | None, language: Language | None, *, sure: bool) -> int:
    """Their name does not stand in the trace of it."""

    async def work(office: Office, actor: Actor, settings: Settings) -> str:
        name = parse_person(who)
        if not (sure or _is_wanted(actor.say("machine_forget_sure", who=name))):
            return actor.say("machine_forget_not")
        return await privacy.forget(office, actor, settings, name)

    return _end_of("forget", "", config, language, work)


def make_key(order: KeyOrder, config: Path | None, language: Language | None) -> int:
    """Also before the first start: others may not reach the program until there is a key."""

    async def work(office: Office, actor: Actor, _: Settings) -> str:
        return await office.keys.create(actor, order)

    return _end_of("keys", f"create {order.name}", config, language, work, opens=Database.at)


def list_keys(config: Path | None, language: Language | None) -> int:
    async def work(office: Office, actor: Actor, _: Settings) -> str:
        return (await office.keys.all(actor)).as_table()

    return _end_of("keys", "list", config, language, work)


def revoke_key(id_: str, config: Path | None, language: Language | None) -> int:
    async def work(office: Office, actor: Actor, _: Settings) -> str:
        return await office.keys.revoke(actor, id_)

    return _end_of("keys", f"revoke {id_}", config, language, work)


def block_picture(file: Path, why: str, config: Path | None, language: Language | None) -> int:
    async def work(office: Office, actor: Actor, settings: Settings) -> str:
        try:
            photo = await asyncio.to_thread(_read, file, settings.pictures.limits().max_bytes + 1)
        except OSError as error:
            raise Misread("picture_no_file", file=file, reason=error.strerror) from None
        decoder = Decoder(settings.pictures, children=1)
        try:
            return await office.pictures.block(actor, photo, why, decoder.decode)
        finally:
            await decoder.close()

    return _end_of("pictures", f"block {file.name}", config, language, work, opens=Database.at)


def list_pictures(config: Path | None, language: Language | None) -> int:
    async def work(office: Office, actor: Actor, _: Settings) -> str:
        return (await office.pictures.all(actor)).as_table()

    return _end_of("pictures", "list", config, language, work)


def allow_picture(number: int, config: Path | None, language: Language | None) -> int:
    async def work(office: Office, actor: Actor, _: Settings) -> str:
        return await office.pictures.allow(actor, number)

    return _end_of("pictures", f"allow {number}", config, language, work)


def _read(file: Path, most: int) -> bytes:
    with file.open("rb") as opened:
        return opened.read(most)


def _end_of(
    command: str,
    words: str,
    config: Path | None,
    language: Language | None,
    work: Work,
    *,
    opens: Opens = Database.join,
) -> int:
    def carry_out(settings: Settings, speaks: Language) -> str:
        actor = Actor(_act(f"{command} {words}".rstrip()), "owner", speaks)
        try:
            said, is_refused = asyncio.run(_carry_out(settings, actor, work, opens))
        except Misread as error:
            fault = actor.say(error.key, **error.values)
            said = actor.say("machine_misread", fault=fault, command=command)
            raise Complaint(said, MISUSED) from None
        if is_refused:
            raise Complaint(said, FAILED)
        return said

    return carried_out(config, language, carry_out)


async def _carry_out(
    settings: Settings, actor: Actor, work: Work, opens: Opens
) -> tuple[str, bool]:
    """What is said, and whether a rule forbade it."""
    async with _office(settings, opens) as office:
        said = await work(office, actor, settings)
        return said, await office.audit.is_refused(actor.act.event)


@asynccontextmanager
async def _office(settings: Settings, opens: Opens) -> AsyncIterator[Office]:
    db = await opens(settings.storage.data_dir, settings.storage.url)
    try:
        tokens = settings.answers.max_tokens + settings.window.max_tokens
        rules, people = Rules(settings.rules()), People(db)
        yield Office(
            db,
            rules,
            people,
            Ledger(db),
            Outbox(db),
            question_tokens=tokens,
            default_language=settings.answers.default_language,
        )
    finally:
        await db.close()


def _act(line: str) -> Act:
    return Act(f"machine/{secrets.token_hex(16)}", f"machine:{_user()}", line)


def _again(actor: Actor, line: str) -> Actor:
    """The same person's next order."""
    return Actor(_act(line), actor.role, actor.language)


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container's user may have no name
        return str(os.getuid())


def _is_wanted(question: str) -> bool:
    """Where nobody can answer it is not."""
    return sys.stdin.isatty() and typer.confirm(f"{question}\n")
