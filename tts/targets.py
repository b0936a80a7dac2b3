"""What the acoustic model learns from: durations, pauses, pitch and energy of each phone, from alignments and frames.

An alignment is a JSON file named after the recording, as `speech align --format json` writes it:
``{"words": [{"word", "start_s", "end_s", "score"}], "phones": [{"phone", "start_s", "end_s", "score"}]}``, phones
contiguous from the beginning of the recording to its end, "SIL" and "SP" where nothing is said.

Legend: P phones (pauses included), T frames.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from speech.errors import CorpusError
from speech.frontend.energy import energy_db
from speech.text import normalize_text
from tts.contract import AudioContract
from tts.linguistic import PAUSE, SILENCE, Rows, rows_of
from tts.phonemes import MARK_CLASSES, Mark, SpokenWord
from tts.prosody import is_pause
from tts.text import normalize

_LONGEST_SILENCE_FRAMES = 12  # kept at either end of a recording
_LONGEST_PHONE_S = 0.6


@dataclass(frozen=True)
class Targets:
    """What is known of one recording.

    Attributes
    ----------
    name : of the recording
    rows : the sentence as the model reads it
    durations : Tensor, int64, [P], frames; 0 where there is no pause between two words
    pitch : Tensor, float32, [P], mean natural logarithm of F0 in hertz, drawn through where nothing is voiced
    voiced_share : Tensor, float32, [P], part of the phone's frames that are voiced
    energy_db : Tensor, float32, [P], mean level of the phone's frames, dB below full scale
    first, last : frames of the recording that count: silence at the ends is cut to 12 frames
    """

    name: str
    rows: Rows
    durations: Tensor
    pitch: Tensor
    voiced_share: Tensor
    energy_db: Tensor
    first: int
    last: int


def read_alignment(path: str | Path, text: str) -> dict[str, Any]:
    """An alignment of `text` in JSON, checked.

    Raises
    ------
    CorpusError
        The file is missing, not as this module's first lines say, or of another text.
    """
    path = Path(path)
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        for kind, name in (("words", "word"), ("phones", "phone")):
            for row in found[kind]:
                if not (isinstance(row[name], str) and 0.0 <= row["start_s"] <= row["end_s"]):
                    raise CorpusError(f"{path}: {kind} must have {name}, start_s and end_s, got {row}")
    except OSError as error:
        raise CorpusError(f"{path}: no such alignment ({error.strerror}); run `speech align` first") from error
    except (ValueError, KeyError, TypeError) as error:
        raise CorpusError(f"{path}: not an alignment ({type(error).__name__}: {error}); run `speech align`") from error
    if not found["words"] or not found["phones"]:
        raise CorpusError(f"{path}: has no words; leave the recording out of the manifest")
    aligned = [row["word"] for row in found["words"]]
    spoken = (token.text for token in normalize(text, on_unknown="skip") if token.kind != "break")
    if _letters(aligned) not in (_letters(normalize_text(text)), _letters(spoken)):
        raise CorpusError(f'{path}: is of another text, which begins "{" ".join(aligned[:4])}"; run `speech align`')
    return found


def _letters(words: Iterable[str]) -> str:
    """What words are spelled with, by which two ways of dividing one text are the same."""
    return "".join(character for word in words for character in word.lower() if character.isalpha())


def spoken_words(alignment: dict[str, Any], text: str) -> list[SpokenWord]:
    """Aligned words with the phones that were said and the marks of the text after them."""
    found = []
    for row in alignment["words"]:
        phones = tuple(
            phone["phone"]
            for phone in alignment["phones"]
            if phone["phone"] not in (SILENCE, PAUSE)
            and row["start_s"] <= (phone["start_s"] + phone["end_s"]) / 2 <= row["end_s"]
        )
        found.append((row["word"].lower(), phones))
    marks = marks_after([word for word, _ in found], text)
    words = [SpokenWord(word, phones, 0, 0, mark) for (word, phones), mark in zip(found, marks, strict=True)]
    return [word for word in words if word.phones]


def marks_after(words: Sequence[str], text: str) -> list[Mark]:
    """Class of the punctuation after each word of a transcript.

    >>> marks_after(["oh", "etc", "yes"], "Oh, etc., yes!")
    [',', ',', '!']
    """
    said: list[str] = []
    marks: list[Mark] = []
    order = list(dict.fromkeys(MARK_CLASSES.values()))
    for token in normalize(text, on_unknown="skip"):
        if token.kind != "break":
            said.append(token.text.lower())
            marks.append("")
        elif marks:
            mark = MARK_CLASSES[token.text]
            if not marks[-1] or order.index(mark) < order.index(marks[-1]):
                marks[-1] = mark
    result: list[Mark] = [""] * len(words)
    for tag, i, i_end, j, j_end in SequenceMatcher(None, words, said, autojunk=False).get_opcodes():
        if tag == "equal":
            result[i:i_end] = marks[j:j_end]
        elif i_end > i and j_end > j:
            result[i_end - 1] = marks[j_end - 1]
    return result


def measure_targets(
    name: str, alignment: dict[str, Any], text: str, f0_hz: np.ndarray, samples: np.ndarray, contract: AudioContract
) -> Targets:
    """Targets of one recording.

    Parameters
    ----------
    name : of the recording, for messages
    alignment : see `read_alignment`
    text : what is said, with its punctuation
    f0_hz : float [T], 0 where unvoiced
    samples : float32 or int16 [T * hop_samples]
    contract : AudioContract of the frames

    Raises
    ------
    CorpusError
        The alignment has fewer frames than phones, or a phone longer than 0.6 s, so that it is not to be trusted;
        or no frame of a phone is voiced.
    """
    rows = rows_of(spoken_words(alignment, text))
    durations = _durations(name, alignment, rows, len(f0_hz), contract.hop_s)
    longest = float(durations[~(rows.is_pause | rows.is_silence)].max()) * contract.hop_s
    if longest > _LONGEST_PHONE_S:
        raise CorpusError(f"{name}: a phone is {longest:.2f} s long; its transcript may be wrong, leave it out")
    scale = 32_768.0 if samples.dtype == np.int16 else 1.0
    waveform = torch.from_numpy(samples.astype(np.float32) / scale)[None]
    level = energy_db(waveform, None, contract.frontend)[0].numpy()[: len(f0_hz)]
    pitch, share, energy = phone_means(f0_hz, level, durations.numpy())
    if not share[~(rows.is_pause | rows.is_silence)].any():
        raise CorpusError(f"{name}: no frame of a phone is voiced; leave it out")
    front = max(0, int(durations[0]) - _LONGEST_SILENCE_FRAMES)
    back = max(0, int(durations[-1]) - _LONGEST_SILENCE_FRAMES)
    durations[0] -= front
    durations[-1] -= back
    return Targets(name, rows, durations, pitch, share, energy, front, len(f0_hz) - back)


def _durations(name: str, alignment: dict[str, Any], rows: Rows, num_frames: int, hop_s: float) -> Tensor:
    """Frames of each row, together `num_frames`, int64 [P]."""
    spoken = iter([phone for phone in alignment["phones"] if phone["phone"] not in (SILENCE, PAUSE)])
    is_gap = (rows.is_pause | rows.is_silence).tolist()
    # Times where phones begin; a gap reaches from the end of a phone to the beginning of the next, and is part of that
    # one if it is no pause.
    spans = [None if gap else next(spoken) for gap in is_gap]
    edges: list[int] = [0]
    for index, span in enumerate(spans):
        following = spans[index + 1] if index + 1 < len(spans) else None
        if span is not None:
            at = span["end_s"] if following is None else following["start_s"]
        elif index + 1 == len(spans):
            at = num_frames * hop_s
        else:
            assert following is not None
            at = following["start_s"]
            before = spans[index - 1] if index else None
            if before is not None and not is_pause(at - before["end_s"]):
                at = before["end_s"]
        least = edges[-1] + (span is not None)
        edges.append(max(least, round(at / hop_s)))
    edges[-1] = max(edges[-1], num_frames)
    latest = num_frames
    for index in range(len(edges) - 1, 0, -1):  # make room where rounding ran past the end
        edges[index] = min(edges[index], latest)
        latest = edges[index] - (spans[index - 1] is not None)
    if latest < 0:
        raise CorpusError(f"{name}: more phones than frames; its transcript may be wrong, leave it out")
    return torch.tensor(edges).diff()


def phone_means(f0_hz: np.ndarray, level_db: np.ndarray, durations: np.ndarray) -> tuple[Tensor, Tensor, Tensor]:
    """Pitch (natural logarithm), voiced share and level of each phone, float32 [P] each.

    Where no frame is voiced, the pitch is a line between the phones around; 0 where the whole utterance is unvoiced.
    """
    ends = np.cumsum(durations)
    starts = ends - durations
    count = len(durations)
    pitch, share, energy = np.zeros(count), np.zeros(count), np.full(count, np.nan)
    for index, (start, end) in enumerate(zip(starts, ends, strict=True)):
        voiced = f0_hz[start:end] > 0
        if end > start:
            energy[index], share[index] = level_db[start:end].mean(), voiced.mean()
        if voiced.any():
            pitch[index] = np.log(f0_hz[start:end][voiced]).mean()
    places = np.arange(count)
    for values, known in ((pitch, share > 0), (energy, np.isfinite(energy))):
        if known.any():
            values[~known] = np.interp(places[~known], places[known], values[known])
    return tuple(torch.from_numpy(values).float() for values in (pitch, share, energy))  # type: ignore[return-value]
