"""Memory that is used again once nobody holds what was in it.

A gradient of [B, T, K] is as large as the logits. Fresh memory for it costs more than the walk that fills it, as the
system clears every page first (512 MiB: 150 to 650 ms, the walk 150): a loop over batches of much the same size had
better take the same memory in turn.
"""

import math
import os
import threading
import weakref
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

CONTAINER_LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
"""Where Linux tells a container what it may take: control groups of version 2, and of version 1."""
KEPT_BYTES = 2**30
"""Most that is kept in all."""
MOST_SPARE = 8
"""Times a tensor's size that its memory may have: a small one that somebody holds must not hold all there is."""


@dataclass
class _Block:
    """Memory, and a reference, dead or alive, to the array that the tensor lent last stands on."""

    memory: np.ndarray
    lent: weakref.ref


class Recycler:
    """Lends tensors, and lends their memory again once they are gone; for any number of threads.

    Parameters
    ----------
    kept_bytes : int
        Most that is kept in all, lent or not; what does not fit is made anew each time.

    Examples
    --------
    >>> recycler = Recycler()
    >>> first = recycler.empty((2, 3), torch.float32)
    >>> address = first.data_ptr()
    >>> del first
    >>> recycler.empty((5,), torch.float32).data_ptr() == address
    True
    """

    def __init__(self, kept_bytes: int = KEPT_BYTES):
        self.kept_bytes = kept_bytes
        self._blocks: list[_Block] = []
        self._lock = threading.Lock()

    def empty(self, shape: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
        """A tensor of float32 or float64 on the CPU, of any content.

        Its memory is lent again when the tensor, all views of it and all arrays made from it are gone.
        """
        kind = np.float64 if dtype == torch.float64 else np.float32
        size = math.prod(shape) * np.dtype(kind).itemsize
        with self._lock:
            block = self._block(size)
            # The tensor's storage holds this very array; nobody else ever sees it.
            array = np.ndarray(shape, kind, buffer=block.memory)
            block.lent = weakref.ref(array)
        return torch.from_numpy(array)

    def _block(self, size: int) -> _Block:
        """A free block of so many bytes or more; NumPy asks the system for large pages, which torch does not."""
        free = [one for one in self._blocks if one.lent() is None and size <= one.memory.nbytes <= MOST_SPARE * size]
        if free:
            return min(free, key=lambda block: block.memory.nbytes)
        # What is free but too small would wait in vain.
        self._blocks = [one for one in self._blocks if one.lent() is not None or one.memory.nbytes >= size]
        block = _Block(np.empty(size, np.uint8), weakref.ref(self))
        if sum(one.memory.nbytes for one in self._blocks) + size <= self.kept_bytes:
            self._blocks.append(block)
        return block


gradients = Recycler()


def machine_bytes() -> float:
    """Memory of the machine, or of the container if that may take less; infinity where the system does not tell."""
    limits = [math.inf]
    if "SC_PHYS_PAGES" in getattr(os, "sysconf_names", ()):
        pages = os.sysconf("SC_PHYS_PAGES")
        if pages > 0:  # -1: not known
            limits.append(os.sysconf("SC_PAGE_SIZE") * pages)
    for path in CONTAINER_LIMITS:
        if path.is_file() and (text := path.read_text().strip()).isdecimal():  # or "max"
            limits.append(int(text))
    return min(limits)
