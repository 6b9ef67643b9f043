"""`visionbot admin backup`: a copy of the data folder, also while the bot runs."""

from __future__ import annotations

from pathlib import Path

from bot.admin.typed import carried_out
from bot.config import Settings
from bot.storage.backup import back_up
from bot.texts import Language, say


def run(folder: Path, config: Path | None, language: Language | None) -> int:
    def work(settings: Settings, speaks: Language) -> str:
        copied = back_up(settings.storage.data_dir, folder)
        return say(
            "machine_backed_up",
            speaks,
            files=copied.files,
            mb=f"{copied.bytes / 2**20:.1f}",
            folder=folder,
        )

    return carried_out(config, language, work)
