"""What /health says: whether people can be answered, and how long ago each part gave a sign."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict
from importlib.metadata import version

from bot.call import Call
from bot.line import Line
from bot.platforms.base import Platform
from bot.question import Question
from bot.storage.db import Database
from bot.watching.counts import Counts
from bot.watching.vitals import silences
from inference.build import EngineSection
from inference.service import Service

_AWAY_S = 5.0  # a server that is started again is back by then


class Health:
    """`status` is the program's own word: "starting", "ok", "stopping"."""

    def __init__(
        self,
        section: EngineSection,
        db: Database,
        line: Line[Question | Call],
        service: Service,
        platforms: Sequence[Platform],
        counts: Counts,
        *,
        troubles: Callable[[], list[dict[str, object]]],
        replica: Callable[[], dict[str, object]],
    ) -> None:
        self.status = "starting"
        self._section = section
        self._db = db
        self._line = line
        self._service = service
        self._platforms = platforms
        self._counts = counts
        self._troubles = troubles
        self._replica = replica
        self._began = time.monotonic()

    def tell(self) -> dict[str, object]:
        engine = self._service.stats()
        status = self._status(engine_up=engine.up)
        local = self._section.kind == "local"
        model = self._section.model if local else engine.model  # without its path
        return {
            "ok": status == "ok",
            "status": status,
            "version": version("visionbot"),
            "uptime_seconds": round(time.monotonic() - self._began, 1),
            "waiting": len(self._line),
            "answering": self._line.busy,
            "engine": asdict(engine) | {"model": model, "hit_rate": engine.hit_rate},
            "replica": self._replica(),
            "troubles": self._troubles(),
            "signs": self._signs(),
        }

    def _status(self, *, engine_up: bool) -> str:
        if self.status != "ok":
            return self.status
        away_since = self._db.away_since
        if away_since is not None and time.monotonic() - away_since > _AWAY_S:
            return "database away"
        return self.status if engine_up else "engine down"

    def _signs(self) -> dict[str, object]:
        """In seconds; `polls_s`: since each platform that is polled answered last."""
        lag_s = self._counts.loop_lag_s.quantile(0.99)
        return {
            "polls_s": {name: round(age_s, 1) for name, age_s in silences(self._platforms)},
            "commit_s": round(time.monotonic() - self._db.committed_at, 1),
            "loop_lag_p99_s": None if lag_s is None else round(lag_s, 4),
        }
