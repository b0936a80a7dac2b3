"""Audio in and out: any file or stream -> float32 mono samples, with damage reported, never hidden.

libsndfile (through `soundfile`) reads wav, flac, mp3, ogg (Vorbis, Opus), aiff, au, caf, w64 and NIST sphere. Containers
that it cannot read (m4a, mp4, webm, ...) go through PyAV when the extra `media` is installed. Rates change with soxr.

A recording cut short is an error, because a silently shorter recording spoils transcripts and training pairs. libsndfile
itself reports this for flac only, so the sizes that headers promise are compared with what is there (wav, aiff, au), the
last page of an Ogg file must carry the end mark (RFC 3533, section 6), and fewer decoded frames than the header promised
are refused (mp3 with a Xing or Info header, matroska). An mp3 without such a header has no promise to compare with.
"""

import contextlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from speech.errors import AudioError

Source: TypeAlias = str | os.PathLike[str] | BinaryIO
Samples: TypeAlias = npt.NDArray[np.float32]

# Suffixes worth offering to the reader: what libsndfile reads, then what PyAV adds.
SNDFILE_SUFFIXES = frozenset(
    ".wav .wave .flac .mp3 .ogg .oga .opus .aiff .aif .aifc .au .snd .caf .w64 .rf64 .sph .nist".split()
)
MEDIA_SUFFIXES = frozenset(
    ".m4a .mp4 .m4b .mov .aac .webm .mkv .mka .wma .amr .3gp .avi .ts".split()
)

_MEDIA_MAGIC = (b"\x1aE\xdf\xa3", b"0&\xb2u", b"#!AMR", b"FLV\x01", b"\xff\xf1", b"\xff\xf9")
_BLOCK_FRAMES = 1 << 16  # decoded at a time; 1.5 s at 44.1 kHz, 0.5 MB in stereo
_SPOOL_BYTES = 1 << 25  # a pipe longer than 32 MiB continues on disk
_UNKNOWN_FRAMES = 1 << 62  # libsndfile answers 2^63 - 1 where a header gives no length
_STREAMED_BYTES = (
    0x7FFFF000  # sizes from here up (or 0) are what a writer to a pipe leaves in a header
)
_MP3_SLACK_FRAMES = (
    2 * 1152 + 529
)  # encoder padding and decoder delay that a header may or may not count
_SHORTFALL_S = 0.1  # a manifest's rounded `offset + duration` may pass the end by this much
_LARGEST_SAMPLE = 64.0  # 36 dB over full scale: integers kept in a float file, not loud speech


@dataclass(frozen=True)
class AudioInfo:
    """What a file's header says."""

    duration_s: float
    sample_rate_hz: int
    num_channels: int


@dataclass(frozen=True, kw_only=True)
class RawFormat:
    """How to read headerless samples, for example from a pipe; `encoding` is a libsndfile subtype."""

    sample_rate_hz: int = 16000
    num_channels: int = 1
    encoding: str = "PCM_16"


class _Decoder(Protocol):
    """An opened recording; `num_frames` is None where the header does not say."""

    sample_rate_hz: int
    num_channels: int
    num_frames: int | None

    def blocks(self, start: int, count: int | None) -> Iterator[Samples]:
        """Decoded blocks [n, channels] from frame `start`, `count` frames or to the end."""

    def close(self) -> None:
        """Release the file."""


