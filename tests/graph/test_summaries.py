"""Summaries and event files, read back with TensorBoard's own loader."""

from __future__ import annotations

import io
import subprocess
import sys
import wave
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.errors import ExportError, GraphError, InvalidArgumentError, ShapeError

pytest.importorskip("tensorboard", reason="the extra tensorboard is not installed")

from PIL import Image
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tensorboard.util import tensor_util


@pytest.fixture(autouse=True)
def _graph() -> Iterator[Any]:
    with tf.Graph().as_default() as graph:
        yield graph


def loaded(folder: Path) -> EventAccumulator:
    everything = dict.fromkeys(("images", "audio", "histograms", "scalars", "tensors"), 0)
    found = EventAccumulator(str(folder), size_guidance=everything)
    found.Reload()
    return found


def written(folder: Path, *summaries: Any, feeds: Any = None) -> EventAccumulator:
    with tf.Session() as session, tf.summary.FileWriter(folder) as writer:
        for step, summary in enumerate(session.run(list(summaries), feeds)):
            writer.add_summary(summary, step)
    return loaded(folder)


def values_of(summary: bytes) -> Any:
    return tf.Summary.FromString(summary).value


# Scalars, names and collections -------------------------------------------------------------------------------------


def test_a_training_curve(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [])
    with tf.name_scope("train"):
        tf.summary.scalar("loss", x * 2)
        tf.summary.scalar("loss", x * 3, family="all")
    merged = tf.summary.merge_all()
    expected = np.random.default_rng(0).standard_normal(5).astype(np.float32)
    with tf.Session() as session, tf.summary.FileWriter(tmp_path) as writer:
        for step, value in enumerate(expected):
            summary = session.run(merged, {x: value})
            assert type(summary) is bytes
            writer.add_summary(summary, global_step=np.int64(10 * step))
    found = loaded(tmp_path)
    assert set(found.Tags()["scalars"]) == {"train/loss", "all/train/all/loss"}
    for tag, factor in (("train/loss", 2), ("all/train/all/loss", 3)):
        events = found.Scalars(tag)
        assert [e.step for e in events] == [0, 10, 20, 30, 40]
        np.testing.assert_allclose([e.value for e in events], factor * expected, rtol=1e-6)


def test_names_are_made_unique_and_clean() -> None:
    summaries = [tf.summary.scalar(name, 1.0) for name in ("a", "a", "b c:0", "/d")]
    with tf.Session() as session:
        tags = [values_of(s)[0].tag for s in session.run(summaries)]
    assert tags == ["a", "a_1", "b_c_0", "d"]


def test_numbers_of_any_type() -> None:
    given = [np.int64(7), np.float16(0.5), np.uint8(200), True, tf.Variable(2.5)]
    summaries = [tf.summary.scalar("x", v) for v in given]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        found = [values_of(s)[0].simple_value for s in session.run(summaries)]
    assert found == [7, 0.5, 200, 1, 2.5]


def test_collections() -> None:
    assert tf.summary.merge_all() is None
    with tf.name_scope("one"):
        first = tf.summary.scalar("x", 1.0)
    second = tf.summary.scalar("y", 2.0, collections=["mine"])
    tf.summary.scalar("z", 3.0)
    graph = tf.get_default_graph()
    assert graph.get_collection("mine") == [second]
    assert graph.get_collection("summaries")[0] is first
    merged = [tf.summary.merge_all(), tf.summary.merge_all("mine"), tf.summary.merge_all(scope="one")]
    twice = tf.summary.merge([first, first])
    with tf.Session() as session:
        found = [[v.tag for v in values_of(s)] for s in session.run(merged)]
        assert found == [["one/x", "z"], ["y"], ["one/x"]]
        with pytest.raises(InvalidArgumentError, match="two of the merged summaries have the tag 'one/x'"):
            session.run(twice)


def test_a_scalar_must_be_one() -> None:
    with pytest.raises(ShapeError, match="1 tags for 2 values: x"):
        tf.summary.scalar("x", [1.0, 2.0])
    unknown = tf.placeholder(tf.float32)
    summary = tf.summary.scalar("y", unknown)
    with tf.Session() as session:
        with pytest.raises(InvalidArgumentError, match="1 tags for 3 values"):
            session.run(summary, {unknown: [1, 2, 3]})
        assert values_of(session.run(summary, {unknown: 4}))[0].simple_value == 4


