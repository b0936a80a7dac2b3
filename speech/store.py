"""Features of a corpus computed once, kept in one file that is mapped into memory.

A store is two files: `KEY.f16`, all frames of all utterances as float16 [sum of T, F], and `KEY.json`, the frames of
each utterance (0 where the audio could not be read, with the reason). KEY is a hash of all that the features depend on.
Two files `KEY.begun.*` of the same form hold the first utterances where the computation was interrupted.
"""

import functools
import hashlib
import json
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from speech.checkpoint import write_atomically
from speech.config import to_dict
from speech.corpus import Utterance
from speech.errors import CorpusError
from speech.files import stamp
from speech.frontend import Frontend, FrontendConfig, StatisticsAccumulator
from speech.workers import Augment, Work, Workers

logger = logging.getLogger(__name__)
FEATURES_VERSION = 1  # raised when the same audio and configuration give other features
ABANDONED_S = 86_400.0  # a part of a store not touched for a day belongs to nobody
STATISTICS_UTTERANCES = 1000  # enough for a mean and deviation of 80 bands to three digits


@dataclass(frozen=True)
class FeatureStore:
    """Features of a list of utterances.

    Attributes
    ----------
    frames : float16 [sum of T, F], mapped
    lengths : int64 [number of utterances]
    starts : int64, first row of each utterance in `frames`
    key : names all that the features depend on
    """

    frames: np.ndarray
    lengths: np.ndarray
    starts: np.ndarray
    key: str = ""

    def __getitem__(self, index: int) -> np.ndarray:
        start = self.starts[index]
        return self.frames[start : start + self.lengths[index]]

    def batch(self, indices: Sequence[int] | np.ndarray) -> tuple[torch.Tensor, torch.Tensor]:
        """Padded features float32 [B, T, F] and their lengths int64 [B]."""
        lengths = torch.from_numpy(self.lengths[indices])
        features = torch.zeros(len(indices), int(lengths.max()), self.frames.shape[1])
        for row, index in enumerate(indices):
            features[row, : lengths[row]] = torch.from_numpy(self[index].astype(np.float32))
        return features, lengths


