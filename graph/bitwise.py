"""Operations on the bits of integers: `tf.bitwise`."""

from __future__ import annotations

from samara.graph.convert import elementwise

bitwise_and = elementwise("bitwise_and")
bitwise_or = elementwise("bitwise_or")
bitwise_xor = elementwise("bitwise_xor")
invert = elementwise("bitwise_not")
left_shift = elementwise("shift_left")
right_shift = elementwise("shift_right")

__all__ = [
    "bitwise_and",
    "bitwise_or",
    "bitwise_xor",
    "invert",
    "left_shift",
    "right_shift",
]
