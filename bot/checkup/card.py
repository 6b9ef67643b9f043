"""A look at the graphics card: whether it is there and has room for the model."""

from __future__ import annotations

from pathlib import Path

from bot.checkup.finding import Finding, Round
from bot.watching.cards import Card, Cards
from inference.build import EngineSection, resolve_model

_GB = 1e9
_LARGE = 2e9  # bytes of weights that a CPU takes minutes over
# Of the published weights in bfloat16, with room for keys, values and a step.
_SHARES = {"none": 1.04, "int8": 0.61, "int4": 0.43}
_KNOWN = {"zai-org/GLM-4.6V-Flash": 20.6e9}  # bytes, before it is downloaded


async def look_at_card(round_: Round, cards: Cards | None = None) -> Finding:
    engine = round_.settings.engine
    if engine.kind == "remote":
        return round_.off("check_card_remote", address=engine.base_url)
    if engine.device == "cpu":
        return round_.off("check_card_unused")
    found = await (cards or Cards()).read()
    if not found:
        return _without(round_, engine)
    index = int(engine.device.partition(":")[2] or 0)
    if index >= len(found):
        return round_.problem(
            "check_card_number", "check_card_number_how", device=engine.device, count=len(found)
        )
    return _room(round_, engine, found[index])


def _without(round_: Round, engine: EngineSection) -> Finding:
    if engine.device != "auto":
        return round_.problem("check_card_none_wanted", "check_card_none_how", device=engine.device)
    if (_weight_bytes(engine) or 0) > _LARGE:
        return round_.problem("check_card_none_large", "check_card_none_how", model=engine.model)
    return round_.ok("check_card_none")


def _room(round_: Round, engine: EngineSection, card: Card) -> Finding:
    weights = _weight_bytes(engine)
    # what our own running program holds is there for the model
    free = card.memory_bytes if round_.running else card.memory_bytes - card.used_bytes
    values = {
        "name": card.name,
        "driver": card.driver or "?",
        "total": f"{card.memory_bytes / _GB:.1f}",
        "free": f"{(card.memory_bytes - card.used_bytes) / _GB:.1f}",
        "model": engine.model,
        "quantize": engine.quantize,
    }
    if weights is None:
        return round_.ok("check_card_unknown", **values)
    needed = weights * _SHARES[engine.quantize]
    values["needed"] = f"{needed / _GB:.1f}"
    if needed <= free:
        return round_.ok("check_card_fits", **values)
    values["smaller"] = _smaller(round_, weights, free)
    return round_.problem("check_card_small", "check_card_small_how", **values)


def _smaller(round_: Round, weights: float, free: float) -> str:
    """The most exact way to store them that fits."""
    for quantize, share in _SHARES.items():
        if weights * share <= free:
            return round_.say("check_card_smaller", quantize=quantize)
    return ""


def _weight_bytes(engine: EngineSection) -> float | None:
    """Of the weights as they are on the disk; None: they are not here yet."""
    if engine.model in _KNOWN:
        return _KNOWN[engine.model]
    folder = Path(resolve_model(engine.model))
    files = list(folder.glob("*.safetensors")) if folder.is_dir() else []
    return sum(file.stat().st_size for file in files) if files else None
