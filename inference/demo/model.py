"""The demo model's shape: GLM-4.6V-Flash's class at a two-thousandth of its size."""

from __future__ import annotations

import torch
from torch import nn
from transformers import Glm4vForConditionalGeneration
from transformers.models.glm4v.configuration_glm4v import Glm4vConfig

from inference.demo.tokenizer import EOS, SPECIALS, VOCABULARY

HIDDEN = 192
_EMBEDDING_STD = 0.08
_BRANCH_GAIN = 0.3


def model_config() -> Glm4vConfig:
    token = SPECIALS.index
    eos = [token(name) for name in EOS]
    text = {
        "vocab_size": VOCABULARY,
        "hidden_size": HIDDEN,
        "intermediate_size": 384,
        "num_hidden_layers": 6,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "max_position_embeddings": 512,  # its talks were shorter; beyond them it confuses photos
        "rms_norm_eps": 1e-5,
        "pad_token_id": eos[0],
        "eos_token_id": eos,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 1000.0,
            "partial_rotary_factor": 0.5,
            "mrope_section": [2, 5, 5],
        },
    }
    vision = {
        "depth": 5,
        "hidden_size": 160,
        "num_heads": 4,
        "image_size": 140,
        "patch_size": 14,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "out_hidden_size": HIDDEN,
        "intermediate_size": 384,
        "rms_norm_eps": 1e-5,
        "rope_parameters": {"rope_type": "axial", "rope_theta": 100.0},
    }
    return Glm4vConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=token("<|image|>"),
        video_token_id=token("<|video|>"),
        image_start_token_id=token("<|begin_of_image|>"),
        image_end_token_id=token("<|end_of_image|>"),
        video_start_token_id=token("<|begin_of_video|>"),
        video_end_token_id=token("<|end_of_video|>"),
        tie_word_embeddings=True,
    )


def new_model(seed: int) -> Glm4vForConditionalGeneration:
    """Untrained. What a token says must not drown in what the first layer adds to it."""
    torch.manual_seed(seed)
    model = Glm4vForConditionalGeneration(model_config())
    model.tie_weights()
    with torch.no_grad():
        nn.init.normal_(model.model.language_model.embed_tokens.weight, std=_EMBEDDING_STD)
        for layer in model.model.language_model.layers:
            layer.post_self_attn_layernorm.weight.fill_(_BRANCH_GAIN)
            layer.post_mlp_layernorm.weight.fill_(_BRANCH_GAIN)
        _place_patches(model.model.visual.embeddings.position_embedding.weight)
    return model


def _place_patches(table: nn.Parameter) -> None:
    """Adds waves along both sides, so that place is told apart before anything is learnt."""
    side, quarter = int(table.shape[0] ** 0.5), table.shape[1] // 4
    waves = torch.pi * torch.tensor([0.5, 1, 1.5, 2, 3, 4, 6, 8]).repeat(quarter // 8)
    phase = torch.arange(quarter) // 8 * 0.7
    angle = (torch.arange(side) + 0.5)[:, None] / side * waves + phase
    wave = 0.3 * torch.cat([angle.sin(), angle.cos()], -1)
    down, across = wave[:, None].expand(side, side, -1), wave[None].expand(side, side, -1)
    table.add_(torch.cat([down, across], -1).reshape(side * side, -1))
