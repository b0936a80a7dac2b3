"""Files that commands write: probed before the work, complete or untouched after it."""

import os
from pathlib import Path

from speech.errors import SpeechError
from speech.files import ESCAPE, is_replaceable, replacing


def check_folder(folder: Path, option: str) -> None:
    """Try to make a file in `folder`; SpeechError, naming what was typed, if that fails."""
    probe = folder / f".speech.{os.getpid()}.part"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise SpeechError(f"{option}: files cannot be written there ({error.strerror}); name another") from error


def make_folder(folder: Path, option: str) -> None:
    """Make the folder that an option names; SpeechError if files cannot be written there."""
    option = f"{option} {folder}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SpeechError(f"{option}: files cannot be written there ({error.strerror}); name another") from error
    check_folder(folder, option)


def check_file(path: Path, option: str) -> None:
    """See that `write_text` can write `path`, and leave it as it is; SpeechError if not."""
    if os.path.isdir(path):
        raise SpeechError(f"{option}: is a folder; name a file")
    if is_replaceable(path):
        check_folder(Path(os.path.realpath(path)).parent, option)


def write_text(path: Path, text: str) -> None:
    """Write a file complete or not at all; OSError if it cannot be written.

    See `speech.files.replacing` for links and devices.
    """
    with replacing(path) as partial, open(partial, "w", encoding="utf-8", errors=ESCAPE, newline="\n") as file:
        file.write(text)