def info(path: Source, *, raw: RawFormat | None = None) -> AudioInfo:
    """Duration, rate and channels from the header (0.4 ms a file, also for opus and mp3).

    Parameters
    ----------
    path : path, "-" or binary file object
    raw : RawFormat, optional
        Read headerless samples in this format.

    Returns
    -------
    AudioInfo

    Raises
    ------
    AudioError
        Missing, empty, cut short (as far as the header shows) or not audio.
    """
    name = _name(path)
    with _opened(path, raw) as decoder:
        num_frames = decoder.num_frames
        if num_frames is None:
            num_frames = sum(len(block) for block in decoder.blocks(0, None))
        if num_frames == 0:
            raise AudioError(f"{name}: contains no audio (0 samples).")
        return AudioInfo(
            num_frames / decoder.sample_rate_hz, decoder.sample_rate_hz, decoder.num_channels
        )


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
        Part to read, seconds. A part that ends more than 0.1 s after the recording is an error.
    raw : RawFormat, optional
        Read headerless samples in this format.

    Returns
    -------
    waveform : float32 [N]
        Full scale is 1; lossy decoders and resampling may pass it slightly.
    sample_rate_hz : int

    Raises
    ------
    AudioError
        Missing, empty, cut short, not audio, NaN or infinite samples, no such channel, part outside the recording.
    """
    name = _name(source)
    with _opened(source, raw) as decoder:
        start, count = _part_frames(decoder, offset_s, duration_s, name)
        blocks = list(_mono_blocks(decoder, start, count, channel, name))
        rate = decoder.sample_rate_hz
    waveform = np.concatenate(blocks) if blocks else np.zeros(0, np.float32)
    if len(waveform) == 0:
        raise AudioError(f"{name}: contains no audio (0 samples).")
    if sample_rate_hz is None or sample_rate_hz == rate:
        return waveform, rate
    return resample(waveform, rate, sample_rate_hz), sample_rate_hz


def stream(
    source: Source,
    *,
    sample_rate_hz: int,
    channel: int | None = None,
    block_s: float = 30.0,
    raw: RawFormat | None = None,
) -> Iterator[Samples]:
    """Read a recording of any length in blocks, in memory that does not grow with it.

    The blocks, joined, equal `read(source, sample_rate_hz=..., channel=...)`. A pipe is spooled: in memory up to 32 MiB,
    then in a temporary file. An error late in the file is raised when that place is reached.

    Parameters
    ----------
    source, channel, raw
        As in `read`.
    sample_rate_hz : int
        Rate of the blocks.
    block_s : float
        Length of every block but the last, seconds.

    Yields
    ------
    float32 [n]
        n = round(block_s * sample_rate_hz), less in the last block.

    Raises
    ------
    AudioError
        As `read`.
    """
    if not block_s * sample_rate_hz >= 1:
        raise ValueError(f"block_s must hold at least one sample, got {block_s} s.")
    block_samples = round(block_s * sample_rate_hz)
    pending: list[Samples] = []
    num_pending, num_total = 0, 0
    with _opened(source, raw) as decoder:
        mono = _mono_blocks(decoder, 0, decoder.num_frames, channel, _name(source))
        for piece in _resampled(mono, decoder.sample_rate_hz, sample_rate_hz):
            pending.append(piece)
            num_pending += len(piece)
            num_total += len(piece)
            while num_pending >= block_samples:
                joined = np.concatenate(pending)
                yield joined[:block_samples]
                pending = [joined[block_samples:]]
                num_pending -= block_samples
    if num_total == 0:
        raise AudioError(f"{_name(source)}: contains no audio (0 samples).")
    if num_pending:
        yield np.concatenate(pending)


def write(path: str | os.PathLike[str], waveform: npt.ArrayLike, sample_rate_hz: int) -> None:
    """Write mono samples; the suffix chooses the format (.wav is 16 bits a sample, .opus is Ogg Opus).

    Parameters
    ----------
    path : path
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
        raise AudioError(f"{path}: a waveform [N] is needed, got shape {samples.shape}.")
    if not np.isfinite(samples).all():
        raise AudioError(f"{path}: the waveform has NaN or infinite samples; not written.")
    suffix = Path(path).suffix.lower()
    options = {"format": "OGG", "subtype": "OPUS"} if suffix == ".opus" else {}
    try:
        soundfile.write(path, np.clip(samples, -1.0, 1.0), sample_rate_hz, **options)
    except (soundfile.SoundFileError, OSError, TypeError, ValueError) as error:
        raise AudioError(f"{path}: cannot be written ({_reason(error)}).") from error


def resample(waveform: npt.ArrayLike, from_hz: int, to_hz: int) -> Samples:
    """Change the sampling rate with soxr's "HQ" filter (20 bits; soxr documentation).

    Parameters
    ----------
    waveform : float [N]
    from_hz, to_hz : int

    Returns
    -------
    float32 [about N * to_hz / from_hz]
    """
    if from_hz <= 0 or to_hz <= 0:
        raise ValueError(f"sampling rates must be positive, got {from_hz} and {to_hz} Hz.")
    samples = np.asarray(waveform, np.float32)
    return samples if from_hz == to_hz else soxr.resample(samples, from_hz, to_hz, quality="HQ")


