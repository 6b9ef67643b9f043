"""The asyncio face of picture decoding: photos go to children that can be killed; no Pillow."""

from __future__ import annotations

import json
import logging
import struct
import time
from dataclasses import asdict
from typing import get_args

from pydantic import BaseModel, Field

from inference.children import ChildDied, Children, NoChild
from inference.errors import BadPicture, EngineDown, PictureFault
from inference.images.limits import Limits, check_bytes
from inference.request import Picture, PictureNote

log = logging.getLogger(__name__)

_CHILDREN = 2
_JOBS_PER_CHILD = 200
_HEAD = struct.Struct(">IIB")
_ROOM_BYTES = 1 << 20  # by which a file of noise may grow as a PNG, and for what stands around it


class PicturesSection(BaseModel, extra="forbid", frozen=True):
    max_file_mb: int = Field(20, ge=1, le=100)
    max_pixels: int = Field(40_000_000, ge=10_000, le=50_000_000)  # the child's memory ends there
    min_side: int = Field(28, ge=1, le=1024)
    longest_side: int = Field(1024, ge=28, le=4096)
    max_ratio: int = Field(
        100, ge=1, le=150
    )  # the picture processor refuses 200, and shrinking rounds
    timeout_s: float = Field(5.0, ge=0.1, le=60.0)
    straighten_pages: bool = True

    def limits(self) -> Limits:
        return Limits(
            max_bytes=self.max_file_mb << 20,
            max_pixels=self.max_pixels,
            min_side=self.min_side,
            longest_side=self.longest_side,
            max_ratio=self.max_ratio,
            straighten_pages=self.straighten_pages,
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
            max_body=max(self._limits.max_bytes, 3 * section.longest_side**2) + _ROOM_BYTES,
        )

    async def decode(self, photo: bytes) -> Picture:
        """Raises BadPicture; EngineDown when no child can be started."""
        began = time.monotonic()
        try:
            picture = await self._decode(photo)
        except BadPicture as fault:
            _log_refusal(photo, fault, began)
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

    async def bare(self, photo: bytes) -> bytes:
        """The file with nothing in it but what draws the picture. Raises as `decode`, but not for
        what only looking at the pixels shows."""
        began = time.monotonic()
        try:
            return await self._ask(b"K", photo)
        except BadPicture as fault:
            _log_refusal(photo, fault, began)
            raise

    async def _decode(self, photo: bytes) -> Picture:
        return _parse_picture(await self._ask(b"P", photo))

    async def _ask(self, wish: bytes, photo: bytes) -> bytes:
        """`wish`: the kind of the answer that is wanted."""
        check_bytes(photo, self._limits)
        try:
            kind, body = await self._children.ask(wish + photo)
        except TimeoutError:
            raise BadPicture("timeout", value=self._timeout_s, limit=self._timeout_s) from None
        except ChildDied as error:
            raise BadPicture("broken") from error
        except NoChild as error:
            raise EngineDown(f"no photo can be decoded: {error}") from error
        if kind == b"F":
            raise _parse_refusal(body)
        if kind != wish:
            raise BadPicture("broken")
        return body

    async def close(self) -> None:
        """Call it when no `decode` is running any more."""
        await self._children.close()


def _log_refusal(photo: bytes, fault: BadPicture, began: float) -> None:
    figures = {"ms": _ms_since(began), "bytes": len(photo), "reason": fault.reason}
    log.info("a photo of %(bytes)d bytes is refused after %(ms)d ms: %(reason)s", figures)


def _ms_since(began: float) -> int:
    return round(1000 * (time.monotonic() - began))


def _parse_refusal(body: bytes) -> BadPicture:
    """A child that was taken over may send anything."""
    try:
        refusal = json.loads(body)
        reason, value, limit = refusal["reason"], float(refusal["value"]), float(refusal["limit"])
    except (ValueError, TypeError, KeyError, RecursionError):
        return BadPicture("broken")
    if reason not in get_args(PictureFault):
        return BadPicture("broken")
    return BadPicture(reason, value=value, limit=limit)


def _parse_picture(body: bytes) -> Picture:
    """As above: its sides must fit its pixels."""
    width, height, notes = _HEAD.unpack(body[: _HEAD.size].ljust(_HEAD.size, b"\0"))
    if not body or len(body) != _HEAD.size + 3 * width * height:
        raise BadPicture("broken")
    told = tuple(note for at, note in enumerate(get_args(PictureNote)) if notes >> at & 1)
    return Picture(width, height, body[_HEAD.size :], told)
