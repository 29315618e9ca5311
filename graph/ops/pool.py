"""Ops of the family pool."""

from __future__ import annotations
