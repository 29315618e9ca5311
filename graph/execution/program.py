"""A plan as one Python function, so that a run costs little more than its array calls.

The function is straight-line code with a line for each step and a local name for each place. A step whose backend has a
function of the arrays alone calls that; one that may write over an input passes it as `out`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any

from samara.errors import GraphError, SamaraError

if TYPE_CHECKING:
    from samara.graph.execution.state import State
    from samara.graph.execution.step import Plan, Step

# Below this many bytes new memory costs less than finding out whether old memory fits.
_SMALL = 1 << 14


class Program:
    """The function of a plan; through the compiler of the backend's library where the configuration says so.

    Args:
        plan: what to run.
        state: of the session.
    """

    def __init__(self, plan: Plan, state: State) -> None:
        self._state = state
        self._lines: dict[int, Step] = {}
        self._globals: dict[str, Any] = {
            "_v": state.variables,
            "_kept": state.backend.kept,
            "_only": _only,
        }
        self._code: list[str] = []
        self._constants = {n: v for n, v in enumerate(plan.values) if v is not None}
        names = [f"t{n}" for n in range(plan.feeds)]
        self._add(f"def _step({', '.join(names)}):")
        for step in plan.steps:
            self._lines[len(self._code) + 1] = step
            self._add("    " + self._line(step))
            gone = [f"t{n}" for n in step.release if n not in self._constants]
            if gone:
                self._add(f"    del {', '.join(gone)}")
        fetched = [self._name(n) if n >= 0 else "None" for n in plan.fetches]
        self._add(f"    return [{', '.join(fetched)}]")
        exec(compile("\n".join(self._code), "<step>", "exec"), self._globals)
        self._function: Callable[..., list[Any]] = self._globals["_step"]
        self._code_object = self._function.__code__
        if state.config.compiles:
            self._function = state.backend.compiled(self._function, state.config.torch_compile)
        self._run: Callable[..., list[Any]] = state.backend.within(self._function)

    def __call__(self, feeds: Sequence[Any]) -> list[Any]:
        """Runs it; the arrays of the fetches, None for those that are operations or variables.

        Raises:
            UninitializedError: a variable is read before it has a value.
            GraphError: an operation failed.
        """
        return self._called(self._run, feeds)

    def inner(self, feeds: Sequence[Any]) -> list[Any]:
        """The same, as part of a run of another program."""
        return self._called(self._function, feeds)

    def _called(self, function: Callable[..., list[Any]], feeds: Sequence[Any]) -> list[Any]:
        try:
            return function(*feeds)
        except SamaraError:
            raise
        except Exception as error:
            self._explain(error)
            raise

    def _add(self, line: str) -> None:
        self._code.append(line)

    def _bound(self, value: Any, kind: str) -> str:
        """A name for a Python object in the function."""
        name = f"{kind}{len(self._globals)}"
        self._globals[name] = value
        return name

    def _name(self, slot: int) -> str:
        if slot in self._constants:
            name = f"k{slot}"
            self._globals[name] = self._constants[slot]
            return name
        return "None" if slot < 0 else f"t{slot}"

    def _line(self, step: Step) -> str:
        arguments = [self._name(s) for s in step.inputs]
        for place, variable in step.reads:
            arguments[place] = f"_v[{variable.name!r}]"
        if step.outputs:
            left = ", ".join(f"t{n}" for n in step.outputs) + ("," if len(step.outputs) > 1 else "") + " = "
        else:
            left = ""
        if step.takes is not None:
            kept = f"_kept({arguments[1]})"
            return f"_v[{step.takes!r}] = {left}{kept}"
        if step.plain is None:
            run = self._bound(step.run, "r")
            given = [self._bound(step.xp, "x"), self._bound(step.call, "c"), *arguments]
            results = step.call.operation.definition.results
            if len(step.outputs) == 1 and step.transfer is None and results and results[-1].variadic:
                return f"{left}_only({run}({', '.join(given)}))"
            return f"{left}{run}({', '.join(given)})"
        function = self._bound(step.plain, "p")
        listed = ", ".join(a for a in arguments if a != "None")
        if step.over is None:
            return f"{left}{function}({listed})"
        place, others = step.over
        target = arguments[place]
        over = f"{function}({listed}, out={target})"
        if others is None:
            return f"{left}{over}"
        fits = [f"{target}.nbytes > {_SMALL}"] + [f"{target}.shape == {arguments[o]}.shape" for o in others]
        return f"{left}{over} if {' and '.join(fits)} else {function}({listed})"

    def _explain(self, error: Exception) -> None:
        """Raises the error again, naming the operation that failed with what it was given."""
        from samara.graph.execution.step import failed

        trace: TracebackType | None = error.__traceback__
        while trace is not None and trace.tb_frame.f_code is not self._code_object:
            trace = trace.tb_next
        step = self._lines.get(trace.tb_lineno) if trace is not None else None
        if trace is None or step is None:
            raise GraphError(f"a step failed: {error}") from error
        values = trace.tb_frame.f_locals
        arguments = [self._constants.get(s, values.get(f"t{s}")) for s in step.inputs]
        for place, variable in step.reads:
            arguments[place] = self._state.read(variable)
        raise failed(step, arguments, error) from error


def _only(result: Any) -> Any:
    """The single output of an op that may have several."""
    return result[0] if isinstance(result, (list, tuple)) else result


__all__ = ["Program"]