def test_summaries_in_a_training_step() -> None:
    """A summary sees the values of its moment: it runs where control dependencies put it."""
    v = tf.Variable(1.0)
    step = v.assign_add(1.0)
    with tf.control_dependencies([step]):
        after = tf.summary.scalar("v", v.read_value())
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert [values_of(session.run(after))[0].simple_value for _ in range(3)] == [2, 3, 4]


# Histograms ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1e-9, 1.0, 1e9])
def test_histograms(tmp_path: Path, scale: float) -> None:
    values = np.random.default_rng(1).standard_normal((40, 25)) * scale
    values[0, :5] = 0
    (event,) = written(tmp_path, tf.summary.histogram("h", tf.constant(values))).Histograms("h")
    h = event.histogram_value
    assert (h.min, h.max, h.num) == (values.min(), values.max(), 1000)
    np.testing.assert_allclose(h.sum, values.sum())
    np.testing.assert_allclose(h.sum_squares, np.square(values).sum())
    assert sum(h.bucket) == 1000
    limits = np.asarray(h.bucket_limit)
    assert (np.diff(limits) > 0).all()
    for number, (count, limit) in enumerate(zip(h.bucket, limits, strict=True)):
        left = limits[number - 1] if number else -np.inf
        assert count == np.count_nonzero((values >= left) & (values < limit))
    # Few empty buckets are written, and full ones are narrow.
    assert np.count_nonzero(h.bucket) > 30
    assert len(limits) <= 2 * np.count_nonzero(h.bucket) + 2


@pytest.mark.parametrize("values", [[], [0.0], [5, 5, 5], [-1e300, 1e300]])
def test_histograms_of_few_values(values: Any) -> None:
    summary = tf.summary.histogram("h", np.asarray(values, np.float64))
    with tf.Session() as session:
        (value,) = values_of(session.run(summary))
    assert sum(value.histo.bucket) == len(values) == value.histo.num
    assert len(value.histo.bucket) == len(value.histo.bucket_limit) > 0


def test_a_histogram_refuses_what_is_not_finite() -> None:
    summary = tf.summary.histogram("h", [1.0, float("nan"), float("inf")])
    with tf.Session() as session, pytest.raises(InvalidArgumentError, match="'h': 2 of 3 values are not fin"):
        session.run(summary)


# Images and sounds --------------------------------------------------------------------------------------------------


def pixels_of(encoded: bytes) -> Any:
    return np.asarray(Image.open(io.BytesIO(encoded)))


@pytest.mark.parametrize("channels", [1, 3, 4])
def test_bytes_are_shown_as_they_are(tmp_path: Path, channels: int) -> None:
    images = np.random.default_rng(2).integers(0, 256, (4, 5, 7, channels), dtype=np.uint8)
    found = written(tmp_path, tf.summary.image("im", images))
    assert found.Tags()["images"] == ["im/image/0", "im/image/1", "im/image/2"]
    for number in range(3):
        (event,) = found.Images(f"im/image/{number}")
        assert (event.width, event.height) == (7, 5)
        shown = pixels_of(event.encoded_image_string)
        np.testing.assert_array_equal(shown.reshape(5, 7, channels), images[number])


def test_floating_point_images_are_scaled() -> None:
    rng = np.random.default_rng(3)
    positive = rng.random((1, 6, 6, 1)).astype(np.float32) * 40
    positive[0, 0, 0, 0] = 40
    signed = rng.standard_normal((1, 6, 6, 3)).astype(np.float32)
    broken = positive.copy()
    broken[0, 2, 3, 0] = np.nan
    black = np.zeros_like(positive)
    given = (positive, signed, broken, black)
    summaries = [tf.summary.image("im", i, max_outputs=1) for i in given]
    with tf.Session() as session:
        found = [values_of(s)[0] for s in session.run(summaries)]
    assert found[0].tag == "im/image"
    shown = [
        pixels_of(v.image.encoded_image_string).reshape(i.shape[1:])
        for v, i in zip(found, given, strict=True)
    ]
    np.testing.assert_allclose(shown[0], positive[0] * 255 / positive.max(), atol=1)
    assert shown[0].max() == 255
    np.testing.assert_allclose(shown[1], 128 + signed[0] * 127 / abs(signed).max(), atol=1)
    assert shown[2][2, 3, 0] == 255
    np.testing.assert_array_equal(np.delete(shown[2], 15), np.delete(shown[0], 15))
    assert shown[3].max() == 0


