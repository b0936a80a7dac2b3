"""LibriSpeech (OpenSLR 12): read English audiobooks, 960 hours in seven parts.

Layout: `<part>/<speaker>/<chapter>/<speaker>-<chapter>.trans.txt`, a line an utterance: id, blank, upper-case
transcript. Each part found is a split; `root` is the folder that holds the parts, its parent, or one part.
"""

from collections.abc import Iterator
from pathlib import Path

from speech.errors import CorpusError
from speech.prepare.rows import Row, find_audio, index_audio, read_lines


def rows(root: Path) -> Iterator[Row]:
    """List the utterances of every part below `root`."""
    transcripts = sorted(root.rglob("*.trans.txt"))
    if not transcripts:
        raise CorpusError(f"{root}: has no LibriSpeech transcripts (*.trans.txt)")
    for transcript in transcripts:
        folder = transcript.parent
        index = index_audio(folder)
        for row, line in enumerate(read_lines(transcript), start=1):
            stem, _, text = line.strip().partition(" ")
            if stem.count("-") != 2:
                raise CorpusError(f"{transcript}, row {row}: must be an id and a transcript")
            yield Row(
                audio_filepath=find_audio(index, stem, folder, ".flac"),
                text=text.strip(),
                split=folder.resolve().parent.parent.name,
                speaker=f"librispeech-{stem.split('-')[0]}",
                corpus="librispeech",
                problem="" if text.strip() else f"{transcript}, row {row}: has no transcript.",
            )
