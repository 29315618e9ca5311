"""docs/tflite.md lists the nodes that are there."""

from __future__ import annotations

import re

import pytest

from samara.exporter.frontends.tflite import handlers, integer
from samara.exporter.frontends.tflite.handlers import _registry
from tests.conftest import ROOT


def listed(title: str) -> list[str]:
    """The names in the first list under a title, or a line, of the page."""
    _, found, after = (ROOT / "docs" / "tflite.md").read_text().partition(f"{title}\n\n")
    assert found
    return re.findall(r"`([^`]+)`", after.partition("\n\n")[0])


@pytest.mark.parametrize(
    ("title", "names"),
    [
        (
            "## In real numbers, and what only moves elements or counts",
            [*(k for k in _registry._HANDLERS if not k.startswith("custom:")), *handlers.CONTROL],
        ),
        ("## In integers that stand for real numbers", integer.HANDLERS),
        ("What only moves elements takes integers of any scale, too:", _registry._MOVES),
        ("## Custom nodes", [k.partition(":")[2] for k in _registry._HANDLERS if k.startswith("custom:")]),
        ("## Refused, with what to do instead", _registry._REFUSED),
    ],
)
def test_the_page_lists_the_nodes(title: str, names: list[str]) -> None:
    assert listed(title) == sorted(names)
