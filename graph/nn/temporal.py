"""Losses of sequences whose labels have no places in time."""

from __future__ import annotations

from typing import Any

from samara.errors import ShapeError
from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Tensor


def ctc_loss_v2(
    labels: Any,
    logits: Any,
    label_length: Any,
    logit_length: Any,
    logits_time_major: bool = True,
    unique: Any = None,
    blank_index: int | None = None,
    name: str | None = None,
) -> Tensor:
    """Connectionist temporal classification of dense labels.

    Graves et al., "Connectionist temporal classification" (2006). `ctc_loss`, which takes sparse labels, is not there.

    Args:
        labels: class numbers [batch, labels]; what is beyond a sequence's length does not matter.
        logits: [time, batch, classes], or [batch, time, classes] when not `logits_time_major`.
        label_length: how many labels each sequence has, [batch].
        logit_length: how many logits each sequence has, [batch].
        logits_time_major: the order of the logits' axes.
        unique: changes nothing.
        blank_index: the class that stands for no label, 0 by default; a negative one counts from the last.
        name: the operation's name.

    Returns:
        The losses [batch]; infinite where a sequence is too short for its labels.

    Raises:
        ShapeError: shapes do not fit, or the number of classes is not known for a negative `blank_index`.
    """
    logits = convert_to_tensor(logits)
    b = logits.graph.b
    if not logits_time_major:
        logits = b.transpose(logits, permutation=(1, 0, 2))
    blank = blank_index or 0
    if blank < 0:
        classes = logits.shape[-1] if logits.shape is not None else None
        if not isinstance(classes, int):
            raise ShapeError(f"blank_index={blank}: the number of classes of {logits.name} is not known")
        blank += classes
    labels = convert_to_tensor(labels)
    lengths = [b.cast(n, dtype=labels.dtype) for n in (logit_length, label_length)]
    loss: Tensor = b.ctc_loss(logits, labels, *lengths, blank=blank, name=name)[0]
    return loss


__all__ = ["ctc_loss_v2"]
