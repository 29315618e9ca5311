"""The state of a session's random generators, as a document: training that goes on from it draws the same numbers."""

from __future__ import annotations

import base64
import logging
from collections.abc import Mapping
from typing import Any

from samara.errors import CheckpointError

_logger = logging.getLogger("samara")


def random_state(session: Any) -> dict[str, Any]:
    """The state of each generator that has drawn something in a session.

    A document of the name of the backend, and of the name of each drawing operation, the device whose generator it is
    ("" for numpy's, which is the same with every backend), and its state in base 64.
    """
    state = session._state
    drawn = []
    for (name, device), generator in state.generators.items():
        held = base64.b64encode(state.backend.generator_state(generator, device)).decode()
        drawn.append([name, "" if device is None else device.name, held])
    return {"backend": state.backend.name, "drawn": drawn}


def set_random_state(session: Any, states: Mapping[str, Any]) -> None:
    """Makes a session draw on from where another one was.

    Operations that are not among the states draw as if they never had. The states of another backend, or of devices
    that this session has not, are left out, with a warning in the log.

    Raises:
        CheckpointError: a state is none of the generator that it is for.
    """
    state = session._state
    backend = state.backend
    devices: dict[str, Any] = {"": None}
    try:
        if states["backend"] == backend.name:
            devices |= {device.name: device for device in state.placement.devices}
        made: dict[Any, Any] = {}
        for name, place, held in states["drawn"]:
            if place not in devices:
                _logger.warning(
                    "the random state of %r is one of %s on %s, which this session has not: it draws anew",
                    name,
                    states["backend"],
                    place,
                )
                continue
            device = devices[place]
            generator = made[name, device] = backend.generator([0], device)
            backend.set_generator_state(generator, device, base64.b64decode(held))
    except (TypeError, ValueError, LookupError, AttributeError, RuntimeError) as error:
        raise CheckpointError(f"the random states cannot be restored: {error}") from None
    state.generators.clear()
    state.generators.update(made)
