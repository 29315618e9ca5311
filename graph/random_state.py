"""The state of a session's random generators, as a document: training that goes on from it draws the same numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from samara.errors import CheckpointError


def random_state(session: Any) -> dict[str, Any]:
    """The state of each generator that has drawn something in a session, by the name of its operation."""
    generators = session._state._generators
    return {
        name: generator.bit_generator.state
        for name, generator in generators.items()
        if isinstance(generator, np.random.Generator)
    }


def set_random_state(session: Any, states: Mapping[str, Any]) -> None:
    """Makes a session draw on from where another one was.

    Operations that are not among the states draw as if they never had.

    Raises:
        CheckpointError: a state is none of numpy's PCG64.
    """
    made = {}
    for name, state in states.items():
        generator = np.random.default_rng(0)
        try:
            generator.bit_generator.state = state
        except (TypeError, ValueError, KeyError, AttributeError) as error:
            raise CheckpointError(f"the random state of {name!r} cannot be restored: {error}") from None
        made[name] = generator
    session._state._generators.clear()
    session._state._generators.update(made)
