"""What the planner is told: steps in order, and the tensors they read and write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Step:
    """One operation of a program, as its memory sees it.

    Attributes:
        name: what reports and errors call the step.
        inputs: ids of the tensors read. Ids that the program does not plan (constants, state) may
            stand here and are ignored.
        outputs: ids of the tensors written, each by this step alone.
        scratch: bytes that the step needs while it runs, and no longer.
        views: triples (output, input, offset): the output is the input's bytes from the offset on; the step
            moves nothing.
        joins: triples (input, output, offset): the output has the input's bytes from the offset on; the step moves
            nothing for an input that lies there.
        in_place: pairs (output, input): the output may be written over the input, from the same
            start. A pair speaks for every operand of the step which is that input.
        rows: triples (input, output, offset): each row of the output has a row of the input from its byte `offset` on;
            the step moves nothing for an input that lies there.
        cuts: triples (output, input, offset): each row of the output is a piece of a row of the input, from its byte
            `offset` on; the step moves nothing for an output that lies there.
        strided: operands whose rows may lie apart.
    """

    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    scratch: int = 0
    views: tuple[tuple[int, int, int], ...] = ()
    joins: tuple[tuple[int, int, int], ...] = ()
    in_place: tuple[tuple[int, int], ...] = ()
    rows: tuple[tuple[int, int, int], ...] = ()
    cuts: tuple[tuple[int, int, int], ...] = ()
    strided: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Program:
    """Steps in the order they run, with the sizes of the tensors to be planned.

    Attributes:
        name: what reports and errors call the program.
        sizes: bytes of each planned tensor. Constants and persistent state are not in it.
        inputs: planned tensors that the caller writes before the first step, at every run.
        outputs: tensors that the caller reads after the last step. Those that are not planned (a
            constant that is returned) are ignored.
        steps: the steps in order.
        rooms: for tensors that are not planned but share bytes elsewhere, which: those of one room have the same. The
            program of a body has the bytes that its caller gives it, each a room.
        arguments: tensors in rooms that are there before the first step.
        widths: bytes of a row of each planned tensor whose rows may lie apart, among those of a larger one.

    Raises:
        ValueError: the program contradicts itself: a tensor is written twice, read before it is
            written, planned but never written, or a pair names what its step does not have.
    """

    name: str
    sizes: Mapping[int, int]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    steps: tuple[Step, ...]
    rooms: Mapping[int, int] = field(default_factory=dict)
    arguments: tuple[int, ...] = ()
    widths: Mapping[int, int] = field(default_factory=dict)

    def span(self, tensor: int, row: int) -> int:
        """The bytes from a tensor's first to its last when its rows begin `row` bytes apart; 0: together."""
        width = self.widths[tensor] if row else 0
        return (self.sizes[tensor] // width - 1) * row + width if row else self.sizes[tensor]

    def __post_init__(self) -> None:
        """Refuse a program that no plan could be right for."""
        for tensor, size in self.sizes.items():
            if size < 0:
                raise ValueError(f"{self.name}: tensor {tensor} has {size} bytes")
        written: set[int] = set()
        for tensor in self.inputs:
            if tensor not in self.sizes:
                raise ValueError(f"{self.name}: input {tensor} has no size")
            if tensor in written:
                raise ValueError(f"{self.name}: input {tensor} is listed twice")
            written.add(tensor)
        for index, step in enumerate(self.steps):
            where = f"{self.name}: step {index} {step.name!r}"
            self._check_operands(where, step, written)
            self._check_pairs(where, step)
        missing = sorted(set(self.sizes) - written)
        if missing:
            raise ValueError(f"{self.name}: nothing writes the planned tensors {missing}")

    def _check_operands(self, where: str, step: Step, written: set[int]) -> None:
        if step.scratch < 0:
            raise ValueError(f"{where} has {step.scratch} bytes of scratch")
        for tensor in step.inputs:
            if tensor in self.sizes and tensor not in written:
                raise ValueError(f"{where} reads tensor {tensor} before it is written")
        for tensor in step.outputs:
            if tensor in written:
                raise ValueError(f"{where} writes tensor {tensor}, which is written already")
            # A state tensor may be written by many steps: only planned ones are written once.
            if tensor in self.sizes:
                written.add(tensor)

    def _check_pairs(self, where: str, step: Step) -> None:
        pairs = [(output, source) for output, source, _ in (*step.views, *step.cuts)]
        pairs += [(output, source) for source, output, _ in (*step.joins, *step.rows)]
        for output, source in (*pairs, *step.in_place):
            if output not in step.outputs or source not in step.inputs:
                raise ValueError(
                    f"{where}: the pair ({output}, {source}) is not an output and an input of it"
                )
        viewing = [output for output, _, _ in (*step.views, *step.cuts)]
        for output in viewing:
            if viewing.count(output) > 1 or any(output == other for other, _ in step.in_place):
                raise ValueError(f"{where}: tensor {output} is a view and something else too")
        for part, whole, offset in (*step.views, *step.joins):
            self._check_part(where, part, whole, offset)
        for part, whole, offset in (*step.rows, *step.cuts):
            self._check_rows(where, part, whole, offset)

    def _check_part(self, where: str, part: int, whole: int, offset: int) -> None:
        if (part in self.sizes) != (whole in self.sizes):
            planned, other = (part, whole) if part in self.sizes else (whole, part)
            raise ValueError(
                f"{where}: tensor {part} is a view of tensor"
                f" {whole}, but {planned} is planned and {other} is not; both share the same bytes, so leave both"
                " out of sizes or put both in"
            )
        if offset < 0 or offset + self.sizes.get(part, 0) > self.sizes.get(whole, offset):
            raise ValueError(
                f"{where}: tensor {part} of {self.sizes[part]} bytes is a view of tensor {whole} of"
                f" {self.sizes[whole]}, from byte {offset} on"
            )

    def _check_rows(self, where: str, part: int, whole: int, offset: int) -> None:
        widths = [self.widths.get(tensor, 0) for tensor in (part, whole)]
        if 0 in widths or self.sizes[part] * widths[1] != self.sizes[whole] * widths[0]:
            raise ValueError(f"{where}: tensors {part} and {whole} have not as many rows")
        if offset < 0 or offset + widths[0] > widths[1]:
            raise ValueError(
                f"{where}: rows of {widths[0]} bytes of tensor {part} in rows of {widths[1]}, from byte {offset} on"
            )
