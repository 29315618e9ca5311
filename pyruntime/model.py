"""Loading a file and running it: the C runtime from Python.

Everything here is a thin layer over samara.h, whose `@threads` words hold: a `Model` may be shared by threads, each
thread runs its own `Context`. The interpreter lock is released while the C runtime runs.
"""

from __future__ import annotations

import mmap
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from samara.errors import ArgumentStatusError
from samara.pyruntime._errors import check
from samara.pyruntime._native import ffi, lib
from samara.pyruntime.pool import default_threads, shared_pool
from samara.pyruntime.profile import Profile, profile_row

Array = np.ndarray[Any, Any]

NUMPY_DTYPES: dict[int, np.dtype[Any]] = {
    lib.SMR_DTYPE_FLOAT32: np.dtype(np.float32),
    lib.SMR_DTYPE_FLOAT16: np.dtype(np.float16),
    lib.SMR_DTYPE_INT8: np.dtype(np.int8),
    lib.SMR_DTYPE_UINT8: np.dtype(np.uint8),
    lib.SMR_DTYPE_INT16: np.dtype(np.int16),
    lib.SMR_DTYPE_INT32: np.dtype(np.int32),
    lib.SMR_DTYPE_INT64: np.dtype(np.int64),
    lib.SMR_DTYPE_BOOL: np.dtype(np.bool_),
}
_SHORT = {
    "float32": "f32",
    "float16": "f16",
    "int8": "i8",
    "uint8": "u8",
    "int16": "i16",
    "int32": "i32",
    "int64": "i64",
    "bool": "bool",
}


@dataclass(frozen=True, kw_only=True)
class TensorInfo:
    """A tensor of a file.

    Attributes:
        name: as the file has it; for inputs and outputs, the public name.
        dtype: the numpy element type.
        shape: the dimensions, at their upper bounds.
        dimensions: for inputs, the name of the dimension that each axis follows, or None where it is fixed.
        scale, zero_point: real = scale * (stored - zero_point) for a tensor quantized as a whole; scale 0 if not.
        storage: "arena", "constant" or "state"; in a body also "argument" or "result": the bytes of an operand of the
            op that runs it.
        offset, bytes: where it lies in its storage; of an argument or result which one it is.
    """

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    dimensions: tuple[str | None, ...] = ()
    scale: float = 0.0
    zero_point: int = 0
    storage: str = "arena"
    offset: int = 0
    bytes: int = 0

    def __str__(self) -> str:
        names = self.dimensions or (None,) * len(self.shape)
        sizes = ",".join(n or str(d) for n, d in zip(names, self.shape, strict=True))
        return f"{self.name}: {_SHORT[self.dtype.name]}[{sizes}]"


@dataclass(frozen=True, kw_only=True)
class OpInfo:
    """An op of a file: its name in the op table, the kernel that runs it, the name it had in the source graph."""

    op: str
    kernel: str
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class SignatureInfo:
    """One thing that a file can be asked to run; `program` is the number of its program."""

    name: str
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    op_count: int
    arena_bytes: int
    program: int = 0


@dataclass(frozen=True, kw_only=True)
class ProgramInfo:
    """A list of ops: what a signature runs, or a body, such as a branch or the step of a loop.

    Attributes:
        name: a signature's, or for a body which op runs it and as what.
        ops, tensors: in the order of execution, and in that of their numbers.
        caller: for a body (program, op), the op that runs it; None for the program of a signature.
    """

    name: str
    ops: tuple[OpInfo, ...]
    tensors: tuple[TensorInfo, ...]
    caller: tuple[int, int] | None


@dataclass(frozen=True, kw_only=True)
class MemoryReport:
    """Bytes that a model takes: in the file, and for each context of it."""

    file: int
    constants: int
    arena: int
    state: int
    context: int

    def __str__(self) -> str:
        rows = {
            "file (mapped, shared)": self.file,
            "  constants, used in place": self.constants,
            "context (one for each thread)": self.context,
            "  arena": self.arena,
            "  state": self.state,
        }
        return "\n".join(f"{name:<30} {size:>12,} B" for name, size in rows.items())


