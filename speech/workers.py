"""Features of utterances, computed by processes that are begun once and kept, or here where there is little to do."""

import functools
import multiprocessing
import os
import pickle
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from typing import NamedTuple

import numpy as np

from speech import audio
from speech.corpus import Utterance
from speech.errors import AudioError
from speech.frontend import Frontend
from speech.threads import one_thread

#: (waveform [N], sample rate, generator) -> waveform [N']
Augment = Callable[[np.ndarray, int, np.random.Generator], np.ndarray]
#: Audio that is not worth a process: measured on one core, half an hour takes 1 (sentences) to 5 s (single words), and
#: processes 3 to 7 s to begin, 10 on a busy machine.
LITTLE_S = 1800.0
CHUNK = 16  # utterances sent to a process at once


class Work(NamedTuple):
    """What is done to utterances; utterance i is changed by `augment` as drawn from (seed, i)."""

    frontend: Frontend
    augment: Augment | None = None
    seed: int = 0


class Workers:
    """A context in which features are computed by processes: they begin when first needed and end with it.

    Results do not depend on where they are computed, to the bit: each is computed by one thread.

    Parameters
    ----------
    number : processes; 0 for one a core, 1 for none but this one
    """

    def __init__(self, number: int = 0):
        self.number = number or os.cpu_count() or 1
        self._pool: ProcessPoolExecutor | None = None

    def __enter__(self) -> "Workers":
        return self

    def __exit__(self, *_) -> None:
        if self._pool is not None:  # an interrupt waits for what is under way alone
            self._pool.shutdown(cancel_futures=True)
            self._pool = None

    def features(self, utterances: Sequence[Utterance], work: Work, first: int = 0) -> Iterator[np.ndarray | str]:
        """Features of each utterance in order from number `first` on, or the reason why there are none."""
        rest = utterances[first:]
        numbers = range(first, len(utterances))
        little = self._pool is None and sum(utterance.duration for utterance in rest) < LITTLE_S
        if self.number == 1 or little:
            return map(functools.partial(_compute, work), numbers, rest)
        if self._pool is None:
            self._pool = ProcessPoolExecutor(
                self.number, mp_context=multiprocessing.get_context("spawn"), initializer=_begin
            )
        packed = pickle.dumps(work)
        return self._pool.map(functools.partial(_compute_packed, packed), numbers, rest, chunksize=CHUNK)


def _begin() -> None:
    """What a process does first."""
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that began it has ended, be it killed: nobody takes what it computes."""
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


_unpacked = functools.lru_cache(maxsize=1)(pickle.loads)  # the same for all utterances of a copy


def _compute_packed(packed: bytes, number: int, utterance: Utterance) -> np.ndarray | str:
    return _compute(_unpacked(packed), number, utterance)


def _compute(work: Work, number: int, utterance: Utterance) -> np.ndarray | str:
    """Features float16 [T, F] of an utterance, or the reason why there are none."""
    rate = work.frontend.config.sample_rate_hz
    try:
        waveform, _ = audio.read(
            utterance.audio_filepath,
            sample_rate_hz=rate,
            offset_s=utterance.offset,
            duration_s=utterance.duration,
        )
    except AudioError as error:
        return str(error)
    if work.augment is not None:
        waveform = work.augment(waveform, rate, np.random.default_rng([work.seed, number]))
    with one_thread():
        return work.frontend.of_waveform(waveform).half().numpy()
