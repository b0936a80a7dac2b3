"""A picture of speech, drawn without any library: mel spectrogram, pitch, words and phones, as SVG."""

import base64
import html
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from speech.errors import AudioError

if TYPE_CHECKING:
    from tts.sound import Audio

_PIXELS_A_SECOND = 260
_SPECTROGRAM_HEIGHT = 200
_PITCH_RANGE_HZ = (70.0, 500.0)
#: Colours from quiet to loud, red, green, blue; between them straight lines.
_COLOURS = np.array([(12, 10, 40), (70, 25, 110), (160, 45, 110), (230, 95, 70), (252, 180, 80), (250, 250, 190)])


@dataclass(frozen=True)
class Picture:
    """An SVG picture that a notebook shows."""

    svg: str

    def _repr_svg_(self) -> str:
        return self.svg

    def save(self, path: str | Path) -> None:
        """Write the SVG file.

        Raises
        ------
        AudioError
            It cannot be written, or its name ends as another kind of picture does.
        """
        if Path(path).suffix.lower() != ".svg":
            raise AudioError(f"{path}: pictures are written as SVG; let the name end in .svg")
        try:
            Path(path).write_text(self.svg, encoding="utf-8")
        except OSError as error:
            raise AudioError(f"{path}: cannot be written ({error.strerror})") from error


def draw(sound: "Audio") -> Picture:
    """Spectrogram with the pitch over it (70 to 500 Hz, logarithmic), words above, phones below."""
    width = max(1.0, sound.duration_s * _PIXELS_A_SECOND)
    top, bottom = 20, 20 + _SPECTROGRAM_HEIGHT
    frames_width = len(sound.mel) * sound.hop_s * _PIXELS_A_SECOND
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width:.0f}" height="{bottom + 22}" '
        'font-family="sans-serif" font-size="11">'
    ]
    if len(sound.mel):
        parts.append(
            f'<image x="0" y="{top}" width="{frames_width:.1f}" height="{_SPECTROGRAM_HEIGHT}" '
            f'preserveAspectRatio="none" href="{_image(sound.mel)}"/>'
        )
    for points in _pitch_lines(sound.f0_hz, sound.hop_s, bottom):
        parts.append(f'<polyline points="{points}" fill="none" stroke="#4df" stroke-width="2"/>')
    for word in sound.words:
        x = word.start_s * _PIXELS_A_SECOND
        middle = (word.start_s + word.end_s) / 2 * _PIXELS_A_SECOND
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="0" y2="{bottom}" stroke="#fff" stroke-opacity="0.5"/>')
        parts.append(f'<text x="{middle:.1f}" y="14" text-anchor="middle">{html.escape(word.word)}</text>')
    for phone in sound.phones:
        x = phone.start_s * _PIXELS_A_SECOND
        middle = (phone.start_s + phone.end_s) / 2 * _PIXELS_A_SECOND
        parts.append(f'<line x1="{x:.1f}" x2="{x:.1f}" y1="{bottom}" y2="{bottom + 5}" stroke="#888"/>')
        if phone.phone not in ("SIL", "SP"):
            parts.append(
                f'<text x="{middle:.1f}" y="{bottom + 16}" text-anchor="middle" font-size="9">{phone.phone}</text>'
            )
    return Picture("\n".join([*parts, "</svg>"]))


def _pitch_lines(f0_hz: np.ndarray, hop_s: float, bottom: float) -> list[str]:
    """Points of each voiced stretch."""
    low, high = np.log(_PITCH_RANGE_HZ)
    lines: list[list[str]] = [[]]
    for index, value in enumerate(f0_hz):
        if value <= 0:
            lines.append([])
            continue
        height = float(np.clip((np.log(value) - low) / (high - low), 0.0, 1.0)) * _SPECTROGRAM_HEIGHT
        lines[-1].append(f"{(index + 0.5) * hop_s * _PIXELS_A_SECOND:.1f},{bottom - height:.1f}")
    return [" ".join(line) for line in lines if len(line) > 1]


def _image(mel: np.ndarray) -> str:
    """The mel [T, M] as a PNG in a data address, low bands at the bottom."""
    low, high = np.percentile(mel, 2), np.percentile(mel, 99.5)
    level = np.clip((mel.T[::-1] - low) / max(high - low, 1e-6), 0.0, 1.0) * (len(_COLOURS) - 1)
    places = np.arange(len(_COLOURS))
    pixels = np.stack([np.interp(level, places, _COLOURS[:, channel]) for channel in range(3)], axis=2)
    return "data:image/png;base64," + base64.b64encode(_png(pixels.astype(np.uint8))).decode()


def _png(pixels: np.ndarray) -> bytes:
    """A PNG file of uint8 [height, width, 3] (ISO/IEC 15948)."""
    height, width, _ = pixels.shape

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    rows = np.concatenate([np.zeros((height, 1), np.uint8), pixels.reshape(height, -1)], axis=1)
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    body = chunk(b"IHDR", header) + chunk(b"IDAT", zlib.compress(rows.tobytes())) + chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + body
