"""What is round the training: supervisors, monitored sessions, queues, towers, checkpoints, averages."""

from __future__ import annotations

import logging
import os
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.programs._data import blobs, one_hot


def line(global_step: Any = None, rate: float = 0.2) -> tuple[Any, Any, Any]:
    """A line through noisy points: the loss, the slope and the training operation."""
    rng = np.random.RandomState(0)
    x = rng.rand(64).astype(np.float32)
    y = (3 * x - 1).astype(np.float32)
    w = tf.get_variable("w", [], initializer=tf.zeros_initializer())
    b = tf.get_variable("b", [], initializer=tf.zeros_initializer())
    loss = tf.reduce_mean(tf.square(w * x + b - y), name="loss")
    train = tf.train.MomentumOptimizer(rate, 0.9).minimize(loss, global_step=global_step)
    return loss, w, train


def test_supervisor(tmp_path: Path) -> None:
    folder = str(tmp_path / "run")

    def run(until: int) -> tuple[int, float]:
        with tf.Graph().as_default():
            global_step = tf.Variable(0, name="global_step", trainable=False)
            loss, _, train_op = line(global_step)
            tf.summary.scalar("loss", loss)
            summary_op = tf.summary.merge_all()
            init_op = tf.global_variables_initializer()
            saver = tf.train.Saver()
            sv = tf.train.Supervisor(
                is_chief=True,
                logdir=folder,
                init_op=init_op,
                summary_op=None,
                saver=saver,
                global_step=global_step,
                save_model_secs=600,
            )
            first = None
            with sv.managed_session() as sess:
                step = 0
                while not sv.should_stop() and step < until:
                    _, step, value = sess.run([train_op, global_step, loss])
                    first = step if first is None else first
                    if step % 10 == 0:
                        sv.summary_computed(sess, sess.run(summary_op))
                sv.saver.save(sess, sv.save_path, global_step=global_step)
                sv.stop()
            assert sv.should_stop()
            return first, value

    assert run(40) == (1, pytest.approx(0, abs=0.3))
    first, value = run(120)
    assert first == 41
    assert value < 0.01
    assert tf.train.latest_checkpoint(folder) == os.path.join(folder, "model.ckpt-120")
    written = [
        event.step
        for name in os.listdir(folder)
        if "tfevents" in name
        for event in tf.train.summary_iterator(os.path.join(folder, name))
        if event.summary.value
    ]
    assert sorted(written) == list(range(10, 121, 10))


