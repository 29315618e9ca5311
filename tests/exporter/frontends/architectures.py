"""Well-known architectures from `transformers`, small and with random weights: nothing is downloaded.

Each builder gives a module in inference mode and its example inputs by name.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import transformers

Example = tuple[Any, dict[str, Any]]

_HEADS = {"num_hidden_layers": 2, "num_attention_heads": 4}
_VOCABULARY = 200


def _image(size: int = 64) -> dict[str, Any]:
    return {"pixel_values": torch.randn(1, 3, size, size)}


def _text(length: int = 16) -> dict[str, Any]:
    ids = torch.randint(0, _VOCABULARY, (1, length))
    mask = torch.ones(1, length, dtype=torch.long)
    mask[:, length - 3 :] = 0
    return {"input_ids": ids, "attention_mask": mask}


class _Plain(torch.nn.Module):
    """A model whose result is a plain dictionary of its tensors."""

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(self, **inputs: Any) -> dict[str, Any]:
        found = self.model(**inputs)
        return {k: v for k, v in found.items() if isinstance(v, torch.Tensor)}


class _CachedStep(torch.nn.Module):
    """One step of a decoder whose keys and values of earlier steps go in and come out."""

    def __init__(self, model: Any, layers: int) -> None:
        super().__init__()
        self.model = model
        self.layers = layers

    def forward(self, input_ids: Any, keys: Any, values: Any) -> dict[str, Any]:
        pairs = [(keys[i], values[i]) for i in range(self.layers)]
        cache = transformers.DynamicCache(pairs)
        position = torch.full((1,), keys.shape[3], dtype=torch.long)
        found = self.model(
            input_ids=input_ids, past_key_values=cache, position_ids=position[None], use_cache=True
        )
        layers = found.past_key_values.layers
        return {
            "logits": found.logits,
            "keys": torch.stack([layer.keys for layer in layers]),
            "values": torch.stack([layer.values for layer in layers]),
        }


class _WhisperStep(torch.nn.Module):
    """One step of Whisper's decoder: its own keys and values go in and come out."""

    def __init__(self, model: Any, layers: int) -> None:
        super().__init__()
        self.model = model
        self.layers = layers

    def forward(self, input_ids: Any, encoded: Any, keys: Any, values: Any) -> dict[str, Any]:
        pairs = [(keys[i], values[i]) for i in range(self.layers)]
        cache = transformers.EncoderDecoderCache(
            transformers.DynamicCache(pairs), transformers.DynamicCache()
        )
        position = torch.full((1, 1), keys.shape[3], dtype=torch.long)
        found = self.model.decoder(
            input_ids=input_ids,
            encoder_hidden_states=encoded,
            past_key_values=cache,
            position_ids=position,
            use_cache=True,
        )
        layers = found.past_key_values.self_attention_cache.layers
        return {
            "hidden": found.last_hidden_state,
            "keys": torch.stack([layer.keys for layer in layers]),
            "values": torch.stack([layer.values for layer in layers]),
        }


def _resnet(**options: Any) -> Example:
    config = transformers.ResNetConfig(embedding_size=16, num_labels=10, **options)
    return transformers.ResNetForImageClassification(config), _image()


def _resnet18() -> Example:
    return _resnet(hidden_sizes=[16, 32, 64, 128], depths=[2, 2, 2, 2], layer_type="basic")


def _resnet50() -> Example:
    return _resnet(hidden_sizes=[32, 64, 128, 256], depths=[3, 4, 6, 3])


def _mobilenet_v1() -> Example:
    config = transformers.MobileNetV1Config(depth_multiplier=0.25, image_size=64)
    return transformers.MobileNetV1ForImageClassification(config), _image()


def _mobilenet_v2() -> Example:
    config = transformers.MobileNetV2Config(depth_multiplier=0.35, image_size=64)
    return transformers.MobileNetV2ForImageClassification(config), _image()


def _efficientnet() -> Example:
    config = transformers.EfficientNetConfig(
        image_size=64, width_coefficient=0.5, depth_coefficient=0.5, hidden_dim=640
    )
    return transformers.EfficientNetForImageClassification(config), _image()


def _vit() -> Example:
    config = transformers.ViTConfig(
        hidden_size=48, intermediate_size=96, image_size=64, patch_size=16, **_HEADS
    )
    return transformers.ViTForImageClassification(config), _image()


def _mobilevit() -> Example:
    config = transformers.MobileViTConfig(
        image_size=64, hidden_sizes=[24, 32, 40], neck_hidden_sizes=[8, 16, 24, 32, 40, 48, 64]
    )
    return transformers.MobileViTForImageClassification(config), _image()


def _segformer() -> Example:
    config = transformers.SegformerConfig(
        hidden_sizes=[8, 16, 24, 32],
        depths=[1, 1, 1, 1],
        num_attention_heads=[1, 2, 3, 4],
        decoder_hidden_size=32,
        num_labels=5,
    )
    return transformers.SegformerForSemanticSegmentation(config), _image()


