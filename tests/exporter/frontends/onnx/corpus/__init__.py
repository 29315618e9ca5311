"""Random ONNX nodes with all their options, and a few chains of nodes, for the corpus.

A case is one or more nodes, the arrays that are fed, and those that are constants of the model. Only what onnxruntime
computes as the specification has it is drawn; where the two differ, a comment says what the specification says.
"""

from __future__ import annotations

from hypothesis import strategies as st

from tests.exporter.frontends.onnx.corpus._case import Case, model_of
from tests.exporter.frontends.onnx.corpus.axes import along, reductions
from tests.exporter.frontends.onnx.corpus.elementwise import binary, casts, choices, clamps, unary
from tests.exporter.frontends.onnx.corpus.mixtures import (
    chains,
    normalizations,
    products,
    quantized,
    recurrent,
)
from tests.exporter.frontends.onnx.corpus.moving import moving
from tests.exporter.frontends.onnx.corpus.places import indices, moves
from tests.exporter.frontends.onnx.corpus.windows import (
    convolutions,
    pools,
    resizes,
    samples,
    transposed_convolutions,
)

WINDOWS = st.one_of(convolutions(), transposed_convolutions(), pools(), resizes(), samples())
POINTWISE = st.one_of(unary(), binary(), binary(), choices(), clamps(), casts())
AXES = st.one_of(reductions(), along())
PLACES = st.one_of(moves(), moves(), indices())
MIXTURES = st.one_of(products(), normalizations(), quantized(), recurrent(), chains())
MOVING = moving()

__all__ = ["AXES", "MIXTURES", "MOVING", "PLACES", "POINTWISE", "WINDOWS", "Case", "model_of"]
