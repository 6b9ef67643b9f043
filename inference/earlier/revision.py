"""Which model answers, told apart from every other one that could answer otherwise."""

from __future__ import annotations

from collections.abc import Callable
from importlib.metadata import version

from inference.build import EngineSection, resolve_model
from inference.engine.base import EngineStats
from inference.engine.model.checkpoint import fetched_folder, revision_of


class Revision:
    """Files are read once for each start of the engine, which may have read others than the last
    one. A server elsewhere tells no more than the model's name."""

    def __init__(self, engine: EngineSection, stats: Callable[[], EngineStats]) -> None:
        self._engine = engine
        self._stats = stats
        self._files: tuple[int, str] | None = None  # and after how many restarts they were read

    def name(self) -> str:
        """Takes some milliseconds the first time. Threads may call it together."""
        release = f"visionbot {version('visionbot')}"
        if self._engine.kind == "remote":
            return f"{release}: {self._stats().model} at {self._engine.base_url}"
        return f"{release}: {self._engine.model} {self._revision(self._stats().restarts)}"

    def _revision(self, restarts: int) -> str:
        """Nothing: the hub has not sent the files yet."""
        if self._files is not None and self._files[0] == restarts:
            return self._files[1]
        folder = fetched_folder(resolve_model(self._engine.model))
        if folder is None:
            return ""
        revision = revision_of(folder, self._engine.local())
        self._files = restarts, revision
        return revision
