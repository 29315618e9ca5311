"""Branches, loops, and sizes that depend on data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara import Dim
from tests.exporter.frontends.torch_agreement import close, exported

torch = pytest.importorskip("torch")


def agree_on(module: Any, model: Any, samples: list[Any]) -> None:
    context = model.context()
    for x in samples:
        expected = [t.numpy() for t in torch.utils._pytree.tree_leaves(module(x))]
        found = context.run(x.numpy())
        for array, wanted in zip(
            found.values() if isinstance(found, dict) else [found], expected, strict=True
        ):
            close(np.asarray(array), wanted)


def test_cond_takes_either_branch(tmp_path: Path) -> None:
    class Branches(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(4, 4)

        def forward(self, x: Any) -> Any:
            return torch.cond(
                x.sum() > 0, lambda x: (self.linear(x), x * 2), lambda x: (x - 1, torch.relu(x)), (x,)
            )

    module = Branches().eval()
    x = torch.ones(2, 4)
    with torch.no_grad():
        agree_on(module, exported(module, (x,), tmp_path / "m.smr"), [x, -x, x * 3])


def test_cond_on_a_size(tmp_path: Path) -> None:
    class Sizes(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return torch.cond(x.shape[0] > 3, lambda x: x * x.shape[0], lambda x: x - 1, (x,))

    module = Sizes().eval()
    model = exported(module, (torch.randn(5, 2),), tmp_path / "m.smr", shapes={"x": (Dim("n", 2, 6), 2)})
    agree_on(module, model, [torch.randn(n, 2) for n in (2, 3, 4, 6)])


def test_while_loop(tmp_path: Path) -> None:
    class Loop(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            def more(count: Any, x: Any) -> Any:
                return (count < 5) & (x.abs().max() < 100)

            def step(count: Any, x: Any) -> Any:
                return count + 1, x * 2 + 1

            return torch._higher_order_ops.while_loop(more, step, (torch.zeros((), dtype=torch.int64), x))

    module = Loop().eval()
    x = torch.linspace(-3, 3, 4)
    agree_on(module, exported(module, (x,), tmp_path / "m.smr"), [x, x * 20, x * 1000])


def test_sizes_that_depend_on_data(tmp_path: Path) -> None:
    class Finds(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            rows = x[:, 0] > 0
            return x.nonzero(), x[rows], torch.masked_select(x, x > 1), x[rows].sum(0), x[x < 0] * 2

    module = Finds().eval()
    x = torch.tensor([[1.0, 2.0], [-1.0, 0.0], [3.0, -4.0]])
    agree_on(module, exported(module, (x,), tmp_path / "m.smr"), [x, -x, x * 0, x + 5])


def test_an_index_that_is_computed(tmp_path: Path) -> None:
    class Last(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return x[x[:, 0].argmax()], x[x[0].long().clamp(0, 2)]

    module = Last().eval()
    x = torch.tensor([[1.0, 2.0], [-1.0, 0.0], [3.0, -4.0]])
    agree_on(module, exported(module, (x,), tmp_path / "m.smr"), [x, -x])


def test_a_branch_may_give_another_size(tmp_path: Path) -> None:
    class Sizes(torch.nn.Module):
        def forward(self, x: Any) -> Any:
            return torch.cond(x.sum() > 0, lambda x: x[:2] * 2, lambda x: x[1:] + 1, (x,))

    module = Sizes().eval()
    x = torch.arange(8.0).reshape(4, 2)
    agree_on(module, exported(module, (x,), tmp_path / "m.smr"), [x, -x])


def test_a_branch_within_a_loop(tmp_path: Path) -> None:
    class Nested(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(4, 4)

        def forward(self, x: Any) -> Any:
            def step(count: Any, x: Any) -> Any:
                after = torch.cond(
                    x.sum() > 1, lambda x: torch.tanh(self.linear(x)), lambda x: x * 0.5 + 1, (x,)
                )
                return count + 1, after

            start = torch.zeros((), dtype=torch.int64)
            return torch._higher_order_ops.while_loop(lambda count, x: count < 6, step, (start, x))

    module = Nested().eval()
    x = torch.linspace(-3, 3, 4)[None]
    with torch.no_grad():
        agree_on(module, exported(module, (x,), tmp_path / "m.smr"), [x, x + 3, x - 3])


def test_scan_and_map(tmp_path: Path) -> None:
    from torch._higher_order_ops.associative_scan import associative_scan
    from torch._higher_order_ops.map import map as mapped
    from torch._higher_order_ops.scan import scan

    class Scans(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = torch.nn.Linear(3, 3)

        def forward(self, x: Any) -> Any:
            def step(state: Any, x: Any) -> Any:
                after = torch.tanh(self.linear(state) + x)
                return after, after * 2

            last, all_ = scan(step, torch.zeros(3), x)
            total = associative_scan(lambda a, b: a + b, x, 0, combine_mode="generic")
            return last, all_, total, mapped(lambda row: torch.relu(row) + row.mean(), x)

    module = Scans().eval()
    x = torch.randn(5, 3, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        agree_on(module, exported(module, (x,), tmp_path / "m.smr"), [x, -x])
