"""Results whose size depends on data: elements that are not zero, where a mask is true, different elements."""

from __future__ import annotations

from typing import Any

from samara.exporter.frontends.compose import index
from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph.graph import Tensor


@handles("aten.nonzero")
def nonzero(r: Reader, x: Tensor) -> Tensor:
    return r.b.transpose(index.non_zero(r.b, x), permutation=(1, 0))


@handles("aten.masked_select")
def masked_select(r: Reader, x: Tensor, mask: Tensor) -> Tensor:
    assert x.shape is not None
    assert mask.shape is not None
    if mask.shape != x.shape:
        joined = r.b.broadcast_to(mask, r.b.sizes(x)) if r.rank(mask) <= r.rank(x) else None
        if joined is None or joined.shape != x.shape:
            raise r.unsupported("the mask has more axes than what it selects from", "broadcast both before")
        mask = joined
    return index.masked(r.b, x, mask)


@handles("aten._unique2")
def unique(
    r: Reader, x: Tensor, sorted_: bool = True, inverse: bool = False, counts: bool = False
) -> list[Any]:
    values, _, which, numbers = index.unique(r.b, x)
    return [values, r.reshape(which, x.shape or ()), numbers]
