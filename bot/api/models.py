"""Which models can be asked: the one that runs, under its own name and those it is also given."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from importlib.metadata import version
from pathlib import Path

from bot.api.caller import Caller
from bot.api.errors import ApiError
from bot.api.shapes import RenderedModel, RenderedModels
from inference.build import EngineSection
from inference.engine.base import EngineStats

_OWNER = "visionbot"


class Models:
    """`aliases`: for clients whose model cannot be set, such as "gpt-4o"."""

    def __init__(
        self,
        section: EngineSection,
        stats: Callable[[], EngineStats],
        *,
        aliases: Sequence[str] = (),
        began: float,
    ) -> None:
        self._section = section
        self._local_name = _name_of(section.model)
        self._stats = stats
        self._aliases = aliases
        self._began = began
        self._release = version(_OWNER)

    @property
    def name(self) -> str:
        """As it stands in answers; never the whole path of a folder."""
        if self._section.kind == "remote":
            return self._stats().model
        return self._local_name

    @property
    def version(self) -> str:
        """Another one when the same question may get another answer."""
        what = [self._release, self._section.model, self._section.quantize, self._section.dtype]
        return hashlib.sha256("\0".join([*what, self.name]).encode()).hexdigest()[:12]

    def check(self, name: str | None, caller: Caller) -> None:
        """None is the one there is. Raises ApiError."""
        if name is not None and name not in self._names():
            known = ", ".join(self._allowed(caller))
            raise ApiError("api_model_unknown", param="model", model=name[:100], known=known)
        if not self._is_allowed(name or self.name, caller):
            raise ApiError("api_model_forbidden", param="model", model=name or self.name)

    def render_all(self, caller: Caller) -> RenderedModels:
        return {
            "object": "list",
            "data": [self._render(name) for name in self._allowed(caller)],
        }

    def render_one(self, name: str, caller: Caller) -> RenderedModel:
        """Raises ApiError."""
        self.check(name, caller)
        return self._render(name)

    def _names(self) -> list[str]:
        return list(dict.fromkeys([self.name, *self._aliases]))

    def _allowed(self, caller: Caller) -> list[str]:
        return [name for name in self._names() if self._is_allowed(name, caller)]

    def _is_allowed(self, name: str, caller: Caller) -> bool:
        """Whoever may ask the model may call it by all its names."""
        return not caller.models or name in caller.models or self.name in caller.models

    def _render(self, name: str) -> RenderedModel:
        return {"id": name, "object": "model", "created": int(self._began), "owned_by": _OWNER}


def _name_of(model: str) -> str:
    folder = Path(model).expanduser()
    return folder.resolve().name if folder.is_dir() else model
