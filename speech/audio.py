"""Audio in and out: any file or stream -> float32 mono samples, with damage reported, never hidden.

libsndfile (through `soundfile`) reads wav, flac, mp3, ogg (Vorbis, Opus), aiff, au, caf, w64 and NIST
sphere; containers that it cannot read (m4a, mp4, webm, ...) go through PyAV when the extra `media` is
installed (both in `speech.decoders`). Rates change with soxr. A recording that was cut short is an
error, because a silently shorter one spoils transcripts and training pairs.
"""

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from speech.channels import one_channel
from speech.decoders import HEADERLESS_SUFFIXES, MEDIA_SUFFIXES, SNDFILE_SUFFIXES, Decoder, RawFormat, Samples, opened
from speech.errors import AudioError
from speech.files import replacing
from speech.streams import Source, source_name

__all__ = [
    "HEADERLESS_SUFFIXES",
    "MEDIA_SUFFIXES",
    "SNDFILE_SUFFIXES",
    "AudioInfo",
    "RawFormat",
    "info",
    "read",
    "resample",
    "stream",
    "write",
]

_LOG = logging.getLogger(__name__)
_SHORTFALL_S = 0.1  # a manifest's rounded `offset + duration` may pass the end by this much
WRITE_FRAMES = 1 << 16  # libsndfile's Vorbis encoder keeps all that it is given at once on the stack
SPEECH_RATE_HZ = 6000  # below, half of what tells the sounds of speech apart is not in a recording
LARGEST_SAMPLE = 64.0  # 36 dB over full scale: integers kept in a float file, not loud speech


@dataclass(frozen=True)
class AudioInfo:
    """What a recording's header says.

    Attributes
    ----------
    duration_s : float
    sample_rate_hz : int
    num_channels : int
    """

    duration_s: float
    sample_rate_hz: int
    num_channels: int


def info(source: Source, *, raw: RawFormat | None = None) -> AudioInfo:
    """Duration, rate and channels without decoding (0.5 ms a file; Ogg and mp3 up to 0.05 s an hour).

    Only where a header gives no length (m4a, webm, flac from a pipe) is the file decoded.

    Parameters
    ----------
    source : path, "-" or binary file object
    raw : RawFormat, optional
        Take the bytes as headerless samples.

    Returns
    -------
    AudioInfo

    Raises
    ------
    AudioError
        Missing, empty, not audio, or cut short as far as the header shows (not seen for flac).
    """
    with opened(source, raw) as decoder:
        num_samples, rate = decoder.num_frames, decoder.sample_rate_hz
        if num_samples is None:
            num_samples = sum(len(block) for block in decoder.blocks(0, None))
        _check_not_empty(num_samples, source_name(source))
        return AudioInfo(num_samples / rate, rate, decoder.num_channels)


def read(
    source: Source,
    *,
    sample_rate_hz: int | None = None,
    channel: int | None = None,
    offset_s: float = 0.0,
    duration_s: float | None = None,
    raw: RawFormat | None = None,
) -> tuple[Samples, int]:
    """Read a recording, or a part of it, as mono samples.

    Parameters
    ----------
    source : path, "-" (standard input) or binary file object
    sample_rate_hz : int, optional
        Rate wanted; the file's own when None.
    channel : int, optional
        Take this channel (from 0); by default all channels are averaged.
    offset_s, duration_s : float, optional
        Part to read, seconds. A part that ends over 0.1 s after the recording is an error.
    raw : RawFormat, optional
        Take the bytes as headerless samples.

    Returns
    -------
    waveform : float32 [N]
        Full scale is 1; lossy decoders and resampling may pass it slightly.
    sample_rate_hz : int

    Raises
    ------
    AudioError
        Missing, empty, cut short, not audio, NaN or infinite samples, no such channel, or a part
        outside the recording.
    """
    name = source_name(source)
    with opened(source, raw) as decoder:
        blocks = list(_mono_part(decoder, offset_s, duration_s, channel, name))
        rate = decoder.sample_rate_hz
    waveform = np.concatenate(blocks)
    if sample_rate_hz is None:
        return waveform, rate
    return resample(waveform, rate, sample_rate_hz), sample_rate_hz


