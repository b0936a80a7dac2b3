"""A plain folder: every recording has its transcript beside it in a `.txt` file of the same stem.

Folders may nest; the first folder below `root` names the speaker where there is one. All is one split, "all".
"""

import logging
import os
from collections.abc import Iterator
from pathlib import Path

from speech.errors import CorpusError
from speech.prepare.rows import Row, index_audio, read_lines

_LOG = logging.getLogger(__name__)
_NOTES = frozenset("readme license licence copying changelog".split())  # text about a corpus, not of it


def rows(root: Path) -> Iterator[Row]:
    """List the utterances, ordered by path."""
    if not root.is_dir():
        raise CorpusError(f"{root}: there is no such folder")
    name = _printable(root.resolve().name)
    found = False
    closed: list[OSError] = []
    unheard: list[Path] = []
    for parent, folders, names in os.walk(root, onerror=closed.append):
        folders.sort()
        folder = Path(parent)
        top = folder.relative_to(root).parts[:1]
        recordings = index_audio(folder)
        texts = _texts(folder, names)
        if recordings:
            found = True
            unheard += [path for stem, path in texts.items() if stem not in recordings and stem.lower() not in _NOTES]
        for stem, path in sorted(recordings.items()):
            text, problem = _transcript(path, texts.get(stem, folder / f"{stem}.txt"))
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
    if unheard:
        more = f" and {len(unheard) - 1} more have" if len(unheard) > 1 else " has"
        _LOG.warning("%s%s no recording of that name beside it; left out", unheard[0], more)
    if not found and not closed:
        raise CorpusError(f"{root}: has no audio files")


def _printable(name: str) -> str:
    """The name of a folder; bytes that are no UTF-8 are written out."""
    return os.fsencode(name).decode("utf-8", "backslashreplace")


def _texts(folder: Path, names: list[str]) -> dict[str, Path]:
    """Text files by their stems, whether they end in .txt or .TXT."""
    found = {}
    for name in sorted(names):  # capitals first, so that .txt takes the place of .TXT
        stem, suffix = os.path.splitext(name)
        if suffix.lower() == ".txt" and not name.startswith("."):
            found[stem] = folder / name
    return found


def _transcript(recording: Path, path: Path) -> tuple[str, str]:
    """What a file says, or else why there is nothing to read."""
    if not path.is_file():
        return "", f"{recording}: has no transcript; write it to {path.name}"
    try:
        text = " ".join(" ".join(read_lines(path)).split())
    except CorpusError as error:
        return "", str(error)
    return text, "" if text else f"{path}: is empty; write down what is said in {recording.name}"
