"""Files that appear complete or not at all, their names, and text that can be written whatever is in it."""

import codecs
import contextlib
import itertools
import os
import secrets
from collections import Counter
from collections.abc import Container, Iterable, Iterator, Sequence
from pathlib import Path

ESCAPE = "speech.escape"
"""Error handler of encodings: bytes of file names that are not text stay, what else cannot be written is escaped."""
_NAME_CHARACTERS = 40  # of a file's name in that of its partial one, which must not be too long where the name is not


@contextlib.contextmanager
def replacing(path: str | os.PathLike[str]) -> Iterator[Path]:
    """Yield where to write what shall become `path`: a file beside it, gone if writing fails or is interrupted.

    What a symbolic link leads to is replaced, not the link; a device or pipe is written directly.

    Raises
    ------
    OSError
        The file cannot take its place.
    """
    if not is_replaceable(path):
        yield Path(path)
        return
    target = Path(os.path.realpath(path))
    # another machine or thread may write a file whose name begins alike into the same folder
    partial = target.with_name(f".{target.name[:_NAME_CHARACTERS]}.{secrets.token_hex(8)}.part")
    try:
        yield partial
        os.replace(partial, target)
    except BaseException:
        if os.path.lexists(partial):
            os.unlink(partial)
        raise


@contextlib.contextmanager
def no_empty_folder(folder: str | os.PathLike[str] | None) -> Iterator[None]:
    """After the block, `folder` and those above it that it made go again, unless something is in them; None: no folder.

    So what fails before it has written anything leaves nothing behind.
    """
    path = Path(folder or ".")
    missing = [one for one in (path, *path.parents) if not os.path.lexists(one)]
    try:
        yield
    finally:
        for one in missing:
            with contextlib.suppress(OSError):  # there is something in it, or it was never made
                one.rmdir()


def is_replaceable(path: str | os.PathLike[str]) -> bool:
    """Whether `path` is a file or nothing yet, rather than a device."""
    return os.path.isfile(path) or not os.path.exists(path)


def stamp(path: str | os.PathLike[str]) -> tuple[int, int]:
    """Size and time of change of a file, by which one made anew is told; zeros where there is none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):  # ValueError: a zero byte in the name
        return 0, 0
    return status.st_size, status.st_mtime_ns


def set_aside(path: Path, names: Iterable[str] | None = None) -> Path:
    """Give a file the first of `names` that is free, by default of `NAME.old`, `NAME.2.old` and so on; that path."""
    if names is None:
        names = itertools.chain([f"{path.name}.old"], (f"{path.name}.{number}.old" for number in itertools.count(2)))
    return path.rename(next(free for free in map(path.with_name, names) if not free.exists()))


def unreadable(error: Exception) -> str:
    """Why a text file could not be read, as messages go on after its name.

    >>> unreadable(IsADirectoryError(21, "Is a directory")), unreadable(EOFError("cut"))
    ('is a folder; name a file', 'is damaged or cut off; get a complete copy (cut)')
    """
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    if isinstance(error, IsADirectoryError):
        return "is a folder; name a file"
    if isinstance(error, UnicodeDecodeError):
        return "is not text in UTF-8; save or convert it so (iconv -t UTF-8)"
    reason = getattr(error, "strerror", None)
    return f"cannot be read ({reason})" if reason else f"is damaged or cut off; get a complete copy ({error})"


def _escape(error: UnicodeError) -> tuple[bytes, int]:
    r"""As `ESCAPE` says; escapes are those of JSON, which stays JSON.

    >>> "caf\xe9 \udce9 \ud83d \U0001f600".encode("ascii", ESCAPE)
    b'caf\\u00e9 \xe9 \\ud83d \\ud83d\\ude00'
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    written = b""
    for character in error.object[error.start : error.end]:
        if "\udc80" <= character <= "\udcff":
            written += bytes([ord(character) - 0xDC00])
        else:
            codes = character.encode("utf-16-be", "surrogatepass").hex()
            written += "".join(f"\\u{codes[at : at + 4]}" for at in range(0, len(codes), 4)).encode()
    return written, error.end


codecs.register_error(ESCAPE, _escape)


def unique_names(names: Sequence[str], numbers: Sequence[int], fixed: Container[int] = ()) -> list[str]:
    """Names of which those that several share have their number behind them, again if that makes a name that is there.

    Capitals make no difference, nor does the ``.phones`` of a second file. Names at the places `fixed` stay.

    Examples
    --------
    >>> unique_names(["a", "a", "a_1", "b"], [1, 2, 3, 4])
    ['a_1_1', 'a_2', 'a_1_3', 'b']
    >>> unique_names(["a", "a"], [1, 2], fixed={0})
    ['a', 'a_2']
    """
    before, found = list[str](), list(names)
    while found != before:
        folded = [name.lower().removesuffix(".phones") for name in found]
        counts = Counter(folded)
        before, found = (
            found,
            [
                f"{name}_{numbers[place]}" if counts[folded[place]] > 1 and place not in fixed else name
                for place, name in enumerate(found)
            ],
        )
    return found
