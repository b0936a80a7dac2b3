"""Whether an Ogg file is whole: a walk over its pages, since libsndfile plays past damage without a word.

Every page carries a checksum and a number that counts on in its stream, so whatever was altered or lost shows; the
last page of a stream is marked as its end. Streams may be chained, one recording behind the other; libsndfile plays
the first only.

References
----------
RFC 3533, section 6 (pages); their checksum is that of zlib with the bits of every byte in the other order.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from speech.errors import AudioError

_MARK = b"OggS\0"
_HEAD_BYTES = 27
_PAGE_BYTES = 65307  # the longest page
_WINDOW_BYTES = 1 << 20
_FIRST, _LAST = 2, 4  # flags of a page: it begins, or ends, its stream
_BITS_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))
_ALL_ONES = 0xFFFFFFFF


@dataclass(frozen=True)
class _Page:
    """A page that is whole: bytes `start` to `stop` of the file; `number` counts the pages of stream `serial`."""

    start: int
    stop: int
    flags: int
    serial: int
    number: int


def recordings(handle: BinaryIO, name: str) -> list[tuple[int, int]]:
    """First byte, and the one behind the last, of each recording of a chain (0.03 s an hour of audio).

    Raises
    ------
    AudioError
        A page is missing or altered, or a stream has no end; names the file and the byte.
    """
    starts: list[int] = []
    following: dict[int, int] = {}  # number of the page that comes next in each stream
    endless: set[int] = set()  # streams that have begun and not ended
    at, beginning = 0, False
    for page in _pages(handle):
        first = bool(page.flags & _FIRST)
        if first and not beginning:  # streams side by side have all their first pages before the others
            _check_ended(endless, at, name)
            starts.append(page.start)
            following = {}
        if page.number != following.get(page.serial, 0 if first else None):
            raise AudioError(f"{name}: is damaged at byte {at} (Ogg pages are missing or altered); get a complete copy")
        following[page.serial] = page.number + 1 & _ALL_ONES
        (endless.discard if page.flags & _LAST else endless.add)(page.serial)
        at, beginning = page.stop, first
    if not starts:
        raise AudioError(f"{name}: is damaged or cut short (it has no whole Ogg page); get a complete copy")
    _check_ended(endless, at, name)
    return list(zip(starts, [*starts[1:], at], strict=True))


def _check_ended(endless: set[int], at: int, name: str) -> None:
    """Refuse a recording of which no last page has come."""
    if endless:
        raise AudioError(
            f"{name}: is damaged or cut short at byte {at} (the Ogg stream has no end); get a complete copy"
        )


def _pages(handle: BinaryIO) -> Iterator[_Page]:
    """Pages whose checksum is right; what lies between them is passed over."""
    handle.seek(0)
    window, window_at, at, complete = b"", 0, 0, False
    while True:
        if len(window) - at < _PAGE_BYTES and not complete:
            more = handle.read(_WINDOW_BYTES)
            window, window_at, at, complete = window[at:] + more, window_at + at, 0, not more
            continue
        at = window.find(_MARK, at)
        if at < 0 and complete:
            return
        if at < 0:  # the window may end within a mark
            at = max(0, len(window) - len(_MARK) + 1)
            continue
        page = window[at : at + _length(window[at : at + _HEAD_BYTES + 255])]
        if _is_intact(page):
            serial, number = (int.from_bytes(page[place : place + 4], "little") for place in (14, 18))
            yield _Page(window_at + at, window_at + at + len(page), page[5], serial, number)
            at += len(page)
        else:
            at += 1


def _length(head: bytes) -> int:
    """Bytes of a page, as the table at its beginning states them; more than there are where that is cut."""
    if len(head) < _HEAD_BYTES:
        return _HEAD_BYTES
    num_segments = head[_HEAD_BYTES - 1]
    return _HEAD_BYTES + num_segments + sum(head[_HEAD_BYTES : _HEAD_BYTES + num_segments])


def _is_intact(page: bytes) -> bool:
    """Whether a page has its stated length and checksum."""
    if len(page) < _HEAD_BYTES or len(page) < _length(page[: _HEAD_BYTES + 255]):
        return False
    reordered = (page[:22] + bytes(4) + page[26:]).translate(_BITS_REVERSED)
    checksum = zlib.crc32(reordered, _ALL_ONES) ^ _ALL_ONES  # from 0 and not inverted, as zlib's is
    return checksum == int.from_bytes(page[22:26].translate(_BITS_REVERSED))
