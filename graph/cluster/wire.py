"""Messages between processes: a JSON object and arrays. Nothing of what is received is run as code.

A message is two little-endian lengths (of the JSON text, of all arrays), the text, and the bytes of the arrays in
order; the text lists their element types and shapes under "arrays".
"""

from __future__ import annotations

import ipaddress
import json
import math
import socket
import struct
from collections.abc import Sequence
from typing import Any

import numpy as np

from samara.errors import GraphError, UnavailableError

Array = np.ndarray[Any, Any]

_LENGTHS = struct.Struct("<QQ")
_MOST_TEXT = 1 << 28
_MOST_BYTES = 1 << 36


def send(link: socket.socket, message: dict[str, Any], arrays: Sequence[Array] = ()) -> None:
    """Sends a message.

    Raises:
        GraphError: an array is of texts or objects.
        OSError: the connection is broken.
    """
    plain = [np.ascontiguousarray(a).reshape(np.shape(a)) for a in arrays]
    for array in plain:
        if array.dtype.kind not in "biuf":
            raise GraphError(f"an array of {array.dtype} cannot go to another process: only numbers can")
    listed = [[a.dtype.str, list(a.shape)] for a in plain]
    text = json.dumps({**message, "arrays": listed}).encode()
    link.sendall(_LENGTHS.pack(len(text), sum(a.nbytes for a in plain)) + text)
    for array in plain:
        if array.nbytes:
            link.sendall(array.tobytes())


def receive(link: socket.socket) -> tuple[dict[str, Any], list[Array]] | None:
    """The next message; None when the other side has closed the connection.

    Raises:
        UnavailableError: the connection broke in a message, or that is none.
    """
    head = _exactly(link, _LENGTHS.size, may_end=True)
    if head is None:
        return None
    length, size = _LENGTHS.unpack(head)
    if length > _MOST_TEXT or size > _MOST_BYTES:
        raise UnavailableError("a message of another program came")
    try:
        message = json.loads(bytes(_exactly(link, length) or b""))
        kinds = [(np.dtype(d), tuple(map(int, s))) for d, s in message.pop("arrays")]
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise UnavailableError(f"a message of another program came: {error}") from None
    sizes = [d.itemsize * math.prod(s) for d, s in kinds]
    if sum(sizes) != size or any(d.kind not in "biuf" or min(s, default=0) < 0 for d, s in kinds):
        raise UnavailableError("a message of another program came: its arrays are not what it says")
    arrays = [
        np.frombuffer(_exactly(link, n) or bytearray(), d).reshape(s)
        for n, (d, s) in zip(sizes, kinds, strict=True)
    ]
    return message, arrays


def _exactly(link: socket.socket, count: int, *, may_end: bool = False) -> bytearray | None:
    data = bytearray(count)
    view, place = memoryview(data), 0
    while place < count:
        found = link.recv_into(view[place:])
        if not found:
            if may_end and not place:
                return None
            raise UnavailableError("the connection broke in a message")
        place += found
    return data


def listening(host: str, port: int, backlog: int = 128) -> socket.socket:
    """A socket that listens as `host`.

    A number is listened on alone. A name may mean a loopback address on its own machine, and another one elsewhere, so
    that all addresses are listened on.

    Raises:
        OSError: it is not an address of this machine, or the port is taken.
    """
    try:
        ipaddress.ip_address(host)
        numeric = True
    except ValueError:
        numeric = host == "localhost"
    if not numeric:
        return socket.create_server(("", port), backlog=backlog)
    family = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)[0][0]
    return socket.create_server((host, port), family=family, backlog=backlog)


__all__ = ["listening", "receive", "send"]
