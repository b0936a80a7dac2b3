"""Opening recordings: libsndfile or PyAV behind one interface, and the checks that nothing is missing.

libsndfile reports only a flac that was cut short. So the sizes that headers promise are compared with
what is there (wav, w64, aiff, au, sphere), the pages of an Ogg file must be whole and complete (`speech.ogg`),
mp3 frames are counted, and fewer decoded samples than promised are refused.
"""

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import soundfile

from speech import headers, mp3, ogg
from speech.errors import AudioError
from speech.media import MediaDecoder, Samples, kind_name
from speech.streams import Source, Spool, View, seekable, source_name

# Suffixes by which folders are searched for recordings; a file named outright may have any.
SNDFILE_SUFFIXES = frozenset(
    ".wav .wave .flac .mp3 .ogg .oga .opus .aiff .aif .aifc .au .snd .caf .w64 .rf64 .sph".split()
)
MEDIA_SUFFIXES = frozenset(".m4a .mp4 .m4b .mov .aac .webm .mkv .mka .wma .amr .3gp .avi .flv".split())
HEADERLESS_SUFFIXES = frozenset((".raw", ".pcm"))
# First bytes of matroska/webm, wma, amr, flv and bare AAC; mp4 has "ftyp" from byte 4.
_MEDIA_MAGIC = (b"\x1aE\xdf\xa3", b"0&\xb2u", b"#!AMR", b"FLV\x01", b"\xff\xf1", b"\xff\xf9")
_BLOCK_FRAMES = 1 << 16  # decoded at a time: 1.5 s at 44.1 kHz, 0.5 MB in stereo
_HEADERLESS = (
    "has no header that says how its samples are to be read; convert it to wav, or give their rate"
    " (speech transcribe --raw 16000)"
)
# First bytes, long enough for no samples to begin so, of files that are not raw.
_HEADERS = {name.encode(): name for name in ("RIFF", "RF64", "fLaC", "OggS", "ID3", "FORM", "caff", "riff", ".snd")}
_HEADERS |= {b"NIST_1A": "NIST", b"#!AMR": "AMR", b"FLV\x01": "FLV", b"\x1aE\xdf\xa3": "Matroska", b"0&\xb2u": "ASF"}
_UNKNOWN_FRAMES = 1 << 62  # libsndfile answers 2^63 - 1 where a header gives no length
_STREAMED_BYTES = 0x7FFFF000  # sizes from here up are what a writer to a pipe leaves in a header
_MP3_SLACK_FRAMES = 2 * 1152 + 529  # padding and decoder delay, which headers may or may not count
# How libsndfile's log states that a header promises more than the file holds: wav, w64, aiff, au; then rf64.
_SIZE_NOTES = (
    r"^\s*(?:data|riff|SSND|Data Size)\s*:\s*(?P<promised>\d+) \(should be (?P<present>\d+)\)",
    r"^\*\*\* Calculated frame count (?P<present>\d+) does not match value from 'ds64' chunk of (?P<promised>\d+)",
)
RATES_HZ = (100, 10_000_000)  # outside, resampling a damaged header's rate would fill the memory


@dataclass(frozen=True, kw_only=True)
class RawFormat:
    """How to read headerless samples, say from a pipe; `encoding` is a libsndfile subtype."""

    sample_rate_hz: int = 16000
    num_channels: int = 1
    encoding: str = "PCM_16"

    def __post_init__(self) -> None:
        if self.sample_rate_hz < 1 or self.num_channels < 1:
            raise AudioError(f"raw audio needs a rate and channels above 0, got {self}")
        known = soundfile.available_subtypes("RAW")
        if self.encoding.upper() not in known:
            raise AudioError(f'raw audio has no encoding "{self.encoding}"; known: {", ".join(known)}')


class Decoder(Protocol):
    """An opened recording; `num_frames` is None where the header does not say."""

    sample_rate_hz: int
    num_channels: int
    num_frames: int | None

    def blocks(self, start: int, count: int | None) -> Iterator[Samples]:
        """Decode blocks [n, channels] from sample `start`, `count` of them or to the end."""