def test_images_that_cannot_be_shown() -> None:
    with pytest.raises(ShapeError, match="1, 3 or 4 channels, not 2"):
        tf.summary.image("im", np.zeros((1, 4, 4, 2), np.uint8))
    with pytest.raises(ShapeError, match="rank 4, not 3"):
        tf.summary.image("im", np.zeros((4, 4, 3), np.uint8))
    with pytest.raises(TypeError, match="images is int32, expected one of"):
        tf.summary.image("im", np.zeros((1, 4, 4, 1), np.int32))


@pytest.mark.parametrize("channels", [None, 2])
def test_sounds(tmp_path: Path, channels: int | None) -> None:
    shape = (2, 50) if channels is None else (2, 50, channels)
    sounds = np.random.default_rng(4).uniform(-1.2, 1.2, shape).astype(np.float32)
    rate = tf.placeholder(tf.float32, [])
    found = written(tmp_path, tf.summary.audio("s", sounds, rate), feeds={rate: 8000})
    assert found.Tags()["audio"] == ["s/audio/0", "s/audio/1"]
    (event,) = found.Audio("s/audio/1")
    assert event.sample_rate == 8000
    with wave.open(io.BytesIO(event.encoded_audio_string)) as file:
        assert (file.getnchannels(), file.getframerate(), file.getnframes()) == (channels or 1, 8000, 50)
        samples = np.frombuffer(file.readframes(50), "<i2").reshape(shape[1:])
    np.testing.assert_allclose(samples / 32767, np.clip(sounds[1], -1, 1), atol=2e-5)


# Text ---------------------------------------------------------------------------------------------------------------


def test_texts(tmp_path: Path) -> None:
    fed = tf.placeholder(tf.string, [None])
    summaries = [tf.summary.text("a", fed), tf.summary.text("b", tf.constant("**größer**"))]
    found = written(tmp_path, *summaries, feeds={fed: ["x", b"y"]})
    (a,), (b,) = found.Tensors("a"), found.Tensors("b")
    assert tensor_util.make_ndarray(a.tensor_proto).tolist() == [b"x", b"y"]
    assert tensor_util.make_ndarray(b.tensor_proto).item().decode() == "**größer**"
    assert found.SummaryMetadata("a").plugin_data.plugin_name == "text"


def test_strings_are_values_of_a_graph() -> None:
    fed = tf.placeholder(tf.string, [2])
    constant = tf.constant([["a", "b"], ["c", "dd"]])
    assert constant.dtype is tf.string
    with tf.Session() as session:
        found = session.run([fed, constant, tf.constant("one")], {fed: ["x", "y"]})
        assert found[0].tolist() == [b"x", b"y"]
        assert found[1].tolist() == [[b"a", b"b"], [b"c", b"dd"]]
        assert found[2] == b"one"
        with pytest.raises(tf.FeedError, match=r"expects shape \[2\]"):
            session.run(fed, {fed: ["x"]})
        with pytest.raises(tf.FeedError, match="3 is not a text"):
            session.run(fed, {fed: ["x", 3]})
    with pytest.raises(TypeError, match="input x is string, expected one of"):
        tf.nn.relu(constant)


def test_summaries_of_torch(tmp_path: Path) -> None:
    pytest.importorskip("torch")
    x = tf.placeholder(tf.float32, [2, 8, 8, 1])
    fed = tf.placeholder(tf.string, [])
    tf.summary.scalar("mean", tf.reduce_mean(x))
    tf.summary.histogram("h", x)
    tf.summary.image("im", x)
    tf.summary.text("t", fed)
    branch = tf.cond(tf.reduce_mean(x) > 0, lambda: tf.constant("above"), lambda: tf.constant("below"))
    merged = tf.summary.merge_all()
    values = np.random.default_rng(5).standard_normal((2, 8, 8, 1)).astype(np.float32)
    found = []
    for backend in ("numpy", "torch"):
        with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
            summary, text = session.run([merged, branch], {x: values, fed: "one"})
            found.append([v for v in values_of(summary) if v.tag != "mean"])
            assert text == (b"above" if values.mean() > 0 else b"below")
    assert found[0] == found[1]


