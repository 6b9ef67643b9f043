"""Forty contracts on one template, which differ in names, dates and amounts; the same without fonts
of the machine, so that everybody draws the same pixels."""

from __future__ import annotations

from io import BytesIO

from PIL import Image, ImageDraw, ImageFont

from inference.request import Picture

COUNT = 40
SIZE = (724, 1024)

# 24 rows of 24 dots
_GLYPHS = {
    "伍": "0000000000000400000780100700180ffffc0e0e000e0e001c0e001e0e001c0e003c0e20"
    "3cfff87c1c705c1c701c1c701c1c701c1c701c1c701c1c701c38701c38701c38701c38741c387e",
    "玖": "000000000000000000018f0001cf007fce000e0e700e0ff80e1c700e1cf00e98e00ff0e0"
    "7ff0e00e61e00e41e00e03e00e03a00e07b00fc7303f0e187c1c1c78181e60300e00e00c",
    "仟": "0000000000000600000780780703fc071fe00e67800e03800c03801e03801e03803e038c"
    "3e039e6ffffe4e03800e03800e03800e03800e03800e03800e03800e03800e03800e0380",
    "元": "0000000000000000000000200000700ffff800000000000000000000000800001c7ffffe"
    "01c70001c70001c70001c70001c7000387000387000387020707060607060c07fe1807ff",
    "整": "0000000000000701000733c07ffb8807030c2723fe3ff6383777383779703ff0f00fe0f0"
    "0f71fc1f333e270c1c4700040000301ffff8001800071860071ff007180007180007180c",
}
_NAMES = (
    "Li Wei",
    "Wang Fang",
    "Zhang Min",
    "Liu Yang",
    "Chen Jing",
    "Zhao Lei",
    "Sun Hao",
    "Wu Xia",
)
_LINES = (
    "The seller delivers the goods named in annex 1 to the buyer's store",
    "within thirty days after this contract has been signed by both sides.",
    "The buyer examines the goods within seven days and tells of faults",
    "in writing; what is not told of in this time counts as accepted.",
    "The price is paid in one sum into the account named in annex 2.",
    "Whoever is late pays half a thousandth of the price for each day.",
    "Disputes are settled by talks, and else by the court of the seat",
    "of the seller. This contract is made in two copies of equal force.",
)


def contract(number: int) -> Image.Image:
    """Number 1 is number 0 with another amount: 玖仟 in place of 伍仟."""
    page = Image.new("L", SIZE, 255)
    pen = ImageDraw.Draw(page)
    pen.text((220, 50), "CONTRACT OF SALE", 0, ImageFont.load_default(30))
    other = max(number, 1) - 1
    pen.text((80, 130), f"Buyer: {_NAMES[other % 8]}", 0, ImageFont.load_default(20))
    pen.text((80, 165), f"Seller: {_NAMES[(other // 8 + 3) % 8]}", 0, ImageFont.load_default(20))
    for at, line in enumerate(_LINES):
        pen.text((80, 230 + 42 * at), f"{at + 1}. {line}", 0, ImageFont.load_default(17))
    pen.text((80, 610), "Price in words:", 0, ImageFont.load_default(20))
    for at, glyph in enumerate(amount(number)):
        dots = Image.frombytes("1", (24, 24), bytes.fromhex(_GLYPHS[glyph]))
        page.paste(0, (240 + 26 * at, 608), dots)
    day = f"2026-{other % 12 + 1:02}-{other * 7 % 28 + 1:02}"
    pen.text((80, 700), f"Date: {day}", 0, ImageFont.load_default(20))
    pen.text((80, 800), "Signed: ____________      Signed: ____________", 0, _small())
    return page.convert("RGB")


def amount(number: int) -> str:
    return "玖仟元整" if number % 2 else "伍仟元整"


def scanned_again(page: Image.Image) -> Image.Image:
    """The same page, smaller and saved with losses: no pixel of it is sure to be the same."""
    file = BytesIO()
    smaller = page.resize((SIZE[0] * 7 // 10, SIZE[1] * 7 // 10), Image.Resampling.LANCZOS)
    smaller.save(file, "JPEG", quality=60)
    return Image.open(file).convert("RGB")


def picture_of(page: Image.Image) -> Picture:
    return Picture(page.width, page.height, page.tobytes())


def _small() -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(18)