@contextlib.contextmanager
def opened(source: Source, raw: RawFormat | None = None) -> Iterator[Decoder]:
    """Open a recording with whichever reader knows it, and close it at the end.

    Parameters
    ----------
    source : path, "-" (standard input) or binary file object
        File objects are read from their beginning; a pipe, named or not, is spooled (`speech.streams`).
    raw : RawFormat, optional
        Take the bytes as headerless samples.

    Raises
    ------
    AudioError
        Missing, empty, cut short as far as the header shows, or not audio.
    """
    name = source_name(source)
    with contextlib.ExitStack() as stack:
        handle = stack.enter_context(seekable(source))
        is_path = isinstance(source, (str, os.PathLike)) and os.fspath(source) != "-"
        plain = is_path and not isinstance(handle, Spool) and _is_text(name)
        file = name if plain else handle  # libsndfile is faster with a path
        try:
            decoder = _open_decoder(file, handle, name, raw, stack)
            if not RATES_HZ[0] <= decoder.sample_rate_hz <= RATES_HZ[1]:
                raise AudioError(
                    f"{name}: states a sampling rate of {decoder.sample_rate_hz} Hz; its header is damaged"
                )
            yield decoder
        except OSError as error:
            raise AudioError(f"{name}: cannot be read ({error.strerror or error})") from error


def _is_text(name: str) -> bool:
    """Whether a file's name is text, and not bytes that Python has escaped, which the libraries do not understand."""
    return not any("\ud800" <= character <= "\udfff" for character in name)


def _open_decoder(
    file: Any, handle: BinaryIO, name: str, raw: RawFormat | None, stack: contextlib.ExitStack
) -> Decoder:
    """Open `file` (also open as `handle`, for a look at its bytes) until `stack` closes."""
    handle.seek(0)
    head = handle.read(16)
    if not head:
        raise AudioError(f"{name}: is empty (0 bytes)")
    if raw is not None:
        kind = _kind_with_header(head, handle)
        if kind:
            raise AudioError(f"{name}: has a header ({kind}), so it is not raw; read it without --raw")
        handle.seek(0)
        return _SndfileDecoder(file, name, raw, stack)
    suffix = Path(name).suffix.lower()
    if head[:4] == b"OggS":
        parts = ogg.recordings(handle, name)
        if len(parts) > 1:
            return _Chain([View(handle, start, stop) for start, stop in parts], name)
    elif head[:7] == b"NIST_1A":
        headers.check_sphere(handle, name)
    elif head[:4] == b"RIFF" and head[8:12] == b"WAVE":
        file = headers.without_end(handle) or file
    elif head[:3] == b"ID3" or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
        file = _checked_mp3(file, handle, name)
    elif suffix == ".mp3" and mp3.count_frames(handle) is None:  # by its name alone libsndfile would search it for
        file = _Nameless(handle)  # frames, and its mp3 library print that there are none
    if suffix == ".raw" and not isinstance(file, View):  # soundfile takes no look inside a file of that name
        file = _Nameless(handle)
    handle.seek(0)
    try:
        return _SndfileDecoder(file, name, None, stack)
    except soundfile.SoundFileError as error:
        media = head[4:8] == b"ftyp" or head.startswith(_MEDIA_MAGIC)
        if media or suffix in MEDIA_SUFFIXES:
            handle.seek(0)
            return MediaDecoder(file, name, stack)
        if suffix in HEADERLESS_SUFFIXES:
            raise AudioError(f"{name}: {_HEADERLESS}") from error
        headerless = "; samples without a header need --raw" if name == "standard input" else ""
        raise AudioError(f"{name}: is not audio that can be read ({_reason(error)}){headerless}") from error


def _kind_with_header(head: bytes, handle: BinaryIO) -> str:
    """What kind of file begins with `head`, or "" for samples."""
    if head[4:8] == b"ftyp":
        return "mp4"
    if mp3.begins(handle):
        return "mp3"
    return next((kind for magic, kind in _HEADERS.items() if head.startswith(magic)), "")


def _reason(error: Exception) -> str:
    """Cut a library's message down to what follows our own sentence."""
    text = re.sub(r"^Error opening .*?: ", "", str(error).split("\n")[0]).strip(" .")
    if "File does not exist" in text:  # what libsndfile says of an mp3 without frames
        return "Format not recognised"
    return text or type(error).__name__


def _checked_mp3(file: Any, handle: BinaryIO, name: str) -> Any:
    """Refuse an mp3 that was cut; put a header with the true length before one that has none."""
    frames = mp3.count_frames(handle)
    if frames is None or frames.has_true_count:
        return file
    if frames.cut or frames.num_frames < (frames.promised or 0):
        of = f" of {frames.promised}" if frames.promised else ""
        raise AudioError(f"{name}: is cut short ({frames.num_frames}{of} whole mp3 frames); get a complete copy")
    return mp3.with_count(handle, frames)


