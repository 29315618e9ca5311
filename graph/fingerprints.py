"""Hashes of bytes that are the same everywhere and for ever: FarmHash's Fingerprint64, SipHash-2-4 and CRC-32C.

Fingerprint64 is Google's FarmHash (Pike, 2014), the 64-bit hash of its namespace farmhashna, whose results are fixed.
SipHash is Aumasson and Bernstein, "SipHash: a fast short-input PRF" (2012). CRC-32C is that of RFC 3720, B.4.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

import numpy as np

_ALL = (1 << 64) - 1
_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F


def _turned(value: int, by: int) -> int:
    """The 64 bits of a number turned to the right."""
    value &= _ALL
    return (value >> by | value << (64 - by)) & _ALL


def _mixed(value: int) -> int:
    value &= _ALL
    return value ^ value >> 47


def _pair(u: int, v: int, factor: int) -> int:
    a = _mixed((u ^ v) * factor)
    return _mixed((v ^ a) * factor) * factor & _ALL


def fingerprint64(text: bytes) -> int:
    """FarmHash's Fingerprint64."""
    size = len(text)

    def word(at: int) -> int:
        return int.from_bytes(text[at : at + 8], "little")

    if size <= 16:
        return _short(text, word)
    if size > 64:
        return _long(size, word)
    factor = _K2 + size * 2
    last, before = word(size - 8), word(size - 16)
    a, b = word(0) * (_K1 if size <= 32 else _K2) & _ALL, word(8)
    c, d = last * factor & _ALL, before * _K2 & _ALL
    y = _turned(a + b, 43) + _turned(c, 30) + d & _ALL
    z = _pair(y, a + _turned(b + _K2, 18) + c & _ALL, factor)
    if size <= 32:
        return z
    e, f = word(16) * factor & _ALL, word(24)
    g, h = (y + word(size - 32)) * factor & _ALL, (z + word(size - 24)) * factor & _ALL
    return _pair(_turned(e + f, 43) + _turned(g, 30) + h & _ALL, e + _turned(f + a, 18) + g & _ALL, factor)


def _short(text: bytes, word: Any) -> int:
    size = len(text)
    factor = _K2 + size * 2
    if size >= 8:
        a, b = word(0) + _K2 & _ALL, word(size - 8)
        return _pair(_turned(b, 37) * factor + a & _ALL, (_turned(a, 25) + b) * factor & _ALL, factor)
    if size >= 4:
        first, last = (int.from_bytes(text[i : i + 4], "little") for i in (0, size - 4))
        return _pair(size + (first << 3), last, factor)
    if not size:
        return _K2
    y, z = text[0] + (text[size >> 1] << 8), size + (text[-1] << 2)
    return _mixed(y * _K2 & _ALL ^ z * _K0 & _ALL) * _K2 & _ALL


def _long(size: int, word: Any) -> int:
    def weak(at: int, a: int, b: int) -> tuple[int, int]:
        w, x, y, z = (word(at + 8 * i) for i in range(4))
        a = a + w & _ALL
        b = _turned(b + a + z, 21)
        c = a
        a = a + x + y & _ALL
        return a + z & _ALL, b + _turned(a, 44) + c & _ALL

    seed = 81
    x, y = seed * _K2 + word(0) & _ALL, seed * _K1 + 113 & _ALL
    z = _mixed(y * _K2 + 113) * _K2 & _ALL
    v, w = (0, 0), (0, 0)
    end = (size - 1) // 64 * 64
    left = size - 1 & 63
    for at in range(0, end, 64):
        x = _turned(x + y + v[0] + word(at + 8), 37) * _K1 & _ALL
        y = _turned(y + v[1] + word(at + 48), 42) * _K1 & _ALL
        x ^= w[1]
        y = y + v[0] + word(at + 40) & _ALL
        z = _turned(z + w[0], 33) * _K1 & _ALL
        v = weak(at, v[1] * _K1 & _ALL, x + w[0])
        w = weak(at + 32, z + w[1], y + word(at + 16))
        x, z = z, x
    factor = _K1 + ((z & 0xFF) << 1)
    at = end + left - 63
    w = (w[0] + left & _ALL, w[1])
    v = (v[0] + w[0] & _ALL, v[1])
    w = (w[0] + v[0] & _ALL, w[1])
    x = _turned(x + y + v[0] + word(at + 8), 37) * factor & _ALL
    y = _turned(y + v[1] + word(at + 48), 42) * factor & _ALL
    x ^= w[1] * 9 & _ALL
    y = y + v[0] * 9 + word(at + 40) & _ALL
    z = _turned(z + w[0], 33) * factor & _ALL
    v = weak(at, v[1] * factor & _ALL, x + w[0])
    w = weak(at + 32, z + w[1], y + word(at + 16))
    x, z = z, x
    left_ = _pair(v[0], w[0], factor) + _mixed(y) * _K0 + z & _ALL
    return _pair(left_, _pair(v[1], w[1], factor) + x & _ALL, factor)


