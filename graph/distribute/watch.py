"""Who of a group of processes has died: a connection from each to the first, which the system closes with a process.

The first process tells the others. A process that ends in order says so before, so that its end is no death; one that
ends by an exception which nobody caught has died.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import selectors
import socket
import threading
from typing import Any

from samara.graph.cluster.wire import listening


class Watch:
    """The connection of this process.

    Args:
        rank: the number of this process.
        size: how many there are.
        host: the name or address of the first process's machine.
        store: where the processes leave texts for each other: `set(key, text)` and a `get(key)` that waits.

    Attributes:
        died: the numbers of processes that died, the first one first.
        ended: the numbers of those that have ended in order.
    """

    def __init__(self, rank: int, size: int, host: str, store: Any) -> None:
        self.died: list[int] = []
        self.ended: list[int] = []
        self._rank = rank
        self._changed = threading.Condition()
        self._closed = False
        self._links: dict[socket.socket, int] = {}
        if rank == 0:
            self._open_hub(size, host, store)
        else:
            port, token = json.loads(store.get("watch"))
            link = socket.create_connection((host, port), timeout=60)
            link.sendall(_line({"rank": rank, "token": token}))
            link.settimeout(None)
            self._links[link] = 0
            self._start(self._listen, link)

    def wait(self, seconds: float) -> None:
        """Returns when a process has died or ended, or after so many seconds."""
        with self._changed:
            if not self.died and not self.ended:
                self._changed.wait(seconds)

    def close(self, in_order: bool = True) -> None:
        """Ends the connection, and says before, unless told otherwise, that this process ends in order."""
        if self._closed:
            return
        self._closed = True
        for link in list(self._links):
            with contextlib.suppress(OSError):
                if in_order:
                    link.sendall(_line({"ended": self._rank}))
                link.shutdown(socket.SHUT_WR)

    def _start(self, run: Any, *arguments: Any) -> None:
        threading.Thread(target=run, args=arguments, name="samara-watch", daemon=True).start()

    def _note(self, kind: str, rank: int) -> None:
        with self._changed:
            if rank not in self.died and rank not in self.ended:
                (self.died if kind == "died" else self.ended).append(rank)
            self._changed.notify_all()

    # The first process ------------------------------------------------------------------------------------------

    def _open_hub(self, size: int, host: str, store: Any) -> None:
        server = listening(host, 0, size)
        token = secrets.token_hex(16)
        store.set("watch", json.dumps([server.getsockname()[1], token]))
        self._start(self._serve, server, size, token)

    def _serve(self, server: socket.socket, size: int, token: str) -> None:
        selector = selectors.DefaultSelector()
        selector.register(server, selectors.EVENT_READ)
        texts: dict[socket.socket, bytes] = {}
        while True:
            for key, _ in selector.select():
                link: Any = key.fileobj
                if link is server:
                    link, _ = server.accept()
                    texts[link] = b""
                    selector.register(link, selectors.EVENT_READ)
                    continue
                received = _receive(link)
                *lines, texts[link] = (texts[link] + received).split(b"\n")
                for line in lines:
                    self._read(link, line, token)
                if not received or len(texts[link]) > 1000:
                    selector.unregister(link)
                    rank = self._links.pop(link, None)
                    link.close()
                    if rank is not None and rank not in self.ended:
                        self._tell("died", rank)

    def _read(self, link: socket.socket, line: bytes, token: str) -> None:
        try:
            message = json.loads(line)
        except ValueError:
            return
        if link not in self._links:
            if secrets.compare_digest(str(message.get("token", "")), token):
                self._links[link] = int(message["rank"])
        elif "ended" in message:
            self._tell("ended", self._links[link])

    def _tell(self, kind: str, rank: int) -> None:
        for link, other in list(self._links.items()):
            if other != rank:
                with contextlib.suppress(OSError):
                    link.sendall(_line({kind: rank}))
        self._note(kind, rank)

    # The others -------------------------------------------------------------------------------------------------

    def _listen(self, link: socket.socket) -> None:
        text = b""
        with link:
            while True:
                received = _receive(link)
                *lines, text = (text + received).split(b"\n")
                for line in lines:
                    for kind, rank in json.loads(line).items():
                        self._note(kind, rank)
                if not received:
                    self._note("died", 0)
                    return


def _receive(link: socket.socket) -> bytes:
    try:
        return link.recv(4096)
    except OSError:
        return b""


def _line(message: dict[str, Any]) -> bytes:
    return json.dumps(message).encode() + b"\n"


__all__ = ["Watch"]
