"""Monitored sessions: where they start, what hooks see, how they end."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf

T = tf.train


@pytest.fixture(autouse=True)
def _graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def model() -> tuple[Any, Any, Any]:
    tf.set_random_seed(2)
    count = T.get_or_create_global_step()
    w = tf.Variable(tf.random_normal([3]), name="w")
    loss = tf.reduce_sum(tf.square(w + 0.1 * tf.random_normal([3])))
    return w, loss, T.MomentumOptimizer(0.02, 0.9).minimize(loss, count)


def trained(folder: Path | None, last: int, **arguments: Any) -> list[float]:
    with tf.Graph().as_default():
        _, loss, step = model()
        found = []
        hooks = [T.StopAtStepHook(last_step=last)]
        with T.MonitoredTrainingSession(checkpoint_dir=folder, hooks=hooks, **arguments) as session:
            while not session.should_stop():
                found.append(float(session.run([step, loss])[1]))
        return found


def test_training_goes_on_where_it_stopped(tmp_path: Path) -> None:
    whole = trained(None, 10)
    assert len(whole) == 10
    assert trained(tmp_path, 4, save_checkpoint_steps=3) == whole[:4]
    names = {p.name for p in tmp_path.glob("*.safetensors")}
    assert names == {f"model.ckpt-{i}.safetensors" for i in (0, 3, 4)}
    assert trained(tmp_path, 10, save_checkpoint_secs=1000) == whole[4:]
    assert T.latest_checkpoint(tmp_path) == str(tmp_path / "model.ckpt-10")
    # One that is not the chief reads and does not write.
    assert trained(tmp_path, 12, is_chief=False) != whole[:2]
    assert T.latest_checkpoint(tmp_path) == str(tmp_path / "model.ckpt-10")


class Recorder(T.SessionRunHook):
    def __init__(self, fetch: Any, feed: Any = None) -> None:
        self.fetch, self.feed, self.seen = fetch, feed, []  # type: ignore[var-annotated]

    def begin(self) -> None:
        self.seen.append("begin")

    def after_create_session(self, session: Any, coord: Any) -> None:
        self.seen.append("created")

    def before_run(self, run_context: Any) -> Any:
        self.seen.append(run_context.original_args.fetches.name)
        return T.SessionRunArgs(self.fetch, self.feed)

    def after_run(self, run_context: Any, run_values: Any) -> None:
        self.seen.append(run_values.results)

    def end(self, session: Any) -> None:
        self.seen.append("end")


def test_hooks_see_everything_in_order() -> None:
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.multiply(x, 2.0, name="y")
    first, second = Recorder({"x": x}, {x: 3.0}), Recorder(None)
    final = T.FinalOpsHook(y, {x: 8.0})
    with T.MonitoredSession(hooks=[first, second, final]) as session:
        assert session.run(y) == 6
        assert session.run_step_fn(lambda context: context.run_with_hooks(y)) == 6
        assert session.run_step_fn(lambda context: context.session.run(y, {x: 1.0})) == 2
        with pytest.raises(tf.GraphError, match="which is fed already"):
            session.run(y, {x: 1.0})
        with pytest.raises(tf.GraphError, match="finalized"):
            tf.constant(1.0)
    assert first.seen == ["begin", "created", "y:0", {"x": 3}, "y:0", {"x": 3}, "y:0", "end"]
    assert second.seen == ["begin", "created", "y:0", None, "y:0", None, "end"]
    assert final.final_ops_values == 16
    with pytest.raises(tf.GraphError, match="closed"):
        session.run(y)
    with pytest.raises(TypeError, match="no SessionRunHook"):
        T.MonitoredSession(hooks=[object()])  # type: ignore[list-item]


def test_an_error_ends_without_the_hooks_and_the_end_of_input_with_them() -> None:
    y = tf.constant(1.0, name="y")
    hooks = [Recorder(y), Recorder(y)]

    def failing(hook: Any, error: Exception) -> None:
        with T.SingularMonitoredSession(hooks=[hook]) as session:
            assert session.raw_session().run(y) == 1
            raise error

    with pytest.raises(ZeroDivisionError):
        failing(hooks[0], ZeroDivisionError())
    assert "end" not in hooks[0].seen
    failing(hooks[1], StopIteration())
    assert hooks[1].seen[-1] == "end"


def test_values_are_logged_and_losses_watched(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "samara")
    count = T.get_or_create_global_step()
    step = count.assign_add(1)
    x = tf.placeholder(tf.float32, [])
    values = iter(range(100))
    hooks = [
        T.FeedFnHook(lambda: {x: float(next(values))}),
        T.LoggingTensorHook({"value": x}, every_n_iter=2),
        T.LoggingTensorHook([count], at_end=True, formatter=lambda v: f"at the end {v[count.name]}"),
        T.StepCounterHook(2),
        T.StopAtStepHook(num_steps=5),
        T.NanTensorHook(tf.log(3.5 - x), fail_on_nan_loss=False),
    ]
    with T.MonitoredSession(hooks=hooks) as session:
        while not session.should_stop():
            session.run(step)
    texts = [r.getMessage() for r in caplog.records]
    assert [t for t in texts if t.startswith("value")] == ["value = 0.0", "value = 2.0", "value = 4.0"]
    assert texts[-1] == "at the end 5"
    assert sum("global_step/sec" in t for t in texts) == 2
    assert any("no number" in t for t in texts)
    with tf.Graph().as_default():
        y = tf.log(tf.constant(-1.0))
        with (
            T.MonitoredSession(hooks=[T.NanTensorHook(y)]) as session,
            pytest.raises(T.NanLossDuringTrainingError),
        ):
            session.run(y)


def test_queues_are_filled_until_their_input_ends() -> None:
    numbers = T.input_producer(np.arange(4, dtype=np.int32), num_epochs=3, shuffle=False)
    total = tf.Variable(0, trainable=False)
    step = total.assign_add(numbers.dequeue())
    seen = []
    with T.MonitoredSession() as session:
        while not session.should_stop():
            seen.append(session.run(step))
        raise AssertionError("the end of the input ends the block")
    assert seen == np.cumsum([0, 1, 2, 3] * 3).tolist()
    assert session.coord.joined


def test_what_a_reader_fails_with_is_raised() -> None:
    x = tf.constant([1, 2, 3])
    queue = tf.FIFOQueue(2, tf.int32, [])
    place = tf.Variable(0, trainable=False)
    with tf.control_dependencies([place.assign_add(2)]):
        element = tf.gather(x, place.read_value())
    T.add_queue_runner(T.QueueRunner(queue, [queue.enqueue(element)]))
    value = queue.dequeue()

    def read() -> None:
        with T.MonitoredSession() as session:
            while not session.should_stop():
                session.run(value)

    with pytest.raises(tf.GraphError, match="gather"):
        read()


def test_a_scaffold_says_how_to_start(tmp_path: Path) -> None:
    a, b = tf.Variable(1.0, name="a"), tf.Variable(2.0, name="b")
    T.get_or_create_global_step()
    x = tf.placeholder(tf.float32, [])
    scaffold = T.Scaffold(
        init_op=tf.group(a.assign(x), tf.global_variables()[-1].initializer),
        init_feed_dict={x: 5.0},
        init_fn=lambda scaffold, session: b.load(7.0, session),
        saver=T.Saver([a]),
    )
    with T.MonitoredTrainingSession(
        checkpoint_dir=tmp_path, scaffold=scaffold, save_checkpoint_steps=1, log_step_count_steps=None
    ) as session:
        np.testing.assert_array_equal(session.run([a, b]), [5, 7])
    assert T.list_variables(tmp_path) == [("a", [])]


def test_what_monitored_sessions_refuse(tmp_path: Path) -> None:
    with pytest.raises(tf.GraphError, match="no step counter"):
        T.MonitoredTrainingSession(checkpoint_dir=tmp_path)
    with pytest.raises(tf.GraphError, match="is no server of this process"):
        T.MonitoredTrainingSession("grpc://elsewhere:2222")
    with pytest.raises(ValueError, match="num_steps or last_step"):
        T.StopAtStepHook()
    with pytest.raises(ValueError, match="of steps or of seconds"):
        T.CheckpointSaverHook(tmp_path, 1.0, 1)
    with pytest.raises(TypeError, match="listeners"):
        T.CheckpointSaverHook(tmp_path, 1.0, listeners=[1])