def _name(source: Source) -> str:
    """What messages call the source."""
    if isinstance(source, (str, os.PathLike)):
        return "standard input" if os.fspath(source) == "-" else os.fspath(source)
    name = getattr(source, "name", None)
    return name if isinstance(name, str) else "audio stream"


def _reason(error: Exception) -> str:
    """A library's message, cut down to what follows our own sentence."""
    text = re.sub(r"^Error opening .*?: ", "", str(error).split("\n")[0]).strip(" .")
    return text or type(error).__name__


def _part_frames(
    decoder: _Decoder, offset_s: float, duration_s: float | None, name: str
) -> tuple[int, int | None]:
    """First frame and number of frames of the part asked for; None where only decoding tells."""
    if offset_s < 0 or (duration_s is not None and duration_s <= 0):
        raise AudioError(
            f"{name}: offset_s must be >= 0 and duration_s > 0, got {offset_s}, {duration_s}."
        )
    rate, total = decoder.sample_rate_hz, decoder.num_frames
    start = round(offset_s * rate)
    count = None if duration_s is None else round(duration_s * rate)
    if total is None:
        return start, count
    if start and start >= total:
        raise AudioError(f"{name}: offset {offset_s:g} s is after the end ({total / rate:g} s).")
    if count is None:
        return start, total - start
    if start + count > total + _SHORTFALL_S * rate:
        raise AudioError(
            f"{name}: the part ends at {offset_s + (duration_s or 0):g} s, the recording at {total / rate:g} s."
        )
    return start, min(count, total - start)


def _mono_blocks(
    decoder: _Decoder, start: int, count: int | None, channel: int | None, name: str
) -> Iterator[Samples]:
    """Checked blocks [n] of one channel or of the mean of all."""
    if channel is not None and not 0 <= channel < decoder.num_channels:
        raise AudioError(
            f"{name}: there is no channel {channel}; channels are 0 to {decoder.num_channels - 1}."
        )
    for block in decoder.blocks(start, count):
        peak = float(np.abs(block).max()) if len(block) else 0.0
        if not np.isfinite(peak):
            raise AudioError(f"{name}: has NaN or infinite samples.")
        if peak > _LARGEST_SAMPLE:
            raise AudioError(
                f"{name}: has samples up to {peak:g}; full scale is 1, so scale it down first."
            )
        if block.shape[1] == 1:
            yield block[:, 0]
        else:
            yield block.mean(axis=1) if channel is None else np.ascontiguousarray(block[:, channel])


def _resampled(blocks: Iterator[Samples], from_hz: int, to_hz: int) -> Iterator[Samples]:
    """Blocks [n] at another rate, filtered across the seams."""
    if from_hz == to_hz:
        yield from blocks
        return
    resampler = soxr.ResampleStream(from_hz, to_hz, 1, dtype="float32", quality="HQ")
    for block in blocks:
        yield resampler.resample_chunk(block)
    yield resampler.resample_chunk(np.zeros(0, np.float32), last=True)


@contextlib.contextmanager
def _opened(source: Source, raw: RawFormat | None) -> Iterator[_Decoder]:
    """The recording, opened by whichever reader knows it, closed at the end."""
    name = _name(source)
    with contextlib.ExitStack() as stack:
        file: str | BinaryIO
        if isinstance(source, (str, os.PathLike)) and name != "standard input":
            file = os.fspath(source)
            _check_path(Path(file))
            handle = stack.enter_context(open(file, "rb"))
        else:
            handle = sys.stdin.buffer if isinstance(source, (str, os.PathLike)) else source
            if not handle.seekable():
                spool = stack.enter_context(tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES))
                shutil.copyfileobj(handle, spool)
                handle = spool  # type: ignore[assignment]
            file = handle
        decoder = _open_decoder(file, handle, name, raw)
        stack.callback(decoder.close)
        yield decoder


def _check_path(path: Path) -> None:
    """Refuse what is no readable file with content."""
    if not path.exists():
        raise AudioError(f"{path}: there is no such file.")
    if path.is_dir():
        raise AudioError(f"{path}: is a folder, not an audio file.")
    if not os.access(path, os.R_OK):
        raise AudioError(f"{path}: may not be read (permissions).")


