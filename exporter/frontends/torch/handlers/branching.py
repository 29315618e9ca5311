"""Control flow: branches and loops, whose bodies are graphs of torch within the graph."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from samara.exporter.frontends.compose import control
from samara.exporter.frontends.torch.reader import Reader
from samara.exporter.frontends.torch.registry import handles
from samara.graph.graph import Tensor, get_default_graph


def _names(module: Any) -> list[str]:
    return [n.name for n in module.graph.nodes if n.op == "placeholder"]


def _body(r: Reader, module: Any, fixed: Sequence[Any] = ()) -> Callable[..., list[Tensor]]:
    """What builds a graph of torch in the graph that is being traced, on the tensors that it is given."""

    def build(b: Any, *given: Tensor) -> list[Tensor]:
        inner = r.within(get_default_graph())
        found = inner.read(module, dict(zip(_names(module), [*given, *fixed], strict=True)))
        listed = list(found) if isinstance(found, (list, tuple)) else [found]
        return [inner.tensor(v) for v in listed]

    return build


@handles("higher_order.cond")
def cond(r: Reader, predicate: Any, then: Any, other: Any, operands: Sequence[Any] = ()) -> Any:
    return control.cond(r.b, r.truth(predicate), _body(r, then, operands), _body(r, other, operands))


@handles("higher_order.while_loop")
def while_loop(r: Reader, condition: Any, step: Any, carried: Sequence[Any], more: Sequence[Any] = ()) -> Any:
    def test(b: Any, *given: Tensor) -> Tensor:
        return _body(r, condition, more)(b, *given)[0]

    return control.while_loop(r.b, test, _body(r, step, more), [r.tensor(v) for v in carried])


@handles("higher_order.scan")
def scan(
    r: Reader, step: Any, carried: Sequence[Any], inputs: Sequence[Any], more: Sequence[Any] = ()
) -> Any:
    def one(b: Any, *given: Tensor) -> tuple[list[Tensor], list[Tensor]]:
        found = _body(r, step, more)(b, *given)
        return found[: len(carried)], found[len(carried) :]

    states, collected = control.scan(r.b, one, states=[r.tensor(v) for v in carried], inputs=list(inputs))
    return [*states, *collected]


@handles("higher_order.map_impl")
def map_impl(r: Reader, body: Any, inputs: Sequence[Any], more: Sequence[Any] = ()) -> Any:
    return scan(r, body, (), inputs, more)


@handles(
    "higher_order.wrap_with_set_grad_enabled",
    "higher_order.wrap_with_autocast",
    "higher_order.hints_wrapper",
)
def wrapped(r: Reader, *arguments: Any) -> Any:
    place = next(i for i, a in enumerate(arguments) if hasattr(a, "graph"))
    module, operands = arguments[place], arguments[place + 1 :]
    return list(r.read(module, dict(zip(_names(module), operands, strict=False))))
