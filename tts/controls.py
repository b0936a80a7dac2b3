"""How a text may be changed as a whole, and how far: rate, pitch, energy, pauses."""

from dataclasses import dataclass
from numbers import Real

from speech.errors import SpeechError

#: Greatest change of each control, for a whole text or a word.
RATE_RANGE = (0.25, 4.0)
PITCH_RANGE_SEMITONES = (-24.0, 24.0)
ENERGY_RANGE_DB = (-60.0, 30.0)
PAUSE_RANGE = (0.0, 20.0)


class ProsodyError(SpeechError):
    """A control beyond its range; the message names it."""


@dataclass(frozen=True, kw_only=True)
class Controls:
    """Changes to a whole text.

    Attributes
    ----------
    rate : how much faster phones follow one another; pauses stay as they are
    pitch : semitones up or down
    energy : dB up or down
    pause : how much longer pauses are; phones stay as they are
    """

    rate: float = 1.0
    pitch: float = 0.0
    energy: float = 0.0
    pause: float = 1.0

    def __post_init__(self):
        check_range("rate", self.rate, RATE_RANGE)
        check_range("pitch", self.pitch, PITCH_RANGE_SEMITONES)
        check_range("energy", self.energy, ENERGY_RANGE_DB)
        check_range("pause", self.pause, PAUSE_RANGE)


def check_range(name: str, value: float, allowed: tuple[float, float]) -> None:
    """Raise ProsodyError unless `value` is a number within `allowed`."""
    if not isinstance(value, Real) or not allowed[0] <= value <= allowed[1]:
        found = value if isinstance(value, Real) else repr(value)  # "1" is no number
        raise ProsodyError(f"{name} must be from {allowed[0]:g} to {allowed[1]:g}, got {found}")
