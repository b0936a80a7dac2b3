"""Counting n-grams in text of any size: words become ids on disk, then sorted runs of n-grams are merged."""

import bz2
import gzip
import io
import lzma
import os
import sys
import zlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np
import numpy.typing as npt

from ctc.compilation import jit_cached
from ctc.ngram import BEGIN, BEGIN_ID, END, END_ID, UNKNOWN
from speech.errors import CorpusError
from speech.files import unreadable
from speech.lm.arpa import OTHER_UNKNOWN
from speech.lm.sorting import Counts, ExternalSort, Keys, Packing, unpack

Unit = Literal["word", "character"]
SPACE = "<space>"
"""How a character model writes the space, by which it is known to be one: it has it even if its text has none."""
_MARKERS = frozenset((UNKNOWN, OTHER_UNKNOWN, BEGIN, END))
_FLUSH_TOKENS = 1 << 20
_OPENERS: dict[str, Callable] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}


class TextLines:
    """Lines of a UTF-8 text file (.gz, .xz and .bz2 too), or of the standard input for "-"; no byte order mark.

    Iterating raises CorpusError where the text is missing, damaged or not UTF-8; it names the file and, for text, the
    line.
    """

    def __init__(self, path: str | Path):
        self.path = path
        self._file: BinaryIO | None = None

    def __iter__(self) -> Iterator[str]:
        number = 0
        try:
            file = self._file = sys.stdin.buffer if str(self.path) == "-" else open(self.path, "rb")
            opener = _OPENERS.get(Path(self.path).suffix)
            with file, io.TextIOWrapper(opener(file) if opener else file, encoding="utf-8-sig") as stream:
                for line in stream:
                    number += 1
                    yield line
        except (UnicodeDecodeError, OSError, EOFError, lzma.LZMAError, zlib.error) as error:
            place = f", after line {number}" if number else ""
            name = "standard input" if str(self.path) == "-" else self.path
            raise CorpusError(f"{name}{place}: {unreadable(error)}") from error

    def share_read(self) -> float | None:
        """How much of the file has been read, by its bytes as they lie, 0 to 1; None where its end is not known."""
        if self._file is None or self._file.closed or str(self.path) == "-" or not self._file.seekable():
            return None
        size = os.fstat(self._file.fileno()).st_size
        return min(1.0, self._file.tell() / size) if size else None  # devices and files of the system have none


def read_lines(path: str | Path) -> Iterator[str]:
    """The lines of `TextLines`."""
    return iter(TextLines(path))


def tokens_of(line: str, unit: str) -> list[str]:
    """Words of a line, or its characters with single spaces between words."""
    return line.split() if unit == "word" else [SPACE if c == " " else c for c in " ".join(line.split())]


def check_markers(words: Sequence[str], markers: frozenset[str], number: int) -> None:
    """Refuse the line of this number if a marker is among its words, with a CorpusError."""
    if not markers.isdisjoint(words):
        marker = next(word for word in words if word in markers)
        raise CorpusError(
            f"line {number} of the text holds {marker} as a word; it marks what is unknown or where sentences begin and"
            " end, so take it out"
        )


@dataclass(frozen=True, eq=False)
class EncodedText:
    """A text as word ids on disk.

    Attributes
    ----------
    vocabulary : tuple of str
        <unk>, <s>, </s> and for characters <space>, then words by falling count, equal counts by the alphabet.
    num_fixed : int
        How many of these come before the words that are in order of their counts.
    counts : int64 [V]
        How often each word occurs; </s>, once a sentence.
    ids : uint32 [N]
        Words, each sentence ended by </s>; memory-mapped.
    """

    vocabulary: tuple[str, ...]
    num_fixed: int
    counts: npt.NDArray[np.int64]
    ids: npt.NDArray[np.uint32]


