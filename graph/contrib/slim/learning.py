"""Training of a slim model from its loss: `slim.learning`."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from samara.graph.collections import GraphKeys
from samara.graph.convert import convert_to_tensor
from samara.graph.graph import Graph, Tensor, get_default_graph
from samara.graph.train.optimizer import Optimizer
from samara.graph.train.step_counter import get_global_step, get_or_create_global_step
from samara.graph.train.supervisor import Supervisor
from samara.graph.vocabulary.checks import check_numerics as _check_numerics
from samara.graph.vocabulary.mathematics import clip_by_norm

_LOG = logging.getLogger("samara")
_USE_GLOBAL_STEP: Any = 0
_DEFAULT: Any = Supervisor.USE_DEFAULT


def clip_gradient_norms(gradients_to_variables: Sequence[Any], max_norm: float) -> list[Any]:
    """(gradient, variable) pairs, each gradient scaled down so that its norm is at most max_norm."""
    return [(None if g is None else clip_by_norm(g, max_norm), v) for g, v in gradients_to_variables]


def multiply_gradients(grads_and_vars: Sequence[Any], gradient_multipliers: Mapping[Any, Any]) -> list[Any]:
    """(gradient, variable) pairs, gradients multiplied by numbers that variables, or their names, have.

    Raises:
        ValueError: a variable has a number and no gradient.
    """
    factors = {getattr(k, "op", k): f for k, f in gradient_multipliers.items()}
    made = []
    for grad, variable in grads_and_vars:
        factor = factors.get(variable.op, factors.get(variable.op.name))
        if factor is not None and grad is None:
            raise ValueError(f"{variable.op.name} is to have its gradient multiplied, and has none")
        made.append((grad if factor is None else grad * factor, variable))
    return made


def create_train_op(
    total_loss: Any,
    optimizer: Optimizer,
    global_step: Any = _USE_GLOBAL_STEP,
    update_ops: Sequence[Any] | None = None,
    variables_to_train: Sequence[Any] | None = None,
    clip_gradient_norm: float = 0,
    summarize_gradients: bool = False,
    gate_gradients: Any = None,
    aggregation_method: Any = None,
    colocate_gradients_with_ops: bool = False,
    gradient_multipliers: Mapping[Any, Any] | None = None,
    check_numerics: bool = True,
) -> Tensor:
    """A tensor whose evaluation takes a training step and gives the loss.

    Args:
        total_loss: what to minimise.
        optimizer: the optimizer.
        global_step: the counter; the graph's own by default, None for none.
        update_ops: what runs before the loss; the collection UPDATE_OPS when None.
        variables_to_train: what to train; all trainable ones when None.
        clip_gradient_norm: the largest norm of each gradient; 0 for any.
        summarize_gradients: whether the norms of gradients are summarized.
        gate_gradients: changes nothing.
        aggregation_method: changes nothing.
        colocate_gradients_with_ops: has no meaning here.
        gradient_multipliers: a mapping from variables, or their names, to factors of their gradients.
        check_numerics: whether a loss that is no number is an error of the run.
    """
    loss = convert_to_tensor(total_loss)
    graph = loss.graph
    step = get_or_create_global_step(graph) if global_step is _USE_GLOBAL_STEP else global_step
    before = graph.get_collection(GraphKeys.UPDATE_OPS) if update_ops is None else list(update_ops)
    if before:
        with graph.control_dependencies(before), graph.name_scope("update_barrier"):
            loss = graph.b.identity(loss)
    pairs = optimizer.compute_gradients(loss, variables_to_train)
    if gradient_multipliers:
        with graph.name_scope("multiply_grads"):
            pairs = multiply_gradients(pairs, gradient_multipliers)
    if clip_gradient_norm > 0:
        with graph.name_scope("clip_grads"):
            pairs = clip_gradient_norms(pairs, clip_gradient_norm)
    if summarize_gradients:
        _summarize(pairs)
    update = optimizer.apply_gradients(pairs, global_step=step)
    with graph.name_scope("train_op"):
        held = _check_numerics(loss, "LossTensor is inf or nan") if check_numerics else graph.b.identity(loss)
        # The loss before the step, after which the tensor is there.
        with graph.control_dependencies([held]), graph.control_dependencies([update]):
            made: Tensor = graph.b.identity(held)
    collection = graph.get_collection_ref(GraphKeys.TRAIN_OP)
    if made not in collection:
        collection.append(made)
    return made


def _summarize(pairs: Sequence[Any]) -> None:
    from samara.graph import summary
    from samara.graph.vocabulary.mathematics import global_norm

    for grad, variable in pairs:
        if grad is not None:
            summary.histogram(f"{variable.op.name}/gradient", grad)
            summary.scalar(f"{variable.op.name}/gradient_norm", global_norm([grad]))


def train_step(
    sess: Any, train_op: Any, global_step: Any, train_step_kwargs: Mapping[str, Any]
) -> tuple[Any, bool]:
    """One step: the loss, and whether to stop."""
    begin = time.monotonic()
    loss, step = sess.run([train_op, global_step])
    every = train_step_kwargs.get("log_every_n_steps")
    if every and int(step) % every == 0:
        _LOG.info("global step %d: loss = %.4f (%.3f sec/step)", step, loss, time.monotonic() - begin)
    last = train_step_kwargs.get("number_of_steps")
    return loss, last is not None and int(step) >= last


def train(
    train_op: Any,
    logdir: Any,
    train_step_fn: Callable[..., tuple[Any, Any]] = train_step,
    train_step_kwargs: Mapping[str, Any] | None = None,
    log_every_n_steps: int = 1,
    graph: Graph | None = None,
    master: str = "",
    is_chief: bool = True,
    global_step: Any = None,
    number_of_steps: int | None = None,
    init_op: Any = _DEFAULT,
    init_feed_dict: Mapping[Any, Any] | None = None,
    local_init_op: Any = _DEFAULT,
    init_fn: Callable[[Any], None] | None = None,
    ready_op: Any = _DEFAULT,
    summary_op: Any = _DEFAULT,
    save_summaries_secs: float = 600,
    summary_writer: Any = _DEFAULT,
    startup_delay_steps: int = 0,
    saver: Any = None,
    save_interval_secs: float = 600,
    sync_optimizer: Any = None,
    session_config: Any = None,
    session_wrapper: Any = None,
    trace_every_n_steps: int | None = None,
    ignore_live_threads: bool = False,
) -> Any:
    """Takes training steps until number_of_steps, from the last checkpoint of the folder, which it saves to at the end.

    Args:
        train_op: what `create_train_op` gave.
        logdir: the folder of checkpoints and summaries; None for none.
        train_step_fn: takes a step: gives the loss, and whether to stop.
        train_step_kwargs: what it is given.
        log_every_n_steps: how often the loss is written to the log.
        graph: the graph; the default graph when None.
        master: the target of the session.
        is_chief: whether this process initializes and saves.
        global_step: the counter; the graph's own when None.
        number_of_steps: at which count to stop; None goes on until the input ends.
        init_op: as of `train.Supervisor`.
        init_feed_dict: as of `train.Supervisor`.
        local_init_op: as of `train.Supervisor`.
        init_fn: as of `train.Supervisor`.
        ready_op: changes nothing.
        summary_op: as of `train.Supervisor`.
        save_summaries_secs: as of `train.Supervisor`.
        summary_writer: as of `train.Supervisor`.
        startup_delay_steps: not supported; 0.
        saver: saves and restores; one of all variables when None.
        save_interval_secs: seconds between checkpoints.
        sync_optimizer: not supported; None.
        session_config: as for `Session`.
        session_wrapper: a function of the session that gives what takes the steps.
        trace_every_n_steps: not supported; None.
        ignore_live_threads: changes nothing.

    Returns:
        The last loss.

    Raises:
        ValueError: there is no training operation, number_of_steps is not positive, or an option is not supported.
    """
    if train_op is None:
        raise ValueError("train needs train_op: what create_train_op gave")
    if number_of_steps is not None and number_of_steps <= 0:
        raise ValueError(f"number_of_steps is {number_of_steps}, expected 1 or more, or None")
    for what, given in (
        ("startup_delay_steps", startup_delay_steps),
        ("sync_optimizer", sync_optimizer),
        ("trace_every_n_steps", trace_every_n_steps),
    ):
        if given:
            raise ValueError(f"slim.learning.train: {what} is not supported: leave it out")
    graph = graph or get_default_graph()
    with graph.as_default():
        step = global_step if global_step is not None else get_global_step() or get_or_create_global_step()
        supervisor = Supervisor(
            graph=graph,
            is_chief=is_chief,
            logdir=logdir,
            init_op=init_op,
            init_feed_dict=init_feed_dict,
            local_init_op=local_init_op,
            summary_op=summary_op,
            summary_writer=summary_writer,
            global_step=step,
            saver=_DEFAULT if saver is None else saver,
            save_summaries_secs=save_summaries_secs,
            save_model_secs=save_interval_secs,
            init_fn=init_fn,
        )
    settings = {"number_of_steps": number_of_steps, "log_every_n_steps": log_every_n_steps}
    settings.update(train_step_kwargs or {})
    loss = None
    with supervisor.managed_session(master, session_config) as session:
        runner = session if session_wrapper is None else session_wrapper(session)
        try:
            while not supervisor.should_stop():
                loss, stop = train_step_fn(runner, train_op, step, settings)
                if stop:
                    break
        finally:
            if supervisor.save_path is not None and supervisor.saver is not None:
                supervisor.saver.save(session, supervisor.save_path, global_step=step)
    return loss


__all__ = [
    "clip_gradient_norms",
    "create_train_op",
    "multiply_gradients",
    "train",
    "train_step",
]
