"""Mutexes: parts of a graph that only one run at a time is in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from samara.graph.control import trace
from samara.graph.graph import get_default_graph


class CriticalSection:
    """What runs in `execute` runs alone: no other run of the session is in the same section at that time.

    Args:
        name: of the section.
        shared_name: sections with the same one exclude each other; the name when None.
        critical_section_def: not supported.
        import_scope: no effect.
    """

    def __init__(
        self,
        name: str | None = None,
        shared_name: str | None = None,
        critical_section_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if critical_section_def is not None:
            raise ValueError("critical_section_def is not supported: give a name")
        self.name = get_default_graph().unique_name(name or "critical_section")
        self._mutex = shared_name or self.name

    def execute(
        self, fn: Callable[[], Any], exclusive_resource_access: bool = True, name: str | None = None
    ) -> Any:
        """What a function's operations give, run alone.

        Args:
            fn: called without arguments, while the graph is built; gives a tensor or a list of them. The operations
                that it makes and that they need run in the section. It may use any tensor of the graph.
            exclusive_resource_access: no effect.
            name: of the operation.

        Returns:
            A tensor, or a list of them, as the function gives.
        """
        graph = get_default_graph()
        several: list[bool] = []

        def traced() -> Any:
            given = fn()
            several.append(isinstance(given, (list, tuple)))
            return given

        body, taken = trace(graph, traced, [])
        attributes = {"body": body, "mutex": self._mutex}
        op = graph.apply("critical_section", [taken], attributes, name=name or f"{self.name}_execute")
        return list(op.outputs) if several[0] else op.outputs[0]


__all__ = ["CriticalSection"]
