"""Ops of the family random."""

from __future__ import annotations
