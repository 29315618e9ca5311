"""Sequence to sequence: dates as people write them, character by character, to the eight digits of ISO 8601.

Sutskever, Vinyals, Le, "Sequence to sequence learning with neural networks" (2014), the text read backwards. Dates of
1950 to 2049 each in one of five ways of writing, one of ten held back: at least 95 % of them right in all digits.
"""

from __future__ import annotations

import calendar
import datetime
from collections.abc import Sequence

import common
import numpy as np

import samara as tf

ALPHABET = " 0123456789abcdefghijklmnopqrstuvwxyz.,"
LENGTH, DIGITS, UNITS = 18, 8, 80
FORMS = ["{d} {B} {Y}", "{B} {d}, {Y}", "{d}.{m}.{Y}", "{b} {d} {Y}", "{a} {d} {b} {Y}"]


def dates() -> tuple[common.Array, common.Array, common.Array]:
    """Numbers of characters [n, LENGTH], backwards; digits [n, DIGITS]; and whether the day is held back."""
    texts, digits = [], []
    first, end = (datetime.date(year, 1, 1).toordinal() for year in (1950, 2050))
    generator = np.random.default_rng(common.SEED)
    for ordinal, form in zip(range(first, end), generator.choice(FORMS, end - first), strict=True):
        day = datetime.date.fromordinal(ordinal)
        month, weekday = calendar.month_name[day.month].lower(), calendar.day_abbr[day.weekday()].lower()
        text = form.format(d=day.day, m=day.month, Y=day.year, B=month, b=month[:3], a=weekday)
        texts.append([ALPHABET.index(c) for c in text[::-1].rjust(LENGTH)])
        digits.append([int(c) for c in f"{day:%Y%m%d}"])
    held_back = generator.random(len(texts)) < 0.1
    return np.array(texts, np.int32), np.array(digits, np.int32), held_back


def main(argv: Sequence[str] | None = None) -> common.Outcome:
    """The whole way, from dates to a file."""
    arguments = common.begin(__file__, __doc__, argv, steps=2500)
    texts, digits, held_back = dates()

    text = tf.placeholder(tf.int32, [None, LENGTH], name="text")
    target = tf.placeholder(tf.int32, [None, DIGITS])
    letters = tf.get_variable("letters", [len(ALPHABET), 24])
    # Row 10 is what the decoder starts from.
    numbers = tf.get_variable("numbers", [11, 24])
    with tf.variable_scope("encoder"):
        encoder = tf.nn.rnn_cell.GRUCell(UNITS)
        embedded = tf.unstack(tf.nn.embedding_lookup(letters, text), axis=1)
        _, state = tf.nn.static_rnn(encoder, embedded, dtype=tf.float32)
    decoder = tf.nn.rnn_cell.GRUCell(UNITS)
    start = tf.fill([tf.shape(text)[0]], 10)

    def decode(given: Sequence[tf.Tensor] | None) -> list[tf.Tensor]:
        """The logits of each digit, from the digits before it: the right ones, or those it has decided for."""
        found, now, before = [], state, start
        with tf.variable_scope("decoder", reuse=tf.AUTO_REUSE):
            for place in range(DIGITS):
                y, now = decoder(tf.nn.embedding_lookup(numbers, before), now)
                found.append(tf.layers.dense(y, 10, name="logits"))
                before = tf.argmax(found[-1], 1, output_type=tf.int32) if given is None else given[place]
        return found

    logits = tf.stack(decode(tf.unstack(target, axis=1)), 1)
    loss = tf.contrib.seq2seq.sequence_loss(logits, target, tf.ones_like(target, tf.float32))
    optimizer = tf.train.AdamOptimizer(
        tf.train.polynomial_decay(5e-3, tf.train.get_or_create_global_step(), arguments.steps, 1e-4)
    )
    gradients, variables = zip(*optimizer.compute_gradients(loss), strict=True)
    clipped, _ = tf.clip_by_global_norm(gradients, 1.0)
    train_step = optimizer.apply_gradients(zip(clipped, variables, strict=True), tf.train.get_global_step())
    answer = tf.argmax(tf.stack(decode(None), 1), 2, output_type=tf.int32, name="digits")

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        feeds = common.batches(64, {text: texts[~held_back], target: digits[~held_back]})
        losses = common.train(sess, train_step, loss, feeds, arguments.steps)
        some = np.random.default_rng(common.SEED).permutation(np.flatnonzero(held_back))[:500]
        inputs = {"text": texts[some]}
        tf.export_model(
            {"digits": answer},
            arguments.file,
            inputs={"text": text},
            shapes={"text": [1, LENGTH]},
            samples=texts[some[:3]],
            metadata={"alphabet": ALPHABET},
        )
        outputs = {"digits": sess.run(answer, {text: texts[some]})}

    found = common.run_file(arguments.file, inputs)
    right = (found == digits[some]).all(1)

    figure, (left, table) = common.figure(2)
    common.draw_losses(left, losses)
    table.axis("off")
    table.set(title="held-back dates")
    for row, index in enumerate(np.argsort(right, kind="stable")[:12]):
        written = "".join(ALPHABET[c] for c in texts[some[index]][::-1]).strip()
        read = "".join(map(str, found[index]))
        colour = "black" if right[index] else "red"
        place = {"fontsize": 9, "family": "monospace", "color": colour, "transform": table.transAxes}
        table.text(0, 0.95 - 0.08 * row, f"{written:<20} {read[:4]}-{read[4:6]}-{read[6:]}", **place)
    return common.finish(
        arguments,
        figure,
        losses,
        inputs=inputs,
        outputs=outputs,
        result=f"{100 * np.mean(right):.1f} % of {len(some)} held-back dates right in all digits",
        reached=float(np.mean(right)) >= 0.95,
    )


if __name__ == "__main__":
    common.leave(main())
