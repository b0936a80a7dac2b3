"""What all corpus readers share: rows without durations, audio found by stem, durations from headers."""

import logging
import os
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from speech import audio
from speech.corpus import Utterance
from speech.errors import AudioError, CorpusError, SpeechError
from speech.files import unreadable

_LOG = logging.getLogger(__name__)


class BadRecordingsError(CorpusError):
    """Some recordings of a corpus cannot be used; `skip_bad` would leave them out."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One utterance as a corpus lists it; `split` names the manifest that it goes to, `problem` why it goes to none."""

    audio_filepath: Path
    text: str
    split: str
    corpus: str
    speaker: str | None = None
    lang: str | None = "en"
    confidence: float | None = None
    problem: str = ""


def read_lines(path: Path) -> list[str]:
    """Lines of a corpus's text file; a missing or garbled one is a CorpusError."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        raise CorpusError(f"{path}: there is no such file; is this the corpus's folder?") from None
    except (OSError, UnicodeDecodeError) as error:
        raise CorpusError(f"{path}: {unreadable(error)}") from error
    return text.replace("\r\n", "\n").rstrip("\n").split("\n") if text.strip() else []


def index_audio(folder: Path) -> dict[str, Path]:
    """Map every stem to the audio file in `folder` that has it, whatever the encoding.

    A corpus lists `x.wav` while the disk may hold `x.flac` or `x.opus`. Of two files that share a stem, the lossless
    one (wav, then flac) is taken.
    """
    if not folder.is_dir():
        raise CorpusError(f"{folder}: there is no such folder; is this the corpus's folder?")
    index: dict[str, Path] = {}
    with os.scandir(folder) as entries:
        names = [e.name for e in entries if e.name[:1] != "."]
    for name in sorted(names, key=_preference, reverse=True):
        stem, suffix = os.path.splitext(name)
        if suffix.lower() in audio.SNDFILE_SUFFIXES | audio.MEDIA_SUFFIXES:
            index[stem] = folder / name
    return index


def _preference(name: str) -> tuple[int, str]:
    """Sort key: wav, flac, then the others by name."""
    suffix = os.path.splitext(name)[1].lower()
    return {".wav": 0, ".flac": 1}.get(suffix, 2), name


def find_audio(index: dict[str, Path], stem: str, folder: Path, suffix: str = ".wav") -> Path:
    """Look up a recording; where it is missing, a path, as the corpus has it, that says so when it is opened."""
    return index.get(stem, folder / f"{stem}{suffix}")


def to_utterances(rows: Iterable[Row], *, num_workers: int, skip_bad: bool) -> dict[str, list[Utterance]]:
    """Add durations from the files' headers, and group by split in the order of the rows.

    Raises
    ------
    BadRecordingsError
        A recording or its transcript is missing or unreadable and `skip_bad` is false; with it the row is left out and
        logged.
    """
    rows = list(rows)
    with ThreadPoolExecutor(num_workers) as pool:
        answers = list(pool.map(_duration_s, rows, chunksize=64))
    errors = [answer for answer in answers if isinstance(answer, SpeechError)]
    if errors and not skip_bad:
        bad = f"{len(errors)} of {len(rows)} recordings cannot be used, the first: {errors[0]}"
        raise BadRecordingsError(bad) from errors[0]
    splits: dict[str, list[Utterance]] = {}
    for row, answer in zip(rows, answers, strict=True):
        if isinstance(answer, SpeechError):
            _LOG.warning("left out: %s", answer)
            continue
        splits.setdefault(row.split, []).append(
            Utterance(
                audio_filepath=row.audio_filepath,
                duration=answer,
                text=row.text,
                speaker=row.speaker,
                lang=row.lang,
                confidence=row.confidence,
                corpus=row.corpus,
            )
        )
    return splits


def _duration_s(row: Row) -> float | SpeechError:
    """Duration in seconds, or why the row cannot be used."""
    if row.problem:
        return CorpusError(row.problem)
    try:
        return audio.info(row.audio_filepath).duration_s
    except AudioError as error:
        return error
