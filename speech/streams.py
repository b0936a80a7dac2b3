"""Bytes from anywhere: files, pipes and standard input, as files that can be read more than once."""

import contextlib
import io
import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

from speech.errors import AudioError

Source: TypeAlias = str | os.PathLike[str] | BinaryIO

#: What messages call sources without a name of their own.
STANDARD_INPUT, UNNAMED = "standard input", "audio stream"
_SPOOL_BYTES = 1 << 25  # a pipe longer than 32 MiB continues on disk
_COPY_BYTES = 1 << 20


@contextlib.contextmanager
def seekable(source: Source) -> Iterator[BinaryIO]:
    """Open a source as a file that can be read more than once: pipes are spooled, to disk from 32 MiB on.

    Parameters
    ----------
    source : path, "-" (standard input) or binary file object
        Paths may lead to pipes and devices. File objects that seek are handed back and stay open.

    Raises
    ------
    AudioError
        Missing, a folder, not readable, or no room to spool it.
    """
    name = source_name(source)
    with contextlib.ExitStack() as stack:
        if not isinstance(source, (str, os.PathLike)):
            handle: Any = source
        elif os.fspath(source) == "-":
            if sys.stdin is None:
                raise AudioError("standard input: is closed; name a file or send audio through a pipe")
            handle = sys.stdin.buffer
        else:
            handle = stack.enter_context(open_file(Path(source)))
        if not handle.seekable() or _is_pipe(handle):
            spool = stack.enter_context(Spool(name))
            _fill(spool, handle, name)
            handle = spool
        yield handle


def _is_pipe(handle: Any) -> bool:
    """Whether a handle is no regular file; Windows says of pipes that they seek, which they do not."""
    try:
        return os.name == "nt" and not stat.S_ISREG(os.fstat(handle.fileno()).st_mode)
    except (AttributeError, OSError):  # a file in memory has no descriptor
        return False


class Spool(tempfile.SpooledTemporaryFile):
    """A copy of a pipe that keeps its name."""

    def __init__(self, name: str) -> None:
        super().__init__(max_size=_SPOOL_BYTES)
        self._source_name = name

    @property
    def name(self) -> str:
        """What messages call it."""
        return self._source_name

    def seekable(self) -> bool:
        """Seeking works."""
        return True


def _fill(spool: Any, handle: BinaryIO, name: str) -> None:
    """Copy all that comes through a pipe."""
    while True:
        try:
            data = handle.read(_COPY_BYTES)
        except OSError as error:
            raise AudioError(f"{name}: cannot be read ({error.strerror or error})") from error
        if not data:
            return
        try:
            spool.write(data)
        except OSError as error:
            raise AudioError(
                f"{name}: cannot be kept in {tempfile.gettempdir()} ({error.strerror or error}); make room there,"
                " or set TMPDIR to another folder"
            ) from error


class View(io.RawIOBase):
    """Bytes `start` to `stop` (the end by default) of a file, behind a `head` that is not in it."""

    def __init__(self, handle: BinaryIO, start: int = 0, stop: int | None = None, *, head: bytes = b"") -> None:
        self._handle, self._head, self._start, self._at = handle, head, start, 0
        end = handle.seek(0, os.SEEK_END) if stop is None else stop
        self._size = len(head) + end - start

    def readable(self) -> bool:
        """Reading works."""
        return True

    def seekable(self) -> bool:
        """Seeking works."""
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Move, as every file does."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def readinto(self, buffer) -> int:  # type: ignore[no-untyped-def,override]
        """Read as many bytes as there are, at most `len(buffer)`."""
        view = memoryview(buffer).cast("B")
        view = view[: max(0, self._size - self._at)]
        head = self._head[self._at : self._at + len(view)]
        view[: len(head)] = head
        self._handle.seek(self._start + max(0, self._at - len(self._head)))
        rest = self._handle.read(len(view) - len(head))
        view[len(head) : len(head) + len(rest)] = rest
        self._at += len(head) + len(rest)
        return len(head) + len(rest)


def source_name(source: Source) -> str:
    """What messages call the source."""
    if isinstance(source, (str, os.PathLike)):
        return STANDARD_INPUT if os.fspath(source) == "-" else os.fspath(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else UNNAMED


def open_file(path: Path) -> BinaryIO:
    """Open what is a readable file."""
    if os.path.isdir(path):
        raise AudioError(f"{path}: is a folder, not an audio file")
    try:
        return open(path, "rb")
    except FileNotFoundError as error:
        raise AudioError(f"{path}: there is no such file") from error
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise AudioError(f"{path}: cannot be read ({getattr(error, 'strerror', None) or error})") from error
