"""One handler for each op of ONNX, by family."""

from __future__ import annotations

import importlib

_FAMILIES = (
    "arrays",
    "attending",
    "control",
    "data_dependent",
    "elementwise",
    "images",
    "indexing",
    "losses",
    "microsoft",
    "network",
    "quantized",
    "recurrent",
    "reductions",
    "sequences",
)

_NO_STRINGS = "strings are not supported: run this before the model"
_NO_SEQUENCES = "sequences are not supported: use tensors, stacked or side by side"
_NO_OPTIONALS = "optional values are not supported: give the tensor"

# Ops that are refused for what they are, with the reason.
REFUSED: dict[str, str] = {
    **dict.fromkeys(("StringNormalizer", "StringConcat", "StringSplit", "RegexFullMatch"), _NO_STRINGS),
    **dict.fromkeys(
        (
            "ConcatFromSequence",
            "SequenceAt",
            "SequenceConstruct",
            "SequenceEmpty",
            "SequenceErase",
            "SequenceInsert",
            "SequenceLength",
            "SequenceMap",
            "SplitToSequence",
        ),
        _NO_SEQUENCES,
    ),
    **dict.fromkeys(("Optional", "OptionalGetElement", "OptionalHasElement"), _NO_OPTIONALS),
    "TfIdfVectorizer": "counting n-grams prepares text: run this before the model",
    "ImageDecoder": "images are decoded before the model: give their pixels",
}


def register_all() -> None:
    """Loads all families, which register their handlers."""
    for family in _FAMILIES:
        importlib.import_module(f"{__name__}.{family}")


__all__ = ["REFUSED", "register_all"]
