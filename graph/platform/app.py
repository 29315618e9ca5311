"""The command line of a program: `tf.app.run` and `tf.app.flags`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from types import SimpleNamespace
from typing import Any, NoReturn


class _Flags:
    """The values of the flags, by name; the command line is read when the first one is asked for."""

    def __init__(self) -> None:
        self.__dict__["_parser"] = argparse.ArgumentParser(allow_abbrev=False)
        self.__dict__["_values"] = {}
        self.__dict__["_read"] = False
        self.__dict__["_required"] = []

    def _define(self, name: str, default: Any, help_text: str | None, kind: Callable[[str], Any]) -> None:
        if name in self._values:
            raise ValueError(f"flag {name!r} is defined already")
        option: dict[str, Any] = {"nargs": "?", "const": True} if kind is _truth else {}
        self._parser.add_argument(
            f"--{name}", f"-{name}", dest=name, default=None, type=kind, help=help_text, **option
        )
        if kind is _truth:
            self._parser.add_argument(
                f"--no{name}", dest=name, action="store_false", default=None, help="the opposite"
            )
        self._values[name] = default

    def __call__(self, argv: Sequence[str] | None = None, known_only: bool = True) -> list[str]:
        """Reads a command line; gives what of it is no flag."""
        words = list(sys.argv if argv is None else argv)
        found, rest = self._parser.parse_known_args(words[1:])
        self._values.update({k: v for k, v in vars(found).items() if v is not None})
        self.__dict__["_read"] = True
        missing = [name for name in self._required if self._values[name] is None]
        if missing:
            raise ValueError(f"flags {', '.join('--' + name for name in missing)} must be given")
        return [*words[:1], *rest]

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        if not self._read:
            self()
        if name not in self._values:
            raise AttributeError(f"no flag {name!r} is defined")
        return self._values[name]

    def __setattr__(self, name: str, value: Any) -> None:
        if name not in self._values:
            raise AttributeError(f"no flag {name!r} is defined")
        self._values[name] = value

    def __contains__(self, name: str) -> bool:
        return name in self._values

    def __iter__(self) -> Any:
        return iter(self._values)

    def flag_values_dict(self) -> dict[str, Any]:
        """The values of all flags."""
        if not self._read:
            self()
        return dict(self._values)


def _truth(text: str) -> bool:
    if text.lower() in ("true", "t", "yes", "y", "1"):
        return True
    if text.lower() in ("false", "f", "no", "n", "0"):
        return False
    raise argparse.ArgumentTypeError(f"{text!r} is neither true nor false")


FLAGS: Any = _Flags()


def DEFINE_string(name: str, default: str | None, help: str | None = None) -> None:  # noqa: N802
    """Defines a flag that is a text."""
    FLAGS._define(name, default, help, str)


def DEFINE_integer(name: str, default: int | None, help: str | None = None) -> None:  # noqa: N802
    """Defines a flag that is a whole number."""
    FLAGS._define(name, default, help, int)


def DEFINE_float(name: str, default: float | None, help: str | None = None) -> None:  # noqa: N802
    """Defines a flag that is a number."""
    FLAGS._define(name, default, help, float)


def DEFINE_boolean(name: str, default: bool | None, help: str | None = None) -> None:  # noqa: N802
    """Defines a flag that is true or false: --name, --noname, --name=false."""
    FLAGS._define(name, default, help, _truth)


def DEFINE_enum(  # noqa: N802
    name: str, default: str | None, enum_values: Sequence[str], help: str | None = None
) -> None:
    """Defines a flag that is one of some words."""

    def word(text: str) -> str:
        if text not in enum_values:
            raise argparse.ArgumentTypeError(f"{text!r} is none of {', '.join(enum_values)}")
        return text

    FLAGS._define(name, default, help, word)


def DEFINE_list(name: str, default: Any, help: str | None = None) -> None:  # noqa: N802
    """Defines a flag that is texts with commas between."""
    listed = default.split(",") if isinstance(default, str) else default
    FLAGS._define(name, listed, help, lambda text: text.split(",") if text else [])


def mark_flag_as_required(name: str) -> None:
    """From now on a command line without that flag is refused."""
    FLAGS._required.append(name)


flags = SimpleNamespace(
    FLAGS=FLAGS,
    DEFINE_string=DEFINE_string,
    DEFINE_integer=DEFINE_integer,
    DEFINE_float=DEFINE_float,
    DEFINE_boolean=DEFINE_boolean,
    DEFINE_bool=DEFINE_boolean,
    DEFINE_enum=DEFINE_enum,
    DEFINE_list=DEFINE_list,
    mark_flag_as_required=mark_flag_as_required,
)


def run(main: Callable[..., Any] | None = None, argv: Sequence[str] | None = None) -> NoReturn:
    """Reads the flags, calls `main` (that of the program when None) with the rest of the command line, and exits."""
    rest = FLAGS(argv)
    function = main if main is not None else sys.modules["__main__"].main
    sys.exit(function(rest))


__all__ = [
    "FLAGS",
    "DEFINE_boolean",
    "DEFINE_enum",
    "DEFINE_float",
    "DEFINE_integer",
    "DEFINE_list",
    "DEFINE_string",
    "flags",
    "mark_flag_as_required",
    "run",
]
