"""Contexts that run on several threads: the same bytes with any number of them."""

from __future__ import annotations

import gc
import os
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from samara.errors import ArgumentStatusError
from samara.exporter.export import export_model
from samara.graph.graph import Graph
from samara.pyruntime.model import Context, Model, load
from tests.conftest import ROOT
from tests.pyruntime.conftest import placeholder

GOLDEN = sorted((ROOT / "tests" / "golden").glob("v*/*.smr"))
THREADS = (2, 3, 7)


def _outputs(context: Context, signature: str, inputs: list[np.ndarray]) -> dict[str, bytes]:
    context.reset()
    found: Any = context.run(*inputs, signature=signature)
    named = found if isinstance(found, dict) else {"": found}
    return {name: array.tobytes() for name, array in named.items()}


def _all(model: Model, context: Context) -> list[dict[str, bytes]]:
    return [_outputs(context, name, inputs) for name in model.signatures for inputs, _ in model.golden(name)]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda p: p.stem)
def test_results_do_not_depend_on_the_number_of_threads(path: Path) -> None:
    model = load(path)
    alone = _all(model, model.context(threads=1))
    assert alone
    for threads in THREADS:
        assert _all(model, model.context(threads=threads, least_parallel_ns=1)) == alone, threads


@pytest.mark.parametrize("width", [28, 29, 61, 112, 125])
def test_threads_take_columns_of_wide_images(width: int, tmp_path: Path) -> None:
    draw = np.random.default_rng(width)
    graph = Graph()
    b = graph.b
    x = placeholder(graph, "x", (1, 9, width, 72))
    point = b.conv2d(x, draw.normal(size=(1, 1, 72, 40), scale=0.1).astype(np.float32), None)
    deep = b.depthwise_conv2d(
        b.silu(point), draw.normal(size=(3, 3, 40, 1)).astype(np.float32), padding="same", strides=(1, 1)
    )
    square = b.conv2d(
        deep,
        draw.normal(size=(3, 3, 40, 72), scale=0.1).astype(np.float32),
        None,
        strides=(2, 1),
        padding="same",
    )
    y = b.concat([b.add(square, 1.0), x], axis=1)
    export_model(y, tmp_path / "wide.smr", disable=["row_strips"])
    model = load(tmp_path / "wide.smr")
    image = draw.normal(size=(1, 9, width, 72)).astype(np.float32)
    alone = model.context(threads=1).run(image)
    for threads in THREADS:
        assert np.array_equal(model.context(threads=threads, least_parallel_ns=1).run(image), alone), threads


@pytest.fixture(scope="module")
def recurrent(folder: Path) -> Path:
    """Layers of one sequence, whose steps are cut between threads."""
    graph, random = Graph(), np.random.default_rng(5)

    def matrix(gates: int) -> np.ndarray:
        return (random.normal(size=(64, gates * 64)) / 8).astype(np.float32)

    gates = placeholder(graph, "gates", [9, 1, 256])
    fetches = {
        "lstm": graph.b.lstm(gates, matrix(4))[0],
        "reverse": graph.b.lstm(gates, matrix(4), reverse=True, cell_clip=0.5)[2],
        "gru": graph.b.gru(gates[:, :, :192], matrix(3))[0],
        "after": graph.b.gru(gates[:, :, 64:], matrix(3), reset_after=True)[1],
    }
    export_model(fetches, folder / "recurrent.smr")
    return folder / "recurrent.smr"