def stream(
    source: Source,
    *,
    sample_rate_hz: int,
    channel: int | None = None,
    block_s: float = 30.0,
    offset_s: float = 0.0,
    duration_s: float | None = None,
    raw: RawFormat | None = None,
) -> Iterator[Samples]:
    """Read a recording of any length, or a part of it, in blocks, in memory that does not grow with it.

    The joined blocks equal what `read` gives. A pipe is spooled first, to disk from 32 MiB on. An error
    late in the file is raised when that place is reached.

    Parameters
    ----------
    source, channel, offset_s, duration_s, raw
        As in `read`.
    sample_rate_hz : int
        Rate of the blocks.
    block_s : float
        Length of every block but the last, seconds.

    Yields
    ------
    float32 [n]
        n = round(block_s * sample_rate_hz), 1 to that many in the last block.

    Raises
    ------
    AudioError
        As `read`.
    """
    block_samples = round(block_s * sample_rate_hz)
    if block_samples < 1:
        raise ValueError(f"block_s must hold at least one sample, got {block_s} s")
    name = source_name(source)
    pending = np.zeros(0, np.float32)
    with opened(source, raw) as decoder:
        if decoder.sample_rate_hz < min(SPEECH_RATE_HZ, sample_rate_hz):
            _warn_of_rate(name, decoder.sample_rate_hz)
        mono = _mono_part(decoder, offset_s, duration_s, channel, name)
        for piece in _resampled(mono, decoder.sample_rate_hz, sample_rate_hz):
            pending = np.concatenate([pending, piece])
            while len(pending) >= block_samples:
                yield pending[:block_samples]
                pending = pending[block_samples:]
    if len(pending):
        yield pending


@lru_cache(maxsize=1000)  # of a file many parts may be read
def _warn_of_rate(name: str, rate_hz: int) -> None:
    _LOG.warning("%s: has %d samples a second, too few to tell words by; record speech with 16000", name, rate_hz)


def write(path: str | os.PathLike[str], waveform: npt.ArrayLike, sample_rate_hz: int) -> None:
    """Write mono samples; the suffix chooses the format (.wav has 16 bits, .opus is Ogg Opus).

    Parameters
    ----------
    path : path
        The file appears complete or not at all.
    waveform : float [N]
        Values outside [-1, 1] are clipped.
    sample_rate_hz : int

    Raises
    ------
    AudioError
        Not one-dimensional, NaN or infinite samples, unknown suffix, or a folder that cannot be written.
    """
    samples = np.asarray(waveform, np.float32)
    if samples.ndim != 1:
        raise AudioError(f"{path}: a waveform [N] is needed, got shape {list(samples.shape)}")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: not written, the waveform has NaN or infinite samples")
    options: dict[str, Any] = {"format": Path(path).suffix[1:].upper()}
    if options["format"] == "OPUS":
        options = {"format": "OGG", "subtype": "OPUS"}
    if options["format"] not in soundfile.available_formats():
        raise AudioError(f"{path}: the suffix must name a format of sound, such as .wav, .flac, .ogg, .opus or .mp3")
    if not Path(path).parent.is_dir():
        raise AudioError(f"{path}: there is no folder {Path(path).parent}; make it first")
    try:
        with replacing(path) as partial:
            with soundfile.SoundFile(partial, "w", sample_rate_hz, channels=1, **options) as file:
                for start in range(0, len(samples), WRITE_FRAMES):
                    file.write(np.clip(samples[start : start + WRITE_FRAMES], -1.0, 1.0))
    except (soundfile.SoundFileError, OSError, TypeError, ValueError) as error:
        raise AudioError(f"{path}: cannot be written ({str(error).rstrip('.')})") from error


