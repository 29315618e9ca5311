"""An LSTM that hears spoken digits: Free Spoken Digit Dataset (Zohar Jackson and others, CC BY-SA 4.0).

`--data` is a folder with its recordings, wav files or a tar of them, named digit_speaker_take.wav. Takes 0 to 4 of each
speaker are held back: accuracy at least 90 % with 600 recordings to learn from.
"""

from __future__ import annotations

import io
import re
import tarfile
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

import common
import numpy as np

import samara as tf

FRAMES, BANDS = 48, 24


def recordings(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Names without the ending, and contents, of all wav files below the folder and in its tar files."""
    for path in sorted(folder.rglob("*.wav")):
        yield path.stem, path.read_bytes()
    for path in sorted([*folder.glob("*.tar*"), *folder.glob("fsdd/*.tar*")]):
        with tarfile.open(path) as archive:
            for member in archive:
                content = archive.extractfile(member) if member.name.endswith(".wav") else None
                if content is not None:
                    yield Path(member.name).stem, content.read()


def features(content: bytes) -> common.Array:
    """The logarithms of what a recording of 8 kHz has in each band of the mel scale: float32 [frames, bands]."""
    with wave.open(io.BytesIO(content)) as sound:
        samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2") / 32768.0
    samples = np.pad(samples, (0, max(0, 256 - len(samples))))
    windows = np.lib.stride_tricks.sliding_window_view(samples, 256)[::128] * np.hanning(256)
    power = np.abs(np.fft.rfft(windows)) ** 2
    # Triangles between edges that are as far apart to the ear: mel = 2595 log10(1 + f / 700), O'Shaughnessy 1987.
    mel = np.linspace(2595 * np.log10(1 + 100 / 700), 2595 * np.log10(1 + 4000 / 700), BANDS + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    frequencies = np.linspace(0, 4000, 129)[:, None]
    rising = (frequencies - edges[:-2]) / (edges[1:-1] - edges[:-2])
    falling = (edges[2:] - frequencies) / (edges[2:] - edges[1:-1])
    found = np.log(power @ np.clip(np.minimum(rising, falling), 0, None) + 1e-6)
    return ((found - found.mean(0)) / (found.std() + 1e-6)).astype(np.float32)


def main(argv: Sequence[str] | None = None) -> common.Outcome:
    """The whole way, from recordings to a file that takes a recording of any length."""
    what = "a folder with the recordings (wav files, or a tar of them)"
    arguments = common.begin(__file__, __doc__, argv, steps=700, data=what)
    found = list(recordings(arguments.data)) if arguments.data is not None else []
    found = [(name, content) for name, content in found if re.fullmatch(r"\d_[a-z]+_\d+", name)]
    if not found:
        arguments.error("no recordings digit_speaker_take.wav: give their folder with --data")
    sounds = np.zeros((len(found), FRAMES, BANDS), np.float32)
    lengths = np.zeros(len(found), np.int32)
    for number, (_, content) in enumerate(found):
        heard = features(content)[:FRAMES]
        sounds[number, : len(heard)], lengths[number] = heard, len(heard)
    spoken = np.array([int(name.split("_")[0]) for name, _ in found])
    held_back = np.array([int(name.split("_")[2]) < 5 for name, _ in found])

    x = tf.placeholder(tf.float32, [None, FRAMES, BANDS], name="sound")
    length = tf.placeholder(tf.int32, [None], name="length")
    label = tf.placeholder(tf.int64, [None])
    cell = tf.nn.rnn_cell.LSTMCell(64)
    # Each frame of a batch is computed; the state of a sequence that is over stays as it is.
    _, (_, last) = tf.nn.dynamic_rnn(cell, x, sequence_length=length, dtype=tf.float32)
    logits = tf.contrib.layers.linear(last, 10)
    scores = tf.nn.softmax(logits, name="scores")
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=label, logits=logits))
    train_step = tf.contrib.layers.optimize_loss(
        loss, tf.train.get_or_create_global_step(), 4e-3, "Adam", clip_gradients=1.0
    )

    with tf.Session() as sess:
        sess.run(tf.global_variables_initializer())
        known = ~held_back
        feeds = common.batches(32, {x: sounds[known], length: lengths[known], label: spoken[known]})
        losses = common.train(sess, train_step, loss, feeds, arguments.steps)
        inputs = {"sound": sounds[held_back], "length": lengths[held_back]}
        tf.export_model(
            {"scores": scores},
            arguments.file,
            inputs={"sound": x, "length": length},
            shapes={"sound": [1, FRAMES, BANDS], "length": [1]},
            samples=[{name: array[i : i + 1] for name, array in inputs.items()} for i in range(5)],
        )
        outputs = {"scores": sess.run(scores, {x: inputs["sound"], length: inputs["length"]})}

    wanted = spoken[held_back]
    guessed = common.run_file(arguments.file, inputs).argmax(1)
    accuracy = 100 * np.mean(guessed == wanted)

    figure, (left, middle, right) = common.figure(3)
    common.draw_losses(left, losses)
    middle.imshow(inputs["sound"][0].T, origin="lower", aspect="auto")
    middle.set(xlabel="frame of 16 ms", ylabel="band", title=f"a {wanted[0]}, taken for a {guessed[0]}")
    confusion = np.zeros((10, 10), int)
    np.add.at(confusion, (wanted, guessed), 1)
    right.imshow(confusion, cmap="Blues")
    right.set(xlabel="taken for", ylabel="said", xticks=range(10), yticks=range(10), title="held-back takes")
    return common.finish(
        arguments,
        figure,
        losses,
        inputs=inputs,
        outputs=outputs,
        result=f"accuracy {accuracy:.1f} % on {len(wanted)} held-back recordings",
        reached=accuracy >= 90,
    )


if __name__ == "__main__":
    common.leave(main())
