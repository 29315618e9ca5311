"""Ops of the family norm."""

from __future__ import annotations