def _open_decoder(
    file: str | BinaryIO, handle: BinaryIO, name: str, raw: RawFormat | None
) -> _Decoder:
    """Open `file` (also open as `handle`, for a look at its bytes)."""
    handle.seek(0)
    head = handle.read(16)
    if not head:
        raise AudioError(f"{name}: is empty (0 bytes).")
    if raw is None and head[:4] == b"OggS":
        _check_ogg_end(handle, name)
    handle.seek(0)
    try:
        return _SndfileDecoder(file, name, raw)
    except soundfile.SoundFileError as error:
        media = head[4:8] == b"ftyp" or head.startswith(_MEDIA_MAGIC)
        if raw is None and (media or Path(name).suffix.lower() in MEDIA_SUFFIXES):
            handle.seek(0)
            return _MediaDecoder(file, name)
        raise AudioError(f"{name}: is not audio that can be read ({_reason(error)}).") from error


def _check_ogg_end(handle: BinaryIO, name: str) -> None:
    """The last Ogg page must be whole and marked as the end of its stream (RFC 3533, section 6)."""
    size = handle.seek(0, os.SEEK_END)
    handle.seek(max(0, size - 2 * 65307))  # 65,307 bytes: the longest page
    tail = handle.read()
    at = tail.rfind(b"OggS\x00")
    num_segments = tail[at + 26] if 0 <= at <= len(tail) - 27 else 0
    page_bytes = 27 + num_segments + sum(tail[at + 27 : at + 27 + num_segments])
    if at < 0 or not num_segments or at + page_bytes > len(tail) or not tail[at + 5] & 4:
        raise AudioError(f"{name}: is cut short (the Ogg stream has no end); get a complete copy.")


class _SndfileDecoder:
    """A recording that libsndfile reads."""

    def __init__(self, file: str | BinaryIO, name: str, raw: RawFormat | None) -> None:
        options = {}
        if raw is not None:
            options = {
                "samplerate": raw.sample_rate_hz,
                "channels": raw.num_channels,
                "format": "RAW",
                "subtype": raw.encoding,
            }
        self._sound = soundfile.SoundFile(file, **options)
        self._name = name
        self.sample_rate_hz: int = self._sound.samplerate
        self.num_channels: int = self._sound.channels
        frames = self._sound.frames
        self.num_frames = frames if 0 <= frames < _UNKNOWN_FRAMES else None
        self._slack = _MP3_SLACK_FRAMES if "MP" in self._sound.format else 0
        self._check_promised_size()

    def _check_promised_size(self) -> None:
        """Compare the data size in the header with the file's, as libsndfile's log states them."""
        pattern = r"^\s*(?:data|SSND|Data Size)\s*:\s*(\d+) \(should be (\d+)\)"
        for promised, present in re.findall(pattern, self._sound.extra_info, re.MULTILINE):
            if int(present) < int(promised) < _STREAMED_BYTES:
                self._sound.close()
                raise AudioError(
                    f"{self._name}: is cut short ({present} of {promised} bytes of samples); get a complete copy."
                )

    def blocks(self, start: int, count: int | None) -> Iterator[Samples]:
        """Decoded blocks [n, channels]."""
        left = _UNKNOWN_FRAMES if count is None else count
        try:
            if start:
                self._sound.seek(start)
            while left > 0:
                block = self._sound.read(min(left, _BLOCK_FRAMES), dtype="float32", always_2d=True)
                if len(block) == 0:
                    break
                left -= len(block)
                yield block
        except soundfile.SoundFileError as error:
            raise AudioError(
                f"{self._name}: is damaged or cut short; get a complete copy."
            ) from error
        if count is not None and left > self._slack:
            read_s = (count - left) / self.sample_rate_hz
            raise AudioError(
                f"{self._name}: is cut short ({read_s:.2f} of {count / self.sample_rate_hz:.2f} s"
                " could be decoded); get a complete copy."
            )

    def close(self) -> None:
        """Release the file."""
        self._sound.close()


class _MediaDecoder:
    """The first audio track of a container that PyAV reads."""

    def __init__(self, file: str | BinaryIO, name: str) -> None:
        try:
            import av
        except ModuleNotFoundError:
            raise AudioError(
                f'{name}: this container needs PyAV; run: pip install "speech-toolkit[media]".'
            ) from None
        raise AudioError(f"{name}: not yet.")
