"""What a voice gives back: samples, and when each word and phone is said; a notebook plays and draws it."""

import base64
import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from speech import audio
from tts.picture import Picture, draw
from tts.prosody import Prosody


@dataclass(frozen=True, slots=True)
class TimedPhone:
    """A phone and when it is said; "SIL" and "SP" where nothing is; `word` is its word's number or -1."""

    phone: str
    start_s: float
    end_s: float
    word: int


@dataclass(frozen=True, slots=True)
class TimedWord:
    """A word, when it is said, and the characters of the text it came from."""

    word: str
    start_s: float
    end_s: float
    start: int
    end: int

    @property
    def text(self) -> str:
        """The word, by the name that it has in transcripts and prosody."""
        return self.word


@dataclass
class Audio:
    """Speech.

    Attributes
    ----------
    samples : float32 [N] in [-1, 1]
    sample_rate : samples a second
    phones, words : with their times
    prosody : how it was said; change it and say it again
    mel, f0_hz : float [T, M], [T] (0 where unvoiced), what the vocoder was asked for
    hop_s : seconds from one frame to the next
    """

    samples: np.ndarray
    sample_rate: int
    phones: list[TimedPhone]
    words: list[TimedWord]
    prosody: Prosody = field(repr=False, default_factory=Prosody)
    mel: np.ndarray = field(repr=False, default_factory=lambda: np.zeros((0, 80), np.float32))
    f0_hz: np.ndarray = field(repr=False, default_factory=lambda: np.zeros(0, np.float32))
    hop_s: float = 256 / 24_000

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate

    def save(self, path: str | Path) -> None:
        """Write to a file; the suffix chooses the format (wav, flac, ogg, mp3, opus).

        Raises
        ------
        AudioError
            The file cannot be written.
        """
        audio.write(path, self.samples, self.sample_rate)

    def plot(self) -> Picture:
        """Spectrogram, pitch, words and phones in one picture; a notebook shows it, `.save("x.svg")` keeps it."""
        return draw(self)

    def to_dict(self) -> dict[str, Any]:
        """Words and phones with their times, fit for JSON."""
        return timings(self.words, self.phones, self.duration_s, self.sample_rate)

    def _repr_html_(self) -> str:
        """A player and the picture."""
        data = io.BytesIO()
        soundfile.write(data, self.samples, self.sample_rate, format="WAV", subtype="PCM_16")
        encoded = base64.b64encode(data.getvalue()).decode()
        return f'<audio controls src="data:audio/wav;base64,{encoded}"></audio><br>{self.plot().svg}'

    def __repr__(self) -> str:
        said = " ".join(word.word for word in self.words)
        return f"Audio({self.duration_s:.2f} s at {self.sample_rate} Hz: {said[:60]!r})"


def timings(words: list[TimedWord], phones: list[TimedPhone], duration_s: float, sample_rate: int) -> dict[str, Any]:
    """Words and phones with their times, fit for JSON."""
    return {
        "duration_s": round(duration_s, 4),
        "sample_rate": sample_rate,
        "words": [
            {"word": w.word, "start_s": round(w.start_s, 4), "end_s": round(w.end_s, 4), "characters": [w.start, w.end]}
            for w in words
        ],
        "phones": [
            {"phone": p.phone, "start_s": round(p.start_s, 4), "end_s": round(p.end_s, 4), "word": p.word}
            for p in phones
        ],
    }
