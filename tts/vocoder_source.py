"""What excites the vocoder's filters: a pulse for each period of the asked pitch, and noise.

Legend: T frames, hop samples of a frame.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np

from tts.contract import AudioContract

# A pulse lies between samples: a sinc of this reach, one of `_POSITIONS` tables for its place between two samples.
_REACH = 16
LEAD = _REACH + 1
_POSITIONS = 256


@dataclass
class PitchState:
    """Where the last pulse train stopped, so that the next chunk goes on there.

    Attributes
    ----------
    phase : periods since the last pulse, 0..1
    last_f0_hz : pitch of the frame before, 0 where unvoiced
    """

    phase: float = 0.0
    last_f0_hz: float = 0.0


@cache
def _pulses() -> np.ndarray:
    """Windowed sincs centred `i / _POSITIONS` after the middle sample, float32 [_POSITIONS + 1, 2 _REACH + 1]."""
    fraction = np.arange(_POSITIONS + 1)[:, None] / _POSITIONS
    offset = np.arange(-_REACH, _REACH + 1)[None, :] - fraction
    window = 0.5 + 0.5 * np.cos(np.pi * np.clip(offset / (_REACH + 1), -1, 1))
    return (np.sinc(offset) * window).astype(np.float32)


def sample_pitch(f0_hz: np.ndarray, hop: int, before_hz: float = 0.0, after_hz: float = 0.0) -> np.ndarray:
    """Pitch of every sample: a line between the middles of two voiced frames, constant beside an unvoiced one.

    Parameters
    ----------
    f0_hz : float [T], 0 where unvoiced
    hop : even
    before_hz, after_hz : pitch of the frames in front and behind, 0 if unvoiced or none

    Returns
    -------
    float64 [T * hop] : 0 in unvoiced frames

    >>> sample_pitch(np.array([100.0, 108.0, 0.0]), 4).tolist()
    [100.0, 100.0, 101.0, 103.0, 105.0, 107.0, 108.0, 108.0, 0.0, 0.0, 0.0, 0.0]
    """
    f0 = np.asarray(f0_hz, np.float64)
    before = np.concatenate([[before_hz], f0[:-1]])
    after = np.concatenate([f0[1:], [after_hz]])
    before = np.where(before > 0, before, f0)[:, None]
    after = np.where(after > 0, after, f0)[:, None]
    half = hop // 2
    weight = (np.arange(half) + 0.5) / hop  # of the further frame: 0 at the middle, 1/2 at the edge
    first = f0[:, None] + (before - f0[:, None]) * weight[::-1]
    second = f0[:, None] + (after - f0[:, None]) * weight
    return np.where(f0[:, None] > 0, np.concatenate([first, second], axis=1), 0.0).reshape(-1)


def pulse_train(
    f0_hz: np.ndarray, contract: AudioContract, state: PitchState | None = None, after_hz: float = 0.0
) -> tuple[np.ndarray, np.ndarray]:
    """Pulses at the asked pitch, of power 1 whatever the pitch, and the phase within the period.

    Parameters
    ----------
    f0_hz : float [T], 0 where unvoiced
    contract : AudioContract
    state : PitchState, optional
        Continued from and brought forward; a new train without.
    after_hz : pitch of the frame that follows, which bends the last half frame

    Returns
    -------
    pulses : float32 [T * hop + 2 LEAD]
        Begins `LEAD` samples early and ends as much late, since a pulse reaches that far to either side.
    phase : float32 [T * hop], periods since the last pulse, 0..1
    """
    state = state or PitchState()
    hop, rate = contract.hop_samples, contract.sample_rate_hz
    f0 = np.asarray(f0_hz, np.float64)
    pitch = sample_pitch(f0, hop, state.last_f0_hz, after_hz)
    phase = state.phase + np.cumsum(pitch) / rate
    pulses = np.zeros(len(pitch) + 2 * LEAD, np.float32)
    at = np.flatnonzero(np.diff(np.floor(phase), prepend=0.0))
    if len(at):
        step = pitch[at] / rate
        late = (phase[at] - np.floor(phase[at])) / step  # samples since the pulse, 0..1
        shapes = _pulses()[np.rint((1.0 - late) * _POSITIONS).astype(np.int64)] / np.sqrt(step)[:, None]
        places = at[:, None] - 1 + LEAD - _REACH + np.arange(2 * _REACH + 1)
        np.add.at(pulses, places, shapes.astype(np.float32))
    if len(f0):
        state.phase, state.last_f0_hz = float(phase[-1] % 1.0), float(f0[-1])
    return pulses, (phase % 1.0).astype(np.float32)
