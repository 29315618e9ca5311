"""Decoders and attention against plain loops in numpy, and against dynamic_rnn."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

import samara as tf
from samara.graph.contrib import seq2seq as module

seq2seq = tf.contrib.seq2seq


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as made:
        tf.set_random_seed(1)
        yield made


def started() -> tf.Session:
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


def softmax(x: Any) -> Any:
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def test_names() -> None:
    assert seq2seq is module
    assert issubclass(seq2seq.BasicDecoder, seq2seq.Decoder)
    for helper in (seq2seq.TrainingHelper, seq2seq.GreedyEmbeddingHelper, seq2seq.CustomHelper):
        assert issubclass(helper, seq2seq.Helper)
    assert issubclass(seq2seq.BahdanauAttention, seq2seq.AttentionMechanism)


@pytest.mark.parametrize("time_major", [False, True])
def test_a_decoder_of_given_inputs_is_a_recurrent_network(time_major: bool) -> None:
    data, lengths = np.random.RandomState(0).rand(3, 5, 2), [4, 2, 3]
    x = tf.placeholder(tf.float32, [None, None, 2])
    n = tf.placeholder(tf.int64, [None])
    cell = tf.nn.rnn_cell.GRUCell(4)
    first = cell.zero_state(tf.shape(x)[0], tf.float32)
    given = tf.transpose(x, [1, 0, 2]) if time_major else x
    helper = seq2seq.TrainingHelper(given, n, time_major=time_major)
    decoder = seq2seq.BasicDecoder(cell, helper, first)
    outputs, state, found = seq2seq.dynamic_decode(
        decoder, output_time_major=time_major, impute_finished=True
    )
    assert outputs.rnn_output.get_shape().as_list() == [None, None, 4]
    expected, last = tf.nn.dynamic_rnn(cell, x, n, dtype=tf.float32, scope="decoder")
    variables = tf.trainable_variables()
    assert variables[0].op.name == "decoder/gru_cell/gates/kernel"
    slopes = [tf.gradients(tf.reduce_sum(tf.sin(o)), variables) for o in (outputs.rnn_output, expected)]
    with started() as session:
        ours, said, ends, count, theirs, their_ends, (a, b) = session.run(
            [*outputs, state, found, expected, last, slopes], {x: data, n: lengths}
        )
    ours = ours.transpose(1, 0, 2) if time_major else ours
    said = said.T if time_major else said
    assert ours.shape == (3, 4, 4)
    np.testing.assert_allclose(ours, theirs[:, :4], rtol=1e-6)
    np.testing.assert_allclose(ends, their_ends, rtol=1e-6)
    assert count.tolist() == lengths
    live = np.arange(4)[None] < np.array(lengths)[:, None]
    np.testing.assert_array_equal(said, np.where(live, ours.argmax(-1), 0))
    for one, other in zip(a, b, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_without_imputation_steps_go_on() -> None:
    x = tf.constant(np.random.RandomState(0).rand(2, 3, 2).astype(np.float32))
    cell = tf.nn.rnn_cell.BasicRNNCell(2)
    helper = seq2seq.TrainingHelper(x, [1, 3])
    decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, tf.float32))
    outputs, _, lengths = seq2seq.dynamic_decode(decoder, maximum_iterations=2)
    expected, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32, scope="decoder")
    with started() as session:
        ours, theirs, found = session.run([outputs.rnn_output, expected, lengths])
    np.testing.assert_allclose(ours, theirs[:, :2], rtol=1e-6)
    assert found.tolist() == [1, 2]


def test_greedy_decoding_follows_what_it_says() -> None:
    rng = np.random.RandomState(3)
    embedding = rng.randn(6, 3).astype(np.float32)
    cell = tf.nn.rnn_cell.BasicRNNCell(5)
    layer = tf.layers.Dense(6, use_bias=False)
    start = tf.placeholder(tf.int32, [None])
    helper = seq2seq.GreedyEmbeddingHelper(tf.constant(embedding), start, end_token=4)
    decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(tf.shape(start)[0], tf.float32), layer)
    outputs, state, lengths = seq2seq.dynamic_decode(decoder, maximum_iterations=tf.constant(8))
    with pytest.raises(ValueError, match="give maximum_iterations"):
        seq2seq.dynamic_decode(decoder)
    starts = [0, 1, 2, 3, 5]
    with started() as session:
        kernel, bias, out = session.run(tf.trainable_variables())
        logits, said, _, count = session.run([*outputs, state, lengths], {start: starts})
    for row, word in enumerate(starts):
        h, spoken = np.zeros(5), []
        while len(spoken) < 8 and (not spoken or spoken[-1] != 4):
            h = np.tanh(np.concatenate([embedding[word], h]) @ kernel + bias)
            np.testing.assert_allclose(logits[row, len(spoken)], h @ out, rtol=1e-4, atol=1e-5)
            word = int((h @ out).argmax())
            spoken.append(word)
        assert said[row, : len(spoken)].tolist() == spoken
        assert count[row] == len(spoken)
    assert said.shape[1] == count.max()


def test_sampled_decoding_draws_by_probabilities() -> None:
    cell = tf.nn.rnn_cell.BasicRNNCell(2)
    logits = np.log([0.1, 0.6, 0.3]).astype(np.float32)
    layer = tf.layers.Dense(
        3, kernel_initializer=tf.zeros_initializer(), bias_initializer=lambda *_, **__: logits
    )
    embedding = np.zeros((3, 2), np.float32)

    def drawn(temperature: Any) -> Any:
        helper = seq2seq.SampleEmbeddingHelper(
            lambda ids: tf.gather(embedding, ids), tf.zeros([400], tf.int32), 3, temperature, seed=5
        )
        decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(400, tf.float32), layer)
        outputs, _, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=5)
        return outputs.sample_id

    plain, sharp = drawn(None), drawn(0.25)
    with started() as session:
        found = session.run([plain, sharp])
    np.testing.assert_allclose(np.bincount(found[0].ravel()) / 2000, [0.1, 0.6, 0.3], atol=0.04)
    wanted = np.array([0.1, 0.6, 0.3]) ** 4
    np.testing.assert_allclose(
        np.bincount(found[1].ravel(), minlength=3) / 2000, wanted / wanted.sum(), atol=0.04
    )


def test_a_helper_of_functions() -> None:
    """Counts down from a number that each sequence begins with."""
    first = np.array([[3.0], [1.0]], np.float32)

    class Passing(tf.nn.rnn_cell.RNNCell):
        output_size = state_size = 1

        def call(self, inputs: Any, state: Any) -> Any:
            return inputs - 1, state + inputs

    helper = seq2seq.CustomHelper(
        lambda: (tf.constant([False, False]), tf.constant(first)),
        lambda time, outputs, state: tf.cast(outputs[:, 0], tf.int64) * 10,
        lambda time, outputs, state, sample_ids: (tf.equal(sample_ids, 0), outputs, state),
        [],
        tf.int64,
    )
    cell = Passing()
    decoder = seq2seq.BasicDecoder(cell, helper, tf.zeros([2, 1]))
    outputs, state, lengths = seq2seq.dynamic_decode(decoder, impute_finished=True, maximum_iterations=9)
    with tf.Session() as session:
        rnn, said, end, count = session.run([*outputs, state, lengths])
    assert rnn[..., 0].tolist() == [[2, 1, 0], [0, 0, 0]]
    assert said.tolist() == [[20, 10, 0], [0, 0, 0]]
    assert end.tolist() == [[6], [1]]
    assert count.tolist() == [3, 1]


@pytest.mark.parametrize("kind", ["luong", "scaled", "bahdanau", "normalized"])
def test_attention(kind: str) -> None:
    rng = np.random.RandomState(4)
    memory, lengths = rng.randn(2, 4, 3).astype(np.float32), [4, 2]
    query = rng.randn(2, 5).astype(np.float32)
    if kind in ("luong", "scaled"):
        mechanism: Any = seq2seq.LuongAttention(5, tf.constant(memory), lengths, scale=kind == "scaled")
    else:
        mechanism = seq2seq.BahdanauAttention(5, memory, lengths, normalize=kind == "normalized")
    alignments, state = mechanism(tf.constant(query), None)
    assert mechanism.initial_alignments(2, tf.float32).get_shape().as_list() == [2, 4]
    with started() as session:
        found, same, values = session.run([alignments, state, mechanism.values])
        held = {v.op.name.rpartition("/")[2]: session.run(v) for v in tf.trainable_variables()}
        layers = {
            v.op.name.split("/")[-2]: session.run(v) for v in tf.trainable_variables() if "kernel" in v.name
        }
        batch = session.run(mechanism.batch_size)
    assert batch == 2
    np.testing.assert_array_equal(found, same)
    masked = memory * (np.arange(4) < np.array(lengths)[:, None])[..., None]
    np.testing.assert_array_equal(values, masked)
    keys = masked @ layers["memory_layer"]
    if kind in ("luong", "scaled"):
        score = (keys * query[:, None]).sum(-1) * held.get("attention_g", 1)
    else:
        total = keys + (query @ layers["query_layer"])[:, None] + held.get("attention_b", 0)
        v = held["attention_v"]
        if kind == "normalized":
            v = held["attention_g"] * v / np.linalg.norm(v)
        score = (v * np.tanh(total)).sum(-1)
    expected = np.zeros((2, 4))
    for row, length in enumerate(lengths):
        expected[row, :length] = softmax(score[row, :length])
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("output_attention", [True, False])
def test_a_step_with_attention(output_attention: bool) -> None:
    rng = np.random.RandomState(5)
    memory = rng.randn(2, 3, 4).astype(np.float32)
    inputs = rng.randn(2, 2).astype(np.float32)
    attention = seq2seq.LuongAttention(6, memory)
    cell = seq2seq.AttentionWrapper(
        tf.nn.rnn_cell.BasicRNNCell(6), attention, attention_layer_size=5, output_attention=output_attention
    )
    assert cell.output_size == (5 if output_attention else 6)
    assert cell.state_size.attention == 5
    zero = cell.zero_state(2, tf.float32)
    assert isinstance(zero, seq2seq.AttentionWrapperState)
    before = zero.clone(cell_state=tf.constant(rng.randn(2, 6).astype(np.float32)))
    output, state = cell(tf.constant(inputs), before)
    with started() as session:
        found, after, start = session.run([output, state, before.cell_state])
        held = {v.op.name.split("/")[-2] + v.op.name[-4:]: session.run(v) for v in tf.trainable_variables()}
    kernels = {k: v for k, v in held.items() if k.endswith("rnel")}
    rnn = np.tanh(
        np.concatenate([inputs, np.zeros((2, 5)), start], 1) @ kernels["basic_rnn_cellrnel"]
        + held["basic_rnn_cellbias"]
    )
    weights = softmax(((memory @ kernels["memory_layerrnel"]) * rnn[:, None]).sum(-1))
    context = (weights[..., None] * memory).sum(1)
    expected = np.concatenate([rnn, context], 1) @ kernels["attention_layerrnel"]
    np.testing.assert_allclose(found, expected if output_attention else rnn, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(after.attention, expected, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(after.alignments, weights, rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(after.cell_state, rnn, rtol=1e-5, atol=1e-6)
    assert after.time == 1


def test_several_memories() -> None:
    a = seq2seq.LuongAttention(4, tf.ones([2, 3, 4]))
    b = seq2seq.BahdanauAttention(4, tf.ones([2, 5, 6]))
    cell = seq2seq.AttentionWrapper(tf.nn.rnn_cell.GRUCell(4), [a, b])
    assert cell.output_size == 10
    helper = seq2seq.TrainingHelper(tf.ones([2, 3, 2]), [3, 2])
    decoder = seq2seq.BasicDecoder(cell, helper, cell.zero_state(2, tf.float32))
    outputs, state, _ = seq2seq.dynamic_decode(decoder)
    with started() as session:
        found, places = session.run([outputs.rnn_output, state.alignments])
    np.testing.assert_allclose(found, np.ones((2, 3, 10)), rtol=1e-5)
    assert [p.shape for p in places] == [(2, 3), (2, 5)]


def test_tiled_batches() -> None:
    state = tf.nn.rnn_cell.LSTMStateTuple(np.array([[1, 2], [3, 4]]), np.array([5, 6]))
    tiled = seq2seq.tile_batch(state, 2)
    with tf.Session() as session:
        c, h = session.run(tiled)
    assert c.tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]]
    assert h.tolist() == [5, 5, 6, 6]


def test_what_is_refused() -> None:
    cell = tf.nn.rnn_cell.GRUCell(4)
    with pytest.raises(ValueError, match="rank 2"):
        seq2seq.TrainingHelper(tf.ones([2, 3, 2]), [[3, 2]])
    with pytest.raises(ValueError, match="one word"):
        seq2seq.GreedyEmbeddingHelper(tf.ones([3, 2]), [[1]], 2)
    with pytest.raises(TypeError, match="no layer"):
        seq2seq.BasicDecoder(cell, seq2seq.Helper(), None, 5)
    with pytest.raises(TypeError, match="no Decoder"):
        seq2seq.dynamic_decode(cell)
    memory = tf.ones([2, 3, 4])
    for kind in (seq2seq.LuongAttention, seq2seq.BahdanauAttention):
        with pytest.raises(ValueError, match="custom_key_value_fn"):
            kind(4, memory, custom_key_value_fn=abs)
    with pytest.raises(ValueError, match="give num_units=5"):
        seq2seq.LuongAttention(4, memory)(tf.ones([2, 5]))
    mechanism = seq2seq.LuongAttention(4, memory)
    with pytest.raises(ValueError, match="alignment_history"):
        seq2seq.AttentionWrapper(cell, mechanism, alignment_history=True)
    with pytest.raises(ValueError, match="1 attention layers for 2"):
        seq2seq.AttentionWrapper(cell, [mechanism, mechanism], [4])
    with pytest.raises(TypeError, match="zero_state gives"):
        seq2seq.AttentionWrapper(cell, mechanism)(tf.ones([2, 2]), tf.ones([2, 4]))
    for method in ("initialize", "sample", "next_inputs"):
        with pytest.raises(NotImplementedError, match=f"Helper has no {method}"):
            getattr(seq2seq.Helper(), method)(*[None] * {"initialize": 0, "sample": 3}.get(method, 4))


def searched(
    start: int, embedding: Any, kernel: Any, bias: Any, out: Any, width: int, steps: int, weight: float
) -> list[list[int]]:
    """Beam search as a list of beams: (log probability, length, ended, state, words)."""
    end = 4
    beams: list[Any] = [(0.0, 0, False, np.zeros(len(kernel) - embedding.shape[1]), [start])]
    for _ in range(steps):
        grown = []
        for chance, length, ended, state, words in beams:
            if ended:
                grown.append((length, (chance, length, True, state, [*words, end])))
                continue
            after = np.tanh(np.concatenate([embedding[words[-1]], state]) @ kernel + bias)
            for word, more in enumerate(np.log(softmax(after @ out))):
                beam = (chance + more, length + 1, word == end, after, [*words, word])
                grown.append((length + (word != end), beam))
        grown.sort(key=lambda g: -g[1][0] / ((5 + g[0]) / 6) ** weight)
        beams = [beam for _, beam in grown[:width]]
        if all(g[2] for g in beams):
            break
    return [g[4][1:] for g in beams]


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_beam_search(weight: float) -> None:
    rng = np.random.RandomState(6)
    embedding = rng.randn(6, 3).astype(np.float32)
    cell = tf.nn.rnn_cell.BasicRNNCell(5, name="cell")
    layer = tf.layers.Dense(
        6, use_bias=False, kernel_initializer=tf.random_normal_initializer(stddev=2.0, seed=3)
    )
    starts = [0, 1, 2, 3]
    state = seq2seq.tile_batch(tf.zeros([4, 5]), 3)
    decoder = seq2seq.BeamSearchDecoder(
        cell, tf.constant(embedding), tf.constant(starts), 4, state, 3, layer, length_penalty_weight=weight
    )
    outputs, final, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=5)
    assert isinstance(outputs, seq2seq.FinalBeamSearchDecoderOutput)
    assert isinstance(final, seq2seq.BeamSearchDecoderState)
    with started() as session:
        kernel, bias, out = session.run(tf.trainable_variables())
        words, steps = session.run([outputs.predicted_ids, outputs.beam_search_decoder_output])
    assert words.shape[0] == 4
    assert isinstance(steps, seq2seq.BeamSearchDecoderOutput)
    assert (np.diff(steps.scores[:, -1], axis=-1) <= 0).all()
    for row, start in enumerate(starts):
        wanted = searched(start, embedding, kernel, bias, out, 3, 5, weight)
        for beam, expected in enumerate(wanted):
            found = words[row, :, beam].tolist()
            assert found[: len(expected)] == expected
            assert set(found[len(expected) :]) <= {4}


def test_beam_search_with_attention() -> None:
    memory = tf.constant(np.random.RandomState(7).randn(2, 3, 4).astype(np.float32))
    tiled = seq2seq.tile_batch(memory, 2)
    cell = seq2seq.AttentionWrapper(
        tf.nn.rnn_cell.GRUCell(4), seq2seq.LuongAttention(4, tiled), attention_layer_size=4
    )
    decoder = seq2seq.BeamSearchDecoder(
        cell, tf.ones([7, 3]), [1, 1], 0, cell.zero_state(4, tf.float32), 2, tf.layers.Dense(7)
    )
    outputs, _, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=4, output_time_major=True)
    with started() as session:
        words = session.run(outputs.predicted_ids)
    assert words.shape[1:] == (2, 2)
    assert not np.array_equal(words[:, 0, 0], words[:, 0, 1])
    with pytest.raises(ValueError, match="coverage"):
        seq2seq.BeamSearchDecoder(cell, memory, [1], 0, None, 2, coverage_penalty_weight=1.0)
    with pytest.raises(ValueError, match="one word"):
        seq2seq.BeamSearchDecoder(cell, memory, 1, 0, None, 2)


def test_trees_of_beams() -> None:
    words = np.array([[[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]]])
    parents = np.array([[[0, 0, 0]], [[0, 1, 1]], [[2, 1, 2]]])
    found = seq2seq.gather_tree(words, parents, [3], 10)
    with tf.Session() as session:
        assert session.run(found)[:, 0].T.tolist() == [[2, 6, 7], [2, 5, 8], [2, 6, 9]]
