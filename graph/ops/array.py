"""Ops of the family array."""

from __future__ import annotations
