"""Ops of the family reduce."""

from __future__ import annotations