def encode_text(lines: Iterable[str], folder: Path, unit: Unit = "word") -> EncodedText:
    """Write a text as ids.

    Parameters
    ----------
    lines : iterable of str
        One sentence each; lines without words are left out.
    folder : Path
        For the file of ids.
    unit : "word" or "character"
        Words are what white space separates.

    Raises
    ------
    CorpusError
        A line with <s>, </s>, <unk> or <UNK>, or no words at all.
    """
    ids: defaultdict[str, int] = defaultdict()
    ids.default_factory = ids.__len__
    fixed = (UNKNOWN, BEGIN, END, *([SPACE] if unit == "character" else []))
    for word in fixed:
        _ = ids[word]
    path = folder / "tokens"
    counts = np.zeros(3, dtype=np.int64)
    get = ids.__getitem__
    with open(path, "wb") as file:
        buffer: list[int] = []
        for number, line in enumerate(lines, 1):
            words = tokens_of(line, unit)
            check_markers(words, _MARKERS, number)
            if not words:
                continue
            buffer.extend(map(get, words))
            buffer.append(END_ID)
            if len(buffer) >= _FLUSH_TOKENS:
                counts = _flush(buffer, file, counts, len(ids))
                buffer = []
        counts = _flush(buffer, file, counts, len(ids))
    if not counts.any():
        raise CorpusError("the text holds no words")
    words = list(ids)
    free = range(len(fixed), len(words))
    order = [*range(len(fixed)), *sorted(free, key=lambda k: (-counts[k], words[k]))]
    rank = np.empty(len(words), dtype=np.uint32)
    rank[order] = np.arange(len(words), dtype=np.uint32)
    mapped = np.memmap(path, np.uint32, "r+")
    for start in range(0, len(mapped), _FLUSH_TOKENS):
        mapped[start : start + _FLUSH_TOKENS] = rank[mapped[start : start + _FLUSH_TOKENS]]
    return EncodedText(tuple(words[k] for k in order), len(fixed), counts[order], mapped)


def _flush(buffer: list[int], file: BinaryIO, counts: Counts, num_words: int) -> Counts:
    """Write ids, return the word counts so far."""
    block = np.array(buffer, dtype=np.uint32)
    block.tofile(file)
    found = np.bincount(block, minlength=num_words)
    found[: len(counts)] += counts
    return found


@jit_cached
def reversed_windows(ids, start, stop, grams):
    """Write the n words [n] that end at each token, the last one first; before the sentence stands <s>."""
    length = grams.shape[1]
    for i in range(start, stop):
        inside = True
        for k in range(length):
            if inside and k > 0 and (i - k < 0 or ids[i - k] == END_ID):
                inside = False
            grams[i - start, k] = ids[i - k] if inside else BEGIN_ID


def count_ngrams(text: EncodedText, order: int, folder: Path, run_rows: int) -> tuple[Keys, Counts, Packing]:
    """Count n-grams of the highest order, words reversed, sorted; a sentence's first ones hold <s> several times."""
    packing = Packing(len(text.vocabulary), order)
    rows = ExternalSort(folder, "ngrams", packing.num_columns, run_rows)
    block = min(run_rows, _FLUSH_TOKENS)
    ids = np.asarray(text.ids)
    for start in range(0, len(ids), block):
        stop = min(start + block, len(ids))
        grams = np.empty((stop - start, order), dtype=np.uint32)
        reversed_windows(ids, start, stop, grams)
        rows.append(packing.pack(grams))
    keys, counts = rows.finish()
    return keys, counts, packing


@jit_cached
def adjusted_counts(keys, counts, row, order, length, bits, per_column, grams, adjusted, raw):
    """Write the next n-grams of an order with their counts, from `row` on; return (next row, n-grams written).

    Adjusted (Chen and Goodman 1998, section 4.1.6, as lmplz counts): of the highest order and after <s>, how often;
    else, how many different words come before. Raw: how often.
    """
    num_rows, written = len(counts), 0
    while row < num_rows and written < len(raw):
        first = row
        total, num_before = np.int64(0), np.int64(0)
        before = np.int64(-1)
        while row < num_rows:
            same = True
            for k in range(order):
                if unpack(keys, row, k, bits, per_column) != unpack(keys, first, k, bits, per_column):
                    same = False
                    break
            if not same:
                break
            total += counts[row]
            if order < length:
                word = unpack(keys, row, order, bits, per_column)
                if word != before:
                    num_before += 1
                    before = word
            row += 1
        starts = unpack(keys, first, order - 1, bits, per_column) == BEGIN_ID
        if starts and order > 1 and unpack(keys, first, order - 2, bits, per_column) == BEGIN_ID:
            continue  # <s> <s> is no context
        for k in range(order):
            grams[written, k] = unpack(keys, first, order - 1 - k, bits, per_column)
        adjusted[written] = total if starts or order == length else num_before
        raw[written] = total
        written += 1
    return row, written
