"""Threads of which each computes alone.

PyTorch shares every single product among threads, which then wait for each other some thousand times a second, and turn
in circles meanwhile. An LSTM on two threads, of which other work holds up one, took ten times as long as on one. So
pieces are computed side by side, each by a thread alone, and a single piece by one thread too.

A process that was forked computes with one thread as well, whatever its parent had: it inherits no others, for which
PyTorch (by GNU OpenMP) would wait forever.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import TypeVar

import torch

Part = TypeVar("Part")
Result = TypeVar("Result")


def in_threads(work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
    """What `work` returns for each part, of which as many are under way as PyTorch has threads, each computed by one.

    `work` sees neither the caller's grad mode nor other settings of its thread. Once the main thread is over, and
    Python begins no more threads, the caller computes all.
    """
    number = torch.get_num_threads()
    if number == 1 or not threading.main_thread().is_alive():
        return [work(part) for part in parts]
    return list(threads("parts", number).map(work, parts))


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """While it lasts, PyTorch computes with one thread, so that results are the same everywhere."""
    share = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(share)


def threads(purpose: str, number: int) -> ThreadPoolExecutor:
    """So many threads of this process, the same for each call with this purpose.

    A thread of the caller's that uses PyTorch for the first time while they begin may get one thread to compute with.
    """
    with _lock:
        return _threads(purpose, number, os.getpid())


_lock = threading.Lock()


def _begin_alone() -> None:
    """Begin a forked process: with one thread, and a lock that no thread of the parent's holds."""
    global _lock
    _lock = threading.Lock()
    torch.set_num_threads(1)


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_alone)


@cache
def _threads(purpose: str, number: int, _process: int) -> ThreadPoolExecutor:  # a fork inherits none
    begun = threading.Barrier(number + 1)

    def begin() -> None:
        torch.get_num_threads()  # as PyTorch does at a thread's first use, which would undo the next line
        torch.set_num_threads(1)
        begun.wait()

    pool = ThreadPoolExecutor(number, thread_name_prefix=purpose, initializer=begin)
    share = torch.get_num_threads()
    try:
        for _ in range(number):
            pool.submit(int)
        begun.wait()
    except BaseException:
        begun.abort()  # nobody waits for threads that could not begin
        raise
    finally:
        torch.set_num_threads(share)  # for threads that are born later; those of the pool keep theirs
    return pool
