"""Ops of the family loss."""

from __future__ import annotations
