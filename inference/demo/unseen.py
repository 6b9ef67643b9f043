"""A hundred questions in words that the training tables do not have, about pictures drawn by hand.

They were written before any result was seen and are never trained on. Half are Chinese.
"""

# ruff: noqa: E501 - tables read best in full lines, and Chinese counts double
from __future__ import annotations

import math
import re
from dataclasses import dataclass

from PIL import Image, ImageDraw

from inference.demo.fonts import held_out_fonts, load_font

Rgb = tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Drawing:
    size: tuple[int, int]
    ground: Rgb
    things: tuple[tuple[str, Rgb, int, int, int], ...] = ()  # shape, colour, x, y, radius
    number: tuple[str, Rgb, int] | None = None  # text, colour, height of the font
    shade: Rgb | None = None  # the ground's colour at the lower edge, where it is not even


@dataclass(frozen=True, slots=True)
class Unseen:
    drawing: str | None  # None: asked without a picture
    text: str
    wants: tuple[str, ...]  # each must be in the answer; "a|b" means either


RED, BLUE, GREEN, YELLOW = (220, 30, 30), (30, 60, 220), (20, 140, 60), (250, 220, 30)
PURPLE, ORANGE, BLACK, WHITE = (130, 40, 170), (255, 140, 0), (15, 15, 15), (255, 255, 255)

DRAWINGS = {
    "pair": Drawing(
        (640, 480), WHITE, (("circle", RED, 130, 240, 85), ("square", BLUE, 510, 240, 80))
    ),
    "night": Drawing((640, 480), (15, 15, 22), (("star", YELLOW, 320, 240, 130),)),
    "trio": Drawing(
        (600, 600), (250, 250, 250),
        tuple(("triangle", GREEN, x, y, 90) for x, y in ((130, 130), (470, 140), (300, 450))),
    ),
    "seven": Drawing((500, 500), (205, 40, 40), number=("7", WHITE, 300)),
    "sign": Drawing((640, 480), (245, 245, 245), number=("42", (20, 120, 40), 280)),
    "low": Drawing((800, 600), (110, 180, 240), (("triangle", PURPLE, 400, 460, 110),)),
    "stack": Drawing(
        (450, 640), BLACK, (("square", ORANGE, 225, 120, 70), ("circle", WHITE, 225, 520, 80))
    ),
    "row": Drawing(
        (900, 500), (250, 225, 60),
        (("star", BLACK, 140, 250, 95), ("circle", BLUE, 450, 250, 80), ("triangle", RED, 760, 250, 95)),
    ),
    "field": Drawing((640, 480), (40, 150, 60), shade=(70, 175, 70)),
    "four": Drawing(
        (640, 640), WHITE,
        tuple(("square", PURPLE, x, y, 70) for x in (160, 480) for y in (160, 480)),
    ),
    "balls": Drawing(
        (640, 400), (211, 211, 211), (("circle", GREEN, 150, 200, 75), ("circle", ORANGE, 490, 200, 75))
    ),
    "door": Drawing((400, 560), WHITE, number=("15", BLUE, 260)),
}  # fmt: skip

