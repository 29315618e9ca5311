"""A generated corpus: ops with all their options, and small networks, exported and held to torch.

`make corpus` runs it with many more examples.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from samara import Dim, load
from samara.exporter.export import export_model
from tests.exporter.frontends.corpus import examples
from tests.exporter.frontends.torch_agreement import close

torch = pytest.importorskip("torch")

from tests.exporter.frontends.torch import corpus  # noqa: E402

# Torch itself warns of what it is asked to do.
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:torch")

# Exporting costs more than what is exported, so that one file has several calls.
TOGETHER = 10


class Together(torch.nn.Module):
    """Several calls in one module, each on inputs of its own."""

    def __init__(self, calls: Sequence[corpus.Call]) -> None:
        super().__init__()
        self.calls = list(calls)

    def forward(self, *x: Any) -> Any:
        found = []
        for call in self.calls:
            found.append(call.function(*x[: len(call.inputs)]))
            x = x[len(call.inputs) :]
        return found


def agrees(module: Any, inputs: Sequence[Any], shapes: Any = None, others: Sequence[Any] = ()) -> None:
    """Exports a module and compares all outputs of the file with torch's, for its inputs and others."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "m.smr"
        # Layers of float16 differ by its rounding, which the proof knows.
        export_model(module, path, inputs=tuple(inputs), shapes=shapes)
        model = load(path)
        for given_ in (inputs, *others):
            with torch.no_grad():
                expected = [t.numpy() for t in torch.utils._pytree.tree_leaves(module(*given_))]
            found = model.context().run(*[x.numpy() for x in given_])
            arrays = list(found.values()) if isinstance(found, dict) else [found]
            for array, wanted in zip(arrays, expected, strict=True):
                close(np.asarray(array), wanted, 1e-2 if wanted.dtype == np.float16 else 1e-4)


def several(calls: Any) -> Any:
    return st.lists(calls, min_size=4, max_size=TOGETHER)


@given(several(corpus.POINTWISE))
@examples(3)
def test_element_by_element(calls: list[corpus.Call]) -> None:
    agrees(Together(calls), [x for call in calls for x in call.inputs])


@given(several(corpus.AXES))
@examples(3)
def test_along_axes(calls: list[corpus.Call]) -> None:
    agrees(Together(calls), [x for call in calls for x in call.inputs])


@given(several(corpus.WINDOWS))
@examples(3)
def test_windows(calls: list[corpus.Call]) -> None:
    agrees(Together(calls), [x for call in calls for x in call.inputs])


@given(several(corpus.MIXTURES))
@examples(3)
def test_products_and_norms(calls: list[corpus.Call]) -> None:
    agrees(Together(calls), [x for call in calls for x in call.inputs])


@given(st.one_of(corpus.images(), corpus.sequences()))
@examples(3)
def test_networks(drawn: Any) -> None:
    module, shape = drawn
    shapes = {"input": (Dim("batch", 1, 3), *shape)}
    agrees(module, [torch.randn(2, *shape)], shapes, [[torch.randn(n, *shape)] for n in (1, 3)])
