"""Programs over sequences: characters, words, tags, translations."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import samara as tf


def test_character_network_with_state() -> None:
    """Predicts the next character of a text; the state goes from batch to batch, and to the sampling."""
    text = "abacd " * 20
    chars = sorted(set(text))
    vocab = {c: i for i, c in enumerate(chars)}
    data = np.array([vocab[c] for c in text])
    batch_size, seq_length, rnn_size, num_layers = 5, 6, 16, 2

    class Model:
        def __init__(self, training: bool = True) -> None:
            batch, length = (batch_size, seq_length) if training else (1, 1)
            cells = []
            for _ in range(num_layers):
                cell = tf.contrib.rnn.BasicLSTMCell(rnn_size, state_is_tuple=True)
                cells.append(tf.contrib.rnn.DropoutWrapper(cell, output_keep_prob=0.95) if training else cell)
            cell = tf.contrib.rnn.MultiRNNCell(cells, state_is_tuple=True)
            self.input_data = tf.placeholder(tf.int32, [batch, length])
            self.targets = tf.placeholder(tf.int32, [batch, length])
            self.initial_state = cell.zero_state(batch, tf.float32)
            with tf.variable_scope("rnnlm"):
                softmax_w = tf.get_variable("softmax_w", [rnn_size, len(chars)])
                softmax_b = tf.get_variable("softmax_b", [len(chars)])
                with tf.device("/cpu:0"):
                    embedding = tf.get_variable("embedding", [len(chars), rnn_size])
                inputs = tf.nn.embedding_lookup(embedding, self.input_data)
                outputs, self.final_state = tf.nn.dynamic_rnn(cell, inputs, initial_state=self.initial_state)
                output = tf.reshape(outputs, [-1, rnn_size])
                self.logits = tf.matmul(output, softmax_w) + softmax_b
                self.probs = tf.nn.softmax(self.logits)
            loss = tf.nn.sparse_softmax_cross_entropy_with_logits(
                logits=self.logits, labels=tf.reshape(self.targets, [-1])
            )
            self.cost = tf.reduce_sum(loss) / batch / length
            if training:
                self.lr = tf.Variable(0.0, trainable=False)
                tvars = tf.trainable_variables()
                grads, _ = tf.clip_by_global_norm(tf.gradients(self.cost, tvars), 5.0)
                self.train_op = tf.train.AdamOptimizer(self.lr).apply_gradients(
                    zip(grads, tvars, strict=True)
                )

    tf.set_random_seed(1)
    with tf.variable_scope("model"):
        model = Model()
    with tf.variable_scope("model", reuse=True):
        sampler = Model(training=False)
    assert len(tf.trainable_variables()) == 7
    x = data[: len(data) // batch_size * batch_size].reshape(batch_size, -1)
    y = np.roll(data, -1)[: x.size].reshape(batch_size, -1)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        sess.run(tf.assign(model.lr, 0.03))
        for _ in range(14):
            state = sess.run(model.initial_state)
            for start in range(0, x.shape[1] - seq_length + 1, seq_length):
                feed = {
                    model.input_data: x[:, start : start + seq_length],
                    model.targets: y[:, start : start + seq_length],
                }
                for i, (c, h) in enumerate(model.initial_state):
                    feed[c] = state[i].c
                    feed[h] = state[i].h
                cost, state, _ = sess.run([model.cost, model.final_state, model.train_op], feed)
        assert cost < 0.4
        state = sess.run(sampler.initial_state)
        written = "d "
        for _ in range(12):
            feed = {sampler.input_data: [[vocab[written[-1]]]]}
            for tensors, values in zip(sampler.initial_state, state, strict=True):
                feed.update(zip(tensors, values, strict=True))
            probs, state = sess.run([sampler.probs, sampler.final_state], feed)
            written += chars[int(np.argmax(probs[0]))]
    assert written == "d abacd abacd "


def test_bidirectional_tagger() -> None:
    """Tags each number with whether one of its two neighbours is less."""
    rng = np.random.RandomState(0)

    def draw(count: int) -> Any:
        words = rng.randint(1, 6, (count, 5))
        lengths = rng.randint(3, 6, count)
        words[np.arange(5)[None] >= lengths[:, None]] = 0
        tags = np.array(
            [
                [int(any(0 < n < w for n in row[max(i - 1, 0) : i + 2])) for i, w in enumerate(row)]
                for row in words.tolist()
            ]
        )
        return words, lengths, tags

    tf.set_random_seed(2)
    word_ids = tf.placeholder(tf.int32, shape=[None, None], name="word_ids")
    sequence_lengths = tf.placeholder(tf.int32, shape=[None], name="sequence_lengths")
    labels = tf.placeholder(tf.int32, shape=[None, None], name="labels")
    with tf.variable_scope("words"):
        embeddings = tf.get_variable("embeddings", shape=[6, 8])
        inputs = tf.nn.embedding_lookup(embeddings, word_ids, name="word_embeddings")
    with tf.variable_scope("bi-lstm"):
        cell_fw, cell_bw = tf.contrib.rnn.LSTMCell(10), tf.contrib.rnn.LSTMCell(10)
        (output_fw, output_bw), _ = tf.nn.bidirectional_dynamic_rnn(
            cell_fw, cell_bw, inputs, sequence_length=sequence_lengths, dtype=tf.float32
        )
        output = tf.concat([output_fw, output_bw], axis=-1)
    with tf.variable_scope("proj"):
        W = tf.get_variable("W", dtype=tf.float32, shape=[20, 2])
        b = tf.get_variable("b", shape=[2], dtype=tf.float32, initializer=tf.zeros_initializer())
        nsteps = tf.shape(output)[1]
        logits = tf.reshape(tf.matmul(tf.reshape(output, [-1, 20]), W) + b, [-1, nsteps, 2])
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=labels)
    mask = tf.sequence_mask(sequence_lengths, tf.shape(labels)[1])
    loss = tf.reduce_mean(tf.boolean_mask(losses, mask))
    labels_pred = tf.cast(tf.argmax(logits, axis=-1), tf.int32)
    right = tf.reduce_mean(tf.cast(tf.boolean_mask(tf.equal(labels_pred, labels), mask), tf.float32))
    train = tf.train.AdamOptimizer(0.03).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(50):
            words, lengths, tags = draw(32)
            sess.run(train, {word_ids: words, sequence_lengths: lengths, labels: tags})
        words, lengths, tags = draw(100)
        assert sess.run(right, {word_ids: words, sequence_lengths: lengths, labels: tags}) > 0.9


@pytest.mark.parametrize("loss_name", ["nce", "sampled_softmax"])
def test_skip_gram(loss_name: str) -> None:
    """Words of two languages that are never mixed: neighbours come to lie together."""
    rng = np.random.RandomState(1)
    vocabulary_size, embedding_size, num_sampled, batch_size = 20, 8, 6, 64
    tf.set_random_seed(3)
    train_inputs = tf.placeholder(tf.int32, shape=[batch_size])
    train_labels = tf.placeholder(tf.int32, shape=[batch_size, 1])
    valid_dataset = tf.constant([0, 15], dtype=tf.int32)
    with tf.device("/cpu:0"):
        embeddings = tf.Variable(tf.random_uniform([vocabulary_size, embedding_size], -1.0, 1.0))
        embed = tf.nn.embedding_lookup(embeddings, train_inputs)
        weights = tf.Variable(
            tf.truncated_normal([vocabulary_size, embedding_size], stddev=1.0 / np.sqrt(embedding_size))
        )
        biases = tf.Variable(tf.zeros([vocabulary_size]))
    function = tf.nn.nce_loss if loss_name == "nce" else tf.nn.sampled_softmax_loss
    loss = tf.reduce_mean(
        function(
            weights=weights,
            biases=biases,
            labels=train_labels,
            inputs=embed,
            num_sampled=num_sampled,
            num_classes=vocabulary_size,
        )
    )
    optimizer = tf.train.GradientDescentOptimizer(1.0).minimize(loss)
    norm = tf.sqrt(tf.reduce_sum(tf.square(embeddings), 1, keep_dims=True))
    normalized_embeddings = embeddings / norm
    valid_embeddings = tf.nn.embedding_lookup(normalized_embeddings, valid_dataset)
    similarity = tf.matmul(valid_embeddings, normalized_embeddings, transpose_b=True)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(300):
            language = rng.randint(2, size=batch_size)
            words = language * 10 + rng.randint(10, size=batch_size)
            context = language * 10 + rng.randint(10, size=batch_size)
            session.run(optimizer, {train_inputs: words, train_labels: context[:, None]})
        sim = session.run(similarity)
    for row, language in zip(sim, (0, 1), strict=True):
        nearest = (-row).argsort()[1:6]
        assert np.mean(nearest // 10 == language) >= 0.8


def test_static_network_on_rows() -> None:
    """Which of three rows of a picture is bright, by a network that is unrolled."""
    rng = np.random.RandomState(2)
    place = rng.randint(3, size=200)
    images = 0.3 * rng.rand(200, 3, 4).astype(np.float32)
    images[np.arange(200), place] += 0.5
    x = tf.placeholder("float", [None, 3, 4])
    y = tf.placeholder("float", [None, 3])
    tf.set_random_seed(4)
    weights = {"out": tf.Variable(tf.random_normal([10, 3]))}
    biases = {"out": tf.Variable(tf.random_normal([3]))}
    inputs = tf.unstack(x, 3, 1)
    cell = tf.nn.rnn_cell.GRUCell(10)
    outputs, _ = tf.nn.static_rnn(cell, inputs, dtype=tf.float32)
    pred = tf.matmul(outputs[-1], weights["out"]) + biases["out"]
    cost = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=pred, labels=y))
    optimizer = tf.train.AdamOptimizer(learning_rate=0.05).minimize(cost)
    accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(pred, 1), tf.argmax(y, 1)), tf.float32))
    labels = np.eye(3)[place]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(60):
            sess.run(optimizer, {x: images, y: labels})
        assert sess.run(accuracy, {x: images, y: labels}) > 0.97


def test_convolutions_over_words() -> None:
    """Sentences with a certain pair of words in them, by filters of several widths and the largest of each."""
    rng = np.random.RandomState(3)
    sentences = rng.randint(2, 12, (240, 9))
    labels = rng.randint(2, size=240)
    places = rng.randint(8, size=240)
    for row, label, at in zip(sentences, labels, places, strict=True):
        if label:
            row[at : at + 2] = [1, 0]
    tf.set_random_seed(5)
    input_x = tf.placeholder(tf.int32, [None, 9], name="input_x")
    input_y = tf.placeholder(tf.float32, [None, 2], name="input_y")
    keep = tf.placeholder(tf.float32, name="dropout_keep_prob")
    l2_loss = tf.constant(0.0)
    with tf.name_scope("embedding"):
        W = tf.Variable(tf.random_uniform([12, 6], -1.0, 1.0), name="W")
        embedded_chars_expanded = tf.expand_dims(tf.nn.embedding_lookup(W, input_x), -1)
    pooled_outputs = []
    for filter_size in (2, 3):
        with tf.name_scope(f"conv-maxpool-{filter_size}"):
            W = tf.Variable(tf.truncated_normal([filter_size, 6, 1, 8], stddev=0.1), name="W")
            b = tf.Variable(tf.constant(0.1, shape=[8]), name="b")
            conv = tf.nn.conv2d(embedded_chars_expanded, W, [1, 1, 1, 1], "VALID", name="conv")
            h = tf.nn.relu(tf.nn.bias_add(conv, b), name="relu")
            pooled_outputs.append(
                tf.nn.max_pool(h, [1, 9 - filter_size + 1, 1, 1], [1, 1, 1, 1], "VALID", name="pool")
            )
    h_pool_flat = tf.reshape(tf.concat(pooled_outputs, 3), [-1, 16])
    h_drop = tf.nn.dropout(h_pool_flat, keep)
    with tf.name_scope("output"):
        W = tf.get_variable("W", shape=[16, 2], initializer=tf.contrib.layers.xavier_initializer())
        b = tf.Variable(tf.constant(0.1, shape=[2]), name="b")
        l2_loss += tf.nn.l2_loss(W) + tf.nn.l2_loss(b)
        scores = tf.nn.xw_plus_b(h_drop, W, b, name="scores")
        predictions = tf.argmax(scores, 1, name="predictions")
    losses = tf.nn.softmax_cross_entropy_with_logits(logits=scores, labels=input_y)
    loss = tf.reduce_mean(losses) + 0.001 * l2_loss
    global_step = tf.Variable(0, name="global_step", trainable=False)
    optimizer = tf.train.AdamOptimizer(0.02)
    grads_and_vars = optimizer.compute_gradients(loss)
    train_op = optimizer.apply_gradients(grads_and_vars, global_step=global_step)
    for g, v in grads_and_vars:
        tf.summary.scalar(f"{v.name.replace(':', '_')}/grad/sparsity", tf.nn.zero_fraction(g))
    accuracy = tf.reduce_mean(tf.cast(tf.equal(predictions, tf.argmax(input_y, 1)), "float"))
    targets = np.eye(2)[labels]
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(15):
            for rows in np.array_split(rng.permutation(200), 4):
                feed = {input_x: sentences[rows], input_y: targets[rows], keep: 0.8}
                sess.run([train_op, global_step, *tf.get_collection("summaries")], feed)
        assert tf.train.global_step(sess, global_step) == 60
        found = sess.run(accuracy, {input_x: sentences[200:], input_y: targets[200:], keep: 1.0})
    assert found > 0.9


def test_translation_with_attention() -> None:
    """Says a sequence of words backwards: trained with what it should say, then left to itself."""
    rng = np.random.RandomState(4)
    vocab, go, eos, pad, most = 7, 1, 2, 0, 3
    seq2seq = tf.contrib.seq2seq

    def draw(count: int) -> Any:
        lengths = rng.randint(2, most + 1, count)
        source = np.full((count, most), pad)
        target = np.full((count, most + 1), pad)
        for row, n in enumerate(lengths):
            source[row, :n] = rng.randint(3, vocab, n)
            target[row, :n] = source[row, :n][::-1]
            target[row, n] = eos
        return source, lengths, target, lengths + 1

    tf.set_random_seed(6)
    inputs = tf.placeholder(tf.int32, (None, None), "inputs")
    targets = tf.placeholder(tf.int32, (None, None), "targets")
    source_length = tf.placeholder(tf.int32, (None,), "source_length")
    target_length = tf.placeholder(tf.int32, (None,), "target_length")
    batch_size = tf.shape(inputs)[0]
    embeddings = tf.get_variable("embeddings", [vocab, 12])
    with tf.variable_scope("encoder"):
        encoder_outputs, encoder_state = tf.nn.dynamic_rnn(
            tf.nn.rnn_cell.GRUCell(20),
            tf.nn.embedding_lookup(embeddings, inputs),
            source_length,
            dtype=tf.float32,
        )
    mechanism = seq2seq.BahdanauAttention(20, encoder_outputs, memory_sequence_length=source_length)
    cell = seq2seq.AttentionWrapper(tf.nn.rnn_cell.GRUCell(20), mechanism, attention_layer_size=20)
    initial_state = cell.zero_state(batch_size, tf.float32).clone(cell_state=encoder_state)
    output_layer = tf.layers.Dense(vocab, name="output_projection")
    with tf.variable_scope("decode"):
        shifted = tf.concat([tf.fill([batch_size, 1], go), targets[:, :-1]], 1)
        helper = seq2seq.TrainingHelper(tf.nn.embedding_lookup(embeddings, shifted), target_length)
        decoder = seq2seq.BasicDecoder(cell, helper, initial_state, output_layer)
        outputs, _, _ = seq2seq.dynamic_decode(decoder, impute_finished=True)
    with tf.variable_scope("decode", reuse=True):
        start_tokens = tf.tile(tf.constant([go], dtype=tf.int32), [batch_size])
        inference = seq2seq.GreedyEmbeddingHelper(embeddings, start_tokens, eos)
        said, _, said_lengths = seq2seq.dynamic_decode(
            seq2seq.BasicDecoder(cell, inference, initial_state, output_layer),
            impute_finished=True,
            maximum_iterations=2 * most,
        )
    logits = tf.identity(outputs.rnn_output, "logits")
    masks = tf.sequence_mask(target_length, tf.shape(logits)[1], dtype=tf.float32, name="masks")
    cost = seq2seq.sequence_loss(logits, targets[:, : tf.shape(logits)[1]], masks)
    optimizer = tf.train.AdamOptimizer(0.03)
    gradients = optimizer.compute_gradients(cost)
    capped = [(tf.clip_by_value(g, -1.0, 1.0), v) for g, v in gradients if g is not None]
    train_op = optimizer.apply_gradients(capped)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for _ in range(50):
            batch = draw(64)
            feed = dict(zip((inputs, source_length, targets, target_length), batch, strict=True))
            sess.run(train_op, feed)
        source, lengths, target, _ = draw(50)
        found, found_lengths = sess.run(
            [said.sample_id, said_lengths], {inputs: source, source_length: lengths}
        )
    right = [
        n == m + 1 and (row[:n] == wanted[:n]).all()
        for row, n, wanted, m in zip(found, found_lengths, target, lengths, strict=True)
    ]
    assert np.mean(right) > 0.8
