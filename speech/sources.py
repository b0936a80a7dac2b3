"""What can be transcribed: files, parts of files, streams and arrays, all as blocks of mono samples."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, TypeAlias

import numpy as np
import torch

from speech import audio
from speech.channels import mean_of
from speech.corpus import Utterance
from speech.decoders import RATES_HZ
from speech.errors import AudioError


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A part of a file, or a file without a header.

    Attributes
    ----------
    path : path, "-" (standard input) or binary file
    offset_s, duration_s : float
        `duration_s` seconds (None: all that is left) from `offset_s` on.
    raw : RawFormat, optional
        Take the bytes as headerless samples.
    """

    path: str | Path | BinaryIO
    offset_s: float = 0.0
    duration_s: float | None = None
    raw: audio.RawFormat | None = None

    @classmethod
    def of(cls, utterance: Utterance) -> "Clip":
        """The stretch of its recording that an utterance of a manifest is."""
        return cls(path=utterance.audio_filepath, offset_s=utterance.offset, duration_s=utterance.duration)


MOST_CHANNELS = 256
"""An array of more channels than this and than samples has its axes the other way round."""
Source: TypeAlias = str | os.PathLike[str] | BinaryIO | Clip | np.ndarray
BLOCK_S = 30.0
_NEARLY_SILENT = 1 << 8  # of integers; samples of 16 bits that are speech go further
_WIDTHS = (16, 24, 32)  # bits of samples


def open_source(
    source: Source,
    *,
    sample_rate_hz: int,
    array_rate_hz: int | None = None,
    channel: int | None = None,
) -> Iterator[np.ndarray]:
    """Blocks of a recording.

    Parameters
    ----------
    source : path, "-", binary file, Clip or array ([N] or [N, channels])
    sample_rate_hz : rate of the blocks
    array_rate_hz : rate of `source` where it is an array
    channel : channel to take, from 0; the mean of all by default

    Returns
    -------
    iterator of float32 [n]

    Raises
    ------
    AudioError
        Unreadable, while opening or later.
    ValueError
        An array that is not audio, or without a rate.
    TypeError
        Nothing of the kinds above, a list of samples for example.
    """
    if isinstance(source, Clip):
        return audio.stream(
            source.path,
            sample_rate_hz=sample_rate_hz,
            channel=channel,
            block_s=BLOCK_S,
            offset_s=source.offset_s,
            duration_s=source.duration_s,
            raw=source.raw,
        )
    if isinstance(source, torch.Tensor):  # NumPy has no bfloat16
        tensor = source.detach().cpu()
        source = (tensor.float() if tensor.is_floating_point() else tensor).numpy()
    if hasattr(source, "__array__"):
        source = np.asarray(source)
    if isinstance(source, np.ndarray):
        if array_rate_hz is None:
            raise ValueError("an array needs its sample rate: transcribe(array, sample_rate=16000)")
        lowest, highest = RATES_HZ  # less is kilohertz
        if isinstance(array_rate_hz, str) or not lowest <= float(array_rate_hz) <= highest:
            raise ValueError(f"sample_rate: expected samples a second, such as 16000, got {array_rate_hz!r}")
        return iter([audio.resample(_mono(source, channel), array_rate_hz, sample_rate_hz)])
    if not isinstance(source, (str, os.PathLike)) and not hasattr(source, "seekable"):
        raise TypeError(
            f"a {type(source).__name__} cannot be transcribed: give a path, an open binary file, a Clip or an "
            "array; a list of samples becomes one with np.asarray(samples, np.float32)"
        )
    return audio.stream(source, sample_rate_hz=sample_rate_hz, channel=channel, block_s=BLOCK_S)


def read_source(
    source: Source, *, sample_rate_hz: int, array_rate_hz: int | None = None, channel: int | None = None
) -> np.ndarray:
    """A whole recording, float32 [N]; arguments and errors as those of `open_source`."""
    blocks = open_source(source, sample_rate_hz=sample_rate_hz, array_rate_hz=array_rate_hz, channel=channel)
    return np.concatenate([np.zeros(0, np.float32), *blocks])


def source_name(source: Source) -> str:
    """What a transcript calls its source; empty for arrays."""
    if isinstance(source, Clip):
        source = source.path
    if isinstance(source, (str, os.PathLike)):
        return os.fspath(source)
    name = getattr(source, "name", "")
    return name if isinstance(name, str) else ""


def _mono(samples: np.ndarray, channel: int | None) -> np.ndarray:
    """Array [N] or [N, channels], float or integer -> float32 [N]."""
    if samples.ndim not in (1, 2) or samples.dtype.kind not in "fi":
        raise ValueError(
            f"an array must be float or signed integer, [N] or [N, channels], got {samples.dtype} {samples.shape}"
        )
    if samples.ndim == 1 and channel:
        raise AudioError(f"the array has no channel {channel}; it has channel 0 only")
    if samples.size == 0:
        raise AudioError("the array contains no audio (0 samples)")
    if samples.ndim == 2 and samples.shape[1] > max(samples.shape[0], MOST_CHANNELS):
        raise ValueError(f"an array is [N, channels], got {samples.shape}; transpose it")
    peak = max(abs(float(samples.max())), abs(float(samples.min())))
    if samples.dtype.kind == "f" and audio.LARGEST_SAMPLE < peak < np.inf:
        raise AudioError(f"the array has samples up to {peak:g}, but full scale is 1; rescale it")
    if samples.dtype.kind == "i":
        _check_width(samples, peak)
    scale = 1.0 if samples.dtype.kind == "f" else -1.0 / np.iinfo(samples.dtype).min
    samples = samples.astype(np.float32) * np.float32(scale)
    if samples.ndim == 2:
        if channel is not None and not 0 <= channel < samples.shape[1]:
            raise AudioError(f"the array has no channel {channel}; channels are 0 to {samples.shape[1] - 1}")
        samples = mean_of(samples) if channel is None else samples[:, channel]
    if not np.isfinite(samples).all():
        raise AudioError("the array has NaN or infinite samples")
    return samples


def _check_width(samples: np.ndarray, peak: float) -> None:
    """Refuse integers in a type so much wider that they would be all but silent, samples of 24 bits in int32 say.

    What is quiet but of the whole width has zeros for the bits that its recorder did not have, 16 at least.
    """
    dtype = samples.dtype
    bits = next(width for width in (*_WIDTHS, 64) if peak <= 1 << width - 1)
    shifted = dtype.itemsize == 4 and not int(np.bitwise_or.reduce(samples, axis=None)) & 0xFFFF
    if peak > _NEARLY_SILENT and bits < 8 * dtype.itemsize and not shifted:
        remedy = "array.astype(np.int16)" if bits == 16 else f"array / 2.0**{bits - 1}"
        raise AudioError(
            f"the array is of {dtype}, whose full scale is {-float(np.iinfo(dtype).min):.0f}, but its samples go up to"
            f" {peak:.0f} only; if they are of {bits} bits, give {remedy}"
        )
