"""The stage of an answer that is JSON: an escape such as \\u70b8 is looked at as the character that
whoever reads the JSON will see."""

from __future__ import annotations

import json
import re
from collections import deque
from collections.abc import Sequence

from inference.safety.outgoing.stage import Stage

# A character as it stands in JSON; the two escapes of a character that takes two stay together.
# "open": the text ends with the beginning of an escape.
_WRITTEN = re.compile(
    r"""
      (?P<open> \\ (?: u[0-9a-f]{0,3}
                     | u d[89ab][0-9a-f]{2} (?: \\ (?: u (?: d (?: [c-f][0-9a-f]? )? )? )? )?
                   )? \Z )
    | \\u d[89ab][0-9a-f]{2} \\u d[c-f][0-9a-f]{2}
    | \\u [0-9a-f]{4}
    | \\[^u]
    | [^\\]
    | \\
    """,
    re.VERBOSE | re.DOTALL | re.IGNORECASE,
)


class EscapesStage:
    """Keeps the number of characters: an escape is covered as a whole."""

    def __init__(self, stage: Stage) -> None:
        """`stage` sees the characters."""
        self._stage = stage
        self._open = ""
        self._waiting: deque[tuple[str, str]] = deque()  # as it stands there, what it stands for

    def feed(self, text: str) -> str:
        text = self._open + text
        if "\\" not in text and not self._waiting:
            shown = self._stage.feed(text)
            self._waiting.extend((one, one) for one in text[len(shown) :])
            return shown
        written = list(_WRITTEN.finditer(text))
        self._open = (written.pop()["open"] if written and written[-1]["open"] else "") or ""
        return self._show(self._stage.feed(self._take([match[0] for match in written])))

    def close(self) -> str:
        rest, self._open = self._open, ""
        shown = self._stage.feed(self._take(list(rest))) if rest else ""
        return self._show(shown + self._stage.close())

    def _take(self, written: Sequence[str]) -> str:
        meant = [_meant(one) for one in written]
        self._waiting.extend(zip(written, meant, strict=True))
        return "".join(meant)

    def _show(self, shown: str) -> str:
        """As it stands there, as far as the stage has shown it."""
        pieces = []
        for character in shown:
            written, meant = self._waiting.popleft()
            pieces.append(written if character == meant else character * len(written))
        return "".join(pieces)


def _meant(written: str) -> str:
    """One character always, so that places are the same."""
    if len(written) == 1:
        return written
    try:
        return str(json.loads(f'"{written}"', strict=False))
    except ValueError:
        return "\\"  # nothing that JSON knows
