"""Pages of text, drawn here and photographed at an angle, in a shadow, on a dark desk.

`python -m tests.inference.images.pages FOLDER` makes the pictures of docs/.
"""

from __future__ import annotations

import random
import sys
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from inference.images.decode import PicturesSection
from inference.images.fit import fit
from inference.images.page import lines_of

CJK = Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc")
_SIZE = (1600, 2200)
_MARGIN = 150
_DESK = (60, 45, 35)
_CLAUSES = (
    "本合同由甲乙双方在平等自愿的基础上协商一致订立以资共同遵守买方应当在交货后三十日内支付"
    "全部货款逾期每日按千分之三计算违约金卖方保证所供货物符合国家标准"
)
_PROSE = (
    "this agreement is made between the parties named below and takes effect on the day both "
    "have signed it payment is due within thirty days after delivery of the goods"
)


def page(language: str, *, letter: int = 36, seed: int = 0) -> Image.Image:
    """Lines of text in paragraphs, level. English needs no font of the system."""
    draw = random.Random(seed)
    image = Image.new("L", _SIZE, 250)
    pen = ImageDraw.Draw(image)
    font = ImageFont.truetype(str(CJK), letter) if language == "zh" else _latin(letter)
    top = _MARGIN
    while top < _SIZE[1] - _MARGIN - letter:
        if draw.random() > 0.12:
            share = 1.0 if draw.random() < 0.8 else draw.uniform(0.3, 0.8)
            width = share * (_SIZE[0] - 2 * _MARGIN)
            pen.text((_MARGIN, top), _line(draw, language, font, width), font=font, fill=30)
        top += round(1.6 * letter)
    return image.convert("RGB")


def photographed(page: Image.Image, degrees: float, *, seed: int = 0) -> Image.Image:
    """Turned by `degrees`, counter-clockwise, darker towards a corner, with a camera's noise."""
    turned = page.convert("RGBA").rotate(degrees, Image.Resampling.BICUBIC, expand=True)
    width, height = int(turned.width * 1.12), int(turned.height * 1.08)
    photo = Image.new("RGB", (width, height), _DESK)
    photo.paste(turned, ((width - turned.width) // 2, (height - turned.height) // 2), turned)
    down, right = np.mgrid[0:height, 0:width].astype(np.float32)
    light = 1 - 0.55 * (right / width) * (0.4 + 0.6 * down / height)
    noise = np.random.default_rng(seed).normal(0, 6, (height, width, 3))
    levels = np.asarray(photo, np.float32) * light[..., None] + noise
    return Image.fromarray(levels.clip(0, 255).astype(np.uint8))


def as_jpeg(image: Image.Image, quality: int = 90) -> bytes:
    file = BytesIO()
    image.save(file, "JPEG", quality=quality)
    return file.getvalue()


def _latin(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size)


def _line(
    draw: random.Random,
    language: str,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
    width: float,
) -> str:
    pieces = _CLAUSES if language == "zh" else _PROSE.split()
    between = "" if language == "zh" else " "
    line = draw.choice(pieces)
    while font.getlength(longer := line + between + draw.choice(pieces)) < width:
        line = longer
    return line


def main() -> None:
    """Before and after, side by side."""
    folder = Path(sys.argv[1])
    photo = photographed(page("zh"), 6.5)
    plain = PicturesSection(straighten_pages=False).limits()
    pictures = [fit(as_jpeg(photo), limits) for limits in (plain, PicturesSection().limits())]
    both = Image.new("RGB", (1640, 1030), (235, 235, 235))
    for at, picture in zip((0, 820), pictures, strict=True):
        image = Image.frombytes("RGB", (picture.width, picture.height), picture.rgb)
        image.thumbnail((800, 1000))
        both.paste(image, (at + (820 - image.width) // 2, (1030 - image.height) // 2))
    both.quantize(64).save(folder / "page-straightened.png", optimize=True)
    for language in ("en", "zh"):
        errors = [
            abs(found.degrees + angle)
            if (found := lines_of(photographed(page(language), angle)))
            else 99.0
            for angle in (-10.0, -7.3, -4.1, -1.7, -0.6, 0.0, 0.9, 2.4, 5.2, 7.7)
        ]
        print(f"{language}: at most {max(errors):.2f} degrees off")  # noqa: T201


if __name__ == "__main__":
    main()
