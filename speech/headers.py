"""Lengths in headers that libsndfile takes no look at, or takes at their word: NIST SPHERE and wav."""

import os
import re
import struct
from typing import BinaryIO

from speech.errors import AudioError
from speech.streams import View

_CHUNK_BYTES = 8  # a wav chunk's name and size
_MOST_CHUNKS = 100  # before the samples of a wav; a damaged file could hold millions


def check_sphere(handle: BinaryIO, name: str) -> None:
    """Compare the samples that a SPHERE header (NIST, 1990) promises with the size of the file.

    Compressed samples are not counted in bytes, and a header without one of the numbers promises nothing.
    """
    handle.seek(0)
    head = handle.read(16).split()
    if len(head) < 2 or not head[1].isdigit():
        return
    header_bytes = int(head[1])
    fields = dict(re.findall(rb"^(\w+) -\w+ (\S+)", handle.read(header_bytes), re.MULTILINE))
    numbers = [fields.get(key, b"") for key in (b"sample_count", b"channel_count", b"sample_n_bytes")]
    coding = fields.get(b"sample_coding", b"pcm").lower()
    if coding not in (b"pcm", b"ulaw", b"mu-law", b"alaw") or not all(number.isdigit() for number in numbers):
        return
    num_samples, num_channels, sample_bytes = map(int, numbers)
    promised = num_samples * num_channels * sample_bytes
    present = max(0, handle.seek(0, os.SEEK_END) - header_bytes)
    if present < promised:
        raise cut_short(name, present, promised)


def cut_short(name: str, present: int, promised: int) -> AudioError:
    """What is said of a file that holds `present` of the bytes or samples that its header promises."""
    return AudioError(f"{name}: is cut short ({present / promised:.1%} of the samples are there); get a complete copy")


def without_end(handle: BinaryIO) -> View | None:
    """A wav whose sizes were never filled in, as if written to a pipe: what follows are its samples; None for others.

    A recorder that is interrupted leaves a data size of 0, and a RIFF size that covers no more than the header.
    """
    size = handle.seek(0, os.SEEK_END)
    handle.seek(4)
    riff_end = _CHUNK_BYTES + int.from_bytes(handle.read(4), "little")
    at = 12
    for _ in range(_MOST_CHUNKS):
        handle.seek(at)
        chunk = handle.read(_CHUNK_BYTES)
        if len(chunk) < _CHUNK_BYTES:
            return None
        kind, length = struct.unpack("<4sI", chunk)
        at += _CHUNK_BYTES
        if kind == b"data":
            break
        at += length + length % 2
    if kind != b"data" or length or riff_end > at or at >= size:
        return None
    handle.seek(0)
    head = handle.read(at)
    unknown = b"\xff" * 4
    return View(handle, at, head=head[:4] + unknown + head[8:-4] + unknown)
