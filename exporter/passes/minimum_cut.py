"""The cheapest way to give every node of a network one of two labels.

A cut that separates the terminal of label 0 from that of label 1 is as cheap as the largest flow between them (Ford
and Fulkerson, 1956); the flow is found by shortest augmenting paths in a level graph (Dinitz, 1970).
"""

from __future__ import annotations

from collections import deque

ZERO = 0
ONE = 1
_UNLIMITED = 1 << 62


class Network:
    """Nodes 0 and 1 are the terminals: they have labels 0 and 1. Costs are whole numbers."""

    def __init__(self) -> None:
        self._arcs: list[list[int]] = [[], []]
        self._heads: list[int] = []
        self._capacities: list[int] = []

    def node(self) -> int:
        """Adds a node."""
        self._arcs.append([])
        return len(self._arcs) - 1

    def cost(self, zero: int, one: int, cost: int | None = None) -> None:
        """Adds a cost for `zero` having label 0 while `one` has label 1; None forbids it."""
        for tail, head, capacity in ((zero, one, _UNLIMITED if cost is None else cost), (one, zero, 0)):
            self._arcs[tail].append(len(self._heads))
            self._heads.append(head)
            self._capacities.append(capacity)

    def labels(self) -> tuple[int, list[int]]:
        """The least total cost, and a label for each node that attains it; label 0 where both do."""
        total = 0
        while True:
            levels = self._levels(ZERO, forward=True)
            if levels[ONE] < 0:
                break
            total += self._augment(levels)
        reaches_one = self._levels(ONE, forward=False)
        return total, [int(level >= 0) for level in reaches_one]

    def _levels(self, start: int, *, forward: bool) -> list[int]:
        """Arcs to each node from `start` through what is left of the capacities, or to `start`; -1 for none."""
        levels = [-1] * len(self._arcs)
        levels[start] = 0
        queue = deque([start])
        while queue:
            node = queue.popleft()
            for arc in self._arcs[node]:
                left = self._capacities[arc if forward else arc ^ 1]
                head = self._heads[arc]
                if left > 0 and levels[head] < 0:
                    levels[head] = levels[node] + 1
                    queue.append(head)
        return levels

    def _augment(self, levels: list[int]) -> int:
        """Sends flow along shortest paths until each is blocked; returns how much."""
        total = 0
        next_arc = [0] * len(self._arcs)
        path: list[int] = []
        node = ZERO
        while True:
            if node == ONE:
                amount = min(self._capacities[arc] for arc in path)
                total += amount
                for arc in path:
                    self._capacities[arc] -= amount
                    self._capacities[arc ^ 1] += amount
                path, node = [], ZERO
                continue
            arcs = self._arcs[node]
            while next_arc[node] < len(arcs):
                arc = arcs[next_arc[node]]
                head = self._heads[arc]
                if self._capacities[arc] > 0 and levels[head] == levels[node] + 1:
                    path.append(arc)
                    node = head
                    break
                next_arc[node] += 1
            else:
                if not path:
                    return total
                node = self._heads[path.pop() ^ 1]
                next_arc[node] += 1