def measure_statistics(
    utterances: Sequence[Utterance], config: FrontendConfig, workers: Workers
) -> tuple[torch.Tensor, torch.Tensor]:
    """Mean and standard deviation [F] of the unnormalised features of some 1,000 utterances spread over the corpus."""
    picked = utterances[:: max(1, len(utterances) // STATISTICS_UTTERANCES)]
    accumulator = StatisticsAccumulator(config.num_features)
    reason, counted = "", 0
    results = workers.features(picked, Work(Frontend(config)))
    for features in _told(results, "feature statistics", len(picked)):
        if isinstance(features, str):
            reason = reason or features
        elif len(features):
            batch = torch.from_numpy(features.astype(np.float32))[None]
            accumulator.add(batch, torch.tensor([batch.shape[1]]))
            counted += 1
    if not counted:
        raise CorpusError(f"no audio of the corpus could be used; the first: {reason or picked[0].audio_filepath}")
    return accumulator.result()


def open_store(
    utterances: Sequence[Utterance],
    frontend: Frontend,
    cache_dir: Path,
    workers: Workers,
    *,
    augment: Augment | None = None,
    seed: int = 0,
    label: str = "features",
) -> FeatureStore:
    """The features of `utterances`, computed on first use and read from `cache_dir` later.

    Raises
    ------
    CorpusError
        No audio file of the corpus can be read.
    """
    path = cache_dir / f"{_key(utterances, frontend, augment, seed)}.json"
    if not path.exists():
        logger.info("%s: computed once, kept in %s", label, cache_dir)

        def compute(first: int) -> Iterator[np.ndarray | str]:
            results = workers.features(utterances, Work(frontend, augment, seed), first)
            return _told(results, label, len(utterances), first)

        _write_store(path, 2 * frontend.num_features, compute)
    index = json.loads(path.read_text())
    lengths = np.array(index["lengths"], dtype=np.int64)
    for reason in index["failed"].values():
        logger.warning("left out: %s", reason)
    if not lengths.any():
        path.unlink()  # perhaps a disk was not mounted: look again next time
        raise CorpusError(
            f"no audio of the corpus could be used; the first: {next(iter(index['failed'].values()), '')}"
        )
    shape = (int(lengths.sum()), frontend.num_features)
    frames = np.memmap(path.with_suffix(".f16"), dtype=np.float16, mode="r", shape=shape)
    return FeatureStore(frames, lengths, np.cumsum(lengths) - lengths, path.stem)


_stamp = functools.cache(stamp)  # many utterances are parts of one file


def _key(utterances, frontend: Frontend, augment: Augment | None, seed: int) -> str:
    rows = [(str(u.audio_filepath), *_stamp(u.audio_filepath), u.offset, u.duration) for u in utterances]
    statistics = [value.tolist() for value in frontend.normalize.buffers()]
    described = [FEATURES_VERSION, rows, to_dict(frontend.config), statistics, repr(augment), seed if augment else 0]
    if not frontend.config.snip_edges:
        described.append(frontend.config.mirrored_samples)  # at odd hops they were others in earlier versions
    return hashlib.sha256(json.dumps(described).encode()).hexdigest()[:24]


def _write_store(path: Path, frame_bytes: int, compute: Callable[[int], Iterator[np.ndarray | str]]) -> None:
    """Write what `compute(first)` yields for the utterances from `first` on, after those of an interrupted process."""
    begun = path.with_suffix(".begun.json")
    lengths, failed = _read_begun(begun, frame_bytes)

    def write(file) -> None:
        if lengths:
            with open(begun.with_suffix(".f16"), "rb") as done:
                shutil.copyfileobj(done, file)
            file.truncate(frame_bytes * sum(lengths))
            file.seek(0, os.SEEK_END)
        try:
            for row, features in enumerate(compute(len(lengths)), start=len(lengths)):
                if isinstance(features, str):
                    failed[str(row)] = features
                    lengths.append(0)
                else:
                    file.write(features.tobytes())
                    lengths.append(len(features))
        except KeyboardInterrupt:  # the next call goes on after what is complete
            file.close()
            os.replace(file.name, begun.with_suffix(".f16"))
            write_index(begun)
            logger.info("features of %d utterances are kept for the next time", len(lengths))
            raise

    def write_index(path: Path) -> None:
        index = json.dumps({"lengths": lengths, "failed": failed}).encode()
        write_atomically(path, lambda file: file.write(index))

    for old in path.parent.glob(".*.part"):  # of a process that was killed; one that lives writes it again
        if time.time() - old.stat().st_mtime > ABANDONED_S:
            old.unlink(missing_ok=True)
    write_atomically(path.with_suffix(".f16"), write)
    write_index(path)
    for old in (begun, begun.with_suffix(".f16")):
        old.unlink(missing_ok=True)


def _read_begun(begun: Path, frame_bytes: int) -> tuple[list[int], dict[str, str]]:
    """Frames of each utterance that an interrupted process has left, and the reasons of those without any."""
    frames = begun.with_suffix(".f16")
    if begun.exists() and frames.exists():
        index = json.loads(begun.read_text())
        if frames.stat().st_size >= frame_bytes * sum(index["lengths"]):  # else another process is replacing both
            return index["lengths"], index["failed"]
    return [], {}


def _told(results: Iterator[np.ndarray | str], label: str, total: int, first: int = 0) -> Iterator[np.ndarray | str]:
    """The same, counted by a bar."""
    with tqdm(total=total, initial=first, desc=label, unit="utt", smoothing=0.05, mininterval=1.0) as bar:
        for features in results:
            bar.update()
            yield features
