"""Makes the demo model from nothing: `python -m inference.demo.train`.

Draws the pictures, trains the picture tower, then the answers, and writes the weights folder.
Every part continues where an earlier run was stopped; `--quick` runs all of it in miniature.
"""

from __future__ import annotations

import argparse
import logging
import os
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from tokenizers import Tokenizer

from inference.demo.checkpoint import WEIGHTS, save_checkpoint
from inference.demo.corpus import corpus
from inference.demo.model import new_model
from inference.demo.prompt import Speller
from inference.demo.rows import RowMaker
from inference.demo.runner import run
from inference.demo.shards import Gallery, draw_shards, open_gallery
from inference.demo.talk_stage import TalkStage
from inference.demo.tokenizer import train_tokenizer
from inference.demo.vision_stage import VisionStage

_DATA = Path("data/demo")
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Recipe:
    shards: int = 64
    shard_pictures: int = 2000
    vision_steps: int = 5000
    vision_batch: int = 64
    talk_steps: int = 4700
    row_tokens: int = 224
    conversations: int = 40_000  # that the tokenizer is made from
    seed: int = 11
    compiled: bool = True


QUICK = Recipe(
    shards=1, shard_pictures=200, vision_steps=2, vision_batch=8, talk_steps=2, row_tokens=160,
    conversations=3000, compiled=False,
)  # fmt: skip


def make(recipe: Recipe, data: Path, weights: Path) -> None:
    """All parts in turn; `data` keeps what a later run need not do again."""
    torch.set_num_threads(min(2, os.cpu_count() or 1))
    draw_shards(data / "pictures", recipe.shards, recipe.shard_pictures)
    gallery = open_gallery(data / "pictures", recipe.shards)
    tokenizer = _tokenizer(gallery, recipe.conversations, data / "tokenizer.json")
    model = new_model(seed=0)
    vision = VisionStage(model, gallery, batch=recipe.vision_batch, compiled=recipe.compiled)
    run(vision, recipe.vision_steps, data)
    vision.finish()
    rows = RowMaker(gallery, Speller(tokenizer), recipe.row_tokens, recipe.seed)
    answers = TalkStage(
        model, vision.head, gallery, rows, length=recipe.row_tokens, compiled=recipe.compiled
    )
    run(answers, recipe.talk_steps, data)
    save_checkpoint(model, tokenizer, weights)
    log.info("weights are in %s", weights)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m inference.demo.train", description=__doc__)
    parser.add_argument("--data", type=Path, default=_DATA, help="pictures, checkpoints, log")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="the weights folder to write")
    parser.add_argument("--vision-steps", type=int, default=Recipe().vision_steps)
    parser.add_argument("--talk-steps", type=int, default=Recipe().talk_steps)
    parser.add_argument("--shards", type=int, default=Recipe().shards, help="of 2000 pictures")
    parser.add_argument("--no-compile", action="store_true", help="where there is no C++ compiler")
    parser.add_argument(
        "--quick", action="store_true", help="all parts in miniature, useless weights"
    )
    options = parser.parse_args()
    recipe = replace(
        Recipe(),
        vision_steps=options.vision_steps,
        talk_steps=options.talk_steps,
        shards=options.shards,
        compiled=not options.no_compile,
    )
    if options.quick:  # never over good weights
        recipe, options.data = QUICK, options.data / "quick"
        options.out = options.data / "weights"
    options.data.mkdir(parents=True, exist_ok=True)
    logging.basicConfig(
        filename=options.data / "train.log", level=logging.INFO, format="%(asctime)s %(message)s"
    )
    make(recipe, options.data, options.out)


def _tokenizer(gallery: Gallery, conversations: int, file: Path) -> Tokenizer:
    if not file.exists():
        train_tokenizer(corpus(gallery, conversations)).save(str(file))
    return Tokenizer.from_file(str(file))


if __name__ == "__main__":
    main()
