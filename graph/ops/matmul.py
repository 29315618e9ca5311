"""Ops of the family matmul."""

from __future__ import annotations