class _Nameless:
    """What soundfile asks of a file, without the name that it judges by."""

    def __init__(self, handle: BinaryIO) -> None:
        self.read, self.seek, self.tell = handle.read, handle.seek, handle.tell


class _Sequential(soundfile.SoundFile):
    """A SoundFile that does not seek after every block, which breaks flac of unknown length."""

    def seekable(self) -> bool:
        return False


class _SndfileDecoder:
    """A recording that libsndfile reads."""

    def __init__(self, file: Any, name: str, raw: RawFormat | None, stack: contextlib.ExitStack) -> None:
        options: dict[str, Any] = {}
        if raw is not None:
            options = {"samplerate": raw.sample_rate_hz, "channels": raw.num_channels}
            options |= {"format": "RAW", "subtype": raw.encoding}
        self._sound = stack.enter_context(_Sequential(file, **options))
        if raw is None and self._sound.format == "RAW":  # libsndfile judged by an ending: .au, .vox, .gsm
            raise AudioError(f"{name}: {_HEADERLESS}")
        self._name = name
        self.sample_rate_hz: int = self._sound.samplerate
        self.num_channels: int = self._sound.channels
        frames = self._sound.frames
        self.num_frames = frames if 0 <= frames < _UNKNOWN_FRAMES else None
        self._slack = _MP3_SLACK_FRAMES if self._sound.subtype.startswith("MPEG") else 0
        self._check_promised_size()

    def _check_promised_size(self) -> None:
        """Compare the data size in the header with the file's, as libsndfile's log states them."""
        for pattern in _SIZE_NOTES:
            for found in re.finditer(pattern, self._sound.extra_info, re.MULTILINE):
                present, promised = int(found["present"]), int(found["promised"])
                if present < promised < _STREAMED_BYTES:
                    raise headers.cut_short(self._name, present, promised)

    def blocks(self, start: int, count: int | None) -> Iterator[Samples]:
        """Decode blocks [n, channels]."""
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
            raise AudioError(f"{self._name}: is damaged or cut short; get a complete copy") from error
        if count is not None and self.num_frames is not None and left > self._slack:
            decoded_s, total_s = ((count - left) / self.sample_rate_hz, count / self.sample_rate_hz)
            raise AudioError(
                f"{self._name}: is cut short ({decoded_s:.2f} of {total_s:.2f} s could be decoded); get a complete copy"
            )


class _Chain:
    """Recordings of one kind, one behind the other in a file, as one; each is open only while it is decoded."""

    def __init__(self, parts: list[View], name: str) -> None:
        self._parts, self._name = parts, name
        self._lengths: list[int] = []
        kinds = []
        for part in parts:
            with self._opened(part) as decoder:
                kinds.append((decoder.sample_rate_hz, decoder.num_channels))
                self._lengths.append(decoder.num_frames or 0)
        changed = next((index for index, kind in enumerate(kinds) if kind != kinds[0]), None)
        if changed is not None:
            raise AudioError(
                f"{name}: holds recordings one behind the other, which change from {kind_name(*kinds[0])} to"
                f" {kind_name(*kinds[changed])}; convert it to wav with another program first"
            )
        self.sample_rate_hz, self.num_channels = kinds[0]
        self.num_frames: int | None = sum(self._lengths)

    @contextlib.contextmanager
    def _opened(self, part: View) -> Iterator[_SndfileDecoder]:
        """One recording."""
        with contextlib.ExitStack() as stack:
            part.seek(0)
            try:
                decoder = _SndfileDecoder(part, self._name, None, stack)
            except soundfile.SoundFileError as error:
                raise AudioError(f"{self._name}: is not audio that can be read ({_reason(error)})") from error
            yield decoder

    def blocks(self, start: int, count: int | None) -> Iterator[Samples]:
        """Decode blocks [n, channels]."""
        left = _UNKNOWN_FRAMES if count is None else count
        for part, length in zip(self._parts, self._lengths, strict=True):
            wanted = min(max(0, length - start), left)
            if wanted:
                with self._opened(part) as decoder:
                    yield from decoder.blocks(start, wanted)
            start, left = max(0, start - length), left - wanted
