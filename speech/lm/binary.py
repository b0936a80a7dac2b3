"""A compact binary form of n-gram models, mapped into memory, and checked before it is trusted.

Layout, little-endian: a header of 128 bytes; the vocabulary, UTF-8, one word a line; then arrays, each padded to 8
bytes. Plain files hold the arrays of `NGramArrays` (those without the flag for links lack them); quantised ones hold
for each n-gram its last word (16 bits if the vocabulary allows it), 8-bit codes of the log probability and the back-off
weight (16-bit floats for single words), and 16-bit child counts: 3 to 6 bytes an n-gram. Links that a file does not
hold are filled in on loading, which takes most of its time (0.17 s for 6 million n-grams).
"""

import mmap
import os
import struct
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctc.ngram import BEGIN, END, MAX_ORDER, UNKNOWN, NGram
from speech.errors import CheckpointError
from speech.files import replacing, unreadable
from speech.kinds import NGRAM_MAGIC
from speech.lm.soundness import is_sound

VERSION = 1
_HEADER = struct.Struct("<8sIIIIQQ6QII")  # magic, version, flags, order, zero, file and vocabulary bytes, sizes, checks
_HEADER_BYTES = 128
_QUANTISED, _LINKED = 1, 2
_FULL_CHECK_BYTES = 32 << 20
_SAMPLES, _SAMPLE_BYTES = 256, 4096
_QUANTISED_RANGE = 12.0  # log10 below the highest; what is lower shares a bin


def save(path: str | Path, model: NGram, *, quantise: bool = False) -> None:
    """Write a model; the file appears when it is complete.

    Parameters
    ----------
    path : path
    model : NGram
    quantise : bool
        Keep each order's log probabilities, and back-off weights, as 256 values (about 5 times smaller).
    """
    vocabulary = "\n".join(model.vocabulary).encode()
    parts = [_padded(vocabulary)] + [_padded(part.tobytes()) for part in (_quantised if quantise else _plain)(model)]
    body = b"".join(parts)
    sizes = model.level_sizes + (0,) * (MAX_ORDER - model.order)
    fields = (
        NGRAM_MAGIC,
        VERSION,
        _QUANTISED if quantise else _LINKED,
        model.order,
        0,
        _HEADER_BYTES + len(body),
        len(vocabulary),
    )
    header = _HEADER.pack(*fields, *sizes, _checksum(body), 0)
    header = header[:-4] + struct.pack("<I", zlib.crc32(header[:-4]))
    with replacing(path) as partial:
        partial.write_bytes(header.ljust(_HEADER_BYTES, b"\0") + body)


def load(path: str | Path) -> NGram:
    """Map a model written by `save` into memory.

    Raises
    ------
    CheckpointError
        No such file, another kind of file, another version, cut short or damaged. All bytes are checked up to 32 MiB,
        and 1 MiB spread over larger files; of every file, whether its n-grams make a tree and its values are finite
        numbers. Damage to a larger file that nothing of this finds changes words and scores, and nothing else.
    """
    try:
        with open(path, "rb") as file:
            size = os.fstat(file.fileno()).st_size
            if size < _HEADER_BYTES:
                raise CheckpointError(f"{path}: is not a language model ({size} bytes)")
            # Copy on write: numba compiles once more for arrays that cannot be written.
            mapped = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
    except OSError as error:
        raise CheckpointError(f"{path}: {unreadable(error)}") from error
    flags, vocabulary_bytes, sizes = _checked_header(path, mapped)
    body = memoryview(mapped)[_HEADER_BYTES:]
    try:
        vocabulary = tuple(bytes(body[:vocabulary_bytes]).decode().split("\n"))
    except UnicodeDecodeError:
        vocabulary = ()
    if len(vocabulary) != sizes[0] or vocabulary[:3] != (UNKNOWN, BEGIN, END):
        raise CheckpointError(f"{path}: is damaged (its vocabulary); get a complete copy")
    reader = _Arrays(path, body[_round_up(vocabulary_bytes) :])
    arrays = (_read_quantised if flags & _QUANTISED else _read_plain)(reader, sizes)
    if flags & _LINKED:
        arrays = (*arrays, reader.take("<i4", 1 + sum(sizes[:-1])))
    if not is_sound(sizes, *arrays):
        raise CheckpointError(f"{path}: is damaged (its n-grams); get a complete copy")
    return NGram.from_arrays(vocabulary, sizes, *arrays)


def _checked_header(path: str | Path, mapped: mmap.mmap) -> tuple[int, int, tuple[int, ...]]:
    """Flags, bytes of the vocabulary and sizes of the orders."""
    header = mapped[: _HEADER.size]
    magic, version, flags, order, _, file_bytes, vocabulary_bytes, *rest = _HEADER.unpack(header)
    sizes, checksum, header_checksum = tuple(rest[:order]), rest[-2], rest[-1]
    if magic != NGRAM_MAGIC:
        raise CheckpointError(f"{path}: is not a language model that `speech lm train` wrote")
    if version != VERSION:
        raise CheckpointError(
            f"{path}: has version {version}, this program reads version {VERSION}; train or convert it again"
        )
    if header_checksum != zlib.crc32(header[:-4]):
        raise CheckpointError(f"{path}: is damaged (its header); get a complete copy")
    if file_bytes != len(mapped):
        raise CheckpointError(f"{path}: has {len(mapped)} of {file_bytes} bytes; get a complete copy")
    if checksum != _checksum(memoryview(mapped)[_HEADER_BYTES:]):
        raise CheckpointError(f"{path}: is damaged (checksums differ); get a complete copy")
    return flags, vocabulary_bytes, sizes


