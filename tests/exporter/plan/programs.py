"""Programs to plan: the shapes that networks have, and random ones."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

from samara.exporter.plan import Program, Step

ROWS = 4
"""The rows of tensors that have rows."""


class Net:
    """Writes a program down step by step."""

    def __init__(self, *inputs: int) -> None:
        self.sizes = dict(enumerate(inputs))
        self.inputs = tuple(self.sizes)
        self.steps: list[Step] = []

    def op(
        self,
        size: int,
        *inputs: int,
        scratch: int = 0,
        over: Sequence[int] = (),
        view: int | None = None,
        columns: bool = False,
        rigid: bool = False,
        below: bool = False,
    ) -> int:
        """Add a step with one output and return it; it may be written over the tensors of `over`.

        With `columns` it joins the rows of its inputs, with `below` their rows one after the other; a `rigid` step
        cannot go by the distance of rows.
        """
        output = len(self.sizes)
        self.sizes[output] = size
        self.steps.append(
            Step(
                name=f"op{len(self.steps)}",
                inputs=inputs,
                outputs=(output,),
                scratch=scratch,
                views=() if view is None else ((output, view, 0),),
                in_place=tuple((output, source) for source in over),
                joins=tuple(self._starts(inputs, output, 1)) if below else (),
                rows=tuple(self._starts(inputs, output, ROWS)) if columns else (),
                strided=frozenset() if rigid else frozenset((*inputs, output)),
            )
        )
        return output

    def cut(self, source: int, *sizes: int) -> list[int]:
        """Add a step that cuts the rows of a tensor, and return the pieces."""
        pieces = [len(self.sizes) + i for i in range(len(sizes))]
        self.sizes.update(zip(pieces, sizes, strict=True))
        step = Step(
            name=f"op{len(self.steps)}",
            inputs=(source,),
            outputs=tuple(pieces),
            cuts=tuple((piece, source, at) for piece, _, at in self._starts(pieces, source, ROWS)),
            strided=frozenset((source, *pieces)),
        )
        self.steps.append(step)
        return pieces

    def _starts(self, parts: Sequence[int], whole: int, rows: int) -> Iterator[tuple[int, int, int]]:
        at = 0
        for part in parts:
            yield part, whole, at
            at += self.sizes[part] // rows

    def program(self, *outputs: int) -> Program:
        return Program(
            name="net",
            sizes=self.sizes,
            inputs=self.inputs,
            outputs=outputs,
            steps=tuple(self.steps),
            widths={tensor: size // ROWS for tensor, size in self.sizes.items() if size % ROWS == 0},
        )


def chain(sizes: Sequence[int]) -> Program:
    net = Net(sizes[0])
    last = 0
    for size in sizes[1:]:
        last = net.op(size, last)
    return net.program(last)


def residual(blocks: int, size: int = 4096) -> Program:
    """Blocks of two convolutions and an addition, each followed by an activation."""
    net = Net(size)
    x = 0
    for block in range(blocks):
        y = net.op(size, x, scratch=300 + block)
        y = net.op(size, y, over=[y])
        y = net.op(size, y, scratch=700)
        x = net.op(size, x, y, over=[x, y])
        x = net.op(size, x, over=[x])
        if block % 3 == 2:
            size //= 2
            x = net.op(size, x)
    return net.program(net.op(40, net.op(size, x, view=x)))


def u_net(depth: int, size: int = 1 << 16) -> Program:
    net = Net(size)
    x, skips = 0, []
    for level in range(depth):
        x = net.op(size >> level, x)
        x = net.op(size >> level, x, over=[x])
        skips.append(x)
        x = net.op(size >> (level + 2), x)
    for level in reversed(range(depth)):
        x = net.op(size >> level, x)
        x = net.op(2 * (size >> level), x, skips.pop())
        x = net.op(size >> level, x)
    return net.program(x)


def inception(blocks: int, size: int = 9000) -> Program:
    """Blocks of four branches of unequal widths, joined at their end."""
    net = Net(size)
    x = 0
    for block in range(blocks):
        one = net.op(size // 4 + 64 * block, x)
        three = net.op(size // 2, net.op(size // 3, x))
        five = net.op(size // 8, net.op(size // 16, x))
        pool = net.op(size // 8, net.op(size, x))
        x = net.op(size, one, three, five, pool)
    return net.program(x)


def random_program(chance: random.Random, *, in_place: bool = True) -> Program:
    """A program with everything in it: views, takeovers, joins, scratch, tensors of no bytes or not planned."""
    sizes = {tensor: _size(chance) for tensor in range(chance.randint(1, 3))}
    inputs = tuple(sizes)
    constants = (900, 901)
    steps = []
    for index in range(chance.randint(1, 12)):
        reads = tuple(chance.choice([*sizes, *constants]) for _ in range(chance.randint(1, 3)))
        planned = [tensor for tensor in reads if tensor in sizes]
        outputs, views, joins, rows, cuts, pairs = [], [], [], [], [], []
        for _ in range(chance.choice((1, 1, 1, 2, 3))):
            output = len(sizes)
            outputs.append(output)
            source = chance.choice(planned) if planned else None
            if source is not None and chance.random() < 0.25:
                sizes[output] = chance.choice((sizes[source], sizes[source], sizes[source] // 2))
                views.append((output, source, chance.randint(0, sizes[source] - sizes[output])))
                continue
            sizes[output] = _size(chance)
            if source is not None and chance.random() < 0.5:
                sizes[output] = sizes[source]
            if in_place and chance.random() < 0.7:
                pairs += [(output, tensor) for tensor in dict.fromkeys(reads) if chance.random() < 0.7]
        if planned and not views and chance.random() < 0.2:
            parts = list(dict.fromkeys(planned))[:2]
            total = sum(sizes[part] for part in parts)
            sizes[outputs[0]] = total
            joins = [(p, outputs[0], sum(sizes[q] for q in parts[:i])) for i, p in enumerate(parts)]
            pairs = [(output, source) for output, source in pairs if output != outputs[0]]
        elif (parts := _of_rows(chance, planned, sizes)) and not views:
            sizes[outputs[0]] = sum(sizes[part] for part in parts)
            rows = [(p, outputs[0], sum(sizes[q] for q in parts[:i]) // ROWS) for i, p in enumerate(parts)]
            pairs = [(output, source) for output, source in pairs if output != outputs[0]]
        whole = next((t for t in planned if sizes[t] and sizes[t] % (2 * ROWS) == 0), None)
        if whole is not None and not views and not joins and not rows and chance.random() < 0.5:
            outputs, cuts, pairs = _pieces(chance, whole, outputs, sizes)
        if chance.random() < 0.1:
            outputs.append(950)  # state that the step updates
        steps.append(
            Step(
                name=f"op{index}",
                inputs=reads,
                outputs=tuple(outputs),
                scratch=chance.choice((0, 0, chance.randint(1, 500))),
                views=tuple(views),
                joins=tuple(joins),
                in_place=tuple(pairs),
                rows=tuple(rows),
                cuts=tuple(cuts),
                strided=frozenset(t for t in (*reads, *outputs) if chance.random() < 0.9),
            )
        )
    kept = chance.sample(sorted(sizes), min(len(sizes), chance.randint(1, 3)))
    widths = {tensor: size // ROWS for tensor, size in sizes.items() if size % ROWS == 0}
    return Program(
        name="random", sizes=sizes, inputs=inputs, outputs=(*kept, 900), steps=tuple(steps), widths=widths
    )


def _of_rows(chance: random.Random, planned: Sequence[int], sizes: dict[int, int]) -> list[int]:
    """Tensors to join side by side in each of their rows, or none."""
    parts = [t for t in dict.fromkeys(planned) if sizes[t] and sizes[t] % ROWS == 0]
    return parts if chance.random() < 0.5 else []


def _pieces(
    chance: random.Random, whole: int, outputs: Sequence[int], sizes: dict[int, int]
) -> tuple[list[int], list[tuple[int, int, int]], list[tuple[int, int]]]:
    """A step's outputs as pieces of the rows of a tensor, some of which may meet, and no takeovers."""
    width = sizes[whole] // ROWS
    at, pieces, cuts = 0, [], []
    for output in outputs:
        size = chance.randint(1, width - at) if at < width else 0
        if not size:
            del sizes[output]
            continue
        sizes[output] = size * ROWS
        pieces.append(output)
        cuts.append((output, whole, at))
        at += size
    return pieces, cuts, []


def _size(chance: random.Random) -> int:
    return chance.choice((0, 64, 128, 256, chance.randint(1, 1000), chance.randint(1, 1000)))
