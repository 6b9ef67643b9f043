"""The asyncio face of picture decoding: photos go to children that can be killed; no Pillow."""

from __future__ import annotations

import json
import logging
import struct
import time
from dataclasses import asdict

from pydantic import BaseModel, Field

from inference.children import ChildDied, Children, NoChild
from inference.errors import BadPicture, EngineDown
from inference.images.limits import Limits, check_bytes
from inference.request import Picture

log = logging.getLogger(__name__)

_CHILDREN = 2
_JOBS_PER_CHILD = 200
_SIDES = struct.Struct(">II")


class PicturesSection(BaseModel, extra="forbid", frozen=True):
    max_file_mb: int = Field(20, ge=1, le=100)
    max_pixels: int = Field(40_000_000, ge=10_000, le=50_000_000)  # the child's memory ends there
    min_side: int = Field(28, ge=1, le=1024)
    longest_side: int = Field(1024, ge=28, le=4096)
    max_ratio: int = Field(
        100, ge=1, le=150
    )  # the picture processor refuses 200, and shrinking rounds
    timeout_s: float = Field(5.0, ge=0.1, le=60.0)

    def limits(self) -> Limits:
        return Limits(
            max_bytes=self.max_file_mb << 20,
            max_pixels=self.max_pixels,
            min_side=self.min_side,
            longest_side=self.longest_side,
            max_ratio=self.max_ratio,
        )


class Decoder:
    """At most two children, started when first needed; `close` ends them."""

    def __init__(self, section: PicturesSection, *, children: int = _CHILDREN) -> None:
        self._limits = section.limits()
        self._timeout_s = section.timeout_s
        self._children = Children(
            "inference.images.child",
            json.dumps(asdict(self._limits)),
            most=children,
            jobs_each=_JOBS_PER_CHILD,
            timeout_s=section.timeout_s,
            max_body=_SIDES.size + 3 * section.longest_side**2,
        )

    async def decode(self, photo: bytes) -> Picture:
        """Raises BadPicture; EngineDown when no child can be started."""
        began = time.monotonic()
        try:
            picture = await self._decode(photo)
        except BadPicture as fault:
            figures = {"ms": _ms_since(began), "bytes": len(photo), "reason": fault.reason}
            log.info("a photo of %(bytes)d bytes is refused after %(ms)d ms: %(reason)s", figures)
            raise
        log.info(
            "a photo of %(bytes)d bytes made ready in %(ms)d ms: %(width)d x %(height)d",
            {
                "bytes": len(photo),
                "ms": _ms_since(began),
                "width": picture.width,
                "height": picture.height,
            },
        )
        return picture

    async def _decode(self, photo: bytes) -> Picture:
        check_bytes(photo, self._limits)
        try:
            kind, body = await self._children.ask(photo)
        except TimeoutError:
            raise BadPicture("timeout", value=self._timeout_s, limit=self._timeout_s) from None
        except ChildDied as error:
            raise BadPicture("broken") from error
        except NoChild as error:
            raise EngineDown(f"no photo can be decoded: {error}") from error
        if kind == b"F":
            raise BadPicture(**json.loads(body))
        return _parse_picture(body)

    async def close(self) -> None:
        """Call it when no `decode` is running any more."""
        await self._children.close()


def _ms_since(began: float) -> int:
    return round(1000 * (time.monotonic() - began))


def _parse_picture(body: bytes) -> Picture:
    """A child that was taken over may send anything."""
    sides = body[: _SIDES.size].ljust(_SIDES.size, b"\0")
    width, height = _SIDES.unpack(sides)
    if len(body) != _SIDES.size + 3 * width * height:
        raise BadPicture("broken")
    return Picture(width, height, body[_SIDES.size :])