UNSEEN = (
    # colour
    Unseen("pair", "方块涂了什么颜色啊", ("蓝",)),
    Unseen("pair", "左边那个圆是啥颜色来着", ("红",)),
    Unseen("night", "星星发的是什么颜色的光", ("黄",)),
    Unseen("low", "三角形用什么颜料画的，颜色？", ("紫",)),
    Unseen("stack", "方形上了什么色", ("橙",)),
    Unseen("row", "圆圈它是个什么颜色", ("蓝",)),
    Unseen("trio", "三角形们都是哪种色彩", ("绿",)),
    Unseen("pair", "the square, what's its colour?", ("blue",)),
    Unseen("night", "What colour would you give that star?", ("yellow",)),
    Unseen("low", "Which colour did they paint the triangle?", ("purple",)),
    Unseen("stack", "I wonder which colour the circle is", ("white",)),
    Unseen("row", "Is the triangle red, or some other colour?", ("red|yes",)),
    Unseen("trio", "Tell me the tint of the triangles", ("green",)),
    Unseen("balls", "What colours do these two circles have?", ("green", "orange")),
    # shape
    Unseen("pair", "红颜色的那个属于哪一种形状", ("圆",)),
    Unseen("night", "画面当中画着一个什么形状", ("星",)),
    Unseen("low", "紫色的这个算什么图形", ("三角",)),
    Unseen("stack", "白的那个呢，是圆的吗", ("圆|是的",)),
    Unseen("row", "黑颜色的是个什么形状呀", ("星",)),
    Unseen("pair", "blue thing: what kind of form has it got?", ("square",)),
    Unseen("night", "Which of the shapes that you know is it?", ("star",)),
    Unseen("low", "The purple object would be called a what?", ("triangle",)),
    Unseen("stack", "Name the form of the orange thing please", ("square",)),
    Unseen("row", "the red one looks like which shape", ("triangle",)),
    # where
    Unseen("pair", "红的那个摆在哪一边", ("左",)),
    Unseen("pair", "要找正方形的话该往哪边看", ("右",)),
    Unseen("night", "星星落在画面什么部位", ("中",)),
    Unseen("low", "三角形偏上还是偏下", ("下",)),
    Unseen("stack", "橙色方块处于什么方位", ("上",)),
    Unseen("row", "黑色的星靠近哪一侧", ("左",)),
    Unseen("pair", "Which side did I draw the circle on?", ("left",)),
    Unseen("pair", "Whereabouts would one spot the blue square?", ("right",)),
    Unseen("night", "Where did the star end up?", ("middle",)),
    Unseen("low", "Is the triangle up or down?", ("bottom",)),
    Unseen("stack", "Point me to the white circle", ("bottom",)),
    Unseen("row", "the triangle has been put on which side", ("right",)),
    # counts
    Unseen("pair", "总共画了几样图形", ("2",)),
    Unseen("trio", "数一下三角形的个数", ("3",)),
    Unseen("four", "紫色方块加起来是多少个", ("4",)),
    Unseen("row", "这幅里头图形的总数", ("3",)),
    Unseen("balls", "圆的有几个呀", ("2",)),
    Unseen("pair", "里头五角星有几颗", ("没有|0",)),
    Unseen("night", "只有一个图形吗？到底几个", ("1|是的",)),
    Unseen("pair", "So how many shapes in all?", ("2",)),
    Unseen("trio", "I count how many triangles?", ("3",)),
    Unseen("four", "Give me the amount of squares", ("4",)),
    Unseen("row", "How many different figures has it got?", ("3",)),
    Unseen("balls", "circles: how many of them?", ("2",)),
    Unseen("night", "and how many stars, please?", ("1",)),
    Unseen("row", "What quantity of squares is there?", ("none|0",)),
    # is there
    Unseen("trio", "有圆形存在吗", ("没有",)),
    Unseen("pair", "里面藏着红色的圆吗", ("有的",)),
    Unseen("row", "找找看有没有蓝色的圆圈", ("有的",)),
    Unseen("stack", "图中可有三角形", ("没有",)),
    Unseen("low", "看得见紫色的三角形吗", ("有的",)),
    Unseen("trio", "Any squares to be found?", ("no|none",)),
    Unseen("pair", "Did someone draw a blue square?", ("yes",)),
    Unseen("row", "Would there be a green circle in it?", ("no|none",)),
    Unseen("stack", "I think I see an orange square, is it really there?", ("yes",)),
    Unseen("night", "Can you spot a star anywhere?", ("yes",)),
    # what is at
    Unseen("pair", "右手边画的是啥", ("正方形",)),
    Unseen("stack", "最上头的是个什么", ("橙", "正方形")),
    Unseen("row", "正当中的那个是什么图形", ("圆",)),
    Unseen("row", "左手边站着什么", ("星",)),
    Unseen("stack", "底下放了什么", ("圆",)),
    Unseen("pair", "And over on the right, what's there?", ("square",)),
    Unseen("stack", "What have they put at the top?", ("orange", "square")),
    Unseen("row", "Which thing stands in the centre?", ("circle",)),
    Unseen("row", "on the far left I find what?", ("star",)),
    Unseen("stack", "What's down there at the bottom?", ("circle",)),
    # main colour
    Unseen("night", "背后是什么颜色", ("黑",)),
    Unseen("low", "底子用的是哪种颜色", ("蓝",)),
    Unseen("field", "整幅看上去什么颜色最突出", ("绿",)),
    Unseen("seven", "衬底是什么色的", ("红",)),
    Unseen("night", "The backdrop is which colour?", ("black",)),
    Unseen("field", "Overall, which colour stands out?", ("green",)),
    Unseen("row", "What shade is the background painted?", ("yellow",)),
    Unseen("seven", "what's behind the digit, colour-wise?", ("red",)),
    # describe
    Unseen("pair", "跟我讲讲这上面都有些啥", ("红色圆形", "蓝色正方形")),
    Unseen("row", "把看见的图形一个一个报出来", ("黑色星形", "蓝色圆形", "红色三角形")),
    Unseen("low", "这画的什么呀", ("三角形",)),
    Unseen("pair", "Could you list every shape you can spot?", ("red circle", "blue square")),
    Unseen("stack", "Sum up the image for me", ("orange square", "white circle")),
    Unseen("night", "So, what did I draw?", ("star",)),
    # numbers
    Unseen("seven", "你能认出这个数吗", ("7",)),
    Unseen("sign", "请把图上的数字念出来", ("42",)),
    Unseen("door", "门牌上是几号", ("15",)),
    Unseen("sign", "这数字是拿什么颜色写的", ("绿",)),
    Unseen("seven", "Which digit can be seen?", ("7",)),
    Unseen("sign", "Can you read what is printed on it?", ("42",)),
    Unseen("door", "I can't read this number, can you?", ("15",)),
    Unseen("door", "the digits are painted in which colour", ("blue",)),
    # talk without a picture, and what it cannot do
    Unseen(None, "嗨，你是个什么样的机器人呀", ("演示模型",)),
    Unseen(None, "你都会干些什么呢", ("还会读",)),
    Unseen("pair", "这幅画值多少钱呢", ("演示模型",)),
    Unseen(None, "图里的圆形在什么地方呢", ("请先发",)),
    Unseen(None, "Hi there, what sort of bot are you?", ("demo model",)),
    Unseen(None, "Thank you so much for the help!", ("welcome",)),
    Unseen("night", "Who is the artist behind this picture?", ("demo model",)),
    Unseen(None, "What colour does the circle have in my photo?", ("send me",)),
)


