"""Manifests: one utterance a line as JSON, in NeMo's field names, checked on the way in.

`audio_filepath`, `duration` (seconds) and `text` are required; `offset`, `speaker`, `lang`, `confidence` and `corpus`
are optional. A relative `audio_filepath` counts from the manifest's folder. `text` is the transcript as the corpus has
it; who needs it normalised calls `speech.text.normalize_text`. Other keys are ignored, since NeMo manifests carry many,
but a key that looks like a misspelt one of ours is refused.
"""

import codecs
import difflib
import json
import math
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from speech.errors import CorpusError
from speech.files import replacing, unreadable
from speech.kinds import JSON, TEXT, kind_of

_REQUIRED = ("audio_filepath", "duration", "text")
_NUMBERS = ("duration", "offset", "confidence")
_TEXTS = ("audio_filepath", "text", "speaker", "lang", "corpus")
_KNOWN = (*_REQUIRED, "offset", "speaker", "lang", "confidence", "corpus")
_LARGEST = 1e12  # more than any time in seconds; also refuses integers that no float holds
_MISSPELT = 0.75  # similarity from which an unknown key counts as a slip ("offest", "durtion")


@dataclass(frozen=True)
class Utterance:
    """One stretch of recorded speech and what is said in it.

    Attributes
    ----------
    audio_filepath : Path
        The recording.
    duration : float
        Length of the stretch, seconds.
    text : str
        Transcript as the corpus has it.
    offset : float
        Where the stretch begins in the recording, seconds.
    speaker : str, optional
        Unique over corpora.
    lang : str, optional
        Language code, "en".
    confidence : float, optional
        0..1, how sure a machine was of a transcript that no person checked.
    corpus : str, optional
        Name of the corpus.
    """

    audio_filepath: Path
    duration: float
    text: str
    offset: float = 0.0
    speaker: str | None = None
    lang: str | None = None
    confidence: float | None = None
    corpus: str | None = None


def read_manifest(path: str | os.PathLike[str], *, check_audio: bool = False) -> list[Utterance]:
    """Read and check a manifest.

    Parameters
    ----------
    path : path
        JSON lines; empty lines are skipped.
    check_audio : bool
        Also see that every recording exists.

    Returns
    -------
    list of Utterance
        In the order of the file.

    Raises
    ------
    CorpusError
        No such file, no row, or a bad row; names the file, the row (from 1) and the key.
    """
    return [utterance for _, utterance in numbered_rows(path, check_audio=check_audio)]


def numbered_rows(path: str | os.PathLike[str], *, check_audio: bool = False) -> list[tuple[int, Utterance]]:
    """As `read_manifest`, each utterance with its row in the file, from 1; empty lines count."""
    utterances = []
    for row, utterance in checked_rows(path):
        if isinstance(utterance, CorpusError):
            raise utterance
        if check_audio and not os.path.isfile(utterance.audio_filepath):
            raise CorpusError(f"{path}, row {row}: there is no audio file {utterance.audio_filepath}")
        utterances.append((row, utterance))
    return utterances


def checked_rows(path: str | os.PathLike[str]) -> list[tuple[int, Utterance | CorpusError]]:
    """As `numbered_rows`, but a bad row gives its error and the others go on.

    Raises
    ------
    CorpusError
        No such file, no row, or no row that is not bad: then the error of the first.
    """
    path = Path(path)
    try:
        lines = path.read_bytes().removeprefix(codecs.BOM_UTF8).splitlines()
    except OSError as error:
        raise CorpusError(f"{path}: {unreadable(error)}") from error
    rows: list[tuple[int, Utterance | CorpusError]] = []
    for number, line in enumerate(lines, start=1):
        where = f"{path}, row {number}"
        try:
            text = line.decode()
            if text.strip():
                rows.append((number, _parse_row(text, path.parent, where)))
        except UnicodeDecodeError as error:
            rows.append((number, CorpusError(f"{where}: is not UTF-8 text (byte {error.start + 1})")))
        except CorpusError as error:
            rows.append((number, error))
    if not rows:
        raise CorpusError(f"{path}: has no utterances")
    first = rows[0][1]
    if isinstance(first, CorpusError) and all(isinstance(row, CorpusError) for _, row in rows):
        kind = kind_of(path) if path.is_file() else None  # of a pipe nothing is left
        if kind is not None and kind not in (JSON, TEXT):
            raise CorpusError(f"{path}: is {kind.what}; {_ADVICE}")
        raise first
    return rows


