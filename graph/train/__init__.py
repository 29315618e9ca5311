"""Training: optimizers as graphs of ordinary operations, so that a training step can be exported like a model."""

from __future__ import annotations

from samara.graph.cluster import ClusterSpec, replica_device_setter
from samara.graph.cluster.server import Server
from samara.graph.records.messages import (
    BytesList,
    Example,
    Feature,
    FeatureList,
    FeatureLists,
    Features,
    FloatList,
    Int64List,
    SequenceExample,
)
from samara.graph.summary.writer import FileWriter as SummaryWriter
from samara.graph.summary.writer import summary_iterator
from samara.graph.train.adadelta import AdadeltaOptimizer
from samara.graph.train.adagrad import AdagradDAOptimizer, AdagradOptimizer
from samara.graph.train.adam import AdamOptimizer
from samara.graph.train.averages import ExponentialMovingAverage
from samara.graph.train.checkpoint_state import (
    CheckpointReader,
    CheckpointState,
    checkpoint_exists,
    get_checkpoint_mtimes,
    get_checkpoint_state,
    latest_checkpoint,
    list_variables,
    load_checkpoint,
    load_variable,
    remove_checkpoint,
    update_checkpoint_state,
)
from samara.graph.train.coordinator import Coordinator, LooperThread
from samara.graph.train.decay import (
    cosine_decay,
    cosine_decay_restarts,
    exponential_decay,
    inverse_time_decay,
    linear_cosine_decay,
    natural_exp_decay,
    noisy_linear_cosine_decay,
    piecewise_constant,
    polynomial_decay,
)
from samara.graph.train.descent import GradientDescentOptimizer, MomentumOptimizer
from samara.graph.train.ftrl import FtrlOptimizer
from samara.graph.train.hooks import (
    CheckpointSaverHook,
    FeedFnHook,
    FinalOpsHook,
    LoggingTensorHook,
    NanLossDuringTrainingError,
    NanTensorHook,
    SessionRunArgs,
    SessionRunContext,
    SessionRunHook,
    SessionRunValues,
    StepCounterHook,
    StopAtStepHook,
)
from samara.graph.train.inputs import (
    batch,
    batch_join,
    input_producer,
    limit_epochs,
    range_input_producer,
    shuffle_batch,
    shuffle_batch_join,
    slice_input_producer,
    string_input_producer,
)
from samara.graph.train.meta_graph import MetaGraph, export_meta_graph, import_meta_graph
from samara.graph.train.monitored import (
    MonitoredSession,
    MonitoredTrainingSession,
    Scaffold,
    SingularMonitoredSession,
)
from samara.graph.train.optimizer import Optimizer
from samara.graph.train.prefetch import prefetch
from samara.graph.train.proximal import ProximalAdagradOptimizer, ProximalGradientDescentOptimizer
from samara.graph.train.queue_runner import QueueRunner, add_queue_runner, start_queue_runners
from samara.graph.train.replicas import DistributedOptimizer, SyncReplicasOptimizer
from samara.graph.train.rmsprop import RMSPropOptimizer
from samara.graph.train.saver import Saver
from samara.graph.train.session_manager import SessionManager
from samara.graph.train.step_counter import (
    assert_global_step,
    create_global_step,
    get_global_step,
    get_or_create_global_step,
    global_step,
)
from samara.graph.train.summary_hook import SummarySaverHook
from samara.graph.train.supervisor import Supervisor
from samara.graph.train.warm_start import init_from_checkpoint, write_graph

piecewise_constant_decay = piecewise_constant
NewCheckpointReader = CheckpointReader


__all__ = [
    "AdadeltaOptimizer",
    "AdagradDAOptimizer",
    "AdagradOptimizer",
    "AdamOptimizer",
    "BytesList",
    "CheckpointReader",
    "CheckpointSaverHook",
    "CheckpointState",
    "ClusterSpec",
    "Coordinator",
    "DistributedOptimizer",
    "Example",
    "ExponentialMovingAverage",
    "Feature",
    "FeatureList",
    "FeatureLists",
    "Features",
    "FeedFnHook",
    "FinalOpsHook",
    "FloatList",
    "FtrlOptimizer",
    "GradientDescentOptimizer",
    "Int64List",
    "LoggingTensorHook",
    "LooperThread",
    "MetaGraph",
    "MomentumOptimizer",
    "MonitoredSession",
    "MonitoredTrainingSession",
    "NanLossDuringTrainingError",
    "NanTensorHook",
    "NewCheckpointReader",
    "Optimizer",
    "ProximalAdagradOptimizer",
    "ProximalGradientDescentOptimizer",
    "QueueRunner",
    "RMSPropOptimizer",
    "Saver",
    "Scaffold",
    "SequenceExample",
    "Server",
    "SessionManager",
    "SessionRunArgs",
    "SessionRunContext",
    "SessionRunHook",
    "SessionRunValues",
    "SingularMonitoredSession",
    "StepCounterHook",
    "StopAtStepHook",
    "SummarySaverHook",
    "SummaryWriter",
    "Supervisor",
    "SyncReplicasOptimizer",
    "add_queue_runner",
    "assert_global_step",
    "batch",
    "batch_join",
    "checkpoint_exists",
    "cosine_decay",
    "cosine_decay_restarts",
    "create_global_step",
    "exponential_decay",
    "export_meta_graph",
    "get_checkpoint_mtimes",
    "get_checkpoint_state",
    "get_global_step",
    "get_or_create_global_step",
    "global_step",
    "import_meta_graph",
    "init_from_checkpoint",
    "input_producer",
    "inverse_time_decay",
    "latest_checkpoint",
    "limit_epochs",
    "linear_cosine_decay",
    "list_variables",
    "load_checkpoint",
    "load_variable",
    "natural_exp_decay",
    "noisy_linear_cosine_decay",
    "piecewise_constant",
    "piecewise_constant_decay",
    "polynomial_decay",
    "prefetch",
    "range_input_producer",
    "remove_checkpoint",
    "replica_device_setter",
    "shuffle_batch",
    "shuffle_batch_join",
    "slice_input_producer",
    "start_queue_runners",
    "string_input_producer",
    "summary_iterator",
    "update_checkpoint_state",
    "write_graph",
]