# The writer ---------------------------------------------------------------------------------------------------------


def test_messages_of_the_program(tmp_path: Path) -> None:
    """Programs fill messages themselves."""
    message = tf.Summary(value=[tf.Summary.Value(tag="accuracy", simple_value=0.75)])
    message.value.add(tag="loss", simple_value=2)
    message.value.add(
        tag="h", histo=tf.HistogramProto(min=0, max=2, num=3, bucket_limit=[1, 2], bucket=[1, 2])
    )
    with tf.summary.FileWriter(tmp_path) as writer:
        writer.add_summary(message, 3)
        writer.add_event(tf.Event(step=4, wall_time=1.0, summary=message))
        writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), 5)
    found = loaded(tmp_path)
    assert [(e.step, e.value) for e in found.Scalars("accuracy")] == [(3, 0.75), (4, 0.75)]
    assert found.Histograms("h")[0].histogram_value.bucket == [1, 2]
    assert found.Scalars("loss")[1].wall_time == 1.0


def test_flush_close_and_reopen(tmp_path: Path) -> None:
    message = tf.Summary(value=[tf.Summary.Value(tag="x", simple_value=1)])
    writer = tf.summary.FileWriter(tmp_path, filename_suffix=".mine")
    assert writer.get_logdir() == str(tmp_path)
    writer.add_summary(message, 0)
    writer.flush()
    assert [e.step for e in loaded(tmp_path).Scalars("x")] == [0]
    writer.close()
    writer.close()
    with pytest.warns(UserWarning, match="is closed: what is added is lost until it is reopened"):
        writer.add_summary(message, 1)
    writer.reopen()
    writer.add_summary(message, 2)
    writer.close()
    files = sorted(tmp_path.iterdir())
    assert [f.name.endswith(".mine") for f in files] == [True, True]
    steps = [e.step for f in files for e in tf.train.summary_iterator(f) if e.HasField("summary")]
    assert sorted(steps) == [0, 2]


def test_one_writer_for_a_folder(tmp_path: Path) -> None:
    first = tf.summary.FileWriterCache.get(tmp_path)
    assert tf.summary.FileWriterCache.get(str(tmp_path)) is first
    tf.summary.FileWriterCache.clear()
    with pytest.warns(UserWarning, match="closed"):
        first.add_event(tf.Event())


def test_old_names(tmp_path: Path) -> None:
    x = tf.placeholder("float", [2])
    tf.scalar_summary(["first", "second"], x)
    tf.histogram_summary("h", x)
    tf.image_summary("im", tf.zeros([5, 2, 2, 1]), max_images=2)
    tf.audio_summary("s", tf.zeros([1, 10]), 100, max_outputs=1)
    merged = tf.merge_all_summaries()
    again = tf.merge_summary([merged])
    with tf.Session() as session:
        writer = tf.train.SummaryWriter(str(tmp_path), session.graph)
        for summary in session.run([merged, again], {x: [1, 2]}):
            writer.add_summary(summary)
        writer.close()
    found = loaded(tmp_path)
    assert set(found.Tags()["scalars"]) == {"first", "second"}
    assert [e.value for e in found.Scalars("second")] == [2, 2]
    assert found.Tags()["images"] == ["im/image/0", "im/image/1"]
    assert found.Tags()["audio"] == ["s/audio"]
    assert found.Tags()["histograms"] == ["h"]
    assert found.Tags()["graph"]


# The graph ----------------------------------------------------------------------------------------------------------


