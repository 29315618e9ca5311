"""`check_model`: what an export would say, in seconds and without writing anything."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from samara.errors import ExportError
from samara.exporter.freeze import freeze, named
from samara.exporter.frontends import ImportedModel, import_model
from samara.exporter.lower import lower
from samara.exporter.passes import optimize
from samara.graph import dims
from samara.graph.graph import Tensor


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """What would become of a model. Prints as text; is true when the model can be exported.

    Attributes:
        origin: what the model is.
        nodes: how often the source has each kind of node, as far as it could be read.
        problems: everything that stands in the way, each with the node's name, the reason and a way out.
        inputs, outputs: of each signature, by its name, as text.
        ops: how often the exported file would have each op.
        constant_bytes: its weights; the file is little larger.
        arena_bytes: the memory that a run would need, of the largest signature.
        warnings: what the caller should know.
    """

    origin: str
    nodes: Mapping[str, int]
    problems: tuple[str, ...]
    inputs: Mapping[str, tuple[str, ...]]
    outputs: Mapping[str, tuple[str, ...]]
    ops: Mapping[str, int]
    constant_bytes: int
    arena_bytes: int
    warnings: tuple[str, ...]

    def __bool__(self) -> bool:
        return not self.problems

    def __str__(self) -> str:
        lines = [self.origin]
        if self.nodes:
            lines.append(f"{sum(self.nodes.values())} nodes: {_counts(self.nodes)}")
        for name in self.inputs:
            lines.append(f"signature {name}")
            lines += [f"  input  {text}" for text in self.inputs[name]]
            lines += [f"  output {text}" for text in self.outputs[name]]
        if self.ops:
            lines.append(f"{sum(self.ops.values())} ops in the file: {_counts(self.ops)}")
            lines.append(f"about {self.constant_bytes:,} B of weights and {self.arena_bytes:,} B of arena")
        lines += [f"warning: {text}" for text in self.warnings]
        if self.problems:
            lines.append(f"cannot be exported, for {len(self.problems)} reasons:")
            lines += [f"- {text}" for text in self.problems]
        else:
            lines.append("can be exported")
        return "\n".join(lines)


def check_model(
    source: Any, *, inputs: Any = None, shapes: Mapping[str, Sequence[Any]] | None = None
) -> CheckReport:
    """Tells whether a model of another framework can be exported, and what the file would be like.

    Args:
        source: as for `import_model`, or what that gave.
        inputs: example inputs, as for `import_model`.
        shapes: shapes of inputs whose dimensions the source leaves open.

    Raises:
        ImportError: the front-end needs a package that is not installed.
        TypeError: the source is no model.
        OSError: the file cannot be read.
    """
    imported: ImportedModel | None = None
    try:
        imported = (
            source
            if isinstance(source, ImportedModel)
            else import_model(source, inputs=inputs, shapes=shapes)
        )
        frozen = freeze(imported.signatures, imported.session)
        model, _ = optimize(frozen.model)
        lowered = lower(model, metadata={})
    except ExportError as error:
        origin = imported.origin if imported is not None else str(error).partition(": ")[0]
        return CheckReport(
            origin=origin,
            nodes=dict(error.nodes),
            problems=error.problems or (str(error),),
            inputs={},
            outputs={},
            ops={},
            constant_bytes=0,
            arena_bytes=0,
            warnings=(),
        )
    ops = Counter[str]()
    for program in lowered.programs:
        ops.update(op.type for op in program.all_ops)
    return CheckReport(
        origin=imported.origin,
        nodes=dict(imported.nodes),
        problems=(),
        inputs={s.name: _endpoints(named(s.inputs)) for s in imported.signatures},
        outputs={s.name: _endpoints(named(s.outputs)) for s in imported.signatures},
        ops=ops,
        constant_bytes=lowered.constant_bytes,
        arena_bytes=max(p.plan.arena for p in lowered.programs),
        warnings=imported.warnings,
    )


def _counts(counted: Mapping[str, int]) -> str:
    return ", ".join(f"{name} x{count}" if count > 1 else name for name, count in sorted(counted.items()))


def _endpoints(tensors: Mapping[str, Tensor]) -> tuple[str, ...]:
    return tuple(f"{name}: {t.dtype.name}{dims.text(t.shape)}" for name, t in tensors.items())


__all__ = ["CheckReport", "check_model"]
