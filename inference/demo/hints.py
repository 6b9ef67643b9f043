"""Teaches the text model to look a named thing up: at its name's end it must know what it is.

Without this the answers stay at a guess between two things for more than a thousand steps.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inference.demo.colours import OBJECT_COLOURS
from inference.demo.model import HIDDEN
from inference.demo.naming import Hint
from inference.demo.patches import IGNORE
from inference.demo.scenes import SHAPES, ZONES

_NAMES = ("named count", "named shape", "named colour", "named zone")
_CLASSES = (5, len(SHAPES), len(OBJECT_COLOURS), len(ZONES))


def new_hint_head() -> nn.Linear:
    return nn.Linear(HIDDEN, sum(_CLASSES))


def hint_targets(hints: list[Hint]) -> Tensor:
    """(hints, 4) classes; IGNORE where the named things differ."""
    return torch.tensor([_classes(hint) for hint in hints])


def hint_loss(states: Tensor, head: nn.Linear, targets: Tensor) -> tuple[Tensor, dict[str, float]]:
    """`states` (hints, hidden) of the names' ends; also the shares of right answers."""
    read = F.linear(F.rms_norm(states, (HIDDEN,)), head.weight, head.bias).float()
    loss, right = read.new_zeros(()), {}
    for name, out, target in zip(
        _NAMES, torch.split(read, list(_CLASSES), -1), targets.unbind(-1), strict=True
    ):
        known = target != IGNORE
        total = F.cross_entropy(out, target, ignore_index=IGNORE, reduction="sum")
        loss = loss + total / known.sum().clamp(min=1)
        hit = (out.argmax(-1) == target) & known
        right[name] = float(hit.sum() / known.sum().clamp(min=1))
    return loss, right


def _classes(hint: Hint) -> tuple[int, int, int, int]:
    shapes = {thing.shape for thing in hint.things}
    colours = {thing.colour for thing in hint.things}
    zones = {thing.zone for thing in hint.things if thing.zone} if hint.count == 1 else set()
    return (
        hint.count,
        SHAPES.index(shapes.pop()) if len(shapes) == 1 else IGNORE,
        OBJECT_COLOURS.index(colours.pop()) if len(colours) == 1 else IGNORE,
        ZONES.index(zones.pop()) if len(zones) == 1 else IGNORE,
    )
