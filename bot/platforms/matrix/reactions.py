"""Matrix has no buttons: which reaction stands for which of them."""

from __future__ import annotations

from collections.abc import Iterable

_EMOJI_OF = {
    "stop": "🛑",
    "again": "🔁",
    "show": "👀",
    "up": "👍",
    "down": "👎",
    "person": "🙋",
    "take": "✅",
    "back": "↩️",
    "close": "🔒",
    "broadcast": "📣",
    "broadcast-drop": "🚫",
}
_SCORES = {digit: f"{digit}\ufe0f\u20e3" for digit in "12345"}

# Apps add the mark for "shown as an emoji", or leave it out, and people choose a colour of skin.
_NO_MATTER = ["\ufe0f", *(chr(code) for code in range(0x1F3FB, 0x1F400))]


def emoji_of(button: str) -> str | None:
    """`button`: its name with what it is about, such as "take 12" or "rate 12 5". None: it is
    pressed elsewhere."""
    verb, *about = button.split()
    if verb == "rate":
        return _SCORES.get(about[-1]) if about else None
    return _EMOJI_OF.get(verb)


def names_of(buttons: Iterable[str]) -> dict[str, str]:
    """By the emoji as `plain` gives it."""
    offered = ((emoji_of(button), button) for button in buttons)
    return {plain(emoji): button for emoji, button in offered if emoji is not None}


def plain(emoji: str) -> str:
    for mark in _NO_MATTER:
        emoji = emoji.replace(mark, "")
    return emoji


def may_be_one(emoji: str) -> bool:
    """False: no message of ours ever offers it."""
    return plain(emoji) in _KNOWN


_KNOWN = {plain(emoji) for emoji in (*_EMOJI_OF.values(), *_SCORES.values())}
