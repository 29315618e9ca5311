"""Nodes that run subgraphs, and variables that nodes read and write by name."""

from __future__ import annotations

from typing import Any

CONTROL: dict[str, Any] = {}