def _yolos() -> Example:
    config = transformers.YolosConfig(
        hidden_size=48,
        intermediate_size=96,
        image_size=[64, 64],
        patch_size=16,
        num_detection_tokens=5,
        **_HEADS,
    )
    return transformers.YolosForObjectDetection(config), _image()


def _detr() -> Example:
    backbone = transformers.ResNetConfig(
        embedding_size=16, hidden_sizes=[16, 32, 48, 64], depths=[1, 1, 1, 1], out_features=["stage4"]
    )
    config = transformers.DetrConfig(
        backbone_config=backbone,
        use_timm_backbone=False,
        use_pretrained_backbone=False,
        backbone=None,
        d_model=32,
        encoder_layers=1,
        decoder_layers=1,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=64,
        decoder_ffn_dim=64,
        num_queries=6,
        num_labels=5,
    )
    return transformers.DetrForObjectDetection(config), _image()


def _bert() -> Example:
    config = transformers.BertConfig(
        vocab_size=_VOCABULARY, hidden_size=48, intermediate_size=96, max_position_embeddings=32, **_HEADS
    )
    return transformers.BertModel(config), _text()


def _distilbert() -> Example:
    config = transformers.DistilBertConfig(
        vocab_size=_VOCABULARY, dim=48, n_layers=2, n_heads=4, hidden_dim=96, max_position_embeddings=32
    )
    return transformers.DistilBertModel(config), _text()


def _mobilebert() -> Example:
    config = transformers.MobileBertConfig(
        vocab_size=_VOCABULARY,
        num_hidden_layers=2,
        hidden_size=64,
        intermediate_size=64,
        max_position_embeddings=32,
        embedding_size=32,
        intra_bottleneck_size=32,
    )
    return transformers.MobileBertModel(config), _text()


def _whisper() -> Any:
    config = transformers.WhisperConfig(
        vocab_size=_VOCABULARY,
        d_model=48,
        encoder_layers=2,
        decoder_layers=2,
        encoder_attention_heads=4,
        decoder_attention_heads=4,
        encoder_ffn_dim=96,
        decoder_ffn_dim=96,
        max_source_positions=50,
        max_target_positions=64,
        num_mel_bins=16,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        decoder_start_token_id=1,
    )
    return transformers.WhisperModel(config)


def _whisper_encoder() -> Example:
    return _whisper().encoder, {"input_features": torch.randn(1, 16, 100)}


def _whisper_step() -> Example:
    past = torch.randn(2, 1, 4, 7, 12)
    return _WhisperStep(_whisper(), 2), {
        "input_ids": torch.tensor([[5]]),
        "encoded": torch.randn(1, 50, 48),
        "keys": past,
        "values": past.flip(0),
    }


def _llama_model() -> Any:
    config = transformers.LlamaConfig(
        vocab_size=_VOCABULARY,
        hidden_size=48,
        intermediate_size=96,
        num_key_value_heads=2,
        max_position_embeddings=64,
        **_HEADS,
    )
    return transformers.LlamaForCausalLM(config)


def _llama() -> Example:
    model = _llama_model()
    model.config.use_cache = False
    return model, {"input_ids": torch.randint(0, _VOCABULARY, (1, 16))}


def _llama_step() -> Example:
    past = torch.randn(2, 1, 2, 7, 12)
    inputs = {"input_ids": torch.tensor([[5]]), "keys": past, "values": past.flip(0)}
    return _CachedStep(_llama_model(), 2), inputs


_BUILDERS: dict[str, Callable[[], Example]] = {
    "bert": _bert,
    "detr": _detr,
    "distilbert": _distilbert,
    "efficientnet": _efficientnet,
    "llama": _llama,
    "llama_step": _llama_step,
    "mobilebert": _mobilebert,
    "mobilenet_v1": _mobilenet_v1,
    "mobilenet_v2": _mobilenet_v2,
    "mobilevit": _mobilevit,
    "resnet18": _resnet18,
    "resnet50": _resnet50,
    "segformer": _segformer,
    "vit": _vit,
    "whisper_encoder": _whisper_encoder,
    "whisper_step": _whisper_step,
    "yolos": _yolos,
}

NAMES = tuple(_BUILDERS)


def build(name: str) -> Example:
    """The module, in inference mode and with statistics as after some training, and its inputs by name.

    The module returns a dictionary of tensors.
    """
    generator = torch.random.get_rng_state()
    torch.manual_seed(7)
    try:
        module, inputs = _BUILDERS[name]()
        for part in module.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.running_mean.normal_(0.0, 0.1)
                part.running_var.uniform_(0.5, 1.5)
    finally:
        torch.random.set_rng_state(generator)
    plain = module if isinstance(module, (_CachedStep, _WhisperStep)) else _Plain(module)
    return plain.eval(), inputs
