"""Programs that learn by acting: policy gradients, Q-learning with a target network, bandits."""

from __future__ import annotations

from collections import deque
from typing import Any

import numpy as np

import samara as tf


class Corridor:
    """Five places in a row; the way to the right ends in a reward of 1, a step costs 0.05."""

    def reset(self) -> Any:
        self.place, self.steps = 2, 0
        return self._seen()

    def _seen(self) -> Any:
        return np.eye(5, dtype=np.float32)[self.place]

    def step(self, action: int) -> Any:
        self.place += 1 if action == 1 else -1
        self.steps += 1
        done = self.place in (0, 4) or self.steps >= 20
        reward = 1.0 if self.place == 4 else -1.0 if self.place == 0 else -0.05
        return self._seen(), reward, done


def discount_and_norm_rewards(ep_rs: Any, gamma: float = 0.9) -> Any:
    discounted = np.zeros(len(ep_rs))
    running_add = 0.0
    for t in reversed(range(len(ep_rs))):
        running_add = running_add * gamma + ep_rs[t]
        discounted[t] = running_add
    return discounted


def test_policy_gradient_with_an_accumulated_buffer() -> None:
    tf.set_random_seed(1)
    rng = np.random.RandomState(0)
    state_in = tf.placeholder(shape=[None, 5], dtype=tf.float32)
    hidden = tf.contrib.layers.fully_connected(state_in, 8, biases_initializer=None, activation_fn=tf.nn.relu)
    output = tf.contrib.layers.fully_connected(
        hidden, 2, activation_fn=tf.nn.softmax, biases_initializer=None
    )
    chosen_action = tf.argmax(output, 1)
    reward_holder = tf.placeholder(shape=[None], dtype=tf.float32)
    action_holder = tf.placeholder(shape=[None], dtype=tf.int32)
    indexes = tf.range(0, tf.shape(output)[0]) * tf.shape(output)[1] + action_holder
    responsible_outputs = tf.gather(tf.reshape(output, [-1]), indexes)
    loss = -tf.reduce_mean(tf.log(responsible_outputs) * reward_holder)
    tvars = tf.trainable_variables()
    gradient_holders = []
    for idx, _ in enumerate(tvars):
        placeholder = tf.placeholder(tf.float32, name=f"{idx}_holder")
        gradient_holders.append(placeholder)
    gradients = tf.gradients(loss, tvars)
    optimizer = tf.train.AdamOptimizer(learning_rate=0.05)
    update_batch = optimizer.apply_gradients(zip(gradient_holders, tvars, strict=True))
    env = Corridor()
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        grad_buffer = [g * 0 for g in sess.run(tvars)]
        for episode in range(60):
            s, done, history = env.reset(), False, []
            while not done:
                a_dist = sess.run(output, feed_dict={state_in: [s]})
                a = int(rng.choice(2, p=a_dist[0].astype(float) / a_dist[0].astype(float).sum()))
                s1, r, done = env.step(a)
                history.append((s, a, r))
                s = s1
            states, actions, rewards = zip(*history, strict=True)
            feed = {
                reward_holder: discount_and_norm_rewards(rewards),
                action_holder: actions,
                state_in: np.vstack(states),
            }
            for idx, grad in enumerate(sess.run(gradients, feed_dict=feed)):
                grad_buffer[idx] += grad
            if episode % 3 == 2:
                sess.run(update_batch, feed_dict=dict(zip(gradient_holders, grad_buffer, strict=True)))
                grad_buffer = [g * 0 for g in grad_buffer]
        assert sess.run(chosen_action, {state_in: np.eye(5)[1:4]}).tolist() == [1, 1, 1]


