"""Attention."""

from __future__ import annotations

from typing import Any

from samara.exporter.frontends.compose.attention import (
    Sight,
    attention,
    heads_apart,
    heads_together,
    rotary_embedding,
)
from samara.exporter.frontends.compose.sizes import size_of
from samara.exporter.frontends.onnx.node import Node, op
from samara.graph import dtypes

# The types of softmax by their numbers in ONNX; wider ones than the device has are computed in its widest.
_PRECISIONS = {1: dtypes.float32, 10: dtypes.float16, 11: dtypes.float32, 16: dtypes.float32}


@op("Attention")
def _attention(node: Node) -> list[Any]:
    b = node.b
    q, k, v = (node.input(i) for i in range(3))
    past_key, past_value = node.given(4), node.given(5)
    if (past_key is None) != (past_value is None):
        node.fail("past_key and past_value belong together")
    number = node.attr("softmax_precision")
    if number is not None and int(number) not in _PRECISIONS:
        node.fail(f"softmax_precision {number} is not a float type")
    try:
        flat = node.rank() == 3
        if flat:
            heads = [int(node.attr(name, 0)) for name in ("q_num_heads", "kv_num_heads", "kv_num_heads")]
            q, k, v = (heads_apart(b, t, n) for t, n in zip((q, k, v), heads, strict=True))
        if any(len(t.shape or ()) != 4 for t in (q, k, v)):
            node.fail("query, key and value must all have rank 3, or all have rank 4")
        filled = node.given(6)
        before: Any = 0
        if past_key is not None:
            before = size_of(b, past_key, 2)
            k, v = b.concat([past_key, k], axis=2), b.concat([past_value, v], axis=2)
        elif filled is not None:
            filled = b.cast(filled, dtype=dtypes.int32)
            length = size_of(b, q, 2)
            before = b.subtract(filled, b.like(length, filled) if isinstance(length, int) else length)
        left, right = (int(node.attr(f"{side}_window_size", -1)) for side in ("left", "right"))
        y, scores = attention(
            b,
            q,
            k,
            v,
            sight=Sight(
                mask=node.given(3),
                causal=bool(node.attr("is_causal", 0)),
                before=before,
                left=None if left < 0 else left,
                right=None if right < 0 else right,
                filled=filled,
            ),
            scale=node.attr("scale"),
            softcap=node.attr("softcap", 0.0),
            precision=None if number is None else _PRECISIONS[int(number)],
            stage=int(node.attr("qk_matmul_output_mode", 0)) if node.wants(3) else None,
        )
        return [heads_together(b, y) if flat else y, k, v, scores]
    except ValueError as error:
        node.fail(str(error))


@op("RotaryEmbedding")
def _rotary_embedding(node: Node) -> Any:
    b = node.b
    x, cosines, sines, places = node.input(), node.input(1), node.input(2), node.given(3)
    if places is not None:
        cosines, sines = (b.gather(t, places, axis=0) for t in (cosines, sines))
    flat = node.rank() == 3
    try:
        if flat:
            x = heads_apart(b, x, int(node.attr("num_heads", 0)))
        size = int(node.attr("rotary_embedding_dim", 0)) or (x.shape or ())[-1]
        if not isinstance(size, int):
            node.fail(f"the size of a head moves, {size}")
        # [batch, length, half] for all heads.
        cosines, sines = (b.expand_dims(t, axis=1) for t in (cosines, sines))
        turned = rotary_embedding(
            b, x, cosines, sines, size=size, interleaved=bool(node.attr("interleaved", 0))
        )
        return heads_together(b, turned) if flat else turned
    except ValueError as error:
        node.fail(str(error))
