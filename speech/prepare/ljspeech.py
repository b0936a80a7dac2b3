"""LJSpeech, and single-voice corpora in its layout: `metadata.csv` (id|text|spelt-out text) beside `wavs/`.

The spelt-out text is taken where there is one. The corpus has no official split: all is "train", except that ids of CMU
ARCTIC prompts are split as that corpus is, so that a test prompt is never trained on in another voice. Recordings whose
ids do not begin with "LJ" are another corpus, named after `root`.
"""

from collections.abc import Iterator
from pathlib import Path

from speech.errors import CorpusError
from speech.prepare.cmu_arctic import is_test_prompt
from speech.prepare.rows import Row, find_audio, index_audio, read_lines


def rows(root: Path) -> Iterator[Row]:
    """List the utterances."""
    table, folder = root / "metadata.csv", root / "wavs"
    lines = read_lines(table)
    index = index_audio(folder)
    for number, line in enumerate(lines, start=1):
        fields = [field.strip() for field in line.split("|")]
        if not 2 <= len(fields) <= 3 or not fields[0] or not fields[-1]:
            raise CorpusError(f"{table}, row {number}: must be id|text or id|text|spelt-out text")
        name = "ljspeech" if fields[0].startswith("LJ") else root.resolve().name.lower()
        yield Row(
            audio_filepath=find_audio(index, fields[0], folder),
            text=fields[-1],
            split="test" if is_test_prompt(fields[0]) else "train",
            speaker=name,
            corpus=name,
        )