def test_supervisor_services(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    global_step = tf.train.get_or_create_global_step()
    loss, _, train_op = line(global_step)
    tf.summary.scalar("loss", loss)
    seen, started = [], []
    sv = tf.train.Supervisor(
        logdir=str(tmp_path),
        save_summaries_secs=0.02,
        save_model_secs=0.02,
        init_fn=lambda session: started.append(float(session.run(loss))),
    )
    assert sv.global_step is global_step
    assert isinstance(sv.session_manager, tf.train.SessionManager)
    with pytest.raises(tf.GraphError, match="finalized"):
        tf.constant(1.0)
    several = threading.Event()

    def look(session: Any, name: str) -> None:
        seen.append((name, int(session.run(global_step))))
        if len(seen) > 3:
            several.set()

    with caplog.at_level(logging.INFO, "samara"), sv.managed_session() as sess:
        sv.loop(0.01, look, (sess,), {"name": "look"})
        while not several.is_set() or tf.train.latest_checkpoint(str(tmp_path)) is None:
            sess.run(train_op)
    assert started
    assert len(seen) > 3
    assert "global_step/sec" in caplog.text
    assert not [t for t in threading.enumerate() if isinstance(t, tf.train.LooperThread)]
    events = [p for p in tmp_path.iterdir() if "tfevents" in p.name]
    assert any(e.summary.value for e in tf.train.summary_iterator(str(events[0])))


def test_supervisors_pass_errors_on_and_end_with_the_input() -> None:
    _, w, train_op = line()
    limited = tf.Variable(0, trainable=False).count_up_to(5)
    sv = tf.train.Supervisor()
    assert sv.save_path is None
    assert sv.summary_writer is None
    counted = []
    with sv.managed_session() as sess:
        while not sv.should_stop():
            sess.run(train_op)
            counted.append(int(sess.run(limited)))
    assert counted == [0, 1, 2, 3, 4]
    with pytest.raises(ZeroDivisionError), sv.managed_session() as sess:
        counted.append(1 // int(sess.run(w)))

    def fail() -> None:
        raise KeyError("in a thread")

    with pytest.raises(KeyError, match="in a thread"), sv.managed_session():
        sv.loop(None, fail).join()
    with pytest.raises(RuntimeError, match="logdir"), sv.managed_session() as sess:
        sv.summary_computed(sess, b"")


def test_supervisors_fill_queues() -> None:
    queue = tf.FIFOQueue(10, tf.int32, shapes=[[]])
    numbers = tf.train.range_input_producer(5, num_epochs=1, shuffle=False).dequeue()
    tf.train.add_queue_runner(tf.train.QueueRunner(queue, [queue.enqueue(numbers * 2)]))
    taken = queue.dequeue()
    sv = tf.train.Supervisor()
    found = []
    with sv.managed_session() as sess:
        while not sv.should_stop():
            found.append(int(sess.run(taken)))
    assert found == [0, 2, 4, 6, 8]


def test_sessions_are_prepared(tmp_path: Path) -> None:
    v = tf.Variable(3.0)
    saver = tf.train.Saver()
    manager = tf.train.SessionManager()
    init = tf.global_variables_initializer()
    prefix = str(tmp_path / "model.ckpt")
    with manager.prepare_session("", init, saver, str(tmp_path)) as session:
        assert session.run(v) == 3
        v.load(5.0, session)
        path = saver.save(session, prefix)
    with manager.prepare_session("", init, saver, str(tmp_path)) as session:
        assert session.run(v) == 5
    session, restored = manager.recover_session("", saver, checkpoint_filename_with_path=path)
    assert restored
    assert session.run(v) == 5
    session.close()
    assert manager.recover_session("", saver, str(tmp_path / "none"))[1] is False
    with manager.prepare_session("", init_fn=lambda s: v.load(7.0, s)) as session:
        assert session.run(v) == 7
    with pytest.raises(RuntimeError, match="neither"):
        manager.prepare_session("")
    with pytest.raises(tf.errors.DeadlineExceededError, match="no values"):
        manager.wait_for_session("", max_wait_secs=0)
    with pytest.raises(tf.errors.DeadlineExceededError, match="no checkpoint"):
        manager.prepare_session("", init, saver, str(tmp_path / "x"), None, True, 0)


def test_monitored_training_session_with_all_hooks(tmp_path: Path, caplog: Any) -> None:
    global_step = tf.train.get_or_create_global_step()
    loss, w, train_op = line(global_step)
    tf.summary.scalar("loss", loss)

    class Recorder(tf.train.SessionRunHook):
        def begin(self) -> None:
            self.steps: list[int] = []

        def before_run(self, run_context: Any) -> Any:
            return tf.train.SessionRunArgs(global_step)

        def after_run(self, run_context: Any, run_values: Any) -> None:
            self.steps.append(int(run_values.results))

    recorder = Recorder()
    hooks = [
        tf.train.StopAtStepHook(last_step=100),
        tf.train.NanTensorHook(loss),
        tf.train.LoggingTensorHook({"step": global_step, "loss": loss}, every_n_iter=20),
        tf.train.StepCounterHook(every_n_steps=50),
        tf.train.CheckpointSaverHook(str(tmp_path), save_steps=50),
        tf.train.SummarySaverHook(save_steps=25, output_dir=str(tmp_path), summary_op=tf.summary.merge_all()),
        recorder,
    ]
    with (
        caplog.at_level(logging.INFO, "samara"),
        tf.train.MonitoredTrainingSession(
            hooks=hooks, config=tf.ConfigProto(allow_soft_placement=True), save_summaries_steps=None
        ) as mon_sess,
    ):
        while not mon_sess.should_stop():
            _, slope = mon_sess.run([train_op, w])
    assert len(recorder.steps) == 100
    assert abs(slope - 3) < 0.2
    assert sum("loss = " in m for m in caplog.messages) == 5
    assert sum("global_step/sec" in m for m in caplog.messages) >= 1
    checkpoint = tf.train.get_checkpoint_state(str(tmp_path))
    assert checkpoint.model_checkpoint_path.endswith("-100")


def average_gradients(tower_grads: Any) -> Any:
    average_grads = []
    for grad_and_vars in zip(*tower_grads, strict=True):
        grads = [tf.expand_dims(g, 0) for g, _ in grad_and_vars]
        grad = tf.reduce_mean(tf.concat(axis=0, values=grads), 0)
        average_grads.append((grad, grad_and_vars[0][1]))
    return average_grads


def test_towers_with_averaged_gradients() -> None:
    x_train, labels = blobs(128, 6, 3)
    y_train = one_hot(labels, 3)

    def build(towers: int) -> tuple[Any, Any]:
        tf.set_random_seed(1)
        global_step = tf.get_variable(
            "global_step", [], initializer=tf.constant_initializer(0), trainable=False
        )
        opt = tf.train.MomentumOptimizer(0.1, 0.9)
        tower_grads, losses = [], []
        size = 128 // towers
        with tf.variable_scope(tf.get_variable_scope()):
            for i in range(towers):
                with tf.device(f"/gpu:{i}"), tf.name_scope(f"tower_{i}") as scope:
                    x, y = tf.constant(x_train[i * size : (i + 1) * size]), y_train[i * size : (i + 1) * size]
                    with tf.variable_scope("hidden"):
                        h = tf.nn.tanh(tf.contrib.layers.fully_connected(x, 12, activation_fn=None))
                    logits = tf.contrib.layers.linear(h, 3, scope="out")
                    loss = tf.reduce_mean(
                        tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=logits), name="loss"
                    )
                    assert loss.op.name.startswith(scope)
                    losses.append(loss)
                    tf.get_variable_scope().reuse_variables()
                    tower_grads.append(opt.compute_gradients(loss))
        grads = average_gradients(tower_grads)
        apply_gradient_op = opt.apply_gradients(grads, global_step=global_step)
        variable_averages = tf.train.ExponentialMovingAverage(0.9, global_step)
        averages = variable_averages.apply(tf.trainable_variables())
        return tf.group(apply_gradient_op, averages), tf.add_n(losses) / towers

    curves = []
    for towers in (1, 2):
        with tf.Graph().as_default():
            train_op, loss = build(towers)
            assert len(tf.trainable_variables()) == 4
            config = tf.ConfigProto(allow_soft_placement=True, log_device_placement=False)
            config.gpu_options.allow_growth = True
            with tf.Session(config=config) as sess:
                tf.global_variables_initializer().run()
                curves.append([sess.run([train_op, loss])[1] for _ in range(30)])
    np.testing.assert_allclose(curves[0], curves[1], rtol=1e-4)
    assert curves[0][-1] < 0.1


def test_queues_and_a_coordinator_over_csv_files(tmp_path: Path) -> None:
    x_train, labels = blobs(60, 2, 2, seed=3)
    for part in range(2):
        rows = [f"{a},{b},{c}" for (a, b), c in zip(x_train, labels, strict=True)][part::2]
        (tmp_path / f"part{part}.csv").write_text("a,b,c\n" + "\n".join(rows) + "\n")
    filenames = [str(tmp_path / f"part{i}.csv") for i in range(2)]
    filename_queue = tf.train.string_input_producer(filenames, num_epochs=20)
    reader = tf.TextLineReader(skip_header_lines=1)
    _, value = reader.read(filename_queue)
    col1, col2, col3 = tf.decode_csv(value, record_defaults=[[1.0], [1.0], [1]])
    example_batch, label_batch = tf.train.shuffle_batch(
        [tf.stack([col1, col2]), col3], batch_size=20, capacity=60, min_after_dequeue=30
    )
    w = tf.Variable(tf.zeros([2, 2]))
    b = tf.Variable(tf.zeros([2]))
    logits = tf.matmul(example_batch, w) + b
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label_batch, logits=logits))
    train = tf.train.GradientDescentOptimizer(0.3).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.group(tf.global_variables_initializer(), tf.local_variables_initializer()))
        coord = tf.train.Coordinator()
        threads = tf.train.start_queue_runners(sess=sess, coord=coord)
        steps = 0
        try:
            while not coord.should_stop():
                _, found = sess.run([train, loss])
                steps += 1
        except tf.errors.OutOfRangeError:
            pass
        finally:
            coord.request_stop()
        coord.join(threads)
    assert steps == 60
    assert found < 0.2


