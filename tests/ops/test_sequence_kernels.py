"""Recurrent layers, attention, softmax and normalizations of rows on every instruction set of this processor.

At sizes around every edge of vectors, panels and blocks, against the references in float64. That the references are
right is for test_reference to say.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.exporter.export import export_model
from samara.exporter.passes import PASSES
from samara.pyruntime.abilities import instruction_sets
from samara.pyruntime.model import load
from tests.cases._case import Case, Input
from tests.ops._graphs import build

OFFERED = [name for name, offered in instruction_sets().items() if offered and name != "generic"]
GATES = {"lstm": 4, "gru": 3, "rnn": 1}

_ROWS = [1, 3, 4, 5, 8, 15, 16, 17, 33, 64, 100, 257, 1000]


def _recurrent(
    op: str, steps: int, batch: int, cells: int, outputs: int | None = None, **attributes: object
) -> Case:
    rows = cells if outputs is None else outputs
    scale = 1.5 / rows**0.5
    columns = GATES[op] * cells
    inputs: list[Input | None] = [
        Input(shape=(steps, batch, columns)),
        Input(shape=(rows, columns), low=-scale, high=scale, constant=True),
        Input(shape=(batch, rows), low=-1, high=1),
    ]
    if op == "lstm":
        inputs += [Input(shape=(batch, cells)), None]
        inputs.append(
            None if outputs is None else Input(shape=(cells, outputs), low=-scale, high=scale, constant=True)
        )
    return Case(op=op, inputs=tuple(inputs), attributes=attributes)


def _attention(
    queries: int, keys: int, size: int, outputs: int, mask: Input | None = None, **more: object
) -> Case:
    lead = (2, 4)
    inputs = (
        Input(shape=(*lead, queries, size)),
        Input(shape=(2, 2, keys, size)),
        Input(shape=(2, 2, keys, outputs)),
        mask,
    )
    return Case(op="attention", inputs=inputs, attributes={"scale": size**-0.5, **more})


CASES = [
    *[
        _recurrent(op, 6, batch, cells)
        for op in GATES
        for batch, cells in [
            (1, 1),
            (1, 16),
            (2, 15),
            (1, 33),
            (3, 31),
            (1, 128),
            (13, 20),
            (1, 100),
            (7, 65),
        ]
    ],
    _recurrent("lstm", 5, 2, 37, 11, cell_clip=0.5),
    _recurrent("lstm", 5, 14, 24, 48, reverse=True),
    _recurrent("gru", 5, 3, 21, reset_after=True),
    _recurrent("rnn", 5, 3, 21, activation="relu", reverse=True),
    *[
        _attention(queries, keys, size, outputs)
        for queries, keys, size, outputs in [
            (1, 1, 1, 1),
            (1, 200, 64, 64),
            (2, 65, 33, 17),
            (4, 64, 16, 40),
            (5, 63, 15, 31),
            (15, 17, 8, 6),
            (16, 128, 32, 32),
            (17, 130, 20, 50),
            (33, 66, 5, 7),
            (128, 128, 32, 32),
            (130, 9, 64, 3),
        ]
    ],
    _attention(20, 70, 12, 20, Input(shape=(20, 70)), causal="start"),
    _attention(20, 70, 12, 20, Input(shape=(2, 1, 1, 70), dtype="bool"), causal="end"),
    _attention(3, 70, 12, 20, Input(shape=(1, 70)), softcap=5.0),
    _attention(40, 40, 16, 16, Input(shape=(40, 40), dtype="bool"), softcap=2.0),
    *[
        Case(op="softmax", inputs=(Input(shape=(3, n), low=-30, high=30),), attributes={"axis": -1})
        for n in _ROWS
    ],
    *[
        Case(op="softmax", inputs=(Input(shape=(2, 70, n), low=-30, high=30),), attributes={"axis": 1})
        for n in _ROWS
    ],
    *[
        Case(
            op="layer_normalization",
            inputs=(Input(shape=(3, n), low=5, high=9), Input(shape=(n,)), Input(shape=(n,))),
        )
        for n in _ROWS
    ],
    *[Case(op="rms_normalization", inputs=(Input(shape=(3, n)), Input(shape=(n,)))) for n in _ROWS],
]


@pytest.mark.skipif(not OFFERED, reason="plain C is all that there is for this processor")
@pytest.mark.parametrize("dtype", ["float32", "float16"])
@pytest.mark.parametrize(
    "case", CASES, ids=lambda c: f"{c.op}-{'-'.join(str(i.shape) for i in c.inputs if i)}"
)
def test_against_float64(case: Case, dtype: str, tmp_path: Path) -> None:
    made = build(case, dtype)
    given = [i and replace(i, values=a) for i, a in zip(case.inputs, made.inputs, strict=True)]
    wide = build(replace(case, inputs=tuple(given)), "float64")
    expected = wide.session().run(list(wide.op.outputs), wide.feeds)
    sample: dict[str, Any] = {t.op.name: a for t, a in made.feeds.items()}
    export_model(
        {f"output{i}": t for i, t in enumerate(made.op.outputs)},
        tmp_path / "m.smr",
        inputs={t.op.name: t for t in made.feeds},
        session=made.session(),
        disable=tuple(PASSES),
    )
    model = load(tmp_path / "m.smr")
    for isa in OFFERED:
        context = model.context(isa)
        assert context.kernels()[-1] != "generic"
        found = context.run(**sample)
        for result, wanted in zip(
            found.values() if isinstance(found, dict) else [found], expected, strict=True
        ):
            # Of float16 each result is rounded once more.
            np.testing.assert_allclose(
                result.astype(np.float64),
                wanted,
                rtol=0 if dtype == "float32" else 2**-11,
                atol=3e-6 * max(1, np.abs(wanted).max()),
                err_msg=isa,
            )
