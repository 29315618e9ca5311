"""What a session is told besides its graph, and what a run is asked to report.

The messages of TensorFlow 1 with their fields, which are given to the constructor or set afterwards:
`config = ConfigProto(allow_soft_placement=True); config.gpu_options.allow_growth = True`. `backend` and `torch_compile`
are Samara's own. Fields that say "no effect" are there because programs set them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass
class GPUOptions:
    """How the memory of GPUs is used.

    Attributes:
        per_process_gpu_memory_fraction: the most of each GPU's memory that this process takes; 0 for no limit.
        allow_growth: no effect: memory is always taken as it is needed.
        visible_device_list: the numbers of the GPUs to use, "1,0", in the order of "/gpu:0", "/gpu:1"; "" for all.
        allocator_type: no effect.
        deferred_deletion_bytes: no effect.
        polling_active_delay_usecs: no effect.
        force_gpu_compatible: no effect.
    """

    per_process_gpu_memory_fraction: float = 0.0
    allow_growth: bool = False
    visible_device_list: str = ""
    allocator_type: str = ""
    deferred_deletion_bytes: int = 0
    polling_active_delay_usecs: int = 0
    force_gpu_compatible: bool = False


@dataclass
class OptimizerOptions:
    """How a step is optimised.

    Attributes:
        do_common_subexpression_elimination: whether equal computations are merged; None for whether opt_level is L1.
        do_constant_folding: whether what depends on constants only is computed once; None as above.
        do_function_inlining: no effect.
        opt_level: L1, or L0 for no optimisation.
        global_jit_level: ON_1 or ON_2 compile steps with torch.compile, as ConfigProto.torch_compile does.
    """

    L1 = 0
    L0 = -1
    DEFAULT = 0
    OFF = -1
    ON_1 = 1
    ON_2 = 2

    do_common_subexpression_elimination: bool | None = None
    do_constant_folding: bool | None = None
    do_function_inlining: bool = False
    opt_level: int = 0
    global_jit_level: int = 0


@dataclass
class GraphOptions:
    """What is done with the graph.

    Attributes:
        optimizer_options: how a step is optimised.
        enable_recv_scheduling: no effect.
        build_cost_model: no effect.
        build_cost_model_after: no effect.
        infer_shapes: no effect: shapes are always inferred.
        place_pruned_graph: no effect: only what is needed is placed.
        enable_bfloat16_sendrecv: no effect.
        timeline_step: no effect.
        rewrite_options: no effect.
    """

    optimizer_options: OptimizerOptions = field(default_factory=OptimizerOptions)
    enable_recv_scheduling: bool = False
    build_cost_model: int = 0
    build_cost_model_after: int = 0
    infer_shapes: bool = False
    place_pruned_graph: bool = False
    enable_bfloat16_sendrecv: bool = False
    timeline_step: int = 0
    rewrite_options: Any = None


@dataclass
class ConfigProto:
    """How a session computes.

    Attributes:
        device_count: how many devices of a kind there are, {"GPU": 0} for none. More CPUs than one, {"CPU": 2}, are
            several devices on one host, for trying placements out; GPUs are never more than the machine has.
        intra_op_parallelism_threads: the threads of one operation, for the whole process, on torch; 0 for the library's
            choice. No effect on numpy.
        inter_op_parallelism_threads: no effect: operations run one after another.
        use_per_session_threads: no effect.
        session_inter_op_thread_pool: no effect.
        placement_period: no effect.
        device_filters: no effect.
        gpu_options: how the memory of GPUs is used.
        allow_soft_placement: whether an operation runs elsewhere when the device that was asked for does not exist or
            cannot run it.
        log_device_placement: whether the device of each operation is written to the standard error output.
        graph_options: what is done with the graph.
        operation_timeout_in_ms: no effect.
        cluster_def: the processes of a cluster.
        isolate_session_state: no effect: sessions never share variables.
        experimental: no effect.
        backend: the array library: "numpy", or "torch", which the extra samara[torch] installs.
        torch_compile: whether steps go through torch.compile; or a dict of its arguments.
    """

    device_count: dict[str, int] = field(default_factory=dict)
    intra_op_parallelism_threads: int = 0
    inter_op_parallelism_threads: int = 0
    use_per_session_threads: bool = False
    session_inter_op_thread_pool: list[Any] = field(default_factory=list)
    placement_period: int = 0
    device_filters: list[str] = field(default_factory=list)
    gpu_options: GPUOptions = field(default_factory=GPUOptions)
    allow_soft_placement: bool = False
    log_device_placement: bool = False
    graph_options: GraphOptions = field(default_factory=GraphOptions)
    operation_timeout_in_ms: int = 0
    cluster_def: Any = None
    isolate_session_state: bool = False
    experimental: Any = None
    backend: Any = "numpy"
    torch_compile: bool | dict[str, Any] = False

    def count(self, kind: str, found: int) -> int:
        """How many devices of a kind the configuration wants, where `found` is what the machine has."""
        for name, number in self.device_count.items():
            if name.lower() == kind:
                return int(number)
        return found

    @property
    def optimises(self) -> bool:
        """Whether steps are changed at all: operations fused, and memory reused."""
        return self.graph_options.optimizer_options.opt_level >= OptimizerOptions.L1

    @property
    def merges(self) -> bool:
        """Whether equal computations are merged."""
        chosen = self.graph_options.optimizer_options.do_common_subexpression_elimination
        return self.optimises if chosen is None else chosen

    @property
    def folds(self) -> bool:
        """Whether what depends on constants only is computed once."""
        chosen = self.graph_options.optimizer_options.do_constant_folding
        return self.optimises if chosen is None else chosen

    @property
    def compiles(self) -> bool:
        """Whether steps go through a compiler."""
        level = self.graph_options.optimizer_options.global_jit_level
        return bool(self.torch_compile) or level in (OptimizerOptions.ON_1, OptimizerOptions.ON_2)


@dataclass
class RunOptions:
    """What one run is asked to report.

    Attributes:
        trace_level: FULL_TRACE to fill `run_metadata`.
        timeout_in_ms: no effect.
        inter_op_thread_pool: no effect.
        output_partition_graphs: no effect.
        report_tensor_allocations_upon_oom: no effect.
    """

    NO_TRACE = 0
    SOFTWARE_TRACE = 1
    HARDWARE_TRACE = 2
    FULL_TRACE = 3

    trace_level: int = 0
    timeout_in_ms: int = 0
    inter_op_thread_pool: int = 0
    output_partition_graphs: bool = False
    report_tensor_allocations_upon_oom: bool = False


@dataclass
class NodeExecStats:
    """One operation, send or receive of a run.

    Attributes:
        node_name: the operation's name; of a send or a receive the tensor's name.
        op: its type in the op table, "send" or "receive".
        device: where it ran, "/gpu:0".
        all_start_micros: when it started, in microseconds from the epoch.
        all_end_rel_micros: how long it took, in microseconds.
        output_bytes: the size of what it gave, or of what was sent.
        timeline_label: a line for people.
    """

    node_name: str
    op: str
    device: str
    all_start_micros: int
    all_end_rel_micros: float
    output_bytes: int
    timeline_label: str


@dataclass
class DeviceStepStats:
    """What one device did in a run, in order."""

    device: str
    node_stats: list[NodeExecStats] = field(default_factory=list)


@dataclass
class StepStats:
    """What the devices did in a run."""

    dev_stats: list[DeviceStepStats] = field(default_factory=list)


@dataclass
class RunMetadata:
    """What a run reports.

    Attributes:
        step_stats: what each device did.
        steps: the same in the order in which it ran, over all devices.
    """

    step_stats: StepStats = field(default_factory=StepStats)
    steps: list[NodeExecStats] = field(default_factory=list)

    def note(self, stats: NodeExecStats) -> None:
        """Adds a step."""
        self.steps.append(stats)
        for device in self.step_stats.dev_stats:
            if device.device == stats.device:
                break
        else:
            device = DeviceStepStats(stats.device)
            self.step_stats.dev_stats.append(device)
        device.node_stats.append(stats)

    def clear(self) -> None:
        """Forgets an earlier run."""
        self.steps.clear()
        self.step_stats.dev_stats.clear()

    def chrome_trace(self) -> dict[str, Any]:
        """The run as the trace viewers of Chromium and Perfetto read it, once it is written as JSON."""
        devices = {d.device: n for n, d in enumerate(self.step_stats.dev_stats)}
        events: list[dict[str, Any]] = [
            {"ph": "M", "name": "process_name", "pid": n, "args": {"name": d}} for d, n in devices.items()
        ]
        for s in self.steps:
            events.append(
                {
                    "ph": "X",
                    "name": s.op,
                    "cat": "op",
                    "pid": devices[s.device],
                    "tid": 0,
                    "ts": s.all_start_micros,
                    "dur": s.all_end_rel_micros,
                    "args": {"name": s.node_name, "bytes": s.output_bytes},
                }
            )
        return {"traceEvents": events}

    def __str__(self) -> str:
        lines = [f"{'device':<8} {'microseconds':>12} {'bytes':>12}  operation"]
        for s in self.steps:
            lines.append(
                f"{s.device:<8} {s.all_end_rel_micros:>12.1f} {s.output_bytes:>12}  {s.timeline_label}"
            )
        return "\n".join(lines)


__all__ = [
    "ConfigProto",
    "DeviceStepStats",
    "GPUOptions",
    "GraphOptions",
    "NodeExecStats",
    "OptimizerOptions",
    "RunMetadata",
    "RunOptions",
    "StepStats",
]
