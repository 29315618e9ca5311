"""Each pass by itself: it does what it says, and the outputs stay what they were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from samara.exporter.freeze import Signature, freeze
from samara.exporter.passes import PASSES, finish, op_count, optimize
from samara.exporter.passes.winograd import BUDGET
from samara.graph.execution.session import Session
from samara.graph.graph import Graph, Tensor
from samara.graph.ops.indexing import axis_slice
from samara.graph.rewrite import ModelGraph, needed
from samara.graph.variables import Variable, global_variables_initializer

Array = np.ndarray[Any, Any]
RANDOM = np.random.default_rng(3)


def random(*shape: int) -> Array:
    return RANDOM.uniform(-1, 1, shape).astype(np.float32)


def placeholder(graph: Graph, shape: tuple[int, ...], name: str = "x") -> Tensor:
    return graph.apply("placeholder", [], {"dtype": "float32", "shape": shape}, name=name).outputs[0]


def frozen(*outputs: Tensor) -> ModelGraph:
    return freeze([Signature(list(outputs))], None).model


def run(model: ModelGraph, feeds: dict[str, Array]) -> list[Array]:
    (signature,) = model.signatures
    fed = {signature.inputs[n]: a for n, a in feeds.items()}
    found: list[Array] = Session(graph=model.graph).run(list(signature.outputs.values()), fed)
    return found


def ops(model: ModelGraph) -> Counter[str]:
    return Counter(op.type for op in needed(model.outputs) if op.definition.device == "kernel")


def applied(model: ModelGraph, *names: str) -> ModelGraph:
    disable = [n for n in PASSES if n not in names]
    rewritten, _ = optimize(model, disable=disable)
    return finish(rewritten, disable=disable)[0]


def check(model: ModelGraph, feeds: dict[str, Array], *names: str, tolerance: float = 1e-5) -> ModelGraph:
    """Runs the passes and compares outputs, their names, dtypes and shapes."""
    rewritten = applied(model, *names)
    before, after = run(model, feeds), run(rewritten, feeds)
    for a, b in zip(before, after, strict=True):
        assert a.dtype == b.dtype
        assert a.shape == b.shape
        np.testing.assert_allclose(b, a, rtol=0, atol=tolerance * max(1e-3, np.abs(a).max(initial=0)))
    (old,), (new,) = model.signatures, rewritten.signatures
    assert list(old.outputs) == list(new.outputs)
    assert list(old.inputs) == list(new.inputs)
    return rewritten


def image(graph: Graph) -> tuple[Tensor, dict[str, Array]]:
    return placeholder(graph, (2, 6, 6, 3)), {"x": random(2, 6, 6, 3)}


def test_every_pass_is_switchable_and_known() -> None:
    with pytest.raises(ValueError, match="no pass is called nonsense; the passes are dead_code"):
        optimize(_some_model(), disable=["nonsense"])


def _some_model() -> ModelGraph:
    graph = Graph()
    x = placeholder(graph, (2, 3))
    return frozen(graph.b.add(x, random(3)))


def test_dead_code() -> None:
    graph = Graph()
    x, feeds = image(graph)
    y = graph.b.relu(x)
    model = frozen(y)
    model.graph.b.relu(next(iter(model.signatures[0].outputs.values())), name="unused")
    rewritten = check(model, feeds, "dead_code")
    assert "unused" not in [op.name for op in rewritten.graph.operations]
    assert applied(rewritten, "dead_code") is rewritten


def test_constant_folding() -> None:
    graph = Graph()
    x, feeds = image(graph)
    b = graph.b
    table = b.multiply(b.constant(random(3)), b.exp(b.constant(random(3))))
    sizes = b.shape(x)
    y = b.reshape(
        b.add(x, table), b.concat([b.strided_slice(sizes, begin=[0], end=[1], strides=[1]), [-1]], axis=0)
    )
    rewritten = check(frozen(y), feeds, "constant_folding", "dead_code")
    assert ops(rewritten) == Counter(["add", "reshape"])


def test_constant_folding_does_not_swell_the_file() -> None:
    graph = Graph()
    x = placeholder(graph, (100, 100))
    y = graph.b.add(x, graph.b.broadcast_to(graph.b.constant(np.float32(2)), np.array([100, 100], np.int32)))
    assert ops(applied(frozen(y), "constant_folding"))["broadcast_to"] == 1


def test_common_subexpressions() -> None:
    graph = Graph()
    x, feeds = image(graph)
    b = graph.b
    y = b.add(b.tanh(x), b.multiply(b.tanh(x), b.constant(np.float32(2))))
    z = b.multiply(b.tanh(x), b.constant(np.float32(2)))
    rewritten = check(frozen(y, z), feeds, "common_subexpressions", "dead_code")
    assert ops(rewritten) == Counter(["tanh", "multiply", "add"])


def test_different_attributes_are_not_merged() -> None:
    graph = Graph()
    x, feeds = image(graph)
    y = graph.b.add(graph.b.softmax(x, axis=1), graph.b.softmax(x, axis=2))
    assert ops(check(frozen(y), feeds, "common_subexpressions"))["softmax"] == 2


def test_identities() -> None:
    graph = Graph()
    x, feeds = image(graph)
    b = graph.b
    y = b.clip(b.maximum(b.identity(b.stop_gradient(x)), b.constant(np.float32(0))), minimum=0.0, maximum=6.0)
    rewritten = check(frozen(b.cast(y, dtype="float32")), feeds, "identities", "dead_code")
    assert ops(rewritten) == Counter(["relu", "relu6"])


def test_moves_cancel() -> None:
    graph = Graph()
    x, feeds = image(graph)
    b = graph.b
    there = b.transpose(x, permutation=(0, 3, 1, 2))
    back = b.transpose(there, permutation=(0, 2, 3, 1))
    y = b.reshape(b.reshape(back, [2, 108]), [2, 6, 6, 3])
    assert ops(check(frozen(b.relu(y)), feeds, "moves", "dead_code")) == Counter(["relu"])


def test_transposes_join() -> None:
    graph = Graph()
    x, feeds = image(graph)
    b = graph.b
    y = b.transpose(b.transpose(x, permutation=(1, 0, 2, 3)), permutation=(0, 2, 3, 1))
    rewritten = check(frozen(y), feeds, "moves", "dead_code")
    assert ops(rewritten) == Counter(["transpose"])


def test_transpose_of_ones_is_a_reshape() -> None:
    graph = Graph()
    x = placeholder(graph, (4, 1, 5))
    rewritten = check(frozen(graph.b.transpose(x, permutation=(1, 0, 2))), {"x": random(4, 1, 5)}, "moves")
    assert ops(rewritten) == Counter(["reshape"])


def test_products_turn_their_own_matrices() -> None:
    graph = Graph()
    b = graph.b
    x, y = placeholder(graph, (2, 3, 4, 5)), placeholder(graph, (2, 4, 3, 5), "y")
    turned = b.transpose(b.transpose(y, permutation=(0, 2, 1, 3)), permutation=(0, 1, 3, 2))
    scores = b.matmul(x, turned)
    outer = b.matmul(b.transpose(x, permutation=(0, 1, 3, 2)), x)
    feeds = {"x": random(2, 3, 4, 5), "y": random(2, 4, 3, 5)}
    rewritten = check(frozen(scores, outer), feeds, "moves", "product_transposes", "dead_code")
    assert ops(rewritten) == Counter(["transpose", "matmul", "matmul"])


@pytest.mark.parametrize(
    ("joined", "permutation", "parted", "left"),
    [
        ([6, 4, 5], (0, 2, 1), [2, 3, 5, 4], ["transpose"]),
        ([2, 3, 20], (2, 0, 1), [4, 5, 2, 3], ["transpose"]),
        ([1, 6, 1, 20], (0, 1, 3, 2), [2, 3, 4, 5, 1], ["reshape"]),
        ([6, 4, 5], (0, 2, 1), [3, 2, 5, 4], ["reshape", "transpose", "reshape"]),
        ([24, 5], (1, 0), [5, 4, 6], ["reshape", "transpose", "reshape"]),
    ],
)
def test_transposes_between_reshapes(
    joined: list[int], permutation: tuple[int, ...], parted: list[int], left: list[str]
) -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, (2, 3, 4, 5))
    y = b.reshape(b.transpose(b.reshape(x, joined), permutation=permutation), parted)
    rewritten = check(frozen(y), {"x": random(2, 3, 4, 5)}, "moves", "dead_code")
    assert ops(rewritten) == Counter(left)


def test_scalars_go_back_over_moves_into_the_weights() -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, (2, 3, 8))
    heads = b.reshape(b.matmul(x, random(8, 8), random(8)), [2, 3, 4, 2])
    y = b.multiply(b.transpose(heads, permutation=(0, 2, 1, 3)), np.float32(0.3))
    names = ("scale_folding", "dead_code")
    rewritten = check(frozen(y), {"x": random(2, 3, 8)}, *names)
    assert ops(rewritten) == Counter(["matmul", "reshape", "transpose"])


def test_a_division_goes_into_the_weights() -> None:
    for divisor in (np.float32(0.3), random(4) + 2):
        graph = Graph()
        x = placeholder(graph, (3, 8))
        y = graph.b.divide(graph.b.matmul(x, random(8, 4), random(4)), divisor)
        assert ops(check(frozen(y), {"x": random(3, 8)}, "scale_folding", "dead_code")) == Counter(["matmul"])
    for left, right in ((True, random(4) - random(4)), (False, np.zeros(4, np.float32))):
        graph = Graph()
        x = placeholder(graph, (3, 8))
        product = graph.b.matmul(x, random(8, 4))
        y = graph.b.divide(right, product) if left else graph.b.divide(product, right)
        assert ops(applied(frozen(y), "scale_folding", "dead_code")) == Counter(["matmul", "divide"])


def test_what_is_added_to_a_part_goes_into_the_bias() -> None:
    """As the bias of the forget gate, which a cell adds when the gates are apart."""
    graph = Graph()
    b = graph.b
    x = placeholder(graph, (3, 8))
    one, two, three = b.split(b.matmul(x, random(8, 12), random(12)), axis=1, sizes=(4, 2, 6))
    parts = [b.add(one, np.float32(1.0)), b.tanh(two), b.subtract(three, random(6))]
    rewritten = check(frozen(*parts), {"x": random(3, 8)}, "split_bias_fusion", "dead_code")
    assert ops(rewritten) == Counter(["matmul", "split", "tanh"])
    # The values of a name stay the same, since the proof compares by names.
    names = {t.name for o in rewritten.graph.operations for t in o.outputs}
    assert "matmul:0" not in names
    assert "split:0" not in names


@pytest.mark.parametrize("read", ["the product", "the part", "as an output"])
def test_what_others_read_keeps_its_bias(read: str) -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, (3, 8))
    product = b.matmul(x, random(8, 4))
    one, two = b.split(product, axis=1, sizes=(2, 2))
    outputs = [b.add(one, np.float32(1.0)), two]
    outputs += {"the product": [b.exp(product)], "the part": [b.exp(one)], "as an output": [one]}[read]
    rewritten = check(frozen(*outputs), {"x": random(3, 8)}, "split_bias_fusion", "dead_code")
    assert ops(rewritten)["add"] == 1


def test_a_move_that_others_read_keeps_its_scale() -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, (3, 8))
    turned = b.transpose(b.matmul(x, random(8, 4)), permutation=(1, 0))
    model = frozen(b.multiply(turned, np.float32(0.3)), turned)
    assert ops(check(model, {"x": random(3, 8)}, "scale_folding", "dead_code"))["multiply"] == 1


def test_pad_folding() -> None:
    graph = Graph()
    x, feeds = image(graph)
    padded = graph.b.pad(x, paddings=(0, 0, 1, 2, 0, 3, 0, 0))
    y = graph.b.conv2d(padded, random(3, 3, 3, 4), strides=(2, 1))
    rewritten = check(frozen(y), feeds, "pad_folding", "dead_code")
    assert ops(rewritten) == Counter(["conv2d"])


@pytest.mark.parametrize(
    ("paddings", "attributes"),
    [
        ((0, 1, 1, 1, 1, 1, 0, 0), {}),
        ((0, 0, 1, 1, 1, 1, 0, 1), {}),
        ((0, 0, 1, 1, 1, 1, 0, 0), {"value": 1.0}),
        ((0, 0, 1, 1, 1, 1, 0, 0), {"mode": "reflect"}),
    ],
)
def test_other_pads_stay(paddings: tuple[int, ...], attributes: dict[str, Any]) -> None:
    graph = Graph()
    x, feeds = image(graph)
    padded = graph.b.pad(x, paddings=paddings, **attributes)
    channels = 3 + sum(paddings[6:])
    y = graph.b.conv2d(padded, random(3, 3, channels, 4))
    assert ops(check(frozen(y), feeds, "pad_folding"))["pad"] == 1


def test_transposed_constants() -> None:
    graph = Graph()
    x = placeholder(graph, (3, 4))
    y = graph.b.matmul(x, random(5, 4), transpose_y=True)
    rewritten = check(frozen(y), {"x": random(3, 4)}, "transposed_constants")
    assert not next(op for op in rewritten.graph.operations if op.type == "matmul").a.transpose_y


Linear = Callable[[Graph, Tensor], Tensor]
LINEAR: dict[str, Linear] = {
    "conv2d": lambda g, x: g.b.conv2d(x, random(3, 3, 3, 4), padding="same"),
    "conv2d_bias": lambda g, x: g.b.conv2d(x, random(3, 3, 3, 4), random(4)),
    "depthwise_conv2d": lambda g, x: g.b.depthwise_conv2d(x, random(3, 3, 3, 2), random(6)),
    "matmul": lambda g, x: g.b.matmul(g.b.reshape(x, [2, 108]), random(108, 5)),
}


@pytest.mark.parametrize("name", LINEAR)
def test_batch_norm_and_activation_fold_away(name: str) -> None:
    graph = Graph()
    x, feeds = image(graph)
    y = LINEAR[name](graph, x)
    channels = y.shape[-1] if y.shape else 0
    assert isinstance(channels, int)
    statistics = [random(channels), random(channels), random(channels), np.abs(random(channels)) + 0.1]
    y = graph.b.relu6(graph.b.batch_normalization(y, *statistics, epsilon=1e-3))
    rewritten = check(
        frozen(y), feeds, "batch_norm", "scale_folding", "bias_fusion", "activation_fusion", "dead_code"
    )
    found = ops(rewritten)
    found.pop("reshape", None)
    assert found == Counter([name.partition("_bias")[0]])


def test_batch_norm_alone_stays_right() -> None:
    graph = Graph()
    x, feeds = image(graph)
    y = graph.b.batch_normalization(x, random(3), random(3), random(3), np.abs(random(3)) + 0.1)
    assert ops(check(frozen(y), feeds, "batch_norm")) == Counter(["multiply", "add"])


@pytest.mark.parametrize("form", ["add", "add_left", "subtract", "add_scalar"])
def test_bias_fusion(form: str) -> None:
    graph = Graph()
    x, feeds = image(graph)
    y = LINEAR["conv2d_bias"](graph, x)
    value = graph.b.constant(np.float32(0.7) if form == "add_scalar" else random(1, 1, 4))
    operands = (value, y) if form == "add_left" else (y, value)
    y = getattr(graph.b, form.partition("_")[0])(*operands)
    assert ops(check(frozen(y), feeds, "bias_fusion", "dead_code")) == Counter(["conv2d"])


def test_constant_minus_convolution_stays() -> None:
    graph = Graph()
    x, feeds = image(graph)
    y = graph.b.subtract(random(4), LINEAR["conv2d"](graph, x))
    assert ops(check(frozen(y), feeds, "bias_fusion"))["subtract"] == 1


def test_what_others_read_is_not_fused() -> None:
    graph = Graph()
    x, feeds = image(graph)
    y = LINEAR["conv2d"](graph, x)
    z = graph.b.relu(y)
    passes = ("bias_fusion", "scale_folding", "activation_fusion", "dead_code")
    assert ops(check(frozen(z, graph.b.tanh(y)), feeds, *passes))["relu"] == 1
    assert ops(check(frozen(z, y), feeds, *passes))["relu"] == 1


def test_bias_that_differs_by_pixel_stays() -> None:
    graph = Graph()
    x, feeds = image(graph)
    y = graph.b.add(LINEAR["conv2d"](graph, x), random(6, 1, 4))
    assert ops(check(frozen(y), feeds, "bias_fusion"))["add"] == 1


@pytest.mark.parametrize("padding", ["same", "valid", "explicit"])
def test_winograd(padding: str) -> None:
    graph = Graph()
    x = placeholder(graph, (2, 11, 14, 16))
    y = graph.b.conv2d(
        x, random(3, 3, 16, 20), random(20), padding=padding, paddings=(2, 0, 1, 3), activation="relu"
    )
    rewritten = check(frozen(y), {"x": random(2, 11, 14, 16)}, "winograd", tolerance=5e-6)
    assert ops(rewritten) == Counter(["winograd_conv2d"])


@pytest.mark.parametrize(
    ("channels", "outputs", "size", "attributes"),
    [
        (8, 16, (12, 12), {}),
        (16, 12, (12, 12), {}),
        (16, 16, (4, 5), {}),
        (16, 16, (13, 2), {"padding": "same"}),
        (16, 16, (12, 12), {"strides": (2, 2)}),
        (16, 16, (12, 12), {"dilations": (2, 2)}),
        (32, 16, (12, 12), {"groups": 2}),
        (192, 192, (12, 12), {}),
    ],
)
def test_winograd_where_it_does_not_pay(
    channels: int, outputs: int, size: tuple[int, int], attributes: dict[str, Any]
) -> None:
    graph = Graph()
    x = placeholder(graph, (1, *size, channels))
    y = graph.b.conv2d(x, random(3, 3, channels // attributes.get("groups", 1), outputs), **attributes)
    assert ops(applied(frozen(y), "winograd")) == Counter(["conv2d"])


def test_winograd_keeps_to_its_budget_and_takes_the_largest_images() -> None:
    graph = Graph()
    b = graph.b
    y = placeholder(graph, (1, 32, 32, 56))
    for stride in (1, 1, 2, 1, 1):
        y = b.conv2d(y, random(3, 3, 56, 56), padding="same", strides=(stride, stride))
    made = [op.type for op in needed(applied(frozen(y), "winograd").outputs) if "conv2d" in op.type]
    added = 3 * random(3, 3, 56, 56).nbytes
    assert 4 * added > BUDGET > 3 * added
    assert made == ["winograd_conv2d"] * 2 + ["conv2d", "winograd_conv2d", "conv2d"]
    assert ops(check(frozen(y), {"x": random(1, 32, 32, 56)}, "winograd"))["winograd_conv2d"] == 3


@pytest.mark.parametrize(
    ("size", "taps", "strides", "paddings", "groups", "more", "kept"),
    [
        ((5, 4), (2, 2), (2, 2), (0, 0, 0, 0), 1, (0, 0), ["conv2d", "reshape", "reshape", "transpose"]),
        ((5, 4), (3, 3), (2, 2), (1, 1, 1, 1), 1, (1, 1), ["conv2d", "reshape", "reshape", "transpose"]),
        (
            (5, 4),
            (4, 4),
            (2, 2),
            (1, 1, 1, 1),
            1,
            (0, 0),
            ["conv2d", "reshape", "reshape", "strided_slice", "transpose"],
        ),
        ((3, 3), (3, 3), (1, 1), (1, 1, 1, 1), 1, (0, 0), ["conv2d"]),
        (
            (4, 6),
            (5, 2),
            (3, 4),
            (2, 1, 0, 0),
            2,
            (1, 3),
            ["conv2d", "reshape", "reshape", "strided_slice", "transpose"],
        ),
        ((4, 6), (1, 7), (1, 2), (0, 0, 3, 3), 1, (0, 1), ["conv2d", "reshape", "reshape", "transpose"]),
    ],
)
@pytest.mark.parametrize("followed", ["", "add", "relu6"])
def test_transposed_convolutions(
    size: tuple[int, int],
    taps: tuple[int, int],
    strides: tuple[int, int],
    paddings: tuple[int, ...],
    groups: int,
    more: tuple[int, int],
    kept: list[str],
    followed: str,
) -> None:
    graph = Graph()
    b = graph.b
    x = placeholder(graph, (2, *size, 6))
    whole = [
        (size[i] - 1) * strides[i] + taps[i] + more[i] - paddings[2 * i] - paddings[2 * i + 1] for i in (0, 1)
    ]
    window = {"strides": strides, "padding": "explicit", "paddings": paddings, "groups": groups}
    y = b.conv2d_backprop_input([2, *whole, 4], random(*taps, 4 // groups, 6), x, **window)
    y = b.add(y, random(4)) if followed else y
    y = b.relu6(y) if followed == "relu6" else y
    rewritten = check(
        frozen(y), {"x": random(2, *size, 6)}, "constant_folding", "transposed_convolutions", "dead_code"
    )
    assert sorted(ops(rewritten).elements()) == kept


@pytest.mark.parametrize("attributes", [{"dilations": (2, 1)}, {"strides": (2, 2), "paddings": (3, 0, 0, 0)}])
def test_transposed_convolutions_that_stay(attributes: dict[str, Any]) -> None:
    graph = Graph()
    x = placeholder(graph, (1, 4, 4, 3))
    window = {"padding": "explicit", "paddings": (0, 0, 0, 0), **attributes}
    height = 4 + 2 if "dilations" in attributes else 5
    width = 4 + 1 if "dilations" in attributes else 8
    y = graph.b.conv2d_backprop_input([1, height, width, 2], random(2, 2, 2, 3), x, **window)
    assert ops(applied(frozen(y), "transposed_convolutions"))["conv2d_backprop_input"] == 1


@pytest.mark.parametrize(
    ("groups", "channels", "outputs", "left"),
    [(8, 4, 4, 2), (4, 3, 16, 4), (3, 5, 5, 1), (6, 2, 8, 3), (34, 1, 1, 34), (5, 2, 40, 1)],
)
def test_group_merging(groups: int, channels: int, outputs: int, left: int) -> None:
    graph = Graph()
    x = placeholder(graph, (1, 5, 5, groups * channels))
    y = graph.b.conv2d(
        x, random(3, 3, channels, groups * outputs), random(groups * outputs), groups=groups, padding="same"
    )
    rewritten = check(frozen(y), {"x": random(1, 5, 5, groups * channels)}, "group_merging")
    (made,) = (op for op in needed(rewritten.outputs) if op.type == "conv2d")
    assert made.a.groups == left


@pytest.mark.parametrize(("channels", "multiplier", "left"), [(1, 8, 1), (6, 8, 3), (8, 2, 1), (34, 5, 0)])
def test_depthwise_convolutions_that_multiply_channels(channels: int, multiplier: int, left: int) -> None:
    graph = Graph()
    x = placeholder(graph, (2, 6, 5, channels))
    y = graph.b.depthwise_conv2d(x, random(3, 3, channels, multiplier), strides=(2, 1), padding="same")
    rewritten = check(frozen(y), {"x": random(2, 6, 5, channels)}, "group_merging")
    made = [op.a.groups for op in needed(rewritten.outputs) if op.type == "conv2d"]
    assert made == ([left] if left else [])


@pytest.mark.parametrize("zero_point", [0, 3])
def test_quantized_convolutions_that_multiply_channels(zero_point: int) -> None:
    graph = Graph()
    x = graph.apply("placeholder", [], {"dtype": "int8", "shape": (1, 5, 5, 4)}, name="x").outputs[0]
    filter_ = RANDOM.integers(-127, 128, (3, 3, 4, 4)).astype(np.int8)
    bias = RANDOM.integers(-999, 999, 16).astype(np.int32)
    multiplier = RANDOM.uniform(0.001, 0.01, 16).astype(np.float32)
    window = {"padding": "same", "input_zero_point": 5, "filter_zero_point": zero_point}
    y = graph.b.quantized_depthwise_conv2d(x, filter_, bias, multiplier, **window)
    feeds = {"x": RANDOM.integers(-128, 128, (1, 5, 5, 4)).astype(np.int8)}
    model = frozen(y)
    rewritten = check(model, feeds, "group_merging", tolerance=0)
    assert ops(rewritten) == Counter(["quantized_depthwise_conv2d" if zero_point else "quantized_conv2d"])


def test_all_passes_together_on_a_network() -> None:
    graph = Graph()
    x, feeds = image(graph)
    b = graph.b
    y = b.relu(b.add(b.conv2d(b.pad(x, paddings=(0, 0, 1, 1, 1, 1, 0, 0)), random(3, 3, 3, 8)), random(8)))
    y = b.max_pool2d(y, pool_size=(2, 2), strides=(2, 2))
    y = b.batch_normalization(
        b.depthwise_conv2d(y, random(3, 3, 8, 1), padding="same"), *[np.abs(random(8)) + 0.1] * 4
    )
    skip = b.conv2d(y, random(1, 1, 8, 8))
    y = b.reduce_mean(b.add(b.relu6(y), skip), axes=(1, 2))
    y = b.softmax(b.add(b.matmul(y, random(10, 8), transpose_y=True), random(10)))
    model = frozen(y)
    rewritten = check(model, feeds, *PASSES)
    assert op_count(rewritten) < op_count(model)
    assert ops(rewritten) == Counter(
        [
            "conv2d",
            "max_pool2d",
            "depthwise_conv2d",
            "relu6",
            "conv2d",
            "add",
            "reduce_mean",
            "matmul",
            "softmax",
        ]
    )


@pytest.mark.parametrize("joined", ["identity", "relu", "transpose"])
def test_no_pass_loses_a_write(joined: str) -> None:
    """A write that only a control dependency leads to, from an operation that passes like to leave out or join."""
    graph = Graph()
    b = graph.b
    x = placeholder(graph, (2, 2))
    with graph.as_default(), Session(graph=graph) as session:
        count = Variable(np.zeros((), np.float32), name="count")
        session.run(global_variables_initializer())
        y = b.transpose(b.matmul(x, random(2, 2)), permutation=(1, 0))
        with graph.control_dependencies([count.assign_add(np.float32(1.0))]):
            y = b.transpose(y, permutation=(1, 0)) if joined == "transpose" else getattr(b, joined)(y)
        y = b.identity(b.relu(y))
        model = freeze([Signature(y)], session).model
    optimized, _ = optimize(model)
    assert [op.type for op in needed(optimized.outputs)].count("assign") == 1


@pytest.mark.parametrize("cut", ["split", "slices"])
@pytest.mark.parametrize("axis", [1, -1])
def test_pieces_of_a_tensor_are_joined_as_what_they_were(cut: str, axis: int) -> None:
    graph = Graph()
    b = graph.b
    x, feeds = image(graph)
    size = x.shape[axis]  # type: ignore[index]
    assert isinstance(size, int)
    ends = (0, 1, size)
    if cut == "split":
        pieces = b.split(x, axis=axis, sizes=[1, size - 1])
    else:
        pieces = [b.strided_slice(x, **axis_slice(axis % 4, low, high)) for low, high in pairwise(ends)]
    y, z = b.relu(pieces[1]), b.relu(pieces[0])
    rewritten = check(frozen(b.concat([z, *pieces, y], axis=axis)), feeds, "pieces", "dead_code")
    (joined,) = (op for op in needed(rewritten.outputs) if op.type == "concat")
    assert len(joined.given_inputs) == 3
    rewritten = check(frozen(b.relu(b.concat(pieces, axis=axis))), feeds, "pieces", "dead_code")
    assert ops(rewritten) == {"relu": 1}
    # Not all of them, or along another axis.
    for others, other in (([y, pieces[1], z], axis), (pieces[1:] * 2, 2)):
        kept = applied(frozen(b.concat(others, axis=other)), "pieces")
        (joined,) = (op for op in needed(kept.outputs) if op.type == "concat")
        assert len(joined.given_inputs) == len(others)
