"""Common Voice: sentences read aloud by volunteers, many accents and microphones.

Layout: `<language>/{train,dev,test,other}.tsv` beside `clips/`. The three official splits share no speaker.
`other.tsv` holds clips that people have not checked; where it has a column `label_log_prob` (the mean log-probability
of a transcript that a machine made), the rows carry `confidence` = exp(label_log_prob). `root` is the language's
folder or its parent when that has one language.
"""

import math
from collections.abc import Iterator
from pathlib import Path

from speech.errors import CorpusError
from speech.prepare.rows import Row, find_audio, index_audio, read_lines

SPLITS = ("train", "dev", "test", "other")


def rows(root: Path) -> Iterator[Row]:
    """List the utterances of the splits that are there."""
    folder = _language_folder(root)
    index = index_audio(folder / "clips")
    for split in SPLITS:
        if (folder / f"{split}.tsv").is_file():
            yield from _split_rows(folder, split, index)


def _language_folder(root: Path) -> Path:
    """Find the folder that has the tables."""
    candidates = [root, *sorted(path for path in root.glob("*") if path.is_dir())]
    found = [f for f in candidates if any((f / f"{split}.tsv").is_file() for split in SPLITS)]
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise CorpusError(f"{root}: needs one language with .tsv tables, found {names}")
    return found[0]


def _split_rows(folder: Path, split: str, index: dict[str, Path]) -> Iterator[Row]:
    """Read one table; fields are separated by tabs and never quoted."""
    table = folder / f"{split}.tsv"
    lines = read_lines(table)
    columns = lines[0].split("\t") if lines else []
    missing = {"client_id", "path", "sentence"} - set(columns)
    if missing:
        raise CorpusError(f"{table}: has no column {', '.join(sorted(missing))}")
    for number, line in enumerate(lines[1:], start=2):
        fields = line.split("\t")
        if len(fields) != len(columns):
            raise CorpusError(f"{table}, row {number}: {len(fields)} of {len(columns)} columns")
        row = dict(zip(columns, fields, strict=True))
        yield Row(
            audio_filepath=find_audio(index, Path(row["path"]).stem, folder / "clips", ".mp3"),
            text=row["sentence"].strip(),
            split=split,
            speaker=f"common_voice-{row['client_id']}" if row["client_id"] else None,
            lang=row.get("locale") or folder.name,
            confidence=_confidence(row.get("label_log_prob"), f"{table}, row {number}"),
            corpus="common_voice",
        )


def _confidence(log_prob: str | None, where: str) -> float | None:
    """Exponential of the log-probability, in 0..1; None where the column is absent or empty."""
    if not log_prob:
        return None
    try:
        value = float(log_prob)
        if math.isnan(value):
            raise ValueError
        return round(min(1.0, math.exp(value)), 4)
    except (ValueError, OverflowError):
        raise CorpusError(f'{where}: "label_log_prob" must be a number, got {log_prob}') from None