def test_deep_q_learning_with_a_target_network() -> None:
    tf.set_random_seed(2)
    rng = np.random.RandomState(1)

    def build_layers(s: Any, c_names: Any) -> Any:
        w_initializer = tf.random_normal_initializer(0.0, 0.3)
        b_initializer = tf.constant_initializer(0.1)
        with tf.variable_scope("l1"):
            w1 = tf.get_variable("w1", [5, 10], initializer=w_initializer, collections=c_names)
            b1 = tf.get_variable("b1", [1, 10], initializer=b_initializer, collections=c_names)
            l1 = tf.nn.relu(tf.matmul(s, w1) + b1)
        with tf.variable_scope("l2"):
            w2 = tf.get_variable("w2", [10, 2], initializer=w_initializer, collections=c_names)
            b2 = tf.get_variable("b2", [1, 2], initializer=b_initializer, collections=c_names)
            return tf.matmul(l1, w2) + b2

    s = tf.placeholder(tf.float32, [None, 5], name="s")
    s_ = tf.placeholder(tf.float32, [None, 5], name="s_")
    r = tf.placeholder(tf.float32, [None], name="r")
    a = tf.placeholder(tf.int32, [None], name="a")
    over = tf.placeholder(tf.float32, [None], name="over")
    with tf.variable_scope("eval_net"):
        q_eval = build_layers(s, ["eval_net_params", tf.GraphKeys.GLOBAL_VARIABLES])
    with tf.variable_scope("target_net"):
        q_next = build_layers(s_, ["target_net_params", tf.GraphKeys.GLOBAL_VARIABLES])
    with tf.variable_scope("q_target"):
        q_target = tf.stop_gradient(r + 0.9 * (1 - over) * tf.reduce_max(q_next, axis=1, name="Qmax_s_"))
    with tf.variable_scope("q_eval"):
        a_indices = tf.stack([tf.range(tf.shape(a)[0], dtype=tf.int32), a], axis=1)
        q_eval_wrt_a = tf.gather_nd(params=q_eval, indices=a_indices)
    with tf.variable_scope("loss"):
        loss = tf.reduce_mean(tf.squared_difference(q_target, q_eval_wrt_a, name="TD_error"))
    with tf.variable_scope("train"):
        train_op = tf.train.RMSPropOptimizer(0.01).minimize(loss)
    t_params, e_params = tf.get_collection("target_net_params"), tf.get_collection("eval_net_params")
    assert len(t_params) == len(e_params) == 4
    replace_target_op = tf.group(*[t.assign(e) for t, e in zip(t_params, e_params, strict=True)])
    env, memory = Corridor(), deque(maxlen=300)
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        learned = 0
        for _ in range(60):
            seen, done = env.reset(), False
            while not done:
                if rng.uniform() < 0.7:
                    action = int(np.argmax(sess.run(q_eval, feed_dict={s: seen[np.newaxis, :]})))
                else:
                    action = int(rng.randint(0, 2))
                following, reward, done = env.step(action)
                memory.append((seen, action, reward, following, float(done)))
                seen = following
                if len(memory) > 32:
                    if learned % 20 == 0:
                        sess.run(replace_target_op)
                    rows = [memory[i] for i in rng.randint(len(memory), size=32)]
                    batch = [np.array(column) for column in zip(*rows, strict=True)]
                    sess.run(train_op, dict(zip((s, a, r, s_, over), batch, strict=True)))
                    learned += 1
        values = sess.run(q_eval, {s: np.eye(5)[1:4]})
        sess.run(replace_target_op)
        for t, e in zip(*sess.run([t_params, e_params]), strict=True):
            np.testing.assert_array_equal(t, e)
    assert values.argmax(1).tolist() == [1, 1, 1]
    # What the reward is worth from two steps, one step and no step away.
    assert abs(values[2, 1] - 1) < 0.2
    assert values[2, 1] > values[1, 1] > values[0, 1]


