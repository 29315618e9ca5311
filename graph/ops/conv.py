"""Ops of the family conv."""

from __future__ import annotations
