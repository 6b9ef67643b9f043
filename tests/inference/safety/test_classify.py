"""Picture classifiers: tiny models of transformers' classes, made here, in the real child."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import torch
from PIL import Image
from transformers import ViTConfig, ViTForImageClassification
from transformers.models.vit.image_processing_pil_vit import ViTImageProcessorPil

from inference.errors import ModelUnusable
from inference.request import Picture
from inference.safety.guards.classifier import load, score
from inference.safety.guards.classify import Classifier, ClassifierSettings
from inference.safety.guards.guard import Finding, GuardFailed
from inference.safety.verdict import Context

SHOWN = Context("picture")
LABELS = ("drawing", "naked", "plain")


def a_model(folder: Path, **config: Any) -> Path:
    torch.manual_seed(1)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2}
    shape = {"intermediate_size": 16, "image_size": 32, "patch_size": 8}
    names = {"id2label": dict(enumerate(LABELS)), "label2id": {n: i for i, n in enumerate(LABELS)}}
    model = ViTForImageClassification(ViTConfig(**sizes, **shape, **names, **config))
    torch.nn.init.normal_(model.classifier.weight)
    model.save_pretrained(folder)
    ViTImageProcessorPil(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return a_model(tmp_path_factory.mktemp("classifier"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def classifier(folder: Path) -> AsyncIterator[Classifier]:
    """Started once for all tests: loading torch takes seconds."""
    labels = {"naked": "sexual", "drawing": "sexual", "plain": "plain"}
    classifier = Classifier(ClassifierSettings(str(folder), labels, 1), timeout_s=10.0)
    await classifier.start()
    yield classifier
    await classifier.close()


def a_picture(width: int = 50, height: int = 70) -> Picture:
    return Picture(width, height, random.Random(4).randbytes(3 * width * height))


def directly(folder: Path, picture: Picture) -> list[float]:
    """As the model's card says it is used."""
    processor = ViTImageProcessorPil.from_pretrained(folder)
    model = ViTForImageClassification.from_pretrained(folder).eval()
    image = Image.frombytes("RGB", (picture.width, picture.height), picture.rgb)
    with torch.inference_mode():
        logits = model(**processor(images=image, return_tensors="pt")).logits
    return logits.softmax(-1)[0].tolist()


@pytest.mark.asyncio(loop_scope="module")
async def test_the_child_scores_as_the_model_called_directly(
    classifier: Classifier, folder: Path
) -> None:
    picture = a_picture()

    found = {one.category: one.score for one in await classifier.look(picture, SHOWN)}

    drawing, naked, plain = directly(folder, picture)
    assert len({drawing, naked, plain}) == 3
    assert found["plain"] == pytest.approx(plain, abs=1e-6)
    assert found["sexual"] == pytest.approx(drawing + naked, abs=1e-6)
    assert plain > 0.01


@pytest.mark.asyncio(loop_scope="module")
async def test_looks_that_find_no_seat_wait_for_one(classifier: Classifier) -> None:
    looks = [classifier.look(a_picture(), SHOWN) for _ in range(6)]
    ended = await asyncio.gather(*looks, return_exceptions=True)

    assert [type(one) for one in ended] == [list] * 6


@pytest.mark.asyncio(loop_scope="module")
async def test_a_look_given_up_does_not_harm_the_next(classifier: Classifier) -> None:
    given_up = asyncio.create_task(classifier.look(a_picture(900, 900), SHOWN))
    await asyncio.sleep(0)

    given_up.cancel()

    (first, second) = await classifier.look(a_picture(), SHOWN)
    assert isinstance(first, Finding)
    assert first.score + second.score == pytest.approx(1.0)


@pytest.mark.timeout(60)  # it loads torch
async def test_a_label_that_the_model_does_not_have_stops_the_start(folder: Path) -> None:
    settings = ClassifierSettings(str(folder), {"nsfw": "sexual"}, 1)
    classifier = Classifier(settings, timeout_s=10.0)

    with pytest.raises(ModelUnusable) as caught:
        await classifier.start()

    assert "nsfw" in str(caught.value)
    assert "drawing, naked, plain" in str(caught.value)
    await classifier.close()


@pytest.mark.timeout(60)  # it loads torch
async def test_a_folder_without_a_model_stops_the_start_and_says_why(tmp_path: Path) -> None:
    settings = ClassifierSettings(str(tmp_path), {"nsfw": "sexual"}, 1)
    classifier = Classifier(settings, timeout_s=10.0)

    with pytest.raises(ModelUnusable) as caught:
        await classifier.start()

    assert str(tmp_path) in str(caught.value)
    assert "cannot be loaded" in str(caught.value)
    await classifier.close()


async def test_what_is_neither_a_folder_nor_a_hub_id_stops_the_start() -> None:
    classifier = Classifier(ClassifierSettings("/nowhere/at/all", {"a": "b"}, 1), timeout_s=10.0)

    with pytest.raises(ModelUnusable, match="no folder /nowhere/at/all"):
        await classifier.start()


async def test_before_its_start_it_looks_at_nothing(folder: Path) -> None:
    classifier = Classifier(ClassifierSettings(str(folder), {"naked": "x"}, 1), timeout_s=10.0)

    with pytest.raises(GuardFailed):
        await classifier.look(a_picture(), SHOWN)


def test_labels_that_do_not_exclude_each_other_have_scores_of_their_own(tmp_path: Path) -> None:
    folder = a_model(tmp_path, problem_type="multi_label_classification")
    picture = a_picture(8, 8)
    job = (8).to_bytes(4, "big") * 2 + picture.rgb

    scores = score(*load(str(folder), 1), job)

    assert set(scores) == set(LABELS)
    assert sum(scores.values()) != pytest.approx(1.0, abs=0.01)
    assert all(0 < one < 1 for one in scores.values())
