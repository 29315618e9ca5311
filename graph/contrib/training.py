"""The settings of a program: `tf.contrib.training.HParams`."""

from __future__ import annotations

import json
from typing import Any


class HParams:
    """Named settings; each is an attribute.

    Args:
        kwargs: the settings and their values.
    """

    def __init__(self, **kwargs: Any) -> None:
        self._names: list[str] = []
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def add_hparam(self, name: str, value: Any) -> None:
        """Adds a setting.

        Raises:
            ValueError: the name is taken.
        """
        if hasattr(self, name):
            raise ValueError(f"the name {name!r} is taken")
        self._names.append(name)
        setattr(self, name, list(value) if isinstance(value, tuple) else value)

    def set_hparam(self, name: str, value: Any) -> None:
        """Changes a setting; the value is turned into the type of the old one.

        Raises:
            KeyError: there is no such setting.
            ValueError: the value has another type.
        """
        if name not in self._names:
            raise KeyError(f"there is no setting {name!r}: there are {', '.join(self._names) or 'none'}")
        setattr(self, name, _as(getattr(self, name), value, name))

    def del_hparam(self, name: str) -> None:
        """Takes a setting away."""
        if name in self._names:
            self._names.remove(name)
            delattr(self, name)

    def override_from_dict(self, values_dict: dict[str, Any]) -> HParams:
        """Changes settings, and gives itself."""
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def parse(self, values: str) -> HParams:
        """Changes settings by a text such as "rate=0.1,layers=[3,4],name=abc", and gives itself.

        Raises:
            KeyError: there is no such setting.
            ValueError: it is no such text, or a value has another type.
        """
        rest = values.strip()
        while rest:
            name, equals, rest = rest.partition("=")
            if not equals:
                raise ValueError(f"{values!r}: expected name=value, name=value")
            if rest.startswith("["):
                inside, closed, rest = rest[1:].partition("]")
                if not closed:
                    raise ValueError(f"{values!r}: a list is not closed")
                value: Any = [v.strip() for v in inside.split(",") if v.strip()]
                rest = rest.lstrip(" ,")
            else:
                value, _, rest = rest.partition(",")
                value = value.strip()
            self.set_hparam(name.strip(), value)
            rest = rest.lstrip()
        return self

    def parse_json(self, values_json: str) -> HParams:
        """Changes settings by a JSON object, and gives itself."""
        return self.override_from_dict(json.loads(values_json))

    def values(self) -> dict[str, Any]:
        """The settings by their names."""
        return {name: getattr(self, name) for name in self._names}

    def to_json(self, indent: int | None = None) -> str:
        """The settings as a JSON object."""
        return json.dumps(self.values(), indent=indent)

    def get(self, key: str, default: Any = None) -> Any:
        """A setting, or `default` when there is none."""
        return getattr(self, key) if key in self._names else default

    def __contains__(self, key: str) -> bool:
        return key in self._names

    def __repr__(self) -> str:
        return f"HParams({', '.join(f'{k}={v!r}' for k, v in self.values().items())})"


def _as(old: Any, value: Any, name: str) -> Any:
    if isinstance(old, list):
        listed = list(value) if isinstance(value, (list, tuple)) else [value]
        return [_as(old[0], v, name) if old else v for v in listed]
    if old is None or value is None:
        return value
    if isinstance(old, bool):
        words = {"true": True, "1": True, "false": False, "0": False}
        if isinstance(value, str) and value.lower() in words:
            return words[value.lower()]
        if isinstance(value, (bool, int)) and value in (0, 1):
            return bool(value)
    elif isinstance(old, int):
        if isinstance(value, str) or (isinstance(value, (int, float)) and value == int(value)):
            return int(value)
    elif isinstance(old, float) and isinstance(value, (str, int, float)):
        return float(value)
    elif (isinstance(old, str) and isinstance(value, str)) or type(old) is type(value):
        return value
    raise ValueError(f"setting {name!r} is {old!r}: {value!r} has another type")


__all__ = ["HParams"]