def draw(drawing: Drawing) -> Image.Image:
    """With plain Pillow calls and hard edges, as a user's script would."""
    picture = Image.new("RGB", drawing.size, drawing.ground)
    pen = ImageDraw.Draw(picture)
    width, height = drawing.size
    for row in range(height if drawing.shade else 0):
        share = row / height
        mixed = zip(drawing.ground, drawing.shade or drawing.ground, strict=True)
        red, green, blue = (round(a + (b - a) * share) for a, b in mixed)
        pen.line([(0, row), (width, row)], fill=(red, green, blue))
    for shape, colour, x, y, radius in drawing.things:
        _draw_thing(pen, shape, colour, (x, y), radius)
    if drawing.number:
        text, colour, size = drawing.number
        font = load_font(held_out_fonts()[0], size)
        left, top, right, bottom = font.getbbox(text)
        at = (width - left - right) / 2, (height - top - bottom) / 2
        pen.text(at, text, fill=colour, font=font)
    return picture


def is_right(answer: str, wants: tuple[str, ...]) -> bool:
    return all(re.search(rf"(?<![a-z])(?:{want})(?![a-z])", answer.lower()) for want in wants)


def _draw_thing(
    pen: ImageDraw.ImageDraw, shape: str, colour: Rgb, centre: tuple[int, int], radius: int
) -> None:
    x, y = centre
    if shape == "circle":
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=colour)
    elif shape == "square":
        pen.rectangle((x - radius, y - radius, x + radius, y + radius), fill=colour)
    elif shape == "triangle":
        low = y + radius * 0.7
        pen.polygon([(x, y - radius), (x - radius, low), (x + radius, low)], fill=colour)
    else:
        turns = [
            (radius if step % 2 == 0 else radius * 0.42, step * math.pi / 5) for step in range(10)
        ]
        pen.polygon([(x + r * math.sin(a), y - r * math.cos(a)) for r, a in turns], fill=colour)
