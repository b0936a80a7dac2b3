"""Files that commands write: probed before the work, complete or untouched after it."""

import os
from pathlib import Path

from speech.errors import SpeechError
from speech.files import ESCAPE, replacing


def check_folder(folder: Path, option: str) -> None:
    """Try to make a file in `folder`; SpeechError, naming what was typed, if that fails."""
    probe = folder / f".speech.{os.getpid()}.part"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SpeechError(f"{option}: files cannot be written there ({error.strerror}); name another") from error


def check_file(path: Path, option: str) -> None:
    """See that `write_text` can write `path`, and leave it as it is; SpeechError if not."""
    if os.path.isdir(path):
        raise SpeechError(f"{option}: is a folder; name a file")
    if _is_replaceable(path):
        check_folder(Path(os.path.realpath(path)).parent, option)


def write_text(path: Path, text: str) -> None:
    """Write a file complete or not at all; OSError if it cannot be written.

    See `speech.files.replacing` for links and devices.
    """
    with replacing(path) as partial, open(partial, "w", encoding="utf-8", errors=ESCAPE, newline="\n") as file:
        file.write(text)


def _is_replaceable(path: Path) -> bool:
    """Whether `path` is a file or nothing yet, rather than a device."""
    return os.path.isfile(path) or not os.path.exists(path)
