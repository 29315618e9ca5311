"""Attention, Fourier transforms, windows and Einstein summation of ONNX, against onnxruntime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from onnx import helper, numpy_helper

import samara

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(5)
OPSET = 23


def values(*shape: int, dtype: str = "float32") -> Array:
    return RANDOM.uniform(-2, 2, shape).astype(dtype)


def check(
    kind: str,
    fed: Mapping[str, Array],
    folder: Path,
    *,
    constants: Mapping[str, Any] | None = None,
    order: str | None = None,
    results: int = 1,
    opset: int = OPSET,
    tolerance: float = 2e-5,
    **attributes: Any,
) -> None:
    """One node, some of whose inputs are constants; `order` names all inputs, with commas."""
    given = {n: np.asarray(a) for n, a in (constants or {}).items()}
    names = [*fed, *given] if order is None else order.split(",")
    outputs = [f"y{i}" for i in range(results)]
    info = [
        helper.make_tensor_value_info(n, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for n, a in fed.items()
    ]
    made = [helper.make_empty_tensor_value_info(n) for n in outputs]
    for one in made:
        one.type.tensor_type.elem_type = helper.np_dtype_to_tensor_dtype(
            next(iter(fed.values())).dtype if fed else np.dtype(np.float32)
        )
    graph = helper.make_graph(
        [helper.make_node(kind, names, outputs, **attributes)],
        "test",
        info,
        made,
        [numpy_helper.from_array(a, n) for n, a in given.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=10)
    imported = samara.import_model(model)
    assert imported.oracle is not None
    assert "onnxruntime" in imported.oracle.name
    expected = imported.oracle.start()("main", dict(fed))
    samara.export_model(imported, folder / "m.smr", samples=[dict(fed)])
    found = samara.load(folder / "m.smr").run(**fed)
    found = found if isinstance(found, Mapping) else {outputs[0]: found}
    for name in outputs:
        one, other = np.asarray(found[name]), np.asarray(expected[name])
        assert one.shape == other.shape
        assert one.dtype == other.dtype
        limit = tolerance * max(float(np.abs(other).max(initial=0)), 1e-3)
        np.testing.assert_allclose(one.astype(float), other.astype(float), rtol=0, atol=limit, err_msg=name)


@pytest.mark.parametrize("heads", [(4, 4), (4, 2), (6, 1)])
@pytest.mark.parametrize("causal", [0, 1])
@pytest.mark.parametrize("flat", [False, True])
def test_attention(heads: tuple[int, int], causal: int, flat: bool, tmp_path: Path) -> None:
    q, k = heads
    shapes = {"q": (2, 5, q * 8), "k": (2, 7, k * 8), "v": (2, 7, k * 6)}
    if not flat:
        shapes = {"q": (2, q, 5, 8), "k": (2, k, 7, 8), "v": (2, k, 7, 6)}
    given = {"q_num_heads": q, "kv_num_heads": k} if flat else {}
    check("Attention", {n: values(*s) for n, s in shapes.items()}, tmp_path, is_causal=causal, **given)


@pytest.mark.parametrize("masked", ["bool", "float"])
def test_attention_with_a_mask_and_a_past(masked: str, tmp_path: Path) -> None:
    fed = {"q": values(2, 3, 4, 8), "k": values(2, 3, 2, 8), "v": values(2, 3, 2, 6)}
    mask = values(4, 7)
    if masked == "bool":
        mask = mask > 0
        mask[:, 0] = True
    fed |= {"m": mask, "pk": values(2, 3, 5, 8), "pv": values(2, 3, 5, 6)}
    check("Attention", fed, tmp_path, results=3, scale=0.3, softcap=2.0)


@pytest.mark.parametrize("length", [1, 2, 8, 9, 67, 100])
@pytest.mark.parametrize("parts", [1, 2])
@pytest.mark.parametrize("options", [{}, {"inverse": 1}, {"onesided": 1}])
def test_dft(length: int, parts: int, options: Any, tmp_path: Path) -> None:
    if parts == 2 and "onesided" in options:
        parts = 1
    # onnxruntime itself is a few units of 1e-5 away from float64 where the length is no power of 2.
    fed = {"x": values(2, length, 3, parts)}
    check("DFT", fed, tmp_path, opset=17, axis=1, tolerance=1e-4, **options)


@pytest.mark.parametrize("length", [6, 12])
def test_dft_of_another_length(length: int, tmp_path: Path) -> None:
    check("DFT", {"x": values(2, 9, 1)}, tmp_path, constants={"n": np.int64(length)}, opset=17, axis=1)


@pytest.mark.parametrize("windowed", [False, True])
@pytest.mark.parametrize("onesided", [0, 1])
def test_stft(windowed: bool, onesided: int, tmp_path: Path) -> None:
    constants = {"step": np.int64(6), "window": values(20), "length": np.int64(20)}
    order = "x,step,window,length"
    if not windowed:
        del constants["window"]
        order = "x,step,,length"
    check(
        "STFT",
        {"x": values(2, 90, 1)},
        tmp_path,
        constants=constants,
        order=order,
        opset=17,
        onesided=onesided,
    )


@pytest.mark.parametrize("kind", ["HannWindow", "HammingWindow", "BlackmanWindow"])
@pytest.mark.parametrize("periodic", [0, 1])
def test_windows(kind: str, periodic: int, tmp_path: Path) -> None:
    x = values(13)
    window = helper.make_node(kind, ["n"], ["w"], periodic=periodic)
    product = helper.make_node("Mul", ["x", "w"], ["y"])
    info = [helper.make_tensor_value_info(n, 1, [13]) for n in ("x", "y")]
    graph = helper.make_graph(
        [window, product], "test", info[:1], info[1:], [numpy_helper.from_array(np.asarray(13), "n")]
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    imported = samara.import_model(model)
    assert imported.oracle is not None
    expected = imported.oracle.start()("main", {"x": x})["y"]
    samara.export_model(imported, tmp_path / "m.smr", samples=[{"x": x}])
    np.testing.assert_allclose(samara.load(tmp_path / "m.smr").run(x=x), expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("interleaved", [0, 1])
@pytest.mark.parametrize("placed", [False, True])
@pytest.mark.parametrize(("shape", "options"), [((2, 3, 5, 8), {}), ((2, 5, 24), {"num_heads": 3})])
def test_rotary_embedding(interleaved: int, placed: bool, shape: Any, options: Any, tmp_path: Path) -> None:
    lead = (10,) if placed else (2, 5)
    fed = {"x": values(*shape), "cos": values(*lead, 4), "sin": values(*lead, 4)}
    constants = {"places": RANDOM.integers(0, 10, (2, 5))} if placed else {}
    check("RotaryEmbedding", fed, tmp_path, constants=constants, interleaved=interleaved, **options)


@pytest.mark.parametrize(
    "equation", ["bij,bjk->bik", "bhid,bhjd->bhij", "ij,kj->ik", "...ij->...ji", "bij,bij->b"]
)
def test_einsum(equation: str, tmp_path: Path) -> None:
    sizes = {"b": 2, "h": 3, "i": 4, "j": 5, "k": 6, "d": 7}
    terms = equation.split("->", maxsplit=1)[0].replace("...", "b").split(",")
    fed = {f"x{i}": values(*(sizes[c] for c in term)) for i, term in enumerate(terms)}
    check("Einsum", fed, tmp_path, opset=13, equation=equation)


@pytest.mark.parametrize("activation", ["none", "silu"])
@pytest.mark.parametrize("biased", [False, True])
def test_causal_convolution_with_weights(activation: str, biased: bool, tmp_path: Path) -> None:
    weights = {"w": values(6, 1, 3), **({"b": values(6)} if biased else {})}
    check(
        "CausalConvWithState",
        {"x": values(2, 6, 16)},
        tmp_path,
        constants=weights,
        results=2,
        opset=27,
        activation=activation,
    )


@pytest.mark.parametrize("heads", [(2, 2), (4, 2)])
@pytest.mark.parametrize("rule", ["linear", "gated", "delta", "gated_delta"])
def test_linear_attention_that_begins_in_a_state(heads: tuple[int, int], rule: str, tmp_path: Path) -> None:
    q, k = heads
    fed = {"q": values(2, 5, q * 4), "k": values(2, 5, k * 4), "v": values(2, 5, k * 3)}
    order = "q,k,v,past"
    if "gated" in rule:
        fed["decay"] = -np.abs(values(2, 5, k))
    if "delta" in rule:
        fed["beta"] = np.abs(values(2, 5, k)) / 2
    if len(fed) > 3:
        order += ",decay" if "decay" in fed else ","
        order += ",beta" if "beta" in fed else ""
    check(
        "LinearAttention",
        fed,
        tmp_path,
        constants={"past": values(2, k, 4, 3)},
        order=order,
        results=2,
        opset=27,
        q_num_heads=q,
        kv_num_heads=k,
        update_rule=rule,
    )
