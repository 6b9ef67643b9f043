"""Guards of others: packages that name a factory under the entry point group visionbot.detectors.

The factory is called with the options of the settings and returns what looks like an Adapter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib.metadata import entry_points
from typing import Any

from inference.errors import ModelUnusable
from inference.request import Picture
from inference.safety.guards.guard import Adapter, Finding, GuardFailed
from inference.safety.verdict import Context

GROUP = "visionbot.detectors"

# Any: options are the plugin's own, as they stand in the settings


class Plugin:
    """Loaded at the start."""

    def __init__(self, plugin: str, options: Mapping[str, Any]) -> None:
        self._plugin, self._options = plugin, options
        self._adapter: Adapter | None = None

    @property
    def version(self) -> str:
        return self._adapter.version if self._adapter else ""

    async def start(self) -> None:
        """Raises ModelUnusable."""
        try:
            self._adapter = _load(self._plugin)(dict(self._options))
            await self._adapter.start()
        except ModelUnusable:
            raise
        except Exception as error:  # it may raise whatever
            raise ModelUnusable(
                f"the detector {self._plugin} cannot be started ({type(error).__name__}: {error});"
                " check its options"
            ) from error

    async def look(self, what: str | Picture, context: Context) -> Iterable[Finding]:
        if self._adapter is None:
            raise GuardFailed("broken")
        found = list(await self._adapter.look(what, context))
        if not all(isinstance(one, Finding) for one in found):
            raise GuardFailed("answer")
        return found

    async def close(self) -> None:
        if self._adapter is not None:
            await self._adapter.close()


def _load(plugin: str) -> Any:
    """Its factory. Raises ModelUnusable."""
    offered = {point.name: point for point in entry_points(group=GROUP)}
    if plugin not in offered:
        names = ", ".join(sorted(offered)) or "none"
        raise ModelUnusable(
            f"no installed package offers the detector {plugin!r} as {GROUP} (there are: {names});"
            " install its package, or correct detector"
        )
    return offered[plugin].load()