def test_the_graph_with_scopes_shapes_and_devices(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [None, tf.Dim("width"), 3], name="x")
    with tf.name_scope("layer"), tf.device("/cpu:0"):
        w = tf.Variable(np.ones((3, 2), np.float32), name="w")
        first, second = tf.split(x @ w, 2, axis=2)
    with tf.control_dependencies([first]):
        tf.identity(second, name="last")
    tf.placeholder(tf.string, name="anything")
    tf.summary.FileWriter(tmp_path, tf.get_default_graph()).close()
    nodes = {n.name: n for n in loaded(tmp_path).Graph().node}
    graph = tf.get_default_graph()
    assert list(nodes) == [op.name for op in graph.get_operations()]
    for op in graph.get_operations():
        node = nodes[op.name]
        inputs = [t.op.name + (f":{t.index}" if t.index else "") for t in op.given_inputs]
        assert list(node.input) == inputs + [f"^{c.name}" for c in op.control_inputs]
        assert node.device == op.device
        shapes = node.attr["_output_shapes"].list.shape
        for tensor, shape in zip(op.outputs, shapes, strict=True):
            if tensor.shape is None:
                assert shape.unknown_rank
            else:
                assert [d.size for d in shape.dim] == [d if isinstance(d, int) else -1 for d in tensor.shape]
    assert nodes["layer/w"].op == "VariableV2"
    with tf.Session() as session:
        tf.train.SummaryWriter(str(tmp_path / "def"), session.graph_def).close()
    assert [n.name for n in loaded(tmp_path / "def").Graph().node] == list(nodes)
    assert "cpu:0" in nodes["layer/w"].device.lower()
    assert nodes["x"].attr["_output_shapes"].list.shape[0].dim[1].name == "width"
    assert nodes["last"].input[-1] == "^" + first.op.name


def test_bodies_are_scopes(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.cond(x > 1, lambda: tf.square(x, name="twice"), lambda: x)
    z = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, v * y), [tf.constant(0), y])
    with tf.summary.FileWriter(tmp_path) as writer:
        writer.add_graph(tf.get_default_graph())
        with pytest.raises(TypeError, match="list is not a graph"):
            writer.add_graph([])
    nodes = {n.name: n for n in loaded(tmp_path).Graph().node}
    cond, loop = y.op.name, z[0].op.name
    inner = {name for name in nodes if name.startswith(f"{cond}/")}
    assert any(nodes[n].op == "square" for n in inner)
    assert any(name.startswith(f"{loop}/") and nodes[name].op == "multiply" for name in nodes)
    # Every edge leads from a node of the message.
    for node in nodes.values():
        for source in node.input:
            assert source.lstrip("^").split(":")[0] in nodes
    assert any("x" in nodes[n].input for n in inner if nodes[n].op == "Placeholder")


# What it is not -----------------------------------------------------------------------------------------------------


def test_a_summary_is_not_exported(tmp_path: Path) -> None:
    x = tf.placeholder(tf.float32, [2], name="x")
    with pytest.raises(ExportError, match="a device writes no summaries"):
        tf.export_model(tf.summary.histogram("h", x), tmp_path / "m.smr", inputs=x)


def test_without_the_package() -> None:
    script = """
import sys
for name in ("tensorboard", "PIL"):
    sys.modules[name] = None
import samara as tf
s = tf.summary.scalar("x", tf.constant(1.0))
for use in (lambda: tf.Session().run(s), lambda: tf.summary.FileWriter("nowhere"), lambda: tf.Summary()):
    try:
        use()
    except tf.GraphError as error:
        assert "pip install 'samara[tensorboard]'" in str(error), error
    else:
        raise AssertionError("no error")
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_errors_name_the_operation() -> None:
    rate = tf.placeholder(tf.float32, [])
    summary = tf.summary.audio("s", np.zeros((1, 4), np.float32), rate)
    with tf.Session() as session, pytest.raises(GraphError, match="the sample rate is 0"):
        session.run(summary, {rate: 0})


def test_run_metadata(tmp_path: Path) -> None:
    """The graph page asks for what a run reported by its tag."""
    node = SimpleNamespace(
        node_name="y",
        all_start_micros=10,
        all_end_rel_micros=2.4,
        output_bytes=64,
        timeline_label="y = add(x)",
    )
    stats = SimpleNamespace(dev_stats=[SimpleNamespace(device="/cpu:0", node_stats=[node])])
    report = SimpleNamespace(step_stats=stats)
    with tf.summary.FileWriter(tmp_path) as writer:
        writer.add_run_metadata(report, "step 3", 3)
        with pytest.raises(ValueError, match="'step 3' is taken"):
            writer.add_run_metadata(report, "step 3", 4)
    found = loaded(tmp_path)
    assert found.Tags()["run_metadata"] == ["step 3"]
    (device,) = found.RunMetadata("step 3").step_stats.dev_stats
    assert device.device == "/cpu:0"
    assert device.node_stats[0].all_end_rel_micros == 2
    assert device.node_stats[0].memory[0].total_bytes == 64
