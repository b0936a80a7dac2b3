"""TIMIT (LDC93S1): 6,300 read sentences with phones and words labelled by hand.

Layout: `TIMIT/{TRAIN,TEST}/DR1/FCJF0/SA1.{WAV,TXT,WRD,PHN}`, in either case; also samples with folders like
`dr1-fvmh0/`. Splits are "train" and "test" by folder, "all" where the folders do not say. The transcript is the `.txt`
file, else the words of `.wrd` (each line: first sample, last sample, word).
"""

import re
from collections.abc import Iterator
from pathlib import Path

from speech.errors import CorpusError
from speech.prepare.rows import Row, index_audio, read_lines

_SPEAKER = re.compile(r"(?:^|-)([fm][a-z]{3}\d)$", re.IGNORECASE)


def rows(root: Path) -> Iterator[Row]:
    """List the utterances of every speaker's folder below `root`."""
    folders = sorted(p for p in root.rglob("*") if p.is_dir() and _SPEAKER.search(p.name))
    if not folders:
        raise CorpusError(f"{root}: has no TIMIT speaker folders such as DR1/FCJF0")
    for folder in folders:
        match = _SPEAKER.search(folder.name)
        assert match is not None
        # A copy decoded beside the original is named SA1.WAV.wav; both stems mean one sentence.
        for stem, path in sorted(index_audio(folder).items()):
            if not stem.lower().endswith(".wav"):
                text, problem = _transcript(folder, stem)
                yield Row(
                    audio_filepath=path,
                    text=text,
                    split=_split(folder, root),
                    speaker=f"timit-{match[1].lower()}",
                    corpus="timit",
                    problem=problem,
                )


def _split(folder: Path, root: Path) -> str:
    """Name the split by the nearest folder called train or test, `root` included."""
    for parent in (folder, *folder.resolve().parents):
        if parent.name.lower() in ("train", "test"):
            return parent.name.lower()
        if parent == root.resolve():
            break
    return "all"


def _transcript(folder: Path, stem: str) -> tuple[str, str]:
    """The sentence from .txt, else the words from .wrd; or else why there is nothing to read."""
    for suffix in (".txt", ".TXT", ".wrd", ".WRD"):
        path = folder / f"{stem}{suffix}"
        if path.is_file():
            try:
                fields = [line.split(maxsplit=2) for line in read_lines(path)]
            except CorpusError as error:
                return "", str(error)
            if not fields or any(len(f) != 3 for f in fields):
                return "", f"{path}: lines must be first sample, last sample, text"
            return " ".join(f[2].strip() for f in fields), ""
    return "", f"{folder / stem}: has neither a .txt nor a .wrd transcript"
