"""How kernels are compiled: at first use, cached on disk where that can be, and never silently for long."""

import sys
import threading
import time
import zlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any

import numba
import numpy as np

COMPILE_NOTICE_S = 1.0
"""CPU seconds: loading a cached kernel takes half of this, whatever takes longer is compiling."""

FASTMATH = frozenset({"reassoc", "contract", "nsz"})
"""What sums need to be vectorised. Never nnan or ninf: NaN and infinity mean something here."""

_BORROWING: dict[str, Any] = {"nogil": True, "error_model": "numpy", "_nrt": False}
_lock = threading.Lock()


def jit(function: Callable) -> Callable:
    """Compile at first use, to run without Python's lock."""
    return numba.njit(nogil=True, error_model="numpy")(function)


def jit_inside(function: Callable) -> Callable:
    """Compile as `jit` does, but into the callers.

    An array is seven arguments; beside a frame of 40 labels passing them took a quarter of the time.
    """
    return numba.njit(nogil=True, error_model="numpy", forceinline=True)(function)


def jit_sums_inside(function: Callable) -> Callable:
    """Compile as `jit_inside` does, letting sums be reordered (about 3 times as fast in the recursions)."""
    return numba.njit(nogil=True, error_model="numpy", fastmath=set(FASTMATH), forceinline=True)(function)


def jit_cached(function: Callable) -> Callable:
    """Compile as `jit` does and cache on disk, if some folder can be written.

    Numba looks for such a folder in NUMBA_CACHE_DIR, beside the source, and in the user's cache. It makes a kernel anew
    when the kernel's own file changes or a number that it closes over: see `sources_fingerprint`.
    """
    return _cached(function)


def jit_sums_cached(function: Callable) -> Callable:
    """Compile as `jit_cached` does, letting sums be reordered."""
    return _cached(function, fastmath=set(FASTMATH))


def jit_borrowing(function: Callable) -> Callable:
    """Compile as `jit` does a function that makes no arrays: it borrows those that it gets.

    Numba counts references where arrays are taken out of tuples or handed on, even in the innermost loop: with that the
    beam search with a word model took 3.4 times as long (137 against 40 ms). Slices are fine, assigning one to another
    is not. `_nrt` is an option of Numba's that its documentation leaves out.
    """
    return numba.njit(**_BORROWING)(function)


def jit_borrowing_inside(function: Callable) -> Callable:
    """Compile as `jit_borrowing` does, but into the callers: a tuple of arrays is dozens of arguments."""
    return numba.njit(forceinline=True, **_BORROWING)(function)


def jit_borrowing_cached(function: Callable) -> Callable:
    """Compile as `jit_borrowing` does and cache as `jit_cached` does."""
    return _cached(function, _nrt=False)


def _cached(function: Callable, **options) -> Callable:
    """Cache on disk, or else not."""
    try:
        return numba.njit(nogil=True, error_model="numpy", cache=True, **options)(function)
    except RuntimeError as error:
        if "no locator available" not in str(error):
            raise
        return numba.njit(nogil=True, error_model="numpy", **options)(function)


def sources_fingerprint(*modules: ModuleType) -> int:
    """Number, never zero, that changes with the text of the modules that a kernel is made of."""
    text = b"".join(Path(str(module.__file__)).read_bytes() for module in modules)
    return zlib.crc32(text) | 1 << 32


_ready: set[tuple[Callable, np.dtype]] = set()


def prepare(kernel: Callable, dtype: np.dtype, arguments: tuple) -> None:
    """Compile or load a kernel for a float type; say so if that takes over a second.

    `arguments` are an example of that type; the other types of a kernel's arguments never change.
    """
    if (kernel, dtype) in _ready or not hasattr(kernel, "compile"):  # NUMBA_DISABLE_JIT=1
        return
    signature = tuple(numba.typeof(argument) for argument in arguments)
    with _lock:
        if (kernel, dtype) in _ready:
            return
        done = threading.Event()
        threading.Thread(target=_watch, args=(done,), daemon=True).start()
        try:
            kernel.compile(signature)
        finally:
            done.set()
        _ready.add((kernel, dtype))


def _watch(done: threading.Event) -> None:
    """Say so if it takes long; by CPU time, for on a busy machine loading takes seconds of the clock, too."""
    start = time.process_time()
    while not done.wait(COMPILE_NOTICE_S / 4):
        if time.process_time() - start > COMPILE_NOTICE_S:
            _say_compiling()
            return


@cache
def _say_compiling() -> None:
    """Tell a waiting person, once a process."""
    sys.stderr.write("ctc: compiling kernels for this task; done once for each, then cached on disk\n")
    sys.stderr.flush()
