"""Free Spoken Digit Dataset: single digits at 8 kHz, `recordings/<digit>_<speaker>_<index>.<suffix>`.

The official split: indices 0 to 4 are the test set, the others the training set.
"""

import re
from collections.abc import Iterator
from pathlib import Path

from speech.errors import CorpusError
from speech.prepare.rows import Row, index_audio

DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_NAME = re.compile(r"^(\d)_([a-z]+)_(\d+)$")
_NUM_TEST = 5


def rows(root: Path) -> Iterator[Row]:
    """List the utterances, ordered by digit, speaker and index."""
    folder = root / "recordings"
    found = []
    for stem, path in index_audio(folder).items():
        match = _NAME.match(stem)
        if match is None:
            raise CorpusError(f"{path}: must be named <digit>_<speaker>_<index>")
        found.append((int(match[1]), match[2], int(match[3]), path))
    if not found:
        raise CorpusError(f"{folder}: has no recordings")
    for digit, speaker, index, path in sorted(found):
        yield Row(
            audio_filepath=path,
            text=DIGITS[digit],
            split="test" if index < _NUM_TEST else "train",
            speaker=f"fsdd-{speaker}",
            corpus="fsdd",
        )
