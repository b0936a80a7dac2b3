"""A plain folder: every recording has its transcript beside it in a `.txt` file of the same stem.

Folders may nest; the first folder below `root` names the speaker where there is one. All is one split, "all".
"""

import os
from collections.abc import Iterator
from pathlib import Path

from speech.errors import CorpusError
from speech.prepare.rows import Row, index_audio, read_lines


def rows(root: Path) -> Iterator[Row]:
    """List the utterances, ordered by path."""
    if not root.is_dir():
        raise CorpusError(f"{root}: there is no such folder.")
    name = _printable(root.resolve().name)
    found = False
    closed: list[OSError] = []
    for parent, folders, _ in os.walk(root, onerror=closed.append):
        folders.sort()
        folder = Path(parent)
        top = folder.relative_to(root).parts[:1]
        for stem, path in sorted(index_audio(folder).items()):
            text, problem = _transcript(path, folder / f"{stem}.txt")
            found = True
            yield Row(
                audio_filepath=path,
                text=text,
                split="all",
                speaker=f"{name}-{_printable(top[0])}" if top else None,
                lang=None,
                corpus=name,
                problem=problem,
            )
    for error in closed:
        yield Row(
            audio_filepath=Path(error.filename), text="", split="all", speaker=None, lang=None, corpus=name,
            problem=f"{error.filename}: this folder cannot be searched ({error.strerror}).",
        )  # fmt: skip
    if not found and not closed:
        raise CorpusError(f"{root}: has no audio files.")


def _printable(name: str) -> str:
    """The name of a folder; bytes that are no UTF-8 are written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _transcript(recording: Path, path: Path) -> tuple[str, str]:
    """What a file says, or else why there is nothing to read."""
    if not path.is_file():
        return "", f"{recording}: has no transcript; write it to {path.name}."
    try:
        return " ".join(" ".join(read_lines(path)).split()), ""
    except CorpusError as error:
        return "", str(error)