@pytest.fixture(scope="module")
def recurrent_integers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recurrent_integers")
    draw = np.random.default_rng(6)
    graph = Graph()
    x = placeholder(graph, "x", (9, 1, 12))

    def matrices(gates: int, cells: int) -> list[np.ndarray]:
        shapes = ((12, gates * cells), (cells, gates * cells))
        return [draw.normal(size=shape, scale=0.3).astype(np.float32) for shape in shapes]

    def gru(cells: int, **options: Any) -> Any:
        given, recurrent = matrices(3, cells)
        return graph.b.gru(graph.b.matmul(x, given), recurrent, **options)

    given, matrix = matrices(4, 100)
    simple, of_state = matrices(1, 90)
    fetches = {
        "lstm": graph.b.lstm(graph.b.matmul(x, given), matrix)[2],
        "gru": gru(80)[0],
        "after": gru(100, reset_after=True)[1],
        "reverse": gru(130, reverse=True)[1],
        "rnn": graph.b.rnn(graph.b.matmul(x, simple), of_state)[0],
    }
    samples = [{"x": draw.normal(size=(9, 1, 12)).astype(np.float32)}]
    report = export_model(
        fetches, folder / "recurrent.smr", inputs={"x": x}, samples=samples, quantize="int8"
    )
    assert report.programs[0].ops["quantized_gru"] == 3
    return folder / "recurrent.smr"


@pytest.mark.parametrize("fixture", ["recurrent", "recurrent_integers"])
def test_the_steps_of_a_sequence_are_cut_between_threads(
    fixture: str, request: pytest.FixtureRequest
) -> None:
    model = load(request.getfixturevalue(fixture))
    alone = _all(model, model.context(threads=1))
    assert len(alone) == len(model.golden()) > 0
    for threads in (*THREADS, 4):
        context = model.context(threads=threads, least_parallel_ns=1)
        for _ in range(20):
            assert _all(model, context) == alone, threads


def test_contexts_of_several_callers_share_threads(recurrent: Path) -> None:
    models = [load(path) for path in (*GOLDEN, recurrent)]
    expected = [_all(model, model.context(threads=1)) for model in models]

    def run(caller: int) -> bool:
        return all(
            _all(models[i], models[i].context(threads=3, least_parallel_ns=1)) == expected[i]
            for i in range(caller, len(models), 2)
        )

    with ThreadPoolExecutor(4) as pool:
        assert all(pool.map(run, (0, 1, 0, 1)))


def test_a_pool_goes_with_its_last_context(sums: Path) -> None:
    def threads() -> int:
        gc.collect()
        return len(list(Path("/proc/self/task").iterdir()))

    if not Path("/proc/self/task").is_dir():
        pytest.skip("the system does not tell of threads")
    model, before = load(sums), threads()
    first, second = model.context(threads=5), model.context(threads=5)
    assert threads() - before in (0, 4)  # 0: a library that was built without threads
    made = threads()
    del first
    assert threads() == made
    del second
    assert threads() == before


@pytest.mark.skipif(not hasattr(os, "fork"), reason="the system has no fork")
@pytest.mark.filterwarnings("ignore:This process .* is multi-threaded:DeprecationWarning")
def test_threads_without_work_sleep(sums: Path) -> None:
    context = load(sums).context(threads=4, least_parallel_ns=1)
    context.run(np.ones((2, 3), np.float32), np.ones(3, np.float32))
    begin = time.process_time()
    time.sleep(0.3)
    assert time.process_time() - begin < 0.1, "a thread that looks for work takes all of a processor"


def test_a_forked_process_runs_alone() -> None:
    model = load(GOLDEN[0])
    expected = _all(model, model.context())
    context = model.context(threads=3, least_parallel_ns=1)
    assert _all(model, context) == expected
    child = os.fork()
    if child == 0:
        same = _all(model, context) == expected
        same = same and _all(model, model.context(threads=3, least_parallel_ns=1)) == expected
        del context
        gc.collect()
        os._exit(0 if same else 1)
    assert os.waitpid(child, 0)[1] == 0


def test_the_environment_says_how_many(sums: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(sums)
    assert model.context().threads == 1
    monkeypatch.setenv("SAMARA_THREADS", "2")
    assert model.context().threads == 2
    assert model.context(threads=3).threads == 3
    assert "threads=2" in repr(model.context())
    monkeypatch.setenv("SAMARA_THREADS", "many")
    with pytest.raises(ValueError, match="SAMARA_THREADS is 'many'"):
        model.context()


@pytest.mark.parametrize("threads", [-1, 0, 33])
def test_numbers_that_are_refused(sums: Path, threads: int) -> None:
    with pytest.raises(ArgumentStatusError, match=f"{threads} threads instead of 1 to 32"):
        load(sums).context(threads=threads)
