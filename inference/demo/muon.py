"""The optimisers of both training stages: Muon for matrices, AdamW for the rest."""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn

_NEWTON_SCHULZ = (3.4445, -4.7750, 2.0315)


class Muon:
    """Momentum whose step is made orthogonal; a convolution counts as its flattened matrix."""

    def __init__(self, weights: list[nn.Parameter], momentum: float = 0.95) -> None:
        self._weights = weights
        self._momentum = momentum
        self._decay = 0.01
        self._velocity = [torch.zeros(_flat(weight).shape) for weight in weights]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        by_shape: dict[tuple[int, ...], list[int]] = {}
        for number, velocity in enumerate(self._velocity):
            by_shape.setdefault(tuple(velocity.shape), []).append(number)
        for numbers in by_shape.values():
            self._step_alike(numbers, rate)
        for weight in self._weights:
            weight.grad = None

    def _step_alike(self, numbers: list[int], rate: float) -> None:
        ahead = []
        for number in numbers:
            gradient = self._weights[number].grad
            assert gradient is not None
            flat = gradient.reshape(self._velocity[number].shape)
            self._velocity[number].lerp_(flat, 1 - self._momentum)
            ahead.append(flat.lerp(self._velocity[number], self._momentum))
        rows, columns = ahead[0].shape
        scale = rate * max(1.0, rows / columns) ** 0.5
        for number, update in zip(numbers, _orthogonal(torch.stack(ahead)), strict=True):
            weight = self._weights[number]
            weight.mul_(1 - rate * self._decay)
            weight.add_(update.float().reshape(weight.shape), alpha=-scale)

    def state_dict(self) -> list[Tensor]:
        return self._velocity

    def load_state_dict(self, state: list[Tensor]) -> None:
        self._velocity = state


class Optimisers:
    """One step over all trainable weights; the picture tower may learn at another rate."""

    def __init__(
        self, modules: dict[str, nn.Module], *, muon_rate: float, adam_rate: float, vision: float
    ) -> None:
        self._muon_rate, self._adam_rate, self._vision = muon_rate, adam_rate, vision
        text, tower, rest = _sort(modules)
        self._text, self._tower, self._rest = Muon(text), Muon(tower), rest
        groups = [
            {"params": [weight for weight in rest if weight.ndim > 1], "weight_decay": 0.01},
            {"params": [weight for weight in rest if weight.ndim <= 1], "weight_decay": 0.0},
        ]
        self._adam = torch.optim.AdamW(groups, lr=adam_rate, betas=(0.9, 0.98), eps=1e-9)

    def step(self, scale: float) -> None:
        for group in self._adam.param_groups:
            group["lr"] = self._adam_rate * scale
        nn.utils.clip_grad_norm_(self._rest, 1.0)
        self._adam.step()
        self._adam.zero_grad(set_to_none=True)
        self._text.step(self._muon_rate * scale)
        self._tower.step(self._muon_rate * scale * self._vision)

    def state_dict(self) -> dict[str, Any]:  # Any: torch's own state
        return {
            "adam": self._adam.state_dict(),
            "text": self._text.state_dict(),
            "tower": self._tower.state_dict(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:  # Any: torch's own state
        self._adam.load_state_dict(state["adam"])
        self._text.load_state_dict(state["text"])
        self._tower.load_state_dict(state["tower"])


def rate_scale(step: int, steps: int, warm_up: int) -> float:
    """Up within `warm_up` steps, level, then down along half a cosine."""
    rise = min(1.0, (step + 1) / warm_up)
    return rise * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * step / steps)))


def _sort(
    modules: dict[str, nn.Module],
) -> tuple[list[nn.Parameter], list[nn.Parameter], list[nn.Parameter]]:
    """Matrices of the text model, matrices of the picture tower, everything else."""
    text: list[nn.Parameter] = []
    tower: list[nn.Parameter] = []
    rest: list[nn.Parameter] = []
    named = ((f"{at}.{name}", weight) for at, module in modules.items()
             for name, weight in module.named_parameters())  # fmt: skip
    for name, weight in named:
        if not weight.requires_grad:
            continue
        if weight.ndim < 2 or any(part in name for part in ("embed", "lm_head", "head.")):
            rest.append(weight)
        else:
            (tower if "visual" in name else text).append(weight)
    return text, tower, rest


def _flat(weight: Tensor) -> Tensor:
    return weight.reshape(weight.shape[0], -1)


def _orthogonal(matrices: Tensor) -> Tensor:
    """Nearly the closest orthogonal matrices, by five Newton-Schulz steps in bfloat16."""
    first, second, third = _NEWTON_SCHULZ
    wide = matrices.shape[1] <= matrices.shape[2]
    now = (matrices if wide else matrices.mT).bfloat16()
    now = now / (now.norm(dim=(1, 2), keepdim=True) + 1e-7)
    for _ in range(5):
        square = now @ now.mT
        now = first * now + (second * square + third * square @ square) @ now
    out: Tensor = now if wide else now.mT
    return out
