"""Checkpoints: what is saved comes back, training goes on bit by bit, a killed process leaves a whole checkpoint."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.conftest import ROOT

Array = np.ndarray[Any, Any]


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def started() -> tf.Session:
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


def training(
    steps: int, folder: Path, *, save_at: int | None = None, resume: bool = False, backend: str = "numpy"
) -> list[float]:
    """The losses of a model with draws of all kinds, from the start or from the folder's checkpoint."""
    with tf.Graph().as_default():
        tf.set_random_seed(7)
        count = tf.train.create_global_step()
        rows = tf.random_normal([16, 5])
        shuffled = tf.nn.dropout(rows, keep_prob=0.7) + tf.random_uniform([1, 5])
        w = tf.Variable(tf.truncated_normal([5, 2], stddev=0.5))
        noise = tf.cond(tf.equal(count % 2, 0), lambda: tf.random_normal([2]), lambda: tf.zeros([2]))
        loss = tf.reduce_mean(tf.square(tf.tanh(tf.matmul(shuffled, w)) + noise - 0.3))
        rate = tf.train.exponential_decay(0.05, count, 3, 0.9)
        averages = tf.train.ExponentialMovingAverage(0.9, count)
        step = tf.train.AdamOptimizer(rate).minimize(loss, count)
        with tf.control_dependencies([step]):
            step = averages.apply([w])
        saver = tf.train.Saver()
        found = []
        with tf.Session(config=tf.ConfigProto(backend=backend)) as session:
            if resume:
                latest = tf.train.latest_checkpoint(folder)
                assert latest is not None
                saver.restore(session, latest)
            else:
                session.run(tf.global_variables_initializer())
            for i in range(steps):
                if i == save_at:
                    assert saver.save(session, folder / "model", count) == str(folder / f"model-{save_at}")
                found.append(float(session.run([loss, step])[0]))
            found.append(float(np.sum(session.run(averages.average(w)))))
        return found


@pytest.mark.parametrize("backend", ["numpy", "torch"])
def test_training_goes_on_bit_by_bit(backend: str, tmp_path: Path) -> None:
    if backend == "torch":
        pytest.importorskip("torch")
    whole = training(12, tmp_path, backend=backend)
    assert training(8, tmp_path, save_at=5, backend=backend)[:8] == whole[:8]
    assert training(7, tmp_path, resume=True, backend=backend) == whole[5:]


