"""Networks over lists of steps, stacks of two directions, and settings, as contrib had them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.programs._run import run

legacy = tf.contrib.legacy_seq2seq
rnn = tf.contrib.rnn


def test_losses_of_lists_of_steps() -> None:
    random = np.random.RandomState(0)
    logits, targets = random.randn(3, 2, 4), random.randint(4, size=(3, 2))
    weights = np.array([[1.0, 1.0], [0.5, 0.0], [2.0, 0.0]])
    given = [[tf.constant(part) for part in whole] for whole in (logits, targets, weights)]
    p = np.exp(logits) / np.exp(logits).sum(-1, keepdims=True)
    entropy = -np.log(np.take_along_axis(p, targets[..., None], -1))[..., 0] * weights
    found = run(
        [
            legacy.sequence_loss_by_example(*given),
            legacy.sequence_loss_by_example(*given, average_across_timesteps=False),
            legacy.sequence_loss(*given),
            legacy.sequence_loss(*given, average_across_batch=False),
            legacy.sequence_loss(
                *given, softmax_loss_function=lambda labels, logits: tf.cast(labels, tf.float64)
            ),
        ]
    )
    each = entropy.sum(0) / weights.sum(0)
    np.testing.assert_allclose(found[0], each)
    np.testing.assert_allclose(found[1], entropy.sum(0))
    np.testing.assert_allclose(found[2:4], [each.mean(), each.sum()])
    np.testing.assert_allclose(found[4], ((targets * weights).sum(0) / weights.sum(0)).mean())
    with pytest.raises(ValueError, match="2 weights"):
        legacy.sequence_loss_by_example(given[0], given[1], given[2][:2])


def test_a_language_model_that_is_written_out() -> None:
    """A cell over a list of steps learns a cycle of numbers, and then goes on by itself."""
    tf.set_random_seed(1)
    cycle = np.array([0, 3, 1, 4, 2])
    words = np.resize(cycle, 6)
    cell = rnn.LSTMBlockCell(12)
    embedding = tf.get_variable("embedding", [5, 6])
    softmax_w, softmax_b = tf.get_variable("w", [12, 5]), tf.get_variable("b", [5])

    def loop(before: Any, _: int) -> Any:
        symbol = tf.stop_gradient(tf.argmax(tf.matmul(before, softmax_w) + softmax_b, 1))
        return tf.nn.embedding_lookup(embedding, symbol)

    inputs = [tf.nn.embedding_lookup(embedding, [n]) for n in words[:-1]]
    first = cell.zero_state(1, tf.float32)
    outputs, _ = legacy.rnn_decoder(inputs, first, cell, scope="rnnlm")
    logits = [tf.matmul(o, softmax_w) + softmax_b for o in outputs]
    loss = legacy.sequence_loss(logits, [tf.constant([n]) for n in words[1:]], [tf.ones([1])] * 5)
    train = tf.train.AdamOptimizer(0.05).minimize(loss)
    with tf.variable_scope(tf.get_variable_scope(), reuse=True):
        alone, _ = legacy.rnn_decoder(inputs, first, cell, loop_function=loop, scope="rnnlm")
    said = [tf.argmax(tf.matmul(o, softmax_w) + softmax_b, 1)[0] for o in alone]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(60):
            sess.run(train)
        assert sess.run(loss) < 0.1
        assert [int(n) for n in sess.run(said)] == words[1:].tolist()
    with pytest.raises(ValueError, match="not supported"):
        rnn.LSTMBlockCell(3, use_peephole=True)


def test_stacks_of_both_directions() -> None:
    random = np.random.RandomState(1)
    x, lengths = random.randn(2, 4, 3).astype(np.float32), [4, 2]
    made = {d: [tf.nn.rnn_cell.GRUCell(n) for n in (3, 5)] for d in ("fw", "bw")}
    outputs, forward, backward = rnn.stack_bidirectional_dynamic_rnn(
        made["fw"], made["bw"], tf.constant(x), dtype=tf.float32, sequence_length=lengths
    )
    layer: Any = tf.constant(x)
    ends = []
    for number in range(2):
        with tf.variable_scope(f"other_{number}"):
            both, state = tf.nn.bidirectional_dynamic_rnn(
                made["fw"][number], made["bw"][number], layer, lengths, dtype=tf.float32
            )
        layer = tf.concat(both, 2)
        ends.append(state)
    found = run([outputs, forward, backward, layer, ends])
    assert found[0].shape == (2, 4, 10)
    np.testing.assert_allclose(found[0], found[3], rtol=1e-6)
    for number, (first, last) in enumerate(found[4]):
        np.testing.assert_allclose(found[1][number], first, rtol=1e-6)
        np.testing.assert_allclose(found[2][number], last, rtol=1e-6)
    names = [v.op.name for v in tf.trainable_variables()]
    assert "stack_bidirectional_rnn/cell_1/bidirectional_rnn/bw/gru_cell/gates/kernel" in names
    with pytest.raises(ValueError, match="as many of both"):
        rnn.stack_bidirectional_dynamic_rnn(made["fw"], made["bw"][:1], x, dtype=tf.float32)


def test_settings() -> None:
    made = tf.contrib.training.HParams(rate=0.1, layers=[3, 4], name="a", deep=False, steps=10)
    assert (made.rate, made.layers, made.deep) == (0.1, [3, 4], False)
    assert made.parse("rate=1, layers=[5, 6,7],name=b c,deep=true,steps=20") is made
    assert made.values() == {"rate": 1.0, "layers": [5, 6, 7], "name": "b c", "deep": True, "steps": 20}
    assert isinstance(made.rate, float)
    made.parse_json('{"rate": 2, "deep": false}').override_from_dict({"steps": 3.0})
    assert (made.rate, made.deep, made.steps) == (2.0, False, 3)
    assert made.to_json() == '{"rate": 2.0, "layers": [5, 6, 7], "name": "b c", "deep": false, "steps": 3}'
    made.add_hparam("more", None)
    made.set_hparam("more", 5)
    assert made.get("more") == 5
    assert made.get("none", 1) == 1
    made.del_hparam("more")
    assert "more" not in made
    assert "rate=2.0" in repr(made)
    with pytest.raises(ValueError, match="taken"):
        made.add_hparam("rate", 1)
    with pytest.raises(KeyError, match="no setting"):
        made.parse("nothing=1")
    for text in ("rate", "layers=[1,2", "deep=maybe", "steps=x"):
        with pytest.raises(ValueError, match=r"expected|closed|type|invalid"):
            made.parse(text)
