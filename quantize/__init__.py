"""Quantization: from a float model and samples to one that computes with integers."""

from __future__ import annotations

from samara.quantize.scheme import Int8, Quantization

__all__ = ["Int8", "Quantization"]
