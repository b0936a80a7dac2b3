"""Files that commands write: probed before the work, complete or untouched after it."""

import errno
import os
from collections.abc import Iterable
from pathlib import Path

from speech.errors import SpeechError
from speech.files import ESCAPE, is_replaceable, replacing


def check_folder(folder: Path, option: str) -> None:
    """Try to make a file in `folder`; SpeechError, naming what was typed, if that fails."""
    probe = folder / f".speech.{os.getpid()}.part"
    try:
        try:
            probe.touch()
        finally:
            probe.unlink(missing_ok=True)
    except OSError as error:
        raise SpeechError(f"{option}: files cannot be written there ({error.strerror}); name another") from error


def make_folder(folder: Path, option: str) -> None:
    """Make the folder that an option names; SpeechError if files cannot be written there."""
    option = f"{option} {folder}"
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise SpeechError(f"{option}: is no folder; name another")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpeechError(f"{option}: files cannot be written there ({error.strerror}); name another") from error
    check_folder(folder, option)


def check_file(path: Path, option: str, inputs: Iterable[str | Path | None] = ()) -> None:
    """See that `write_text` can write `path`, which is none of `inputs`, and leave it as it is; SpeechError if not."""
    if os.path.isdir(path):
        raise SpeechError(f"{option}: is a folder; name a file")
    if os.path.isfile(path) and any(one and os.path.exists(one) and os.path.samefile(one, path) for one in inputs):
        raise SpeechError(f"{option}: is read by the same command and would be lost; name another file")
    if is_replaceable(path):
        check_folder(Path(os.path.realpath(path)).parent, option)


def is_final(error: OSError) -> bool:
    """Whether what could not be written for this reason would not be for the next file either: no room is left."""
    return error.errno in (errno.ENOSPC, errno.EDQUOT)


def hint(error: OSError) -> str:
    """How messages go on after the reason why one of many files cannot be written."""
    return "; stopped here, what is done is kept: make room and run it again to go on" if is_final(error) else ""


def write_text(path: Path, text: str) -> None:
    """Write a file complete or not at all; OSError if it cannot be written.

    See `speech.files.replacing` for links and devices.
    """
    with replacing(path) as partial, open(partial, "w", encoding="utf-8", errors=ESCAPE, newline="\n") as file:
        file.write(text)
