"""Pictures that the tests draw for themselves."""

from __future__ import annotations

import math
from io import BytesIO

from PIL import Image, ImageDraw


def circle_and_stars():
    """A red circle on the left and two yellow stars on the right, on light blue."""
    picture = Image.new("RGB", (720, 520), "#cfe4f2")
    pen = ImageDraw.Draw(picture)
    pen.ellipse((90, 150, 310, 370), fill="#d8352a")
    for x, y in ((480, 160), (580, 350)):
        pen.polygon(_star(x, y, 70), fill="#f2c230")
    return picture


def shape(kind, colour, background="white", size=(400, 400)):
    """One circle, square or triangle in the middle."""
    picture = Image.new("RGB", size, background)
    pen = ImageDraw.Draw(picture)
    x, y, r = size[0] / 2, size[1] / 2, min(size) / 4
    if kind == "circle":
        pen.ellipse((x - r, y - r, x + r, y + r), fill=colour)
    elif kind == "square":
        pen.rectangle((x - r, y - r, x + r, y + r), fill=colour)
    elif kind == "triangle":
        pen.polygon([(x, y - r), (x + r, y + r), (x - r, y + r)], fill=colour)
    else:
        raise ValueError(kind)
    return picture


def file_of(picture, name="photo.png", media_type="image/png"):
    """As Playwright's set_input_files takes it."""
    data = BytesIO()
    picture.save(data, "PNG")
    return {"name": name, "mimeType": media_type, "buffer": data.getvalue()}


def _star(x, y, radius):
    points = []
    for corner in range(10):
        reach = radius if corner % 2 == 0 else radius * 0.41
        angle = corner * math.pi / 5
        points.append((x + reach * math.sin(angle), y - reach * math.cos(angle)))
    return points


def photo(kind, colour, edge=320):
    """As a camera saves it."""
    data = BytesIO()
    shape(kind, colour, size=(edge, edge)).save(data, "JPEG", quality=92)
    return data.getvalue()


RED_CIRCLE, BLUE_SQUARE = photo("circle", "red"), photo("square", "blue")
GREEN_TRIANGLE = photo("triangle", "green")
