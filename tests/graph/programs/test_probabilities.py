"""Distributions against formulas and draws, chains of tags against all their sequences, and programs with them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest

import samara as tf
from tests.graph.programs._run import check_gradient, run

D = tf.distributions


def test_normal_distributions() -> None:
    assert tf.contrib.distributions is tf.distributions
    tf.set_random_seed(1)
    loc, scale = np.array([0.0, 2.0, -1.0]), np.array([1.0, 0.5, 2.0])
    x = tf.placeholder(tf.float64, [3])
    n = D.Normal(tf.constant(loc), tf.constant(scale))
    value = np.array([0.3, 2.5, 1.0])
    z = (value - loc) / scale
    density = np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi) / scale
    found = run([n.log_prob(x), n.prob(x), n.cdf(x), n.entropy(), n.mean(), n.stddev()], {x: value})
    np.testing.assert_allclose(found[0], np.log(density))
    np.testing.assert_allclose(found[1], density)
    np.testing.assert_allclose(found[2], [0.6179114222, 0.8413447461, 0.8413447461])
    np.testing.assert_allclose(found[3], np.log(scale * np.sqrt(2 * np.pi * np.e)))
    np.testing.assert_allclose(found[4:], [loc, scale])
    check_gradient(n.log_prob(x), x, {x: value}, second=True)
    drawn = run(n.sample(20000, seed=3))
    assert drawn.shape == (20000, 3)
    np.testing.assert_allclose(drawn.mean(0), loc, atol=0.05)
    np.testing.assert_allclose(drawn.std(0), scale, rtol=0.03)
    assert run(D.Normal(0.0, 1.0).sample([2, 3])).shape == (2, 3)
    mu = tf.Variable(1.0)
    assert run(tf.gradients(D.Normal(mu, 2.0).sample([5]), mu)) == [5.0]
    both = D.MultivariateNormalDiag(tf.constant(loc), tf.constant(scale))
    sums = run([both.log_prob(x), both.entropy()], {x: value})
    np.testing.assert_allclose(sums, [np.log(density).sum(), found[3].sum()])
    plain = D.MultivariateNormalDiag(scale_diag=tf.constant(scale))
    np.testing.assert_allclose(run(both.kl_divergence(plain)), np.sum(loc**2 / scale**2) / 2)
    np.testing.assert_allclose(
        run(D.MultivariateNormalDiag(tf.zeros([2])).log_prob([0.0, 0.0])), -np.log(2 * np.pi)
    )
    with pytest.raises(ValueError, match="needs loc"):
        D.MultivariateNormalDiag()


def test_even_distributions() -> None:
    u = D.Uniform([0.0, -1.0], [2.0, 3.0])
    found = run([u.log_prob([1.0, 4.0]), u.prob([0.0, 3.0]), u.entropy(), u.mean(), u.variance()])
    np.testing.assert_allclose(found[0], [-np.log(2), -np.inf])
    np.testing.assert_allclose(found[1], [0.5, 0])
    np.testing.assert_allclose(found[2:], [np.log([2, 4]), [1, 1], [4 / 12, 16 / 12]], rtol=1e-6)
    drawn = run(u.sample(5000, seed=1))
    assert (drawn >= [0, -1]).all()
    assert (drawn < [2, 3]).all()
    np.testing.assert_allclose(drawn.mean(0), [1, 1], atol=0.1)


def test_categorical_distributions() -> None:
    tf.set_random_seed(2)
    p = np.array([[0.1, 0.6, 0.3], [0.5, 0.25, 0.25]], np.float32)
    c = D.Categorical(probs=p)
    other = D.Categorical(logits=np.array([[0.0, 1.0, 2.0]] * 2, np.float32))
    found = run([c.log_prob([1, 0]), c.prob([2, 2]), c.entropy(), c.mode(), c.probs, c.kl_divergence(other)])
    np.testing.assert_allclose(found[0], np.log([0.6, 0.5]), rtol=1e-5)
    np.testing.assert_allclose(found[1], [0.3, 0.25], rtol=1e-5)
    np.testing.assert_allclose(found[2], -(p * np.log(p)).sum(1), rtol=1e-5)
    assert found[3].tolist() == [1, 0]
    np.testing.assert_allclose(found[4], p, rtol=1e-5)
    q = np.exp([0.0, 1.0, 2.0]) / np.exp([0.0, 1.0, 2.0]).sum()
    np.testing.assert_allclose(found[5], (p * np.log(p / q)).sum(1), rtol=1e-4)
    drawn = c.sample([1000, 2], seed=4)
    assert drawn.get_shape().as_list() == [1000, 2, 2]
    values = run(drawn)
    assert values.dtype == np.int32
    shares = [np.bincount(values[..., i].ravel(), minlength=3) / 2000 for i in range(2)]
    np.testing.assert_allclose(shares, p, atol=0.04)
    assert run(c.sample()).shape == (2,)
    for arguments in ({}, {"logits": [0.0], "probs": [1.0]}):
        for kind in (D.Categorical, D.Bernoulli):
            with pytest.raises(ValueError, match="not both"):
                kind(**arguments)


def test_distributions_of_zeros_and_ones() -> None:
    tf.set_random_seed(3)
    p = np.array([0.2, 0.7], np.float32)
    a, b = D.Bernoulli(probs=p), D.Bernoulli(logits=np.float32([0.0, 1.0]))
    found = run([a.log_prob([1, 0]), a.entropy(), a.mean(), a.variance(), a.mode(), D.kl_divergence(a, b)])
    np.testing.assert_allclose(found[0], np.log([0.2, 0.3]), rtol=1e-5)
    np.testing.assert_allclose(found[1], -(p * np.log(p) + (1 - p) * np.log(1 - p)), rtol=1e-5)
    np.testing.assert_allclose(found[2:4], [p, p * (1 - p)], rtol=1e-6)
    assert found[4].tolist() == [0, 1]
    q = 1 / (1 + np.exp([0.0, -1.0]))
    np.testing.assert_allclose(found[5], p * np.log(p / q) + (1 - p) * np.log((1 - p) / (1 - q)), rtol=1e-4)
    np.testing.assert_allclose(run(a.sample(5000, seed=1)).mean(0), p, atol=0.03)
    with pytest.raises(NotImplementedError, match="is not known"):
        D.kl_divergence(a, D.Normal(0.0, 1.0))
    assert issubclass(D.Uniform, D.Distribution)
    for method in ("sample", "entropy", "mean", "variance"):
        with pytest.raises(NotImplementedError):
            getattr(D.Distribution(), method)()


def test_a_gaussian_policy() -> None:
    """The mean and the deviation of an action, by the log of its probability times what it was worth."""
    tf.set_random_seed(4)
    mu, log_sigma = tf.Variable(0.0), tf.Variable(0.0)
    dist = tf.distributions.Normal(mu, tf.exp(log_sigma))
    action = tf.clip_by_value(dist.sample(64), -3.0, 3.0)
    taken, worth = tf.placeholder(tf.float32, [None]), tf.placeholder(tf.float32, [None])
    loss = -tf.reduce_mean(dist.log_prob(taken) * worth + 0.01 * dist.entropy())
    train = tf.train.AdamOptimizer(0.05).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        act = sess.make_callable(action)
        learn = sess.make_callable([loss, train], [taken, worth])
        for _ in range(150):
            actions = act()
            rewards = -((actions - 1.5) ** 2)
            learn(actions, rewards - rewards.mean())
        assert abs(sess.run(mu) - 1.5) < 0.3
        with pytest.raises(TypeError, match="expected 2 values"):
            learn(actions)


def score_of(tags: Any, scores: Any, steps: Any) -> float:
    alone = sum(scores[t, tag] for t, tag in enumerate(tags))
    return alone + sum(steps[a, b] for a, b in itertools.pairwise(tags))


def test_chains_of_tags_against_all_sequences() -> None:
    rng = np.random.RandomState(5)
    scores, steps, lengths = rng.randn(3, 4, 3), rng.randn(3, 3), [4, 1, 3]
    tags = rng.randint(3, size=(3, 4))
    crf = tf.contrib.crf
    x = tf.placeholder(tf.float64, [None, None, 3])
    w = tf.placeholder(tf.float64, [3, 3])
    likelihood, same = crf.crf_log_likelihood(x, tags, lengths, w)
    assert same is w
    parts = [
        crf.crf_unary_score(tags, lengths, x) + crf.crf_binary_score(tags, lengths, w),
        crf.crf_sequence_score(x, tags, lengths, w),
        crf.crf_log_norm(x, lengths, w),
    ]
    decoded = crf.crf_decode(x, w, lengths)
    feeds = {x: scores, w: steps}
    found, (alone, score, norm), (best, best_score) = run([likelihood, parts, decoded], feeds)
    np.testing.assert_allclose(alone, score)
    for row, n in enumerate(lengths):
        every = list(itertools.product(range(3), repeat=n))
        values = np.array([score_of(s, scores[row], steps) for s in every])
        total = np.log(np.exp(values).sum())
        np.testing.assert_allclose(norm[row], total)
        np.testing.assert_allclose(score[row], score_of(tags[row, :n], scores[row], steps))
        np.testing.assert_allclose(found[row], score[row] - total)
        wanted = list(every[values.argmax()])
        assert best[row].tolist() == wanted + [0] * (4 - n)
        np.testing.assert_allclose(best_score[row], values.max())
        plain, plain_score = crf.viterbi_decode(scores[row, :n], steps)
        assert plain == wanted
        np.testing.assert_allclose(plain_score, values.max())
    check_gradient(likelihood, x, feeds, tolerance=1e-5)
    check_gradient(likelihood, w, feeds, tolerance=1e-5)


def test_a_tagger_with_a_chain() -> None:
    """Tags alternate, which words alone do not tell."""
    rng = np.random.RandomState(6)
    first = rng.randint(2, size=60)
    tags = (first[:, None] + np.arange(6)) % 2
    words = np.where(rng.rand(60, 6) < 0.15, 1 - tags, tags)
    x = tf.placeholder(tf.int32, [None, None])
    y = tf.placeholder(tf.int32, [None, None])
    n = tf.placeholder(tf.int32, [None])
    logits = tf.layers.dense(tf.one_hot(x, 2), 2)
    log_likelihood, trans_params = tf.contrib.crf.crf_log_likelihood(logits, y, n)
    loss = tf.reduce_mean(-log_likelihood)
    train = tf.train.AdamOptimizer(0.1).minimize(loss)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        feed = {x: words, y: tags, n: [6] * 60}
        for _ in range(60):
            sess.run(train, feed)
        scores, steps = sess.run([logits, trans_params], feed)
    assert tf.trainable_variables()[-1].op.name == "transitions"
    found = np.array([tf.contrib.crf.viterbi_decode(row, steps)[0] for row in scores])
    assert np.mean(found == tags) > 0.94 > np.mean(words == tags) + 0.05
