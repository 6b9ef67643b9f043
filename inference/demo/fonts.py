"""The fonts of drawn digits: one list to train on, another that only the evaluation uses."""

from __future__ import annotations

from functools import cache
from importlib.util import find_spec
from pathlib import Path

from PIL import ImageFont

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

_TRAIN = (
    "DejaVuSans", "DejaVuSans-Bold", "DejaVuSans-Oblique", "DejaVuSansMono", "DejaVuSansMono-Bold",
    "DejaVuSerif", "DejaVuSerif-Bold", "DejaVuSerif-Italic", "STIXGeneral", "STIXGeneralItalic",
    "STIXGeneralBolIta", "cmr10", "cmss10", "cmtt10", "LiberationSans-Regular",
    "LiberationSans-Bold", "LiberationSans-Italic", "LiberationSerif-Regular",
    "LiberationSerif-Bold", "LiberationMono-Regular", "LiberationMono-Bold",
    "LiberationSansNarrow-Regular", "LiberationSansNarrow-Bold",
)  # fmt: skip
_HELD_OUT = (
    "NotoSansCJK-Regular", "NotoSerifCJK-Bold", "cmb10", "STIXGeneralBol",
    "DejaVuSans-BoldOblique", "LiberationSerif-BoldItalic",
)  # fmt: skip
_SUFFIXES = (".ttf", ".ttc")
_PILLOW = ""  # Pillow's own font, which people get who name none


def train_fonts() -> list[str]:
    """Paths; the empty path is Pillow's own font, named four times because it is common."""
    return [_PILLOW] * 4 + _found(_TRAIN)


def held_out_fonts() -> list[str]:
    return _found(_HELD_OUT)


@cache
def load_font(path: str, size: int) -> Font:
    return ImageFont.truetype(path, size) if path else ImageFont.load_default(size)


def _found(names: tuple[str, ...]) -> list[str]:
    """Those of `names` that this machine has, sorted; at least one must be there."""
    here = _files()
    paths = sorted(here[name] for name in names if name in here)
    if not paths:
        raise FileNotFoundError(f"none of {names} found; install the matplotlib wheel")
    return paths


@cache
def _files() -> dict[str, str]:
    folders = [Path("/usr/share/fonts")]
    spec = find_spec("matplotlib")  # found, not imported: only its font files are wanted
    if spec and spec.origin:
        folders.append(Path(spec.origin).parent / "mpl-data/fonts/ttf")
    files = (file for folder in folders if folder.is_dir() for file in folder.rglob("*"))
    return {file.stem: str(file) for file in files if file.suffix in _SUFFIXES}
