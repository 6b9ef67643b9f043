"""The first stage: the picture tower alone learns to tell, in every token, what is where.

A linear head reads the facts of `patches.Targets` off the features. The head goes on into the
second stage, where it keeps the features readable, and is thrown away afterwards.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from inference.demo.fast import FastModel
from inference.demo.model import HIDDEN
from inference.demo.patches import CELL_CLASSES, CELLS, IGNORE, WHOLE_CLASSES, Targets

_CELL_NAMES = ("shape", "colour", "zone", "rank", "digit")
_CELL_WEIGHTS = (1.0, 0.6, 0.6, 0.4, 0.7)
_WHOLE_NAMES = (
    "main", "circles", "squares", "triangles", "stars", "things",
    "length", "tens", "ones", "number colour",
)  # fmt: skip
_WHOLE_WEIGHTS = (0.6, 0.4, 0.4, 0.4, 0.4, 0.5, 0.3, 0.8, 0.8, 0.3)
_CENTRES = 3
_FEATURE_SIZE = 0.5  # root mean square of a feature, beside embeddings of 0.1


def new_head() -> nn.Linear:
    return nn.Linear(HIDDEN, sum(CELL_CLASSES) + _CENTRES + sum(WHOLE_CLASSES))


def sight_loss(read: Tensor, targets: Targets, grids: list[tuple[int, int]]) -> Tensor:
    """`read` is (pictures, CELLS, outputs of the head)."""
    cells, centres, whole = _split(read, (sum(CELL_CLASSES), _CENTRES, sum(WHOLE_CLASSES)))
    used = (
        torch.arange(CELLS)[None]
        < torch.tensor([rows * columns for rows, columns in grids])[:, None]
    )
    loss = read.new_zeros(())
    for out, target, weight in zip(
        _split(cells, CELL_CLASSES), _columns(targets.cells), _CELL_WEIGHTS, strict=True
    ):
        loss = loss + weight * _entropy(out, target)
    for out, target, weight in zip(
        _split(whole, WHOLE_CLASSES), _columns(targets.whole), _WHOLE_WEIGHTS, strict=True
    ):
        spread = target[:, None].expand(-1, CELLS).masked_fill(~used, IGNORE)
        loss = loss + weight * _entropy(out, spread)
    return loss + _centre_loss(centres, torch.from_numpy(targets.centres).float(), used)


@torch.no_grad()
def sight_accuracy(read: Tensor, targets: Targets) -> dict[str, float]:
    """Share of right answers by fact; what the whole picture shows is read in its first cell."""
    cells, _, whole = _split(read, (sum(CELL_CLASSES), _CENTRES, sum(WHOLE_CLASSES)))
    found = {}
    for name, out, target in zip(
        _CELL_NAMES, _split(cells, CELL_CLASSES), _columns(targets.cells), strict=True
    ):
        found[name] = _share_right(out, target)
    for name, out, target in zip(
        _WHOLE_NAMES, _split(whole[:, 0], WHOLE_CLASSES), _columns(targets.whole), strict=True
    ):
        found[name] = _share_right(out, target)
    return found


@torch.no_grad()
def whiten(fast: FastModel, project: nn.Module, patches: Tensor) -> None:
    """Sets the patch projection to the main components of `patches`, all equally strong.

    It stays frozen: from a random start the tower learns colours and never forms.
    """
    flat = fast.normalised(patches)
    mean = flat.mean(0)
    centred = flat - mean
    strength, axes = torch.linalg.eigh(centred.T @ centred / len(flat))
    assert isinstance(project.weight, Tensor)
    width = project.weight.shape[0]
    axes, strength = axes.flip(1)[:, :width], strength.flip(0)[:width]
    weight = 0.5 * (axes / (strength + 0.02).sqrt()).T
    frames = (weight / 2).view(width, 3, 1, 14, 14).expand(-1, -1, 2, -1, -1)
    project.weight.copy_(frames)
    assert isinstance(project.bias, Tensor)
    project.bias.copy_(-(weight @ mean))
    project.requires_grad_(requires_grad=False)


@torch.no_grad()
def rescale(seen: Tensor, last: nn.Module, head: nn.Linear) -> None:
    """Gives the features the size that the text model is used to; the head sees no change."""
    assert isinstance(last.weight, Tensor)
    gain = _FEATURE_SIZE / seen.float().square().mean().sqrt()
    last.weight.mul_(gain)
    head.weight.div_(gain)


def _split(read: Tensor, sizes: tuple[int, ...]) -> tuple[Tensor, ...]:
    return torch.split(read, list(sizes), -1)


def _columns(table: object) -> list[Tensor]:
    return list(torch.from_numpy(table).long().unbind(-1))


def _entropy(out: Tensor, target: Tensor) -> Tensor:
    total = F.cross_entropy(
        out.reshape(-1, out.shape[-1]), target.reshape(-1), ignore_index=IGNORE, reduction="sum"
    )
    return total / (target != IGNORE).sum().clamp(min=1)


def _centre_loss(out: Tensor, target: Tensor, used: Tensor) -> Tensor:
    thing = (target[..., 0] > 0)[..., None]
    distance = ((out[..., :2] - target[..., :2]).square() * thing).sum() / thing.sum().clamp(min=1)
    present = F.binary_cross_entropy_with_logits(
        out[..., 2][used], target[..., 2][used], pos_weight=torch.tensor(3.0)
    )
    return 4 * distance + 2 * present


def _share_right(out: Tensor, target: Tensor) -> float:
    known = target != IGNORE
    right = (out.argmax(-1) == target) & known
    return float(right.sum() / known.sum().clamp(min=1))