def _checksum(body: bytes | memoryview) -> int:
    """CRC-32 of all bytes, or of blocks spread over them."""
    if len(body) <= _FULL_CHECK_BYTES:
        return zlib.crc32(body)
    check = 0
    for start in np.linspace(0, len(body) - _SAMPLE_BYTES, _SAMPLES).astype(np.int64):
        check = zlib.crc32(body[int(start) : int(start) + _SAMPLE_BYTES], check)
    return check


def _round_up(size: int) -> int:
    return -(-size // 8) * 8


def _padded(data: bytes) -> bytes:
    return data.ljust(_round_up(len(data)), b"\0")


class _Arrays:
    """Arrays that follow one another."""

    def __init__(self, path: str | Path, body: memoryview):
        self.path, self.body, self.at = path, body, 0

    def take(self, dtype: str, count: int) -> npt.NDArray:
        """The next array."""
        size = count * np.dtype(dtype).itemsize
        if self.at + size > len(self.body):
            raise CheckpointError(f"{self.path}: is damaged (sizes disagree); get a complete copy")
        array = np.frombuffer(self.body, dtype=dtype, count=count, offset=self.at)
        self.at += _round_up(size)
        return array


def _plain(model: NGram) -> list[npt.NDArray]:
    return [array.astype(dtype) for array, dtype in zip(model.arrays, ("<u4", "<f4", "<f4", "<i8", "<i4"), strict=True)]


def _read_plain(reader: _Arrays, sizes: tuple[int, ...]) -> tuple[npt.NDArray, ...]:
    num_nodes, num_inner = 1 + sum(sizes), 1 + sum(sizes[:-1])
    return (
        reader.take("<u4", num_nodes),
        reader.take("<f4", num_nodes),
        reader.take("<f4", num_inner),
        reader.take("<i8", num_inner + 1),
    )


def _quantised(model: NGram) -> list[npt.NDArray]:
    """Words of orders above 1, child counts, then a table and codes for each order."""
    words, log_probs, backoffs, begins, _ = model.arrays
    num_words = model.level_sizes[0]
    counts = np.diff(begins)[1:]
    wide = np.flatnonzero(counts >= 0xFFFF)  # rare: the counts that 16 bits do not hold follow in 64
    parts = [
        words[1 + num_words :].astype("<u2" if num_words <= 1 << 16 else "<u4"),
        np.minimum(counts, 0xFFFF).astype("<u2"),
        counts[wide].astype("<i8"),
    ]
    first = 1
    for order, size in enumerate(model.level_sizes, 1):
        for values in (log_probs, backoffs)[: 1 + (order < model.order)]:
            part = values[first : first + size]
            parts += quantise_values(part) if order > 1 else [part.astype("<f2")]
        first += size
    return parts


def _read_quantised(reader: _Arrays, sizes: tuple[int, ...]) -> tuple[npt.NDArray, ...]:
    num_inner = 1 + sum(sizes[:-1])
    narrow = reader.take("<u2" if sizes[0] <= 1 << 16 else "<u4", sum(sizes[1:]))
    first_words = np.concatenate([[0], np.arange(sizes[0])])
    words = np.concatenate([first_words, narrow], dtype=np.uint32, casting="unsafe")
    counts = reader.take("<u2", num_inner - 1).astype(np.int64)
    wide = np.flatnonzero(counts == 0xFFFF)
    counts[wide] = reader.take("<i8", len(wide))
    begins = np.concatenate([[1, 1 + sizes[0]], 1 + sizes[0] + np.cumsum(counts)])
    if begins[-1] != 1 + sum(sizes):
        raise CheckpointError(f"{reader.path}: is damaged (sizes disagree); get a complete copy")
    log_probs, backoffs = [np.zeros(1, np.float32)], [np.zeros(1, np.float32)]
    for order, size in enumerate(sizes, 1):
        for values in (log_probs, backoffs)[: 1 + (order < len(sizes))]:
            if order == 1:
                values.append(reader.take("<f2", size).astype(np.float32))
            else:
                values.append(reader.take("<f4", 256)[reader.take("u1", size)])
    return words, np.concatenate(log_probs), np.concatenate(backoffs), begins


def quantise_values(values: npt.NDArray[np.float32]) -> list[npt.NDArray]:
    """Table float32 [256] and codes uint8 [N] of values: the means of 255 bins of equal width, and 0 exactly."""
    table = np.zeros(256, dtype="<f4")
    codes = np.zeros(len(values), dtype=np.uint8)
    rest = np.flatnonzero(values != 0.0)  # code 0 is 0: the back-off weight of contexts that nothing follows
    distinct = np.unique(values[rest])
    if len(distinct) <= 255:
        table[1 : 1 + len(distinct)] = distinct
        codes[rest] = 1 + np.searchsorted(distinct, values[rest])
        return [table, codes]
    # Bins of equal width: of equal population, the most likely n-grams, which matter, shared one (4 % more perplexity).
    low, high = max(float(distinct[0]), float(distinct[-1]) - _QUANTISED_RANGE), float(distinct[-1])
    bins = 1 + np.clip((values[rest] - low) / (high - low) * 254.999, 0, 254).astype(np.int64)
    sums = np.bincount(bins, weights=values[rest].astype(np.float64), minlength=256)
    table[:] = sums / np.maximum(np.bincount(bins, minlength=256), 1)
    codes[rest] = bins
    return [table, codes]
