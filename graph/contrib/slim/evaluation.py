"""Evaluation of a checkpoint: `slim.evaluation`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from samara.graph.execution.session import Session
from samara.graph.train.coordinator import Coordinator
from samara.graph.train.queue_runner import start_queue_runners
from samara.graph.train.saver import Saver
from samara.graph.variables import global_variables_initializer, local_variables_initializer


def evaluate_once(
    master: str,
    checkpoint_path: Any,
    logdir: Any,
    num_evals: int = 1,
    initial_op: Any = None,
    initial_op_feed_dict: Mapping[Any, Any] | None = None,
    eval_op: Any = None,
    eval_op_feed_dict: Mapping[Any, Any] | None = None,
    final_op: Any = None,
    final_op_feed_dict: Mapping[Any, Any] | None = None,
    summary_op: Any = None,
    summary_op_feed_dict: Mapping[Any, Any] | None = None,
    variables_to_restore: Any = None,
    session_config: Any = None,
    hooks: Any = None,
) -> Any:
    """The value of `final_op` after `eval_op` has run several times, with the variables of a checkpoint.

    Args:
        master: the target of the session.
        checkpoint_path: the prefix of the checkpoint.
        logdir: the folder to which `summary_op` is written; None for none.
        num_evals: how many times.
        initial_op: what runs first.
        initial_op_feed_dict: what it is fed.
        eval_op: such as the update operations of metrics.
        eval_op_feed_dict: what it is fed.
        final_op: such as the values of metrics.
        final_op_feed_dict: what it is fed.
        summary_op: a summary that is written at the end.
        summary_op_feed_dict: what it is fed.
        variables_to_restore: the variables; all when None.
        session_config: as for `Session`.
        hooks: not supported; None.

    Raises:
        CheckpointError: there is no such checkpoint, or it does not fit.
        ValueError: there are hooks.
    """
    if hooks:
        raise ValueError("evaluate_once: hooks are not supported: leave them out")
    saver = Saver(variables_to_restore, random_states=False, allow_empty=True)
    starts = [global_variables_initializer(), local_variables_initializer()]
    coordinator = Coordinator()
    with Session(master, config=session_config) as session:
        session.run(starts)
        saver.restore(session, checkpoint_path)
        threads = start_queue_runners(session, coordinator)
        if initial_op is not None:
            session.run(initial_op, initial_op_feed_dict)
        if eval_op is not None:
            for _ in range(num_evals):
                session.run(eval_op, eval_op_feed_dict)
        found = None if final_op is None else session.run(final_op, final_op_feed_dict)
        if logdir is not None and summary_op is not None:
            from samara.graph.summary import FileWriter

            with FileWriter(logdir) as writer:
                writer.add_summary(session.run(summary_op, summary_op_feed_dict))
        coordinator.request_stop()
        coordinator.join(threads)
    return found


__all__ = ["evaluate_once"]