def test_a_checkpoint_moves_between_backends_without_their_draws(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pytest.importorskip("torch")
    training(6, tmp_path, save_at=5, backend="torch")
    assert np.isfinite(training(2, tmp_path, resume=True)).all()
    assert "is one of torch on" in caplog.text


def test_every_element_type_comes_back(tmp_path: Path) -> None:
    kinds = ["float32", "float16", "float64", "int8", "uint8", "int16", "int32", "int64", "bool"]
    generator = np.random.default_rng(1)
    values = [generator.integers(0, 2, (2, 0, 3) if k == "int8" else (3, 2)).astype(k) for k in kinds]
    values.append(np.array(5, np.int64))
    variables = [tf.Variable(np.zeros_like(v)) for v in values]
    saver = tf.train.Saver()
    with started() as session:
        for variable, value in zip(variables, values, strict=True):
            variable.load(value, session)
        prefix = saver.save(session, str(tmp_path / "all"))
    with started() as session:
        saver.restore(session, prefix)
        for variable, value in zip(variables, values, strict=True):
            found = session.run(variable)
            assert found.dtype == value.dtype
            np.testing.assert_array_equal(found, value)


def test_the_last_few_are_kept_and_the_folder_can_be_moved(tmp_path: Path) -> None:
    folder = tmp_path / "a folder"
    folder.mkdir()
    w = tf.Variable(0.0, name="w")
    saver = tf.train.Saver(max_to_keep=2, pad_step_number=True)
    assert tf.train.latest_checkpoint(folder) is None
    assert tf.train.get_checkpoint_state(folder) is None
    with started() as session:
        for step in (1, 2, 3, 2):
            w.load(step, session)
            saver.save(session, folder / "m.ckpt", step)
    names = {"checkpoint", *(f"m.ckpt-0000000{i}.{e}" for i in (2, 3) for e in ("safetensors", "meta"))}
    assert {p.name for p in folder.iterdir()} == names
    assert saver.last_checkpoints == [str(folder / f"m.ckpt-0000000{i}") for i in (3, 2)]
    moved = tmp_path / "moved"
    folder.rename(moved)
    latest = tf.train.latest_checkpoint(moved)
    assert latest == str(moved / "m.ckpt-00000002")
    state = tf.train.get_checkpoint_state(moved)
    assert state is not None
    assert state.model_checkpoint_path == latest
    assert state.all_model_checkpoint_paths == [str(moved / f"m.ckpt-0000000{i}") for i in (3, 2)]
    assert state.all_model_checkpoint_timestamps == sorted(state.all_model_checkpoint_timestamps)
    assert tf.train.list_variables(moved) == [("w", [])]
    assert tf.train.load_variable(moved, "w:0") == 2
    # When the last one was deleted, the one before it is the latest.
    tf.train.remove_checkpoint(latest)
    assert tf.train.latest_checkpoint(moved) == str(moved / "m.ckpt-00000003")
    # A restarted program goes on deleting.
    again = tf.train.Saver(max_to_keep=1)
    again.recover_last_checkpoints(state.all_model_checkpoint_paths)
    with started() as session:
        again.save(session, moved / "m.ckpt", 9, write_meta_graph=False)
    assert {p.name for p in moved.iterdir()} == {"checkpoint", "m.ckpt-9.safetensors"}
    again.set_last_checkpoints([str(moved / "m.ckpt-9"), str(moved / "gone")])
    again.set_last_checkpoints_with_time([(str(moved / "m.ckpt-9"), 1.0)])
    with started() as session:
        again.save(session, moved / "m.ckpt", 10, write_meta_graph=False, write_state=False)
        assert again.last_checkpoints == [str(moved / "m.ckpt-9")]
        again.save(session, moved / "m.ckpt", 11, latest_filename="other", write_meta_graph=False)
    assert tf.train.latest_checkpoint(moved, "other") == str(moved / "m.ckpt-11")


def test_one_of_some_hours_stays_for_good(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tf.Variable(0.0)
    clock = [1e9]
    monkeypatch.setattr(time, "time", lambda: clock[0])
    saver = tf.train.Saver(max_to_keep=1, keep_checkpoint_every_n_hours=1)
    with started() as session:
        for step in range(7):
            clock[0] = 1e9 + step * 1500
            saver.save(session, tmp_path / "m", step, write_meta_graph=False)
    kept = sorted(int(p.name[2:].split(".")[0]) for p in tmp_path.glob("m-*"))
    assert kept == [3, 5, 6]
    state = tf.train.get_checkpoint_state(tmp_path)
    assert state is not None
    assert state.last_preserved_timestamp == 1e9 + 7500


def test_a_part_of_a_checkpoint_and_other_names(tmp_path: Path) -> None:
    a, b = tf.Variable([1.0, 2.0], name="a"), tf.Variable([3.0], name="b")
    with started() as session:
        prefix = tf.train.Saver({"first": a, "second": b}).save(session, tmp_path / "m")
    reader = tf.train.load_checkpoint(prefix)
    assert reader.get_variable_to_shape_map() == {"first": [2], "second": [1]}
    assert reader.get_variable_to_dtype_map() == {"first": tf.float32, "second": tf.float32}
    assert reader.has_tensor("first")
    assert not reader.has_tensor("a")
    assert tf.train.NewCheckpointReader(prefix).get_tensor("second").tolist() == [3]
    with tf.Graph().as_default():
        other, new = tf.Variable(tf.zeros([1]), name="other"), tf.Variable(7.0)
        with started() as session:
            tf.train.Saver({"second": other}).restore(session, prefix + ".safetensors")
            assert session.run(other).tolist() == [3]
            assert session.run(new) == 7


def test_variables_start_from_a_checkpoint(tmp_path: Path) -> None:
    for scope in ("a", "b"):
        tf.Variable([1.0, 2.0], name=f"{scope}/w")
        tf.Variable(3.0, name=f"{scope}/c")
    with started() as session:
        tf.train.Saver().save(session, tmp_path / "m")
    with tf.Graph().as_default() as graph:
        w, c = tf.Variable([0.0, 0.0], name="x/w"), tf.Variable(0.0, name="x/c")
        one, other = tf.Variable([0.0, 0.0], name="one"), tf.Variable(7.0, name="other")
        tf.train.init_from_checkpoint(tmp_path, {"a/": "x/", "b/w": one})
        with started() as session:
            assert session.run([c, other]) == [3, 7]
            np.testing.assert_array_equal(session.run([w, one]), [[1, 2], [1, 2]])
        with pytest.raises(tf.CheckpointError) as caught:
            tf.train.init_from_checkpoint(
                tmp_path, {"a/c": "one", "none": "other", "a/w": "nowhere", "z/": "y/"}
            )
        for line in (
            "a/c: float32[] in the checkpoint, float32[2] in the graph",
            "none: not in the checkpoint",
            "nowhere: not in the graph",
            "y/: not in the graph",
        ):
            assert line in str(caught.value)
        path = tf.train.write_graph(graph, tmp_path / "text", "graph.pbtxt")
        assert "x/w" in Path(path).read_text()


def test_averages_take_the_variables_places(tmp_path: Path) -> None:
    w = tf.Variable(1.0, name="w")
    averages = tf.train.ExponentialMovingAverage(0.5)
    update = averages.apply([w])
    with started() as session:
        w.load(3.0, session)
        session.run(update)
        prefix = tf.train.Saver().save(session, tmp_path / "m")
        tf.train.Saver(averages.variables_to_restore()).restore(session, prefix)
        assert session.run(w) == 2


def test_what_does_not_fit_is_listed_and_nothing_changes(tmp_path: Path) -> None:
    tf.Variable(np.zeros((2, 3), np.float32), name="w")
    tf.Variable(np.int32(1), name="n")
    tf.Variable(1.0, name="same")
    with started() as session:
        prefix = tf.train.Saver().save(session, tmp_path / "m")
    with tf.Graph().as_default():
        tf.Variable(np.ones((3, 2), np.float32), name="w")
        tf.Variable(np.float32(1), name="n")
        same = tf.Variable(5.0, name="same")
        tf.Variable(1.0, name="absent")
        with started() as session:
            with pytest.raises(tf.CheckpointError) as caught:
                tf.train.Saver().restore(session, prefix)
            assert session.run(same) == 5
            for line in (
                "w: shape [2, 3] in the checkpoint, [3, 2] in the graph",
                "n: int32 in the checkpoint, float32 in the graph",
                "absent: not in the checkpoint",
            ):
                assert line in str(caught.value)
    with tf.Graph().as_default():
        w = tf.Variable(np.ones((3, 2), np.float32), name="w")
        with started() as session:
            tf.train.Saver([w], reshape=True).restore(session, prefix)
            assert session.run(w).tolist() == [[0, 0], [0, 0], [0, 0]]


def test_what_a_saver_refuses(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="no variables to save"):
        tf.train.Saver()
    assert tf.train.Saver(allow_empty=True).variables == {}
    late = tf.train.Saver(defer_build=True)
    w = tf.Variable(1.0, name="w")
    assert late.variables == {"w": w}
    with pytest.raises(TypeError, match="it is no variable"):
        tf.train.Saver([tf.constant(1.0)])  # type: ignore[list-item]
    saver = tf.train.Saver()
    with tf.Session() as session:
        with pytest.raises(tf.UninitializedError, match="'w'"):
            saver.save(session, tmp_path / "m")
        assert list(tmp_path.iterdir()) == []
        with pytest.raises(ValueError, match=r"the folder .*none does not exist"):
            saver.save(session, tmp_path / "none" / "m")
        with pytest.raises(tf.CheckpointError, match=r"there is no checkpoint .*m"):
            saver.restore(session, tmp_path / "m")
        with pytest.raises(tf.CheckpointError, match="latest_checkpoint found none"):
            saver.restore(session, None)  # type: ignore[arg-type]
    with pytest.raises(tf.CheckpointError, match="has no checkpoint"):
        tf.train.load_checkpoint(tmp_path)
    with started() as session:
        prefix = saver.save(session, tmp_path / "m")
    with pytest.raises(tf.CheckpointError, match="has no variable 'v'"):
        tf.train.load_variable(prefix, "v")
    (tmp_path / "checkpoint").write_text("model_checkpoint_path: m\n")
    with pytest.raises(tf.CheckpointError, match="checkpoint is damaged"):
        tf.train.latest_checkpoint(tmp_path)


def test_names_of_checkpoints_may_hold_anything(tmp_path: Path) -> None:
    tf.Variable(1.0)
    with started() as session:
        prefix = tf.train.Saver().save(session, tmp_path / 'a "name" with \\ and ü: [x]*')
    assert tf.train.latest_checkpoint(tmp_path) == prefix
    assert tf.train.checkpoint_exists(prefix)
    outside = tmp_path / "elsewhere"
    outside.mkdir()
    tf.train.update_checkpoint_state(outside, prefix)
    assert tf.train.latest_checkpoint(outside) == os.path.abspath(prefix)
    assert len(tf.train.get_checkpoint_mtimes([prefix, "none"])) == 1


def test_without_safetensors_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tf.Variable(1.0)
    for name in [m for m in sys.modules if m.partition(".")[0] == "safetensors"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.setitem(sys.modules, "safetensors.numpy", None)
    with started() as session, pytest.raises(ImportError, match=r"pip install samara\[train\]"):
        tf.train.Saver().save(session, tmp_path / "m")


CHILD = """
import sys, numpy as np, samara as tf
names = [tf.Variable(np.zeros(50_000, np.float32), name=f"v{i}") for i in range(5)]
saver = tf.train.Saver(max_to_keep=2)
session = tf.Session()
for step in range(10**6):
    for v in names:
        v.load(np.full(50_000, step, np.float32), session)
    saver.save(session, sys.argv[1] + "/m", step)
    print(step, flush=True)
"""


def test_a_killed_process_leaves_a_whole_checkpoint(tmp_path: Path) -> None:
    generator = np.random.default_rng()
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    folders = [tmp_path / str(i) for i in range(3)]
    children = []
    for folder in folders:
        folder.mkdir()
        command = [sys.executable, "-c", CHILD, str(folder)]
        children.append(subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment))
    done = []
    for child in children:
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(float(generator.uniform(0, 0.2)))
        child.kill()
        rest = child.communicate()[0]
        done.append([int(line) for line in (first + rest).split("\n")[:-1] if line][-1])
    variables = [tf.Variable(np.zeros(50_000, np.float32), name=f"v{i}") for i in range(5)]
    saver = tf.train.Saver(max_to_keep=2)
    for folder, last in zip(folders, done, strict=True):
        latest = tf.train.latest_checkpoint(folder)
        assert latest is not None
        step = int(latest.rpartition("-")[2])
        assert last <= step <= last + 1
        with tf.Session() as session:
            saver.restore(session, latest)
            for variable in variables:
                np.testing.assert_array_equal(session.run(variable), np.full(50_000, step, np.float32))
            saver.save(session, folder / "m", step + 1)
        assert list(folder.glob("*.partial")) == []
