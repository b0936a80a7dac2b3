"""Values of SSML's attributes: lengths of breaks, and what prosody elements ask."""

import math
import re
from collections.abc import Callable, Sequence

from speech.errors import SpeechError
from tts.controls import ENERGY_RANGE_DB, PITCH_RANGE_SEMITONES, RATE_RANGE, ProsodyError, check_range
from tts.script import Change

_STRENGTHS_S = {"none": 0.0, "x-weak": 0.1, "weak": 0.2, "medium": 0.35, "strong": 0.6, "x-strong": 1.0}
_RATES = {"x-slow": 0.5, "slow": 0.75, "medium": 1.0, "default": 1.0, "fast": 1.3, "x-fast": 1.7}
_PITCHES = {"x-low": -6.0, "low": -3.0, "medium": 0.0, "default": 0.0, "high": 3.0, "x-high": 6.0}
_VOLUMES = {"x-soft": -12.0, "soft": -6.0, "medium": 0.0, "default": 0.0, "loud": 4.0, "x-loud": 8.0}
_LONGEST_BREAK_S = 60.0
_NUMBER = r"([0-9]+\.?[0-9]*|\.[0-9]+)"  # of the standard: 1, 1.5, 1. and .5


class SsmlError(SpeechError):
    """SSML that is not well-formed or beyond the subset; the message names what and where."""


def read_seconds(attributes: dict[str, str], place: str) -> float:
    """Length of a break."""
    strength = attributes.get("strength", "medium")
    if strength not in _STRENGTHS_S:
        raise SsmlError(f'{place}: strength="{strength}" of <break> is not understood; known: {_list(_STRENGTHS_S)}')
    if "time" not in attributes:
        return _STRENGTHS_S[strength]
    match = re.fullmatch(rf"\+?{_NUMBER}(ms|s)", attributes["time"].strip())
    seconds = float(match[1]) * (0.001 if match[2] == "ms" else 1.0) if match else -1.0
    if not 0.0 <= seconds <= _LONGEST_BREAK_S:
        raise SsmlError(
            f'{place}: time="{attributes["time"]}" of <break> is not understood; write 250ms or 1.5s, at most 60 s'
        )
    return seconds


def read_change(attributes: dict[str, str], start: int, place: str) -> Change:
    """What a prosody element that begins at character `start` asks."""
    if not attributes:
        raise SsmlError(f"{place}: <prosody> needs rate, pitch or volume")
    rate = _value(attributes.get("rate", "default"), _RATES, _rate, "rate", "80% or 1.2", place)
    pitch = _value(attributes.get("pitch", "default"), _PITCHES, _pitch, "pitch", "+2st or -10%", place)
    energy = _value(attributes.get("volume", "default"), _VOLUMES, _volume, "volume", "+6dB", place)
    return Change(start, start, rate, pitch, energy)


def check_sum(changes: Sequence[Change], place: str) -> None:
    """Raise SsmlError if what nested prosody elements ask, the last at `place`, adds up to more than words take."""
    total = Change.sum(changes)
    try:
        check_range("rate", total.rate, RATE_RANGE)
        check_range("pitch", total.pitch, PITCH_RANGE_SEMITONES)
        check_range("volume", total.energy, ENERGY_RANGE_DB)
    except ProsodyError as error:
        together = " together with those around it" if len(changes) > 1 else ""
        raise SsmlError(f"{place}: <prosody>{together}: {error}") from error


def _value(
    text: str, names: dict[str, float], read: Callable[[str], float | None], key: str, example: str, place: str
) -> float:
    """A named value, or a number that `read` understands."""
    text = text.strip()
    found = names[text] if text in names else read(text)
    if found is None:
        raise SsmlError(
            f'{place}: {key}="{text}" of <prosody> is not understood; write {example}, or one of {_list(names)}'
        )
    return found


def _rate(text: str) -> float | None:
    match = re.fullmatch(rf"([+-]?){_NUMBER}(%?)", text)
    if not match or (match[1] and not match[3]):
        return None
    value = float(match[2]) / (100.0 if match[3] else 1.0)
    return {"": value, "+": 1.0 + value, "-": 1.0 - value}[match[1]]


def _pitch(text: str) -> float | None:
    match = re.fullmatch(rf"([+-]){_NUMBER}(st|%)", text)
    if not match:
        return None
    value = float(match[1] + match[2])
    if match[3] == "st":
        return value
    return 12.0 * math.log2(1.0 + value / 100.0) if value > -100.0 else None


def _volume(text: str) -> float | None:
    match = re.fullmatch(rf"([+-]){_NUMBER}dB", text)
    return float(match[1] + match[2]) if match else None


def _list(names: dict[str, float]) -> str:
    return ", ".join(names)