def test_moving_averages_to_restore(tmp_path: Path) -> None:
    with tf.Graph().as_default():
        _, _, train = line(rate=0.05)
        ema = tf.train.ExponentialMovingAverage(0.9)
        with tf.control_dependencies([train]):
            train_op = ema.apply(tf.trainable_variables())
        saver = tf.train.Saver()
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            for _ in range(30):
                sess.run(train_op)
            average = sess.run(ema.average(tf.trainable_variables()[0]))
            path = saver.save(sess, str(tmp_path / "m"))
    with tf.Graph().as_default():
        _, w, _ = line(rate=0.05)
        ema = tf.train.ExponentialMovingAverage(0.9)
        to_restore = ema.variables_to_restore(tf.trainable_variables())
        named = {v.op.name: name for name, v in to_restore.items()}
        assert [named[n] for n in ("b", "w")] == ["b/ExponentialMovingAverage", "w/ExponentialMovingAverage"]
        assert all(a == b for a, b in named.items() if a not in ("b", "w"))
        with tf.Session() as sess:
            tf.train.Saver(to_restore).restore(sess, path)
            assert sess.run(w) == average


def test_asynchronous_workers_share_an_optimizer() -> None:
    """Workers with networks of their own that train one global network, in threads."""
    x_train, labels = blobs(90, 4, 3)

    def network(scope: str) -> Any:
        with tf.variable_scope(scope):
            x = tf.placeholder(tf.float32, [None, 4])
            logits = tf.layers.dense(x, 3)
        return x, logits

    trainer = tf.train.RMSPropOptimizer(0.05, decay=0.9)
    with tf.device("/cpu:0"):
        master_x, master_logits = network("global")
    master = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, "global")
    workers = []
    for i in range(3):
        x, logits = network(f"worker_{i}")
        y = tf.placeholder(tf.int32, [None])
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
        local = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, f"worker_{i}")
        grads, _ = tf.clip_by_global_norm(tf.gradients(loss, local), 40.0)
        apply_grads = trainer.apply_gradients(zip(grads, master, strict=True))
        sync = tf.group(*[to.assign(of) for to, of in zip(local, master, strict=True)])
        workers.append((x, y, loss, apply_grads, sync))
    coord = tf.train.Coordinator()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())

        def work(number: int) -> None:
            x, y, loss, apply_grads, sync = workers[number]
            rows = slice(30 * number, 30 * number + 30)
            for _ in range(60):
                if coord.should_stop():
                    return
                sess.run(sync)
                sess.run([loss, apply_grads], {x: x_train[rows], y: labels[rows]})

        threads = [threading.Thread(target=work, args=(i,)) for i in range(3)]
        for t in threads:
            t.start()
        coord.join(threads)
        predicted = sess.run(tf.argmax(master_logits, 1), {master_x: x_train})
    assert np.mean(predicted == labels) > 0.95


