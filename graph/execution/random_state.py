"""The state of a session's random generators, as a document: training that goes on from it draws the same numbers."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from typing import Any

import numpy as np

from samara.errors import CheckpointError

_logger = logging.getLogger("samara")


def random_state(session: Any) -> dict[str, Any]:
    """The state of each generator that has drawn something in a session.

    Numpy's by the name of their operation under "numpy"; the backend's own, by operation and device, under "own".
    """
    state = session._state
    found: dict[str, Any] = {"numpy": {}, "own": [], "backend": state.backend.name}
    for key, generator in state._generators.items():
        if isinstance(generator, np.random.Generator):
            found["numpy"][key] = generator.bit_generator.state
        else:
            name, device = key
            held = base64.b64encode(state.backend.generator_state(generator)).decode()
            found["own"].append([name, device.name, held])
    return found


def set_random_state(session: Any, states: Mapping[str, Any]) -> None:
    """Makes a session draw on from where another one was.

    Operations that are not among the states draw as if they never had. The states of another backend, or of devices
    that this session has not, are left out, with a warning in the log.

    Raises:
        CheckpointError: a state is none of the generator that it is for.
    """
    state = session._state
    devices = {device.name: device for device in state.placement.devices}
    made: dict[Any, Any] = {}
    try:
        for name, held in states["numpy"].items():
            generator = np.random.default_rng(0)
            generator.bit_generator.state = held
            made[name] = generator
        for name, place, held in states["own"]:
            if states["backend"] != state.backend.name or place not in devices:
                _logger.warning(
                    "the random state of %r is one of %s on %s, which this session has not: it draws anew",
                    name,
                    states["backend"],
                    place,
                )
                continue
            own = state.backend.generator([0], devices[place])
            state.backend.set_generator_state(own, base64.b64decode(held))
            made[name, devices[place]] = own
    except (TypeError, ValueError, LookupError, AttributeError, RuntimeError) as error:
        raise CheckpointError(f"the random states cannot be restored: {error}") from None
    state._generators.clear()
    state._generators.update(made)
