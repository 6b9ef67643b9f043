"""Files the bot may fetch, and the sizes of a photo, made as Telegram makes them."""

from __future__ import annotations

import io
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, UnidentifiedImageError

_SIDES = (90, 320, 800, 1280)  # longest side of the sizes s, m, x, y


@dataclass(slots=True)
class Files:
    _data: dict[str, tuple[str, bytes]] = field(default_factory=dict)  # id -> path, bytes

    def add(self, data: bytes, path: str) -> dict[str, Any]:
        """`path`: "photos/{}.jpg", with room for the number."""
        number = len(self._data) + 1
        file_id = f"AgACAgIAAxk{number:08d}"
        self._data[file_id] = (path.format(number), data)
        return {
            "file_id": file_id,
            "file_unique_id": f"AQAD{number:08d}",
            "file_size": len(data),
        }

    def add_photo(self, data: bytes) -> list[dict[str, Any]]:
        """All sizes, the smallest first; what is no picture is kept as it is."""
        return [
            self.add(scaled, "photos/file_{}.jpg") | {"width": width, "height": height}
            for scaled, width, height in _sizes(data)
        ]

    def path(self, file_id: str) -> str | None:
        return self._data[file_id][0] if file_id in self._data else None

    def size(self, file_id: str) -> int:
        return len(self._data[file_id][1])

    def at(self, path: str) -> bytes | None:
        return next((data for known, data in self._data.values() if known == path), None)


def _sizes(data: bytes) -> list[tuple[bytes, int, int]]:
    try:
        picture = Image.open(io.BytesIO(data)).convert("RGB")
    except (UnidentifiedImageError, OSError):
        return [(data, 320, 320)]
    longest = max(picture.size)
    sides = [side for side in _SIDES if side < longest] + [min(longest, _SIDES[-1])]
    return [_scaled(picture, side / longest) for side in sorted(set(sides))]


def _scaled(picture: Image.Image, scale: float) -> tuple[bytes, int, int]:
    width, height = (max(1, round(side * scale)) for side in picture.size)
    out = io.BytesIO()
    picture.resize((width, height)).save(out, "JPEG", quality=90)
    return out.getvalue(), width, height
