"""Files, by Python's own functions: `tf.gfile`."""

from __future__ import annotations

import glob
import os
import shutil
from collections.abc import Iterator
from typing import IO, Any


class GFile:
    """A file: opened when it is first read or written, and a context manager.

    Args:
        name: its path.
        mode: as of Python's open.
    """

    def __init__(self, name: str | os.PathLike[str], mode: str = "r") -> None:
        self.name = os.fspath(name)
        self.mode = mode
        self._file: IO[Any] | None = None

    def _opened(self) -> IO[Any]:
        if self._file is None:
            self._file = open(self.name, self.mode, encoding=None if "b" in self.mode else "utf-8")  # noqa: SIM115
        return self._file

    def read(self, n: int = -1) -> Any:
        """What is left of the file, or n characters of it."""
        return self._opened().read(n)

    def readline(self) -> Any:
        """The next line."""
        return self._opened().readline()

    def readlines(self) -> list[Any]:
        """All lines that are left."""
        return self._opened().readlines()

    def write(self, file_content: Any) -> None:
        """Writes."""
        self._opened().write(file_content)

    def seek(self, offset: int = 0, whence: int = 0) -> None:
        """Goes to a place in the file."""
        self._opened().seek(offset, whence)

    def tell(self) -> int:
        """The place in the file."""
        return self._opened().tell()

    def size(self) -> int:
        """Bytes of the file."""
        return os.path.getsize(self.name)

    def flush(self) -> None:
        """Writes what is held back."""
        self._opened().flush()

    def close(self) -> None:
        """Closes the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __iter__(self) -> Iterator[Any]:
        return iter(self._opened())

    def __enter__(self) -> GFile:
        self._opened()
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()


Open = FastGFile = GFile


def Exists(filename: str) -> bool:  # noqa: N802
    """Whether a file or a folder is there."""
    return os.path.exists(filename)


def IsDirectory(dirname: str) -> bool:  # noqa: N802
    """Whether a folder is there."""
    return os.path.isdir(dirname)


def MakeDirs(dirname: str) -> None:  # noqa: N802
    """Makes a folder, and those that it is in; one that is there stays."""
    os.makedirs(dirname, exist_ok=True)


def MkDir(dirname: str) -> None:  # noqa: N802
    """Makes a folder."""
    os.mkdir(dirname)


def ListDirectory(dirname: str) -> list[str]:  # noqa: N802
    """The names of what is in a folder, sorted."""
    return sorted(os.listdir(dirname))


def Glob(filename: str) -> list[str]:  # noqa: N802
    """The paths that fit a pattern, sorted."""
    return sorted(glob.glob(filename))


def Copy(oldpath: str, newpath: str, overwrite: bool = False) -> None:  # noqa: N802
    """Copies a file.

    Raises:
        FileExistsError: the other is there, and is not to be overwritten.
    """
    _free(newpath, overwrite)
    shutil.copyfile(oldpath, newpath)


def Rename(oldname: str, newname: str, overwrite: bool = False) -> None:  # noqa: N802
    """Renames a file.

    Raises:
        FileExistsError: the other is there, and is not to be overwritten.
    """
    _free(newname, overwrite)
    os.replace(oldname, newname)


def _free(path: str, overwrite: bool) -> None:
    if os.path.exists(path) and not overwrite:
        raise FileExistsError(f"{path} is there: give overwrite=True to replace it")


def Remove(filename: str) -> None:  # noqa: N802
    """Removes a file."""
    os.remove(filename)


def DeleteRecursively(dirname: str) -> None:  # noqa: N802
    """Removes a folder and all that is in it."""
    shutil.rmtree(dirname)


def Walk(top: str, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:  # noqa: N802
    """The folders within one, and what is in each."""
    return os.walk(top, topdown=in_order)


__all__ = [
    "Copy",
    "DeleteRecursively",
    "Exists",
    "FastGFile",
    "GFile",
    "Glob",
    "IsDirectory",
    "ListDirectory",
    "MakeDirs",
    "MkDir",
    "Open",
    "Remove",
    "Rename",
    "Walk",
]