_STORAGES = ("arena", "constant", "state", "argument", "result")


def _text(pointer: Any) -> str:
    return str(ffi.string(pointer).decode("utf-8", "replace"))


class Model:
    """A verified file.

    Args:
        source: a path, which is mapped, or the bytes of a file, which are copied.

    Raises:
        ModelFileError: it is no Samara file, is damaged, or needs what this build does not have.
        ResourceStatusError: the path cannot be opened.

    Calling it, or `run`, runs the first signature in a context that belongs to the model; `context()` makes further
    ones, for other threads or to keep other state.
    """

    def __init__(self, source: str | os.PathLike[str] | bytes | bytearray | memoryview) -> None:
        error = ffi.new("smr_error *")
        out = ffi.new("smr_model **")
        self._owner: Any = None
        if isinstance(source, (bytes, bytearray, memoryview)):
            self.path: Path | None = None
            # An anonymous map is aligned as the runtime asks; a bytes object need not be.
            self._owner = mmap.mmap(-1, max(len(source), 1))
            self._owner[: len(source)] = source
            data = ffi.from_buffer(self._owner)
            check(lib.smr_model_load(data, len(source), ffi.NULL, out, error), error)
            self._owner = (self._owner, data)
        else:
            self.path = Path(source)
            check(lib.smr_model_open(os.fsencode(self.path), ffi.NULL, out, error), error)
        self._pointer = ffi.gc(out[0], lib.smr_model_free)
        self._info = ffi.new("smr_model_info *")
        check(lib.smr_model_get_info(self._pointer, self._info, error), error)
        self.dimensions = self._dimensions()
        self.signatures: dict[str, SignatureInfo] = {
            s.name: s for s in map(self._signature, range(self._info.signature_count))
        }
        self._infos = tuple(self.signatures.values())
        self._lock = threading.Lock()
        self._context: Context | None = None

    # What the file holds ----------------------------------------------------------------------------------

    def _dimensions(self) -> dict[str, tuple[int, int]]:
        found = {}
        computed = []
        info, error = ffi.new("smr_dimension_info *"), ffi.new("smr_error *")
        for i in range(self._info.dimension_count):
            check(lib.smr_model_dimension(self._pointer, i, info, error), error)
            found[_text(info.name)] = (int(info.minimum), int(info.maximum))
            if info.computed:
                computed.append(_text(info.name))
        self.computed = frozenset(computed)
        return found

    def _signature(self, index: int) -> SignatureInfo:
        info, error = ffi.new("smr_signature_info *"), ffi.new("smr_error *")
        check(lib.smr_model_signature(self._pointer, index, info, error), error)
        return SignatureInfo(
            name=_text(info.name),
            inputs=tuple(self._input(index, i) for i in range(info.input_count)),
            outputs=tuple(self._endpoint(lib.smr_model_output, index, i) for i in range(info.output_count)),
            op_count=int(info.op_count),
            arena_bytes=int(info.arena_bytes),
            program=int(info.program),
        )

    @property
    def programs(self) -> tuple[ProgramInfo, ...]:
        """All programs of the file: those of the signatures, and the bodies that their ops run."""
        return tuple(map(self._program, range(self._info.program_count)))

    def _program(self, index: int) -> ProgramInfo:
        info, error = ffi.new("smr_program_info *"), ffi.new("smr_error *")
        check(lib.smr_model_program(self._pointer, index, info, error), error)
        return ProgramInfo(
            name=_text(info.name),
            ops=tuple(self._op(index, i) for i in range(info.op_count)),
            tensors=tuple(self._tensor(index, i) for i in range(info.tensor_count)),
            caller=None if info.caller < 0 else (int(info.caller), int(info.caller_op)),
        )

    def _op(self, program: int, index: int) -> OpInfo:
        info, error = ffi.new("smr_op_info *"), ffi.new("smr_error *")
        check(lib.smr_model_program_op(self._pointer, program, index, info, error), error)
        return OpInfo(
            op=_text(info.op),
            kernel=_text(info.kernel),
            name=_text(info.name),
            inputs=tuple(info.inputs[0 : info.input_count]),
            outputs=tuple(info.outputs[0 : info.output_count]),
        )

    def _tensor(self, program: int, index: int) -> TensorInfo:
        tensor, placement = ffi.new("smr_tensor *"), ffi.new("smr_placement *")
        error = ffi.new("smr_error *")
        check(lib.smr_model_program_tensor(self._pointer, program, index, tensor, placement, error), error)
        return _tensor_info(tensor, placement)

    def _endpoint(self, function: Callable[..., int], signature: int, index: int) -> TensorInfo:
        tensor, error = ffi.new("smr_tensor *"), ffi.new("smr_error *")
        check(function(self._pointer, signature, index, tensor, error), error)
        return _tensor_info(tensor)

    def _input(self, signature: int, index: int) -> TensorInfo:
        plain = self._endpoint(lib.smr_model_input, signature, index)
        names = list(self.dimensions)
        number, error = ffi.new("int32_t *"), ffi.new("smr_error *")
        followed: list[str | None] = []
        for axis in range(len(plain.shape)):
            check(lib.smr_model_input_dimension(self._pointer, signature, index, axis, number, error), error)
            followed.append(names[number[0]] if number[0] >= 0 else None)
        return TensorInfo(**{**plain.__dict__, "dimensions": tuple(followed)})

    def tensors(self, signature: str | None = None) -> tuple[TensorInfo, ...]:
        """All tensors of a signature."""
        return self._program(self._infos[self._index(signature)].program).tensors

    def ops(self, signature: str | None = None) -> tuple[OpInfo, ...]:
        """All ops of a signature, in the order of execution."""
        info = self._infos[self._index(signature)]
        return tuple(self._op(info.program, i) for i in range(info.op_count))

    @property
    def metadata(self) -> dict[str, str]:
        """The free texts that the exporter stored."""
        key, value, error = ffi.new("char **"), ffi.new("char **"), ffi.new("smr_error *")
        found = {}
        for i in range(self._info.metadata_count):
            check(lib.smr_model_metadata(self._pointer, i, key, value, error), error)
            found[_text(key[0])] = _text(value[0])
        return found

    @property
    def content_hash(self) -> str:
        """The SHA-256 that the exporter stored."""
        return bytes(self._info.content_hash).hex()

    @property
    def format_version(self) -> int:
        """The version of the file's format."""
        return int(self._info.format_version)

    @property
    def least_runtime(self) -> str:
        """The least version of the runtime that can run the file."""
        number = int(self._info.least_runtime)
        return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"

    @property
    def memory(self) -> MemoryReport:
        """The bytes that the file and a context of it take."""
        size, alignment, error = ffi.new("size_t *"), ffi.new("size_t *"), ffi.new("smr_error *")
        check(lib.smr_context_memory(self._pointer, ffi.NULL, size, alignment, error), error)
        return MemoryReport(
            file=int(self._info.file_bytes),
            constants=int(self._info.constant_bytes),
            arena=int(self._info.arena_bytes),
            state=int(self._info.state_bytes),
            context=int(size[0]),
        )

    def golden(self, signature: str | None = None) -> list[tuple[list[Array], list[Array]]]:
        """The recorded cases of a signature: inputs and outputs, in order."""
        index = self._index(signature)
        info = self._infos[index]
        count, error = ffi.new("int32_t *"), ffi.new("smr_error *")
        check(lib.smr_model_golden_count(self._pointer, index, count, error), error)
        return [
            (
                [self._golden_array(index, case, 0, i, t) for i, t in enumerate(info.inputs)],
                [self._golden_array(index, case, 1, i, t) for i, t in enumerate(info.outputs)],
            )
            for case in range(count[0])
        ]

    def _golden_array(self, signature: int, case: int, output: int, index: int, info: TensorInfo) -> Array:
        data, size, error = ffi.new("void **"), ffi.new("size_t *"), ffi.new("smr_error *")
        check(lib.smr_model_golden(self._pointer, signature, case, output, index, data, size, error), error)
        return np.frombuffer(bytes(ffi.buffer(data[0], size[0])), info.dtype).reshape(info.shape)

    def verify(self, tolerance: float = 1e-5) -> None:
        """Checks the content hash, then runs the golden cases of the file.

        Args:
            tolerance: for floating-point outputs, of their largest magnitude; integers must be equal.

        Raises:
            ModelFileError: the content differs from its hash.
            ExecutionError: the outputs differ from the recorded ones.
        """
        error = ffi.new("smr_error *")
        check(lib.smr_model_check_hash(self._pointer, error), error)
        self.context().self_test(tolerance)

    # Running ----------------------------------------------------------------------------------------------

    def context(
        self, isa: str | None = None, threads: int | None = None, *, least_parallel_ns: int = 0
    ) -> Context:
        """A new context: memory and state of its own, to be used by one thread at a time.

        Args:
            isa: the best instruction set that its kernels may use, one of `instruction_sets`; when None the
                environment variable SAMARA_ISA, and without that all that the processor has.
            threads: the most that a run uses, the caller's own among them, from 1 to 32; when None the environment
                variable SAMARA_THREADS, and without that 1. Contexts with the same number share their threads.
                Results do not depend on it.
            least_parallel_ns: an op that is estimated to take less stays on the caller's thread; 0 for the
                runtime's own choice, which keeps small models there altogether.

        Raises:
            ArgumentStatusError: this build or this processor has no such instruction set, or there cannot be so
                many threads.
            ResourceStatusError: the system gives no more threads.
        """
        return Context(self, isa, threads, least_parallel_ns=least_parallel_ns)

    def run(self, *arrays: Any, **named: Any) -> Any:
        """Runs the first signature: inputs by position, or by name.

        Inputs are anything with the buffer protocol, DLPack or `__array__`, of exactly the dtype and shape that
        `signatures` tells; lists and numbers are converted. Dimensions that may change follow the inputs.

        Returns:
            An array for a single output, else a dict of arrays by name.

        Raises:
            TypeError: an input is missing, unknown or of another dtype.
            ValueError: an input has another shape.
        """
        return self._default().run(*arrays, **named)

    __call__ = run

    def _default(self) -> Context:
        with self._lock:
            if self._context is None:
                self._context = self.context()
            return self._context

    def states(self) -> dict[str, Array]:
        """Copies of the state tensors of the model's own context, by name."""
        return self._default().states()

    def load_states(self, states: Mapping[str, Any]) -> None:
        """Writes state tensors of the model's own context: see `Context.load_states`."""
        self._default().load_states(states)

    def reset(self) -> None:
        """Puts the state of the model's own context back to its initial values."""
        self._default().reset()

    def profile(
        self, *arrays: Any, repetitions: int = 50, signature: str | None = None, **named: Any
    ) -> Profile:
        """Times each op of a signature over several runs; inputs as for `run`, or none for zeros."""
        return self.context().profile(*arrays, repetitions=repetitions, signature=signature, **named)

    def signature(self, name: str | None = None) -> SignatureInfo:
        """The signature of that name; the first when None.

        Raises:
            KeyError: there is none.
        """
        return self._infos[self._index(name)]

    def _index(self, signature: str | None) -> int:
        if signature is None:
            return 0
        try:
            return list(self.signatures).index(signature)
        except ValueError:
            raise KeyError(f"no signature {signature!r}; the file has {', '.join(self.signatures)}") from None

    def __repr__(self) -> str:
        name = "<bytes>" if self.path is None else self.path.name
        described = []
        for s in self.signatures.values():
            prefix = f"{s.name}: " if len(self.signatures) > 1 else ""
            described.append(f"{prefix}{', '.join(map(str, s.inputs))} -> {', '.join(map(str, s.outputs))}")
        return f"Model({name!r}, {'; '.join(described)}, arena={self._info.arena_bytes / 1024:.1f} KiB)"


