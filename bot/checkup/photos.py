"""A look at what is installed for photos: the reader of text in them, the opener of HEIC."""

from __future__ import annotations

import time
from importlib.util import find_spec

from bot.checkup.finding import Finding, Round
from inference.errors import CannotRead
from inference.images.reading import TextReader, is_readable
from inference.request import Picture

_SIDE = 64


async def look_at_ocr(round_: Round) -> Finding:
    section = round_.settings.ocr
    if section.enabled == "off":
        return round_.off("check_ocr_off")
    if not is_readable():
        if section.enabled == "on":
            return round_.problem("check_ocr_missing", "check_ocr_missing_how")
        return round_.off("check_ocr_missing")
    reader, began = TextReader(section), time.monotonic()
    try:
        await reader.read(Picture(_SIDE, _SIDE, b"\xff" * (3 * _SIDE * _SIDE)))
    except CannotRead as error:
        return round_.problem("check_ocr_fails", "check_ocr_fails_how", why=error.reason)
    finally:
        await reader.close()
    return round_.ok("check_ocr_reads", seconds=f"{time.monotonic() - began:.1f}")


async def look_at_heic(round_: Round) -> Finding:
    if find_spec("pillow_heif") is None:
        return round_.off("check_heic_missing")
    return round_.ok("check_heic_on")
