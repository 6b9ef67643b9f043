"""A text guard behind OpenAI's chat completions: Qwen3Guard-Gen, or any model that says yes or no.

Qwen3Guard judges what a person asks, or an answer by what was asked for it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, Literal

from inference.request import Picture
from inference.safety.guards.guard import Finding, GuardFailed
from inference.safety.guards.server import Server
from inference.safety.verdict import Action, Context

Answers = Literal["qwen3guard", "yes_no"]

# Qwen3Guard's categories by our names, https://github.com/QwenLM/Qwen3Guard
QWEN_CATEGORIES = {
    "Violent": "violence",
    "Non-violent Illegal Acts": "illegal",
    "Sexual Content or Sexual Acts": "sexual",
    "PII": "personal",
    "Suicide & Self-Harm": "selfharm",
    "Unethical Acts": "unethical",
    "Politically Sensitive Topics": "politics",
    "Copyright Violation": "copyright",
    "Jailbreak": "injection",
}
UNSAFE = "unsafe"  # the category of what has no other name
_TOKENS = 64  # of its answer
_ASKED_CHARACTERS = 2000  # of the question that goes with an answer
_SAFETY = re.compile(r"^\s*Safety:\s*(Safe|Controversial|Unsafe)\s*$", re.MULTILINE)
_CATEGORIES = re.compile(r"^\s*Categor(?:y|ies):\s*(.+?)\s*$", re.MULTILINE)
_YES_NO = re.compile(r"^\W*(yes|no|是|否)\b", re.IGNORECASE)
# Marks of control tokens, with which a text could end its turn and begin another.
_MARK = re.compile(r"<(?=\|)")


@dataclass(frozen=True, slots=True)
class JudgeSettings:
    model: str
    answers: Answers
    question: str  # with "yes_no": what is asked about the text
    labels: dict[str, str]  # its categories by our names, before those of QWEN_CATEGORIES
    controversial: Action  # the most that follows from it


class Judge:
    def __init__(self, server: Server, settings: JudgeSettings) -> None:
        self._server, self._settings = server, settings

    @property
    def version(self) -> str:
        return self._settings.model

    async def start(self) -> None:
        """It may come later than we do."""

    async def look(self, what: str | Picture, context: Context) -> list[Finding]:
        assert isinstance(what, str)
        answer = await self._server.post("/chat/completions", self._render(what, context))
        text = parse_completion(answer)
        if self._settings.answers == "yes_no":
            return [Finding(self._settings.labels.get("yes", UNSAFE))] if parse_yes(text) else []
        return self._findings(text)

    async def close(self) -> None:
        await self._server.close()

    def _render(self, text: str, context: Context) -> dict[str, Any]:
        """Any: JSON."""
        return {
            "model": self._settings.model,
            "messages": self._render_messages(_harmless(text), context),
            "temperature": 0,
            "max_tokens": _TOKENS,
            "stream": False,
        }

    def _render_messages(self, text: str, context: Context) -> list[dict[str, str]]:
        if self._settings.answers == "yes_no":
            return [
                {"role": "system", "content": self._settings.question},
                {"role": "user", "content": text},
            ]
        if context.where != "answer":
            return [{"role": "user", "content": text}]
        asked = _harmless(context.asked[-_ASKED_CHARACTERS:])
        return [{"role": "user", "content": asked}, {"role": "assistant", "content": text}]

    def _findings(self, text: str) -> list[Finding]:
        found = _SAFETY.search(text)
        if found is None:
            raise GuardFailed("answer")
        if found[1] == "Safe":
            return []
        named = _CATEGORIES.search(text)
        names = [name.strip() for name in named[1].split(",")] if named else []
        categories = {self._category(name) for name in names if name and name != "None"}
        most: Action = "block" if found[1] == "Unsafe" else self._settings.controversial
        return [Finding(category, 1.0, most) for category in sorted(categories or {UNSAFE})]

    def _category(self, name: str) -> str:
        known = QWEN_CATEGORIES | self._settings.labels
        return known.get(name, re.sub(r"\W+", "_", name.lower()).strip("_")[:60] or UNSAFE)


def parse_completion(answer: Any) -> str:
    """Any: JSON, whatever it is. The text of OpenAI's chat completion; raises GuardFailed."""
    try:
        text = answer["choices"][0]["message"]["content"]
    except (KeyError, IndexError, TypeError) as error:
        raise GuardFailed("answer") from error
    if not isinstance(text, str):
        raise GuardFailed("answer")
    return text


def parse_yes(text: str) -> bool:
    """Raises GuardFailed when it is neither yes nor no."""
    found = _YES_NO.search(text)
    if found is None:
        raise GuardFailed("answer")
    return found[1].lower() in ("yes", "是")


def _harmless(text: str) -> str:
    return _MARK.sub("<\u2060", text)
