"""Files that appear complete or not at all, and text that can be written whatever is in it."""

import codecs
import contextlib
import os
from collections.abc import Iterator
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
    if os.path.exists(path) and not os.path.isfile(path):
        yield Path(path)
        return
    target = Path(os.path.realpath(path))
    partial = target.with_name(f".{target.name[:_NAME_CHARACTERS]}.{os.getpid()}.part")
    try:
        yield partial
        os.replace(partial, target)
    except BaseException:
        if os.path.lexists(partial):
            os.unlink(partial)
        raise


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
