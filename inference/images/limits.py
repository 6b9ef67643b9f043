"""What a photo may be; plain values that both sides of the pipe know, no Pillow."""

from __future__ import annotations

from dataclasses import dataclass

from inference.errors import BadPicture


@dataclass(frozen=True, slots=True)
class Limits:
    max_bytes: int
    max_pixels: int
    min_side: int
    longest_side: int  # not a limit: pictures are shrunk to it
    max_ratio: int  # long side to short side
    straighten_pages: bool  # not a limit either


def check_bytes(photo: bytes, limits: Limits) -> None:
    if not photo:
        raise BadPicture("empty")
    if len(photo) > limits.max_bytes:
        raise BadPicture("too_large", value=len(photo), limit=limits.max_bytes)


def check_sides(width: int, height: int, limits: Limits) -> None:
    """To be called with what the file's header says, before anything is decoded."""
    short, long = sorted((width, height))
    if short < limits.min_side:
        raise BadPicture("too_small", value=short, limit=limits.min_side)
    if width * height > limits.max_pixels:
        raise BadPicture("too_many_pixels", value=width * height, limit=limits.max_pixels)
    if long > limits.max_ratio * short:
        raise BadPicture("too_narrow", value=long / short, limit=limits.max_ratio)
