"""The memory plan of a file as a picture: time from left to right, addresses from bottom to top."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from samara.pyruntime.model import Model

_ROWS = 16
_COLUMNS = 100
_LETTERS = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, kw_only=True)
class Block:
    """A tensor in the arena: bytes [offset, offset + bytes), ops [first, last]; -1 is before the first op."""

    name: str
    offset: int
    bytes: int
    first: int
    last: int


def blocks(model: Model, signature: str) -> list[Block]:
    """The arena tensors of a signature with their lifetimes."""
    tensors = model.tensors(signature)
    ops = model.ops(signature)
    endpoints = model.signatures[signature]
    first: dict[int, int] = {}
    last: dict[int, int] = {}
    written = {i for op in ops for i in op.outputs}
    outputs = {t.name for t in endpoints.outputs}
    for number, op in enumerate(ops):
        for index in (*op.inputs, *op.outputs):
            if index >= 0:
                first.setdefault(index, number if index in written else -1)
                last[index] = number
    read = {i for op in ops for i in op.inputs}
    made = []
    for index, info in enumerate(tensors):
        if info.storage != "arena" or not info.bytes:
            continue
        ends = index not in read or info.name in outputs
        made.append(
            Block(
                name=info.name,
                offset=info.offset,
                bytes=info.bytes,
                first=first.get(index, -1),
                last=len(ops) - 1 if ends else last[index],
            )
        )
    return made


def as_text(model: Model, signature: str) -> str:
    """The plan in characters: a row for a sixteenth of the arena, a column for an op, a letter for a tensor."""
    found = blocks(model, signature)
    arena = model.signatures[signature].arena_bytes
    steps = model.signatures[signature].op_count + 1
    if not arena:
        return "  (no tensor lies in the arena)"
    shown = min(steps, _COLUMNS)
    grid = [["."] * shown for _ in range(_ROWS)]
    for number, block in enumerate(found):
        low = block.offset * _ROWS // arena
        high = max(-(-(block.offset + block.bytes) * _ROWS // arena), low + 1)
        for row in range(low, min(high, _ROWS)):
            for step in range(block.first + 1, min(block.last + 2, shown)):
                grid[row][step] = _LETTERS[number % len(_LETTERS)]
    lines = [
        f"  {(_ROWS - 1 - i) * arena // _ROWS:>10,}  {''.join(row)}" for i, row in enumerate(reversed(grid))
    ]
    if shown < steps:
        lines.append(f"  {'':>10}  ({steps - shown} more ops to the right)")
    return "\n".join(lines)


def draw(model: Model, path: str | os.PathLike[str]) -> None:
    """Draws the plans of all signatures to an image file.

    Raises:
        ImportError: matplotlib is not installed.
    """
    try:
        import matplotlib.pyplot as plt
        from matplotlib.patches import Rectangle
    except ImportError:
        raise ImportError("drawing needs matplotlib: pip install 'samara[demo]'") from None
    count = len(model.signatures)
    figure, axes = plt.subplots(count, 1, figsize=(10, 4 * count), squeeze=False)
    for axis, (name, signature) in zip(axes[:, 0], model.signatures.items(), strict=True):
        colours = plt.get_cmap("tab20")
        for number, block in enumerate(blocks(model, name)):
            width = block.last - block.first + 1
            axis.add_patch(
                Rectangle(
                    (block.first, block.offset),
                    width,
                    block.bytes,
                    facecolor=colours(number % 20),
                    edgecolor="white",
                )
            )
            axis.text(
                block.first + width / 2,
                block.offset + block.bytes / 2,
                block.name,
                ha="center",
                va="center",
                fontsize=7,
            )
        axis.set(
            xlim=(-1, max(signature.op_count, 1)),
            ylim=(0, max(signature.arena_bytes, 1)),
            xlabel="op",
            ylabel="byte of the arena",
            title=f"{name}: {signature.arena_bytes:,} B",
        )
    figure.tight_layout()
    figure.savefig(path, dpi=120)
    plt.close(figure)
