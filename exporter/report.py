"""What an export tells: size, memory against its bounds, what was fused, and the evidence, layer by layer."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from samara.exporter.passes import Applied
from samara.exporter.plan import MemoryPlan
from samara.exporter.proof import LayerError
from samara.exporter.source_proof import OutputError

_WORST = 10


@dataclass(frozen=True, kw_only=True)
class ProgramReport:
    """Memory and ops of one signature. Bytes.

    Attributes:
        name: the signature's.
        plan: arena, bounds, offsets, and how the placement was found.
        ops: how often each op occurs.
        kernels: how often each kind of kernel runs them on this machine; "generic" is the slow one.
    """

    name: str
    plan: MemoryPlan
    ops: Counter[str]
    kernels: Counter[str]


@dataclass(frozen=True, kw_only=True)
class ExportReport:
    """The result of an export. Prints as text, and as a table in a notebook.

    Attributes:
        path: the file that was written.
        file_bytes, constant_bytes: its size, and that of its weights as stored.
        source_ops: ops before the passes.
        programs: one for each signature.
        passes: what each pass that found something did.
        layers: the comparison with the source, in the order of execution.
        origin: what model of another framework it was, or "".
        oracle: what ran that model for comparison, or "".
        outputs: the comparison with what it computed.
        samples: how many samples were compared for each signature.
        seeded: whether those were random, because none were given.
        tolerance: what float layers were held to.
        quantized: whether the file computes with integers.
        precision: what the file computes the source's float32 in.
        wide: ops that stay float32 in a file of another precision, and why.
        states: names of the variables that a run changes.
        left_out: operations on the way to the outputs that the file does without: asserts, prints, what is only
            waited for, what constants decide; each with the line that made it.
        warnings: what the caller should know.
    """

    path: Path
    file_bytes: int
    constant_bytes: int
    source_ops: int
    programs: tuple[ProgramReport, ...]
    passes: tuple[Applied, ...]
    layers: tuple[LayerError, ...]
    origin: str
    oracle: str
    outputs: tuple[OutputError, ...]
    samples: int
    seeded: bool
    tolerance: float
    quantized: bool
    precision: str
    wide: tuple[str, ...]
    states: tuple[str, ...]
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def arena_bytes(self) -> int:
        """The arena of the largest signature."""
        return max(p.plan.arena for p in self.programs)

    @property
    def parity(self) -> float:
        """The largest difference of a float layer from the written graph, over the layer's largest magnitude."""
        return max((row.error for row in self.layers), default=0.0)

    @property
    def worst(self) -> list[LayerError]:
        """The layers, farthest from the source first."""
        return sorted(self.layers, key=_badness, reverse=True)

    def _rows(self) -> list[tuple[str, str]]:
        ops = Counter[str]()
        for program in self.programs:
            ops.update(program.ops)
        listed = ", ".join(f"{name} x{count}" if count > 1 else name for name, count in sorted(ops.items()))
        rows = [
            ("file", f"{self.path}: {_bytes(self.file_bytes)}, weights {_bytes(self.constant_bytes)}"),
            ("ops", f"{sum(ops.values())} from {self.source_ops}: {listed}"),
        ]
        kernels = sum((p.kernels for p in self.programs), Counter[str]())
        rows.append(("kernels", ", ".join(f"{n} x{c}" for n, c in sorted(kernels.items())) or "none"))
        for program in self.programs:
            plan = program.plan
            verdict = (
                "equal to its bound"
                if plan.arena == plan.bound_order
                else ("proven least" if plan.optimal else "not proven least")
            )
            label = "arena" if len(self.programs) == 1 else f"arena of {program.name}"
            rows.append(
                (
                    label,
                    f"{_bytes(plan.arena)}, {verdict}; bound in this order {_bytes(plan.bound_order)} (at "
                    f"{plan.attained_by}), in any order {_bytes(plan.bound_any)}; found by {plan.method}",
                )
            )
        changed: dict[str, int] = {}
        for applied in self.passes:
            changed[applied.name] = changed.get(applied.name, 0) + applied.before - applied.after
        if changed:
            rows.append(("passes", ", ".join(f"{n} ({-c:+d})" for n, c in changed.items())))
        kind = "seeded random samples" if self.seeded else "the caller's samples"
        rows.append(("proof", f"{len(self.layers)} layers on {self.samples} of {kind}: {self._verdict()}"))
        if self.origin:
            rows.insert(0, ("source", self.origin))
            rows.append(("source's proof", self._source_verdict()))
        if self.precision != "float32":
            stay = f"; in float32 stay {_listed(self.wide, ', ')}" if self.wide else ""
            rows.append(("precision", self.precision + stay))
        if self.states:
            rows.append(("state", f"a run changes {_listed([repr(n) for n in self.states], ', ')}"))
        if self.left_out:
            rows.append(("left out", _listed(self.left_out, "; ")))
        rows += [("warning", w) for w in self.warnings]
        return rows

    def _verdict(self) -> str:
        exact = [row for row in self.layers if row.exact]
        floats = [row for row in self.layers if not row.exact]
        parts = []
        if exact:
            parts.append(f"{len(exact)} integer layers equal")
        if floats:
            parts.append(f"float layers within {max(r.error for r in floats):.1e} of their largest value")
        noise = [r.signal_to_noise for r in self.layers if r.signal_to_noise is not None]
        if self.quantized and noise:
            parts.append(f"signal to quantization noise at least {min(noise):.1f} dB")
        return "; ".join(parts) or "nothing to compute"

    def _source_verdict(self) -> str:
        if not self.oracle:
            return "none: the source's framework is not installed"
        worst = max(self.outputs, key=lambda o: o.error)
        if worst.error == 0.0:
            return f"{len(self.outputs)} outputs equal to those of {self.oracle}"
        return (
            f"{len(self.outputs)} outputs within {worst.error:.1e} of their largest value of those of {self.oracle}"
            + (f", at least {min(o.signal_to_noise for o in self.outputs):.1f} dB" if self.quantized else "")
        )

    def __str__(self) -> str:
        rows = self._rows()
        width = max(len(name) for name, _ in rows)
        lines = [f"{name:<{width}}  {text}" for name, text in rows]
        return "\n".join([*lines, "", layer_table(self.worst[:_WORST], len(self.layers))])

    def _repr_html_(self) -> str:
        left = "style='text-align:left'"
        rows = "".join(
            f"<tr><th {left}>{html.escape(n)}</th><td {left}>{html.escape(t)}</td></tr>"
            for n, t in self._rows()
        )
        layers = "".join(
            "<tr>"
            + "".join(f"<td style='text-align:left'>{html.escape(c)}</td>" for c in _cells(row))
            + "</tr>"
            for row in self.worst
        )
        head = "".join(f"<th>{html.escape(c)}</th>" for c in _HEAD)
        return (
            f"<table>{rows}</table><details><summary>Layers, farthest from the source first</summary>"
            f"<table><tr>{head}</tr>{layers}</table></details>"
        )


