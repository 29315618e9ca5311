"""Every exception of the package.

    SamaraError                     never raised itself
    ├── GraphError                  a graph that cannot be built or run as asked
    │   ├── ShapeError              shapes or dtypes that contradict each other, also a ValueError
    │   ├── SharingError            a variable that is there already, or is not to be shared, also a ValueError
    │   └── OpError                 an operation that cannot do what it is to do in a run
    │       ├── CancelledError      what it waited for was given up
    │       ├── DataLossError       a file that is damaged
    │       ├── DeadlineExceededError       another process that does not come
    │       ├── FailedPreconditionError     something had to be done before
    │       │   └── UninitializedError      a variable that is read before it has a value
    │       ├── InvalidArgumentError        values that it cannot work on
    │       │   └── FeedError       a feed that is missing or does not fit, also a ValueError
    │       ├── NotFoundError       a file that is not there
    │       ├── OutOfRangeError     the input has come to its end
    │       └── UnavailableError    another process that has died
    ├── ExportError                 a graph that cannot be exported, with every reason at once
    │   └── ProofError              a written file that disagrees with its source
    ├── CheckpointError             a checkpoint that cannot be read or does not fit, also a ValueError
    ├── QuantizationError           a graph or data that cannot be quantized as asked
    └── RuntimeStatusError          what the C runtime returned; `.status` and `.message` keep it
        ├── ArgumentStatusError     1xx: the caller
        ├── ModelFileError          2xx: the file
        ├── ResourceStatusError     3xx: memory or the file system
        └── ExecutionError          4xx: a run

`samara.errors` is `tf.errors` of TensorFlow 1; further classes of that module are here for programs that catch them.
Plain misuse of a function stays TypeError or ValueError.
"""

from __future__ import annotations

from collections.abc import Mapping


class SamaraError(Exception):
    """Base of all errors of the package."""


class GraphError(SamaraError):
    """A graph cannot be built or run as asked."""


class ShapeError(GraphError, ValueError):
    """Shapes or dtypes contradict each other; the message ends with the user's file and line."""


class OpError(GraphError):
    """An operation cannot do what it is to do in a run.

    Attributes:
        message: the text.
        op: the operation, or None.
    """

    def __init__(self, message: str, op: object = None) -> None:
        super().__init__(message)
        self.message = message
        self.op = op


class CancelledError(OpError):
    """What an operation waited for was given up: a queue or the session was closed."""


class FailedPreconditionError(OpError):
    """Something had to be done before the run."""


class InvalidArgumentError(OpError):
    """An operation cannot work on the values that it is given."""


class NotFoundError(OpError):
    """A file is not there."""


class DataLossError(OpError):
    """A file of records is damaged, or ends too early."""


class OutOfRangeError(OpError):
    """The input has come to its end: a closed queue has too few elements left, or a limit is reached."""


class AbortedError(OpError):
    """For programs that catch it: nothing raises it."""


class AlreadyExistsError(OpError):
    """For programs that catch it: nothing raises it."""


class InternalError(OpError):
    """For programs that catch it: nothing raises it."""


class PermissionDeniedError(OpError):
    """For programs that catch it: nothing raises it."""


class ResourceExhaustedError(OpError):
    """For programs that catch it: nothing raises it."""


class UnimplementedError(OpError):
    """For programs that catch it: nothing raises it."""


class UnknownError(OpError):
    """For programs that catch it: nothing raises it."""


class DeadlineExceededError(OpError):
    """Another process did not take part in time."""


class UnavailableError(OpError):
    """A process that this one works with has died, or has ended before its time."""


class FeedError(InvalidArgumentError, ValueError):
    """A needed placeholder is not fed, or a feed does not fit its tensor."""


class SharingError(GraphError, ValueError):
    """A variable exists although a new one is asked for, or does not although it is to be shared."""


class UninitializedError(FailedPreconditionError):
    """A variable is read before it has a value."""


class ExportError(SamaraError):
    """A graph or a model cannot be exported; `problems` lists every reason, one text each.

    `nodes` counts the kinds of nodes of an imported model, where it is one.
    """

    def __init__(
        self, message: str, problems: tuple[str, ...] = (), nodes: Mapping[str, int] | None = None
    ) -> None:
        super().__init__(message)
        self.problems = problems
        self.nodes: Mapping[str, int] = nodes or {}


class ProofError(ExportError):
    """A written file disagrees with its source; `report` is the export report with the evidence."""

    def __init__(self, message: str, report: object) -> None:
        super().__init__(message)
        self.report = report


class CheckpointError(SamaraError, ValueError):
    """A checkpoint or a saved graph is missing or damaged, or does not fit what it is restored into."""


class QuantizationError(SamaraError):
    """A graph or its calibration data cannot be quantized as asked."""


class RuntimeStatusError(SamaraError):
    """The C runtime refused a call."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


class ArgumentStatusError(RuntimeStatusError):
    """A 1xx status: the call was wrong."""


class ModelFileError(RuntimeStatusError):
    """A 2xx status: the file is damaged, too new, or needs what this build lacks."""


class ResourceStatusError(RuntimeStatusError):
    """A 3xx status: memory or the file system."""


class ExecutionError(RuntimeStatusError):
    """A 4xx status: a run could not be finished."""


def shown(value: object) -> str:
    """A value in the message of an error: its text when that is short, else its type."""
    text = repr(value)
    return text if len(text) <= 80 and "\n" not in text else f"something of type {type(value).__name__}"