def siphash24(key: Sequence[int], text: bytes) -> int:
    """SipHash-2-4.

    Args:
        key: its two halves, numbers of 64 bits.
        text: any bytes.
    """
    low, high = (int(k) & _ALL for k in key)
    state = [
        low ^ 0x736F6D6570736575,
        high ^ 0x646F72616E646F6D,
        low ^ 0x6C7967656E657261,
        high ^ 0x7465646279746573,
    ]

    def rounds(count: int) -> None:
        a, b, c, d = state
        for _ in range(count):
            a = a + b & _ALL
            c = c + d & _ALL
            b, d = _turned(b, 51) ^ a, _turned(d, 48) ^ c
            a = _turned(a, 32) + d & _ALL
            c = c + b & _ALL
            b, d = _turned(b, 47) ^ c, _turned(d, 43) ^ a
            c = _turned(c, 32)
        state[:] = a, b, c, d

    whole = len(text) // 8 * 8
    last = text[whole:].ljust(7, b"\0") + bytes([len(text) & 0xFF])
    for word in (*(text[i : i + 8] for i in range(0, whole, 8)), last):
        number = int.from_bytes(word, "little")
        state[3] ^= number
        rounds(2)
        state[0] ^= number
    state[2] ^= 0xFF
    rounds(4)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


@functools.lru_cache(maxsize=1)
def _table() -> np.ndarray[Any, np.dtype[np.uint32]]:
    """For each byte what it makes of a remainder of 0."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, table >> np.uint32(1) ^ np.uint32(0x82F63B78), table >> np.uint32(1))
    return table


@functools.lru_cache(maxsize=1)
def _listed() -> list[int]:
    found: list[int] = _table().tolist()
    return found


def crc32c(text: bytes) -> int:
    """The cyclic redundancy check with Castagnoli's polynomial."""
    remainder = 0xFFFFFFFF
    size = len(text)
    lanes = 256 if size < 1 << 17 else 1024
    if size >= 16 * lanes:
        each = size // lanes
        remainder = _by_lanes(text[: each * lanes], lanes, remainder)
        text = text[each * lanes :]
    table = _listed()
    for byte in text:
        remainder = remainder >> 8 ^ table[(remainder ^ byte) & 0xFF]
    return remainder ^ 0xFFFFFFFF


def _by_lanes(text: bytes, lanes: int, remainder: int) -> int:
    """The remainder after a long text: parts of it side by side, then one after the other.

    A remainder is linear in what came before: after more bytes it is the one that those leave of 0, and what zeros in
    their place make of the one before.
    """
    rows = np.frombuffer(text, np.uint8).reshape(lanes, -1)
    table = _table()
    found = np.zeros(lanes, np.uint32)
    bits = np.left_shift(np.uint32(1), np.arange(32, dtype=np.uint32))
    for column in range(rows.shape[1]):
        found = found >> np.uint32(8) ^ table[(found ^ rows[:, column]) & np.uint32(0xFF)]
        bits = bits >> np.uint32(8) ^ table[bits & np.uint32(0xFF)]
    # For each of the four bytes of a remainder, what it is moved to.
    byte = np.arange(256, dtype=np.uint32)
    first, second, third, last = (
        np.bitwise_xor.reduce([np.where(byte >> n & 1, bits[8 * k + n], 0) for n in range(8)]).tolist()
        for k in range(4)
    )
    for part in found.tolist():
        remainder = (
            part
            ^ first[remainder & 0xFF]
            ^ second[remainder >> 8 & 0xFF]
            ^ third[remainder >> 16 & 0xFF]
            ^ last[remainder >> 24]
        )
    return remainder


__all__ = ["crc32c", "fingerprint64", "siphash24"]