class Context:
    """What one caller needs to run a model: arena, state and prepared kernels. One thread at a time.

    `samara.load(path).context()` makes one.
    """

    def __init__(
        self, model: Model, isa: str | None = None, threads: int | None = None, *, least_parallel_ns: int = 0
    ) -> None:
        self.model = model
        self.isa = os.environ.get("SAMARA_ISA") if isa is None else isa
        self.threads = default_threads() if threads is None else threads
        self._least_parallel_ns = least_parallel_ns
        self._pool = None if self.threads == 1 else shared_pool(self.threads)
        self._watch = _Watch()
        self._lock = threading.Lock()
        self._error = ffi.new("smr_error *")
        self._views: dict[Any, tuple[list[Array], list[Array]]] = {}
        self._pointer = self._create(observed=False)
        self._observed: Any = None

    def _create(self, *, observed: bool) -> Any:
        config, error = ffi.new("smr_context_config *"), ffi.new("smr_error *")
        lib.smr_context_config_init(config)
        isa = ffi.NULL if not self.isa else ffi.new("char[]", self.isa.encode())
        config.isa = isa
        config.least_parallel_ns = self._least_parallel_ns
        if self._pool is not None:
            config.pool = self._pool.pointer
        if observed:
            config.op_callback = lib.samara_on_op
            config.op_callback_user = self._watch.handle
        out = ffi.new("smr_context **")
        check(lib.smr_context_create(self.model._pointer, config, ffi.NULL, 0, out, error), error)
        return ffi.gc(out[0], lib.smr_context_free)

    def __repr__(self) -> str:
        return f"Context({self.model!r}, threads={self.threads})"

    def run(self, *arrays: Any, signature: str | None = None, **named: Any) -> Any:
        """Runs a signature (the first when None): see `Model.run`."""
        with self._lock:
            return self._run(self._pointer, self.model._index(signature), arrays, named)

    __call__ = run

    def _run(self, pointer: Any, signature: int, arrays: Sequence[Any], named: Mapping[str, Any]) -> Any:
        info = self.model._infos[signature]
        given = self._bind(info, arrays, named)
        key = (pointer, signature)
        if self.model.dimensions:
            self._set_dimensions(pointer, signature, given)
            self._views.clear()
        if key not in self._views:
            self._views[key] = self._arena_views(pointer, signature)
        inputs, outputs = self._views[key]
        for expected, view, array in zip(info.inputs, inputs, given, strict=True):
            if array.shape != view.shape:
                raise ValueError(
                    f"input {expected} was given shape {list(array.shape)}, expected {list(view.shape)}"
                )
            view[...] = array
        check(lib.smr_run(pointer, signature, self._error), self._error)
        if self.model.computed:
            outputs = self._arena_views(pointer, signature)[1]
        if len(outputs) == 1:
            return outputs[0].copy()
        return {t.name: view.copy() for t, view in zip(info.outputs, outputs, strict=True)}

    def _arena_views(self, pointer: Any, signature: int) -> tuple[list[Array], list[Array]]:
        """The inputs and outputs where they lie in the context, at its present dimensions."""
        info, tensor = self.model._infos[signature], ffi.new("smr_tensor *")
        sides: tuple[list[Array], list[Array]] = ([], [])
        for function, endpoints, views in (
            (lib.smr_context_input, info.inputs, sides[0]),
            (lib.smr_context_output, info.outputs, sides[1]),
        ):
            for i in range(len(endpoints)):
                check(function(pointer, signature, i, tensor, self._error), self._error)
                views.append(_array(tensor))
        return sides

    def _bind(self, info: SignatureInfo, arrays: Sequence[Any], named: Mapping[str, Any]) -> list[Array]:
        if len(arrays) > len(info.inputs):
            raise TypeError(f"{len(arrays)} inputs were given; {_listed(info)}")
        values: dict[str, Any] = {t.name: a for t, a in zip(info.inputs, arrays, strict=False)}
        for name, value in named.items():
            if name in values:
                raise TypeError(f"input {name!r} was given twice")
            if name not in {t.name for t in info.inputs}:
                raise TypeError(f"there is no input {name!r}; {_listed(info)}")
            values[name] = value
        missing = [str(t) for t in info.inputs if t.name not in values]
        if missing:
            raise TypeError(f"missing input {', '.join(missing)}; {_listed(info)}")
        return [self._array_of(t, values[t.name]) for t in info.inputs]

    def _array_of(self, info: TensorInfo, value: Any) -> Array:
        if isinstance(value, (list, tuple, int, float, bool)):
            array = _converted(info, value)
        elif not isinstance(value, np.ndarray) and hasattr(value, "__dlpack__"):
            array = np.from_dlpack(value)
        else:
            array = np.asarray(value)
        if array.dtype != info.dtype:
            order = "" if array.dtype.isnative else " in another byte order"
            raise TypeError(
                f"input {info} was given {array.dtype.name}{list(array.shape)}{order}: convert it, for example "
                f"with .astype('{info.dtype.name}')"
            )
        if array.ndim != len(info.shape):
            raise ValueError(f"input {info} was given rank {array.ndim}, shape {list(array.shape)}")
        for size, dimension in zip(array.shape, info.dimensions, strict=True):
            if dimension is not None:
                low, high = self.model.dimensions[dimension]
                if not low <= size <= high:
                    raise ValueError(f"input {info}: dimension {dimension} is {size}, outside {low}..{high}")
        return array

    def _set_dimensions(self, pointer: Any, signature: int, arrays: Sequence[Array]) -> None:
        inputs = self.model._infos[signature].inputs
        sizes: dict[str, int] = {}
        for tensor, array in zip(inputs, arrays, strict=True):
            for dimension, size in zip(tensor.dimensions, array.shape, strict=True):
                if dimension is not None and sizes.setdefault(dimension, size) != size:
                    raise ValueError(
                        f"dimension {dimension} is {sizes[dimension]} in one input and {size} in {tensor.name}"
                    )
        axes = [size for array in arrays for size in array.shape]
        try:
            check(lib.smr_context_set_shapes(pointer, signature, axes, len(axes), self._error), self._error)
        except ArgumentStatusError as error:
            for tensor, array in zip(inputs, arrays, strict=True):
                _, found, why = str(error).partition(f'input "{tensor.name}": ')
                if found:
                    why = why.rpartition(" (")[0]
                    message = f"input {tensor} was given shape {list(array.shape)}: {why}"
                    raise ValueError(message) from None
            raise ValueError(str(error)) from None

    def observe(
        self,
        observer: Callable[[int, int, int], None],
        *arrays: Any,
        signature: str | None = None,
        bodies: Callable[[int, int, int], None] | None = None,
        **named: Any,
    ) -> Any:
        """Runs a signature and calls `observer(op index, nanoseconds, signature index)` after each op.

        After each op of a body, each time that the body runs, `bodies(program, op index, nanoseconds)` is called.
        Within both, `observed_tensor` reads what the op has just written.
        """
        with self._lock:
            if self._observed is None:
                self._observed = self._create(observed=True)
            self._watch.observer, self._watch.bodies, self._watch.failure = observer, bodies, None
            self._watch.program = self.model._infos[self.model._index(signature)].program
            try:
                return self._run(self._observed, self.model._index(signature), arrays, named)
            except BaseException:
                if self._watch.failure is not None:
                    raise self._watch.failure from None
                raise
            finally:
                self._watch.observer = self._watch.bodies = None

    def observed_tensor(self, signature: int, index: int, *, copy: bool = True) -> Array:
        """A tensor of the run that is being observed; without a copy it is valid until the observer returns."""
        return self.observed_body_tensor(self.model._infos[signature].program, index, copy=copy)

    def observed_body_tensor(self, program: int, index: int, *, copy: bool = True) -> Array:
        """As `observed_tensor`, by the number of a program."""
        tensor, error = ffi.new("smr_tensor *"), ffi.new("smr_error *")
        check(lib.smr_context_program_tensor(self._observed, program, index, tensor, error), error)
        if tensor.data and not copy:
            return _array(tensor)
        array = np.empty(tuple(tensor.dims[0 : tensor.rank]), NUMPY_DTYPES[int(tensor.dtype)])
        to, size = ffi.from_buffer(array), array.nbytes
        check(lib.smr_context_read_tensor(self._observed, program, index, to, size, error), error)
        return array

    def timed(
        self, *arrays: Any, seconds: float = 1.0, signature: str | None = None, **named: Any
    ) -> list[int]:
        """Nanoseconds of each run in about so many seconds, at least one: of the C runtime alone.

        Inputs are as for `run`; they are written before each run, which does not count.
        """
        with self._lock:
            index = self.model._index(signature)
            self._run(self._pointer, index, arrays, named)
            given = self._bind(self.model._infos[index], arrays, named)
            pairs = list(zip(self._views[self._pointer, index][0], given, strict=True))
            run, pointer, error, clock = lib.smr_run, self._pointer, self._error, time.perf_counter_ns
            times: list[int] = []
            end = clock() + int(seconds * 1e9)
            while not times or clock() < end:
                for view, array in pairs:
                    view[...] = array
                begin = clock()
                status = run(pointer, index, error)
                times.append(clock() - begin)
                check(status, error)
            return times

    def profile(
        self, *arrays: Any, repetitions: int = 50, signature: str | None = None, **named: Any
    ) -> Profile:
        """Times each op over several runs: see `Model.profile`."""
        index = self.model._index(signature)
        info = self.model._infos[index]
        if not arrays and not named:
            arrays = tuple(np.zeros(t.shape, t.dtype) for t in info.inputs)
        times: list[list[int]] = [[] for _ in range(info.op_count)]
        whole = []
        for _ in range(max(repetitions, 1)):
            self.observe(lambda op, ns, _: times[op].append(ns), *arrays, signature=info.name, **named)
            start = time.perf_counter_ns()
            self.run(*arrays, signature=info.name, **named)
            whole.append(time.perf_counter_ns() - start)
        tensors = self.model.tensors(info.name)
        ops, kernels = self.model.ops(info.name), self.kernels(info.name)
        rows = tuple(
            profile_row(replace(op, kernel=kernel), tensors, float(np.median(t)) / 1000)
            for op, kernel, t in zip(ops, kernels, times, strict=True)
        )
        return Profile(rows=rows, microseconds=float(np.median(whole)) / 1000)

    def kernels(self, signature: str | None = None) -> tuple[str, ...]:
        """The instruction set of the kernel of each op of a signature, in the order of execution.

        Empty for an op whose kernel is chosen in a run, when it has not run yet.
        """
        info = self.model._infos[self.model._index(signature)]
        isa, found = ffi.new("char **"), []
        for i in range(info.op_count):
            check(lib.smr_context_kernel(self._pointer, info.program, i, isa, self._error), self._error)
            found.append(_text(isa[0]))
        return tuple(found)

    def states(self) -> dict[str, Array]:
        """Copies of the state tensors, by name."""
        return {name: array.copy() for name, array in self._states(self._pointer)}

    def observed_states(self) -> dict[str, Array]:
        """As `states`, of the runs that `observe` made: they have state of their own."""
        return {name: array.copy() for name, array in self._states(self._observed)}

    def load_states(self, states: Mapping[str, Any]) -> None:
        """Writes state tensors that `states` gave.

        Raises:
            KeyError: a name that the model does not have.
            ValueError: a shape or dtype that differs.
        """
        known = dict(self._states(self._pointer))
        for name, value in states.items():
            if name not in known:
                raise KeyError(f"no state {name!r}; the model has {', '.join(known) or 'none'}")
            array = np.asarray(value)
            if array.dtype != known[name].dtype or array.shape != known[name].shape:
                raise ValueError(
                    f"state {name!r} is {known[name].dtype}{list(known[name].shape)}, the value "
                    f"{array.dtype}{list(array.shape)}"
                )
            known[name][...] = array

    def _states(self, pointer: Any) -> Iterator[tuple[str, Array]]:
        tensor, error = ffi.new("smr_tensor *"), ffi.new("smr_error *")
        for i in range(self.model._info.state_count):
            check(lib.smr_context_state(pointer, i, tensor, error), error)
            yield _text(tensor.name), _array(tensor)

    def reset(self) -> None:
        """Puts all state back to its initial values."""
        with self._lock:
            lib.smr_context_reset(self._pointer)

    def self_test(self, tolerance: float = 1e-5) -> None:
        """Runs the golden cases of the file: see `Model.verify`."""
        error = ffi.new("smr_error *")
        with self._lock:
            check(lib.smr_self_test(self._pointer, tolerance, error), error)