def resample(waveform: npt.ArrayLike, from_hz: int, to_hz: int) -> Samples:
    """Change the sampling rate with soxr's "HQ" filter.

    Parameters
    ----------
    waveform : float [N]
    from_hz, to_hz : int

    Returns
    -------
    float32 [round(N * to_hz / from_hz)]

    Raises
    ------
    ValueError
        A rate is not positive.
    """
    if from_hz <= 0 or to_hz <= 0:
        raise ValueError(f"sampling rates must be positive, got {from_hz} and {to_hz} Hz")
    samples = np.asarray(waveform, np.float32)
    return samples if from_hz == to_hz else soxr.resample(samples, from_hz, to_hz, quality="HQ")


def _resampled(blocks: Iterator[Samples], from_hz: int, to_hz: int) -> Iterator[Samples]:
    """Bring blocks [n] to another rate, filtering across the seams."""
    if to_hz <= 0:
        raise ValueError(f"sampling rates must be positive, got {to_hz} Hz")
    if from_hz == to_hz:
        yield from blocks
        return
    resampler = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality="HQ")
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


def _part(decoder: Decoder, offset_s: float, duration_s: float | None, name: str) -> tuple[int, int | None]:
    """First sample and number of samples of a part; None where only decoding tells."""
    if not offset_s >= 0 or (duration_s is not None and not duration_s > 0):
        raise AudioError(f"{name}: needs offset_s >= 0 and duration_s > 0, got {offset_s} and {duration_s}")
    rate, total = decoder.sample_rate_hz, decoder.num_frames
    start = round(offset_s * rate)
    count = None if duration_s is None else max(1, round(duration_s * rate))
    if total is None:
        return start, count
    if start and start >= total:
        raise AudioError(f"{name}: offset {offset_s:g} s is after the end ({total / rate:g} s)")
    if count is not None and start + count > total + _SHORTFALL_S * rate:
        raise AudioError(f"{name}: is {total / rate:g} s long, the part asked for ends at {(start + count) / rate:g} s")
    return start, total - start if count is None else min(count, total - start)


def _mono_part(
    decoder: Decoder, offset_s: float, duration_s: float | None, channel: int | None, name: str
) -> Iterator[Samples]:
    """Blocks [n] of a part, and at its end the check that all of it was there."""
    start, count = _part(decoder, offset_s, duration_s, name)
    num_samples, rate = 0, decoder.sample_rate_hz
    for block in one_channel(_checked_blocks(decoder, start, count, channel, name), channel, name):
        num_samples += len(block)
        yield block
    if start and not num_samples:
        raise AudioError(f"{name}: offset {offset_s:g} s is after the end")
    _check_not_empty(num_samples, name)
    if decoder.num_frames is None and count is not None and num_samples + _SHORTFALL_S * rate < count:
        end_s, wanted_s = (start + num_samples) / rate, (start + count) / rate
        raise AudioError(f"{name}: is {end_s:g} s long, the part asked for ends at {wanted_s:g} s")


def _checked_blocks(
    decoder: Decoder, start: int, count: int | None, channel: int | None, name: str
) -> Iterator[Samples]:
    """Blocks [n, channels] of samples that can be."""
    num_channels = decoder.num_channels
    if channel is not None and not 0 <= channel < num_channels:
        there = f"channels 0 to {num_channels - 1}" if num_channels > 1 else "channel 0 only"
        raise AudioError(f"{name}: has {there}, not channel {channel}")
    for block in decoder.blocks(start, count):
        peak = float(np.abs(block).max(initial=0.0))
        if not np.isfinite(peak):
            raise AudioError(f"{name}: has NaN or infinite samples")
        if peak > LARGEST_SAMPLE:
            raise AudioError(f"{name}: has samples up to {peak:g}, but full scale is 1; rescale it")
        yield block


def _check_not_empty(num_samples: int, name: str) -> None:
    """Refuse a recording without samples."""
    if num_samples == 0:
        raise AudioError(f"{name}: contains no audio (0 samples)")
