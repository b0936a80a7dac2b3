"""Sorting more rows than memory holds: sorted runs on disk, merged two by two.

A row is a key of L 64-bit columns and a count; rows with equal keys are added up. Words are packed into keys so that
keys sort as the word sequences do.
"""

import math
import os
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctc.compilation import jit, jit_cached

Keys = npt.NDArray[np.uint64]
Counts = npt.NDArray[np.int64]


class Packing:
    """How `length` word ids below `num_words` share 64-bit columns, the first word in the highest bits."""

    def __init__(self, num_words: int, length: int):
        self.length = length
        self.bits = max(1, int(num_words - 1).bit_length())
        self.per_column = 64 // self.bits
        self.num_columns = -(-length // self.per_column)

    def pack(self, grams: npt.NDArray[np.uint32]) -> Keys:
        """Keys [N, L] of grams [N, length]."""
        keys = np.zeros((len(grams), self.num_columns), dtype=np.uint64)
        for k in range(self.length):
            shift = np.uint64(self.bits * (self.per_column - 1 - k % self.per_column))
            keys[:, k // self.per_column] |= grams[:, k].astype(np.uint64) << shift
        return keys

    @property
    def numbers(self) -> tuple[int, int]:
        """What `unpack` asks for."""
        return self.bits, self.per_column


@jit
def unpack(keys, row, k, bits, per_column):
    """Word k of a key."""
    shift = np.uint64(bits * (per_column - 1 - k % per_column))
    mask = (np.uint64(1) << np.uint64(bits)) - np.uint64(1)
    return np.int64((keys[row, k // per_column] >> shift) & mask)


@jit_cached
def merge_runs(keys_a, counts_a, keys_b, counts_b, keys, counts):
    """Merge two sorted runs into `keys`, `counts`; return the number of rows."""
    i, j, n = 0, 0, 0
    num_a, num_b, num_columns = len(counts_a), len(counts_b), keys.shape[1]
    while i < num_a or j < num_b:
        order = 0
        if i == num_a:
            order = 1
        elif j == num_b:
            order = -1
        else:
            for c in range(num_columns):
                if keys_a[i, c] != keys_b[j, c]:
                    order = -1 if keys_a[i, c] < keys_b[j, c] else 1
                    break
        total = np.int64(0)
        if order <= 0:
            keys[n] = keys_a[i]
            total += counts_a[i]
            i += 1
        if order >= 0:
            keys[n] = keys_b[j]
            total += counts_b[j]
            j += 1
        counts[n] = total
        n += 1
    return n


def sort_rows(keys: Keys, counts: Counts | None) -> tuple[Keys, Counts]:
    """Sort rows and add up the counts (ones, if None) of equal keys."""
    if counts is None and keys.shape[1] == 1:
        keys = np.sort(keys, axis=0)
        counts = np.ones(len(keys), dtype=np.int64)
    else:
        order = np.lexsort(keys.T[::-1])
        keys = keys[order]
        counts = np.ones(len(keys), dtype=np.int64) if counts is None else counts[order]
    if len(keys) == 0:
        return keys, counts
    starts = np.append(0, 1 + np.flatnonzero((keys[1:] != keys[:-1]).any(axis=1)))
    return np.ascontiguousarray(keys[starts]), np.add.reduceat(counts, starts)


def _room(path: str, dtype: type, shape: tuple[int, ...]) -> np.memmap:
    """Map a new file, of which every byte has its place: with a gap, a full disk would kill the process later."""
    with open(path, "wb") as file:
        if hasattr(os, "posix_fallocate"):
            os.posix_fallocate(file.fileno(), 0, math.prod(shape) * np.dtype(dtype).itemsize)
        else:
            file.truncate(math.prod(shape) * np.dtype(dtype).itemsize)
    return np.memmap(path, dtype, "r+", shape=shape)


class ExternalSort:
    """Rows in, sorted rows out, with `run_rows` rows in memory at a time.

    Parameters
    ----------
    folder : Path
        For runs; files there are named after `name`.
    """

    def __init__(self, folder: Path, name: str, num_columns: int, run_rows: int):
        self.folder, self.name, self.num_columns, self.run_rows = folder, name, num_columns, run_rows
        self._waiting: list[tuple[Keys, Counts | None]] = []
        self._num_waiting = 0
        self._runs: list[tuple[Keys, Counts]] = []
        self._num_files = 0

    def append(self, keys: Keys, counts: Counts | None = None) -> None:
        """Add rows: keys [N, L], counts [N] or ones."""
        self._waiting.append((keys, counts))
        self._num_waiting += len(keys)
        if self._num_waiting >= self.run_rows:
            self._runs.append(self._on_disk(*self._take_waiting()))

    def finish(self) -> tuple[Keys, Counts]:
        """All rows, sorted, equal keys added up; on disk if there was more than one run."""
        runs = self._runs
        if self._waiting or not runs:
            runs.append(self._take_waiting())
        self._runs = []
        while len(runs) > 1:
            runs.append(self._merge_first_two(runs))
        return runs[0]

    def _take_waiting(self) -> tuple[Keys, Counts]:
        """Sort what is in memory."""
        if not self._waiting:
            return np.zeros((0, self.num_columns), np.uint64), np.zeros(0, np.int64)
        keys = np.concatenate([keys for keys, _ in self._waiting])
        unit = all(counts is None for _, counts in self._waiting)
        counts = None if unit else np.concatenate([counts for _, counts in self._waiting if counts is not None])
        self._waiting, self._num_waiting = [], 0
        return sort_rows(keys, counts)

    def _map(self, num_rows: int) -> tuple[Keys, Counts]:
        """Room for rows on disk."""
        self._num_files += 1
        path = self.folder / f"{self.name}-{self._num_files}"
        keys = _room(f"{path}.keys", np.uint64, (num_rows, self.num_columns))
        return keys, _room(f"{path}.counts", np.int64, (num_rows,))

    def _on_disk(self, keys: Keys, counts: Counts) -> tuple[Keys, Counts]:
        """The same run as files."""
        mapped_keys, mapped_counts = self._map(len(keys))
        mapped_keys[:], mapped_counts[:] = keys, counts
        return mapped_keys, mapped_counts

    def _merge_first_two(self, runs: list[tuple[Keys, Counts]]) -> tuple[Keys, Counts]:
        """One run of the first two, which are taken out and whose files are deleted."""
        parts = [*runs.pop(0), *runs.pop(0)]
        paths = [part.filename for part in parts if isinstance(part, np.memmap)]
        keys, counts = self._map(len(parts[0]) + len(parts[2]))
        num_rows = merge_runs(*map(np.asarray, parts), np.asarray(keys), np.asarray(counts))
        parts.clear()  # a file that is mapped cannot be deleted everywhere
        for path in filter(None, paths):
            Path(path).unlink()
        return keys[:num_rows], counts[:num_rows]
