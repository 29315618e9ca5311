"""Nodes whose sizes are others at each run."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from hypothesis import strategies as st
from onnx import helper

from tests.exporter.frontends.onnx.corpus._case import Case
from tests.exporter.frontends.onnx.corpus.places import indices
from tests.exporter.frontends.onnx.corpus.windows import (
    convolutions,
    pools,
    resizes,
    samples,
    transposed_convolutions,
)


def _spatial(draw: Any, made: Case) -> dict[str, tuple[int, ...]]:
    """Axes of the inputs of a node on images that may have any size."""
    if made.nodes[0].op_type == "GridSample":
        # Each grid is of one image.
        rank = made.inputs["x1"].ndim
        return {"x0": tuple(range(2, rank)), "x1": tuple(range(1, rank - 1))}
    return {"x0": tuple(a for a in range(made.inputs["x0"].ndim) if a != 1 and draw(st.integers(0, 4)))}


def _whole(made: Case) -> dict[str, Any]:
    return {a.name: helper.get_attribute_value(a) for a in made.nodes[0].attribute}


def _moves(made: Case) -> bool:
    """Whether a node's sizes may move."""
    op, options = made.nodes[0].op_type, _whole(made)
    strides = options.get("strides", [1])
    if max(strides) > 1 and op in ("Conv", "MaxPool", "AveragePool", "LpPool"):
        # How much is padded in front depends on the size, which is known to the ops on images alone.
        auto = options.get("auto_pad")
        plain = len(strides) < 3 and (op == "Conv" or max(options.get("dilations", [1])) == 1)
        return auto != b"SAME_LOWER" and (auto != b"SAME_UPPER" or (plain and op != "LpPool"))
    if op == "ConvTranspose":
        # The output has one size.
        return "output_shape" not in options
    if op == "Resize":
        # By scales; those that depend on the fraction of a size, only without one (see resizes).
        if len(made.nodes[0].input) != 3:
            return False
        exact = options.get("coordinate_transformation_mode") not in (b"align_corners", b"tf_crop_and_resize")
        return exact or all(float(s).is_integer() for s in made.constants["x2"])
    return op in ("GridSample", "RoiAlign", "MaxRoiPool", "DepthToSpace", "SpaceToDepth") or op.startswith(
        "Global"
    )


@st.composite
def moving(draw: Any) -> tuple[Case, Case, Case]:
    """A case with axes whose size moves, at its least and at two others."""
    images = st.one_of(
        convolutions(), transposed_convolutions(), pools(), pools(), resizes(), samples(), indices()
    )
    made = draw(images.filter(_moves))
    axes = _spatial(draw, made)
    step = _whole(made).get("blocksize", 1) if made.nodes[0].op_type == "SpaceToDepth" else 1
    found = [replace(made, moving=axes)]
    for _ in range(2):
        inputs = dict(made.inputs)
        for name, places in axes.items():
            shape = list(inputs[name].shape)
            for axis in places:
                shape[axis] += draw(st.integers(0, MORE)) * (step if axis else 1)
            array = inputs[name]
            random = np.random.default_rng(draw(st.integers(0, 99)))
            inputs[name] = random.choice(array.reshape(-1), shape)
        found.append(replace(found[0], inputs=inputs))
    return found[0], found[1], found[2]


# How much more than at its least a size may be, in steps.
MORE = 3
