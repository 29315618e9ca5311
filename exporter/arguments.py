"""The arguments of `export_model`, checked before any work is done: what is wrong is told in the caller's terms."""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Any

from samara.errors import shown

PRECISIONS = ("float32", "float16")


def check_arguments(
    path: Any,
    *,
    shapes: Any,
    constants: Any,
    session: Any,
    channels_last: Any,
    precision: Any,
    disable: Any,
    tolerance: Any,
    golden: Any,
    metadata: Any,
) -> None:
    """Refuses arguments of types that mean nothing.

    Raises:
        TypeError: one has another type than it needs.
        ValueError: one has a value outside its range.
        IsADirectoryError: the path is a folder.
    """
    if not isinstance(path, (str, os.PathLike)):
        raise TypeError(f"path is {shown(path)}: expected a path, as in export_model(source, 'm.smr')")
    if Path(path).is_dir():
        raise IsADirectoryError(f"cannot write {os.fspath(path)}: it is a folder, give the path of a file")
    check_shapes(shapes)
    if constants is not None and not isinstance(constants, Mapping):
        raise TypeError(
            f"constants is {shown(constants)}: expected values by name or tensor, as in {{'is_training': False}}"
        )
    if session is not None and not hasattr(session, "variables"):
        raise TypeError(f"session is {shown(session)}: expected a samara.Session")
    if not isinstance(channels_last, (bool, str, Collection)):
        raise TypeError(
            f"channels_last is {shown(channels_last)}: expected True or names of inputs and outputs"
        )
    if not isinstance(precision, str):
        raise TypeError(f"precision is {shown(precision)}: expected 'float32' or 'float16'")
    if precision not in PRECISIONS:
        raise ValueError(f"precision is {precision!r}: expected {' or '.join(map(repr, PRECISIONS))}")
    if isinstance(disable, str) or not isinstance(disable, Collection):
        raise TypeError(
            f"disable is {shown(disable)}: expected a list of names of passes, as in ['dead_code']"
        )
    if isinstance(tolerance, bool) or not isinstance(tolerance, (int, float)):
        raise TypeError(f"tolerance is {shown(tolerance)}: expected a number, as in 1e-4")
    if not tolerance >= 0:
        raise ValueError(f"tolerance is {tolerance}: expected 0 or more")
    if isinstance(golden, bool) or not isinstance(golden, int):
        raise TypeError(f"golden is {shown(golden)}: expected how many samples to store, 0 for none")
    if metadata is not None:
        texts = isinstance(metadata, Mapping) and [*metadata, *metadata.values()]
        if not isinstance(texts, list) or not all(isinstance(t, str) for t in texts):
            raise TypeError(
                f"metadata is {shown(metadata)}: expected texts by name, as in {{'author': 'me'}}"
            )


def check_shapes(shapes: Any) -> None:
    """Refuses what is no mapping from names to shapes.

    Raises:
        TypeError: it is something else.
    """
    if shapes is None:
        return
    if not isinstance(shapes, Mapping):
        raise TypeError(
            f"shapes is {shown(shapes)}: expected a shape for an input's name, as in {{'x': [1, 3]}}"
        )
    for name, shape in shapes.items():
        if not isinstance(name, str):
            raise TypeError(f"shapes has the key {shown(name)}: expected the name of an input, as in 'x'")
        if isinstance(shape, str) or not hasattr(shape, "__iter__"):
            raise TypeError(f"shapes[{name!r}] is {shown(shape)}: expected a list of sizes, as in [1, 3]")


__all__ = ["PRECISIONS", "check_arguments", "check_shapes"]