def load(source: str | os.PathLike[str] | bytes | bytearray | memoryview) -> Model:
    """Loads a `.smr` file: see `Model`."""
    return Model(source)


class _Watch:
    """Who is told of each op. C is given a weak reference, so that what holds this can go as soon as it is unused."""

    def __init__(self) -> None:
        self.observer: Callable[[int, int, int], None] | None = None
        self.bodies: Callable[[int, int, int], None] | None = None
        self.program = 0
        self.failure: BaseException | None = None
        self.handle = ffi.new_handle(weakref.ref(self))


@ffi.def_extern(error=-1)  # type: ignore[untyped-decorator]
def samara_on_op(user: Any, event: Any) -> int:
    """The runtime's op callback: tells the context's observer; an exception stops the run and is raised there."""
    watch = ffi.from_handle(user)()
    if watch is None:
        return 1
    try:
        if event.program != watch.program:
            if watch.bodies is not None:
                watch.bodies(int(event.program), int(event.index), int(event.nanoseconds))
        elif watch.observer is not None:
            watch.observer(int(event.index), int(event.nanoseconds), int(event.signature))
    except BaseException as failure:
        watch.failure = failure
        return 1
    return 0


def _converted(info: TensorInfo, value: Any) -> Array:
    """Python numbers as an array; those that the dtype cannot hold are refused."""
    try:
        plain = np.asarray(value)
        if plain.dtype.kind == "f" and plain.size and info.dtype.kind != "f":
            raise TypeError(f"input {info} was given a list of floats: round them")
        return np.asarray(value, dtype=info.dtype)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"input {info} cannot be made from this list: {error}") from None


def _listed(info: SignatureInfo) -> str:
    return f"the inputs of {info.name!r} are {', '.join(map(str, info.inputs)) or 'none'}"


def _tensor_info(tensor: Any, placement: Any = None) -> TensorInfo:
    storage = "arena" if placement is None else _STORAGES[int(placement.storage)]
    return TensorInfo(
        name=_text(tensor.name),
        dtype=NUMPY_DTYPES[int(tensor.dtype)],
        shape=tuple(tensor.dims[0 : tensor.rank]),
        scale=float(tensor.scale),
        zero_point=int(tensor.zero_point),
        storage=storage,
        offset=0 if placement is None else int(placement.offset),
        bytes=int(tensor.bytes if placement is None else placement.bytes),
    )


def _array(tensor: Any) -> Array:
    dtype = NUMPY_DTYPES[int(tensor.dtype)]
    shape = tuple(tensor.dims[0 : tensor.rank])
    if not tensor.bytes:
        return np.zeros(shape, dtype)
    return np.frombuffer(ffi.buffer(tensor.data, tensor.bytes), dtype).reshape(shape)
