"""How loud a recording is, and quiet ones made as loud as those that a model was trained on.

A model with global normalisation has learnt how loud speech is, and hears badly what is far below. A constant gain
makes good for it: `recipes/english/loudness.py` prints errors with and without. In a recording that is long the gain
follows it slowly, and a noise that is louder than the speech for long keeps it down meanwhile.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from speech.checkpoint import LoadedModel
from speech.config import from_dict
from speech.corpus import Utterance
from speech.errors import SpeechError
from speech.sources import Clip, read_source

_FRAME_S = 0.05
_LOUD = 0.98  # quantile of the frames' power: of 30 s the loudest 0.6 do not count, so that clicks and bangs do not
#: What would need more gain is the silence of a recorder.
MOST_GAIN_DB = 70.0
_BELOW_MEDIAN_DB = 5.0  # of the recordings of training; a quarter of those of the included model are 3.4 dB below it
_MEASURED = 200  # recordings of training


@dataclass(frozen=True, kw_only=True)
class LoudnessConfig:
    """How loud a model wants recordings; its card holds it as `loudness`.

    Attributes
    ----------
    least_db : float, optional
        Recordings whose `loudness_db` is less are made so loud; none are without it.
    """

    least_db: float | None = None

    def __post_init__(self):
        if self.least_db is not None and not -200.0 <= self.least_db <= 0.0:
            raise ValueError(f"least_db must be from -200 to 0, got {self.least_db}")

    def applied(self, waveform: np.ndarray, sample_rate_hz: int) -> np.ndarray:
        """A recording, float32 [N], as loud as it is wanted."""
        return amplified(waveform, self.gain(loudness_db(waveform, sample_rate_hz)))

    def gain(self, found_db: float) -> float:
        """Factor for the samples of a recording that is so loud, 1 for most."""
        wanted_db = 0.0 if self.least_db is None else self.least_db - found_db
        return 10.0 ** (wanted_db / 20.0) if 0.0 < wanted_db <= MOST_GAIN_DB else 1.0


def loudness_of(loaded: LoadedModel, source: str) -> LoudnessConfig:
    """As the model's card says.

    Raises
    ------
    ConfigError
        The card's settings are unknown or cannot be.
    """
    return from_dict(LoudnessConfig, loaded.card.get("loudness", {}), "loudness.", source)


def loudness_db(waveform: np.ndarray, sample_rate_hz: int) -> float:
    """Level of the loud frames of a waveform, float [N], in dB below full scale; -inf for digital silence.

    >>> round(loudness_db(np.full(16_000, 0.1), 16_000), 1)
    -20.0
    """
    size = min(len(waveform), max(1, round(_FRAME_S * sample_rate_hz)))
    count = len(waveform) // size if size else 0
    if not count:
        return -math.inf
    frames = waveform[: count * size].reshape(count, size)
    loud = float(np.quantile(np.einsum("ij,ij->i", frames, frames) / size, _LOUD))
    return 10.0 * math.log10(loud) if loud > 0 else -math.inf


def amplified(waveform: np.ndarray, gain: float) -> np.ndarray:
    """A waveform times a gain, float32 [N]; itself if that is 1."""
    return waveform if gain == 1.0 else waveform * np.float32(gain)


def trained_loudness(utterances: Sequence[Utterance], sample_rate_hz: int) -> dict[str, Any]:
    """What a card says of a model trained on these recordings, from 200 of them at most; {} if none can be read."""
    found = []
    for utterance in utterances[:: max(1, -(-len(utterances) // _MEASURED))]:
        try:
            waveform = read_source(Clip.of(utterance), sample_rate_hz=sample_rate_hz)
        except SpeechError:  # named where its features are computed
            continue
        found.append(loudness_db(waveform, sample_rate_hz))
    audible = [level for level in found if level > -math.inf]
    return {"least_db": round(float(np.median(audible)) - _BELOW_MEDIAN_DB, 1)} if audible else {}
