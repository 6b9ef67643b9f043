"""A moderation service in the shape of OpenAI's /v1/moderations, for words and pictures."""

from __future__ import annotations

import asyncio
import base64
import math
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image

from inference.request import Picture
from inference.safety.guards.guard import Finding, GuardFailed
from inference.safety.guards.server import Server
from inference.safety.verdict import Context

# OpenAI's categories by our names; what stands before a slash counts where the whole does not
CATEGORIES = {
    "sexual": "sexual",
    "sexual/minors": "minors",
    "self-harm": "selfharm",
    "violence": "violence",
    "harassment": "abuse",
    "hate": "abuse",
    "illicit": "illegal",
    "illicit/violent": "weapons",
}
_QUALITY = 90


@dataclass(frozen=True, slots=True)
class ModerationSettings:
    model: str  # empty: the service's own choice
    labels: dict[str, str]  # its categories by our names, before those of CATEGORIES
    thresholds: frozenset[str]  # categories whose scores count; of the others, what it flags


class Moderation:
    def __init__(self, server: Server, settings: ModerationSettings) -> None:
        self._server, self._settings = server, settings

    @property
    def version(self) -> str:
        return self._settings.model

    async def start(self) -> None:
        """It may come later than we do."""

    async def look(self, what: str | Picture, context: Context) -> list[Finding]:
        body: dict[str, Any] = {"model": self._settings.model} if self._settings.model else {}
        if isinstance(what, str):
            body["input"] = what
        else:
            url = await asyncio.to_thread(_render_address, what)
            body["input"] = [{"type": "image_url", "image_url": {"url": url}}]
        return self._parse(await self._server.post("/moderations", body))

    async def close(self) -> None:
        await self._server.close()

    def _parse(self, answer: Any) -> list[Finding]:
        """Any: JSON, whatever it is. Raises GuardFailed."""
        try:
            (result, *_) = answer["results"]
            flags, scores = result["categories"], result.get("category_scores") or {}
            found = [self._finding(name, flags[name], scores.get(name)) for name in flags]
            if result["flagged"] is True and not any(flags.values()):
                raise GuardFailed("answer")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise GuardFailed("answer") from error
        return found

    def _finding(self, name: str, flagged: object, score: object) -> Finding:
        """Raises TypeError, ValueError."""
        if flagged is not None and not isinstance(flagged, bool):
            raise TypeError(name)
        category = self._category(name)
        if score is not None:
            share = float(score)  # type: ignore[arg-type]  # what is none raises TypeError
            if not math.isfinite(share):
                raise ValueError(name)
            if category in self._settings.thresholds:
                return Finding(category, share)
        return Finding(category, 1.0 if flagged else 0.0)

    def _category(self, name: str) -> str:
        known = CATEGORIES | self._settings.labels
        general = name.partition("/")[0]
        return known.get(name) or known.get(general) or name.replace("/", "_")[:60]


def _render_address(picture: Picture) -> str:
    image = Image.frombytes("RGB", (picture.width, picture.height), picture.rgb)
    written = BytesIO()
    image.save(written, "JPEG", quality=_QUALITY)
    return f"data:image/jpeg;base64,{base64.b64encode(written.getbuffer()).decode()}"