def write_manifest(path: str | os.PathLike[str], utterances: Iterable[Utterance]) -> None:
    """Write a manifest that `read_manifest` reads back; fields that are None or 0 offset are left out.

    Recordings below the manifest's folder are written relative to it, others absolute. The file appears whole or not at
    all.

    Raises
    ------
    CorpusError
        The folder cannot be written.
    """
    path = Path(path)
    folder = path.parent.resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        # backslashreplace writes bytes of a name that are not UTF-8 as JSON escapes, which read back as they were
        with (
            replacing(path) as partial,
            open(partial, "w", encoding="utf-8", errors="backslashreplace", newline="\n") as file,
        ):
            for utterance in utterances:
                file.write(json.dumps(_to_row(utterance, folder), ensure_ascii=False) + "\n")
    except OSError as error:
        raise CorpusError(f"{path}: cannot be written ({error.strerror})") from error


def _to_row(utterance: Utterance, folder: Path) -> dict[str, Any]:
    """The JSON object of an utterance."""
    audio = Path(os.path.abspath(utterance.audio_filepath))
    row: dict[str, Any] = {
        "audio_filepath": (audio.relative_to(folder) if folder in audio.parents else audio).as_posix(),
        "duration": round(utterance.duration, 6),
        "text": utterance.text,
    }
    if utterance.offset:
        row["offset"] = round(utterance.offset, 6)
    for key in ("speaker", "lang", "confidence", "corpus"):
        if getattr(utterance, key) is not None:
            row[key] = getattr(utterance, key)
    return row


_ADVICE = "a manifest has one object a line, as `speech prepare` writes them"


def _parse_row(line: str, folder: Path, where: str) -> Utterance:
    """One checked utterance; `where` names file and row."""
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise CorpusError(f"{where}: is not valid JSON ({error.msg}, column {error.colno}); {_ADVICE}") from error
    except (ValueError, RecursionError) as error:  # a number of thousands of digits, lists in lists in lists
        raise CorpusError(f"{where}: cannot be read as JSON ({error})") from error
    if not isinstance(row, dict):
        raise CorpusError(f"{where}: must be a JSON object {{...}}, got {line.strip()[:40]}; {_ADVICE}")
    _check_keys(row, where)
    values = {key: row[key] for key in _KNOWN if row.get(key) is not None}
    _check_values(values, where)
    values["audio_filepath"] = folder / values["audio_filepath"]
    for key in _NUMBERS:
        if key in values:
            values[key] = float(values[key])
    return Utterance(**values)


def _check_keys(row: dict[str, Any], where: str) -> None:
    """Required keys are there, and no unknown key is a slip for a known one."""
    unknown = [key for key in row if key not in _KNOWN]
    for key in _REQUIRED:
        if row.get(key) is None:
            near = difflib.get_close_matches(key, unknown, n=1, cutoff=0.6)
            hint = f'; "{near[0]}" should be "{key}"' if near else ""
            raise CorpusError(f'{where}: "{key}" is missing{hint}')
    for key in unknown:
        near = difflib.get_close_matches(key, _KNOWN, n=1, cutoff=_MISSPELT)
        if near and near[0] not in key.split("_"):  # "speaker_id" is a key of its own
            raise CorpusError(f'{where}: unknown key "{key}"; did you mean "{near[0]}"?')


def _check_values(values: dict[str, Any], where: str) -> None:
    """Types and ranges."""
    for key in _TEXTS:
        if key in values and not isinstance(values[key], str):
            raise CorpusError(f'{where}: "{key}" must be text, got {json.dumps(values[key])}')
        if key != "audio_filepath" and key in values and any("\ud800" <= c <= "\udfff" for c in values[key]):
            raise CorpusError(f'{where}: "{key}" holds half a character (such as \\ud83d); write it in full')
    for key in _NUMBERS:
        value = values.get(key, 0)
        if isinstance(value, bool) or not isinstance(value, (int, float)) or not -math.inf < value < math.inf:
            raise CorpusError(f'{where}: "{key}" must be a number, got {json.dumps(value)[:40]}')
        if not -_LARGEST < value < _LARGEST:
            raise CorpusError(f'{where}: "{key}" must be less than {_LARGEST:.0e}, got {json.dumps(value)[:40]}')
    if not values["audio_filepath"]:
        raise CorpusError(f'{where}: "audio_filepath" is empty')
    if not values["duration"] > 0:
        raise CorpusError(f'{where}: "duration" must be above 0 s, got {values["duration"]}')
    if values.get("offset", 0) < 0:
        raise CorpusError(f'{where}: "offset" must be 0 s or more, got {values["offset"]}')
    if not 0 <= values.get("confidence", 0) <= 1:
        raise CorpusError(f'{where}: "confidence" must be in 0..1, got {values["confidence"]}')