def test_actor_and_critic_with_soft_updates() -> None:
    """A continuous action is moved up the slope of a critic; targets follow slowly."""
    tf.set_random_seed(3)
    rng = np.random.RandomState(2)
    S = tf.placeholder(tf.float32, [None, 1], "s")
    R = tf.placeholder(tf.float32, [None, 1], "r")
    A = tf.placeholder(tf.float32, [None, 1], "a")

    def actor(s: Any, scope: str, trainable: bool) -> Any:
        with tf.variable_scope(scope):
            net = tf.layers.dense(s, 10, activation=tf.nn.relu, name="l1", trainable=trainable)
            return tf.layers.dense(net, 1, activation=tf.nn.tanh, name="a", trainable=trainable)

    def critic(s: Any, a: Any, reuse: Any = None) -> Any:
        with tf.variable_scope("critic", reuse=reuse):
            w1_s = tf.get_variable("w1_s", [1, 24])
            w1_a = tf.get_variable("w1_a", [1, 24])
            b1 = tf.get_variable("b1", [1, 24], initializer=tf.zeros_initializer())
            net = tf.nn.relu(tf.matmul(s, w1_s) + tf.matmul(a, w1_a) + b1)
            return tf.layers.dense(net, 1, name="q")

    a, slow = actor(S, "eval", True), actor(S, "target", False)
    q, q_of_actor = critic(S, A), critic(S, a, reuse=True)
    ae_params = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="eval")
    ce_params = tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="critic")
    at_params = tf.get_collection(tf.GraphKeys.GLOBAL_VARIABLES, scope="target")
    assert not tf.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES, scope="target")
    with tf.variable_scope("soft"):
        soft = [tf.assign(t, 0.9 * t + 0.1 * e) for t, e in zip(at_params, ae_params, strict=True)]
    ctrain = tf.train.AdamOptimizer(0.02).minimize(tf.losses.mean_squared_error(R, q), var_list=ce_params)
    policy_grads = tf.gradients(ys=a, xs=ae_params, grad_ys=tf.gradients(q_of_actor, a)[0])
    atrain = tf.train.AdamOptimizer(-0.005).apply_gradients(zip(policy_grads, ae_params, strict=True))
    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        for step in range(300):
            states = rng.uniform(-1, 1, (32, 1))
            actions = rng.uniform(-1, 1, (32, 1))
            # The best action is half the state.
            sess.run(ctrain, {S: states, A: actions, R: -4 * (actions - states / 2) ** 2})
            if step > 100:
                sess.run(atrain, {S: states})
                sess.run(soft)
        wanted = np.array([[-0.8], [0.0], [0.8]])
        found, following = sess.run([a, slow], {S: wanted})
    np.testing.assert_allclose(found, wanted / 2, atol=0.25)
    np.testing.assert_allclose(following, found, atol=0.1)


def test_contextual_bandit() -> None:
    rng = np.random.RandomState(3)
    weights = tf.Variable(tf.ones([3, 4]))
    chosen_state = tf.placeholder(shape=[1], dtype=tf.int32)
    row = tf.reshape(tf.nn.sigmoid(tf.gather(weights, chosen_state)), [-1])
    chosen_action = tf.argmax(row, 0)
    reward_holder = tf.placeholder(shape=[1], dtype=tf.float32)
    action_holder = tf.placeholder(shape=[1], dtype=tf.int32)
    responsible_weight = tf.slice(row, action_holder, [1])
    loss = -(tf.log(responsible_weight) * reward_holder)
    update = tf.train.GradientDescentOptimizer(learning_rate=0.1).minimize(loss)
    best = [3, 1, 0]
    init = tf.initialize_all_variables()
    with tf.Session() as sess:
        sess.run(init)
        for _ in range(500):
            s = rng.randint(3)
            greedy = rng.rand() > 0.25
            action = sess.run(chosen_action, {chosen_state: [s]}) if greedy else rng.randint(4)
            reward = 1 if action == best[s] else -1
            sess.run(update, {reward_holder: [reward], action_holder: [action], chosen_state: [s]})
        assert sess.run(weights).argmax(1).tolist() == best
