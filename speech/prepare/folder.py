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
    name = root.resolve().name
    found = False
    for parent, folders, _ in os.walk(root):
        folders.sort()
        folder = Path(parent)
        top = folder.relative_to(root).parts[:1]
        for stem, path in sorted(index_audio(folder).items()):
            transcript = folder / f"{stem}.txt"
            if not transcript.is_file():
                raise CorpusError(f"{path}: has no transcript; write it to {transcript.name}.")
            found = True
            yield Row(
                audio_filepath=path,
                text=" ".join(" ".join(read_lines(transcript)).split()),
                split="all",
                speaker=f"{name}-{top[0]}" if top else None,
                lang=None,
                corpus=name,
            )
    if not found:
        raise CorpusError(f"{root}: has no audio files.")