_HEAD = ("layer", "op", "file vs graph", "file vs source", "dB")


def _badness(row: LayerError) -> float:
    return max(row.error, row.source_error or 0.0)


def _cells(row: LayerError) -> tuple[str, ...]:
    error = "equal" if row.error == 0.0 else f"{row.error:.1e}"
    source = (
        "-" if row.source_error is None else "equal" if row.source_error == 0.0 else f"{row.source_error:.1e}"
    )
    noise = (
        "-"
        if row.signal_to_noise is None or row.signal_to_noise == float("inf")
        else f"{row.signal_to_noise:.1f}"
    )
    return row.name, row.op, error, source, noise


def layer_table(rows: Sequence[LayerError], total: int) -> str:
    """The comparison of some layers as text."""
    cells = [_HEAD, *(_cells(r) for r in rows)]
    widths = [max(len(c[i]) for c in cells) for i in range(len(_HEAD))]
    lines = ["  ".join(f"{c:<{w}}" for c, w in zip(row, widths, strict=True)).rstrip() for row in cells]
    if len(rows) < total:
        lines.append(f"... and {total - len(rows)} layers nearer to the source")
    return "\n".join(lines)


def _listed(texts: Sequence[str], between: str) -> str:
    more = f" and {len(texts) - _WORST} more" if len(texts) > _WORST else ""
    return between.join(texts[:_WORST]) + more


def _bytes(count: int) -> str:
    return f"{count:,} B" if count < 10_240 else f"{count / 1024:,.1f} KiB"