def test_resuming_from_checkpoints(tmp_path: Path) -> None:
    losses = []
    for _ in range(2):
        with tf.Graph().as_default():
            tf.set_random_seed(1)
            global_step = tf.Variable(0, name="global_step", trainable=False)
            loss, _, train = line(global_step, rate=0.02)
            saver = tf.train.Saver(max_to_keep=2)
            with tf.Session() as sess:
                sess.run(tf.global_variables_initializer())
                ckpt = tf.train.get_checkpoint_state(str(tmp_path))
                if ckpt and ckpt.model_checkpoint_path:
                    saver.restore(sess, ckpt.model_checkpoint_path)
                    assert int(ckpt.model_checkpoint_path.split("/")[-1].split("-")[-1]) == 30
                for _ in range(30):
                    losses.append(sess.run([loss, train])[0])
                    if (step := int(sess.run(global_step))) % 10 == 0:
                        saver.save(sess, str(tmp_path / "model.ckpt"), global_step=step)
    assert losses[28] > losses[29] > losses[30] > losses[31]
    assert losses[-1] < losses[29] / 2
    kept = sorted(p.name for p in tmp_path.iterdir() if ".meta" in p.name)
    # A new Saver counts only its own.
    assert kept == [f"model.ckpt-{n}.meta" for n in (20, 30, 50, 60)]
