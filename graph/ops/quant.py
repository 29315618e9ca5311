"""Ops of the family quant."""

from __future__ import annotations
