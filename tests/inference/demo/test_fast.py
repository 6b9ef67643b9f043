"""The batched forward of the training must give the numbers of the model's own class."""

from __future__ import annotations

import pytest
import torch
from transformers import Glm4vForConditionalGeneration

from inference.demo.fast import FastModel
from inference.demo.model import new_model
from inference.demo.patches import PATCH_BYTES, PATCHES

GRIDS = [(4, 6), (5, 5), (3, 7)]


@pytest.fixture(scope="module")
def model() -> Glm4vForConditionalGeneration:
    return new_model(seed=1).eval()


@pytest.fixture(scope="module")
def patches() -> torch.Tensor:
    generator = torch.Generator().manual_seed(2)
    shape = (len(GRIDS), PATCHES, PATCH_BYTES)
    return torch.randint(0, 256, shape, dtype=torch.uint8, generator=generator)


def _pixel_values(fast: FastModel, patches: torch.Tensor, grid: tuple[int, int]) -> torch.Tensor:
    """As the picture processor gives them: every frame twice."""
    flat = fast.normalised(patches[: grid[0] * grid[1] * 4])
    return flat.view(-1, 3, 1, 196).repeat(1, 1, 2, 1).flatten(1)


@torch.no_grad()
@pytest.mark.parametrize("place", range(len(GRIDS)))
def test_pictures_look_alike_to_both(
    model: Glm4vForConditionalGeneration, patches: torch.Tensor, place: int
) -> None:
    fast = FastModel(model, compiled=False)
    rows, columns = GRIDS[place]

    seen = fast.see(patches, GRIDS)[place, : rows * columns]

    pixels = _pixel_values(fast, patches[place], GRIDS[place])
    expected = model.model.visual(pixels, grid_thw=torch.tensor([[1, 2 * rows, 2 * columns]]))
    torch.testing.assert_close(seen, expected.pooler_output, atol=1e-5, rtol=1e-4)


@torch.no_grad()
def test_scores_are_those_of_the_class(
    model: Glm4vForConditionalGeneration, patches: torch.Tensor
) -> None:
    fast = FastModel(model, compiled=False)
    image = model.config.image_token_id
    tokens = torch.tensor([[2, 4, 7, 10, *[image] * 24, 11, *range(300, 320)]])
    kinds = (tokens == image).int()
    grid = torch.tensor([[1, 8, 12]])
    positions = model.model.get_rope_index(tokens, kinds, image_grid_thw=grid)[0]
    hidden = torch.full((tokens.shape[1],) * 2, -1e4).triu(1)[None, None]
    at = (tokens.view(-1) == image).nonzero()[:, 0]

    states, _ = fast.read(tokens, positions, hidden, fast.see(patches, GRIDS)[0, :24], at)

    expected = model(
        input_ids=tokens,
        pixel_values=_pixel_values(fast, patches[0], GRIDS[0]),
        image_grid_thw=grid,
        mm_token_type_ids=kinds,
    )
    torch.testing.assert_close(fast.scores(states), expected.logits, atol=1e-3, rtol=1e-3)
