"""From manifests to batches: which utterances can be learned from, their features, targets and order."""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ctc import smoothed_trigram
from speech.batches import make_batches
from speech.corpus import Utterance, read_manifest
from speech.errors import CorpusError
from speech.experiment import DataConfig, ExperimentConfig
from speech.frame_targets import UNKNOWN, unit_ids
from speech.frontend import Frontend
from speech.store import FeatureStore, open_store
from speech.units import Units
from speech.workers import Augment, Workers

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Batch:
    """Padded features and, by head, padded targets.

    Attributes
    ----------
    features : float32 [B, T, F]
    lengths : int64 [B]
    targets : by head, int64 [B, N]
    target_lengths : by head, int64 [B]; -1 where the transcript cannot be written in the head's units
    utterances : list of B
    frame_targets : by framewise head, int64 [B, T], the unit of each feature frame; -1 where it is not known
    """

    features: Tensor
    lengths: Tensor
    targets: dict[str, Tensor]
    target_lengths: dict[str, Tensor]
    utterances: list[Utterance]
    frame_targets: dict[str, Tensor] = field(default_factory=dict)

    def repeat(self, times: int) -> "Batch":
        """Every row `times` times, the whole batch after the whole batch."""

        def tiled(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
            return {name: value.repeat(times, *[1] * (value.ndim - 1)) for name, value in tensors.items()}

        return Batch(
            self.features.repeat(times, 1, 1),
            self.lengths.repeat(times),
            tiled(self.targets),
            tiled(self.target_lengths),
            self.utterances * times,
            tiled(self.frame_targets),
        )


def select_utterances(rows: Sequence[Utterance], config: DataConfig, primary: Units, what: str) -> list[Utterance]:
    """Rows of the set `what` that can be learned or measured with; says how many are left out and why.

    Raises
    ------
    CorpusError
        No row is left.
    """
    kept: list[Utterance] = []
    words = primary.kind == "word"
    unwritable = "with words that no training text has" if words else f"not writable in {primary.kind} units"
    left_out = {"unsure transcript": 0, "too short or long": 0, unwritable: 0}
    for row in rows:
        if row.confidence is not None and row.confidence < config.min_confidence:
            left_out["unsure transcript"] += 1
        elif not config.min_duration_s <= row.duration <= config.max_duration_s:
            left_out["too short or long"] += 1
        elif primary.encode(row.text) is None:
            left_out[unwritable] += 1
        else:
            kept.append(row)
    hours = sum(row.duration for row in kept) / 3600
    reasons = ", ".join(f"{count} {reason}" for reason, count in left_out.items() if count)
    logger.info("%s: %d utterances, %.2f hours; left out: %s", what, len(kept), hours, reasons or "none")
    if not kept:
        raise CorpusError(f"{what}: no utterance can be used ({reasons or 'no rows'})")
    return kept


class TrainingData:
    """Batches of one list of utterances.

    Parameters
    ----------
    utterances : what is learned
    stores : feature copies; epoch e reads copy e modulo their number
    units : of each head
    """

    def __init__(self, utterances: list[Utterance], stores: list[FeatureStore], units: dict[str, Units]):
        self.utterances = utterances
        self.frame_labels: list[NDArray[np.int16] | None] = []  # numbers into `speech.phones.PHONES`
        self.unit_ids = {name: unit_ids(u) for name, u in units.items() if u.framewise}
        self.stores = stores
        self.targets = {name: [u.encode(utterance.text) for utterance in utterances] for name, u in units.items()}

    def trigram(self, head: str, num_units: int) -> NDArray[np.float32]:
        """Probability of each unit of the targets of a head after the two before it, [K, K, K]."""
        return smoothed_trigram((ids for ids in self.targets[head] if ids is not None), num_units)

    def batches(self, config: ExperimentConfig, epoch: int) -> list[np.ndarray]:
        """Indices of the batches of an epoch, the same for the same seed."""
        training = config.training
        lengths = self._store(epoch).lengths
        readable = np.flatnonzero(lengths)
        batches = make_batches(
            lengths[readable],
            training.batch_frames,
            seed=training.seed,
            epoch=epoch,
            sort=epoch < training.sorted_epochs,
        )
        return [readable[batch] for batch in batches]

    def load(self, indices: np.ndarray, epoch: int) -> Batch:
        """The batch of the utterances `indices`."""
        features, lengths = self._store(epoch).batch(indices)
        targets, target_lengths = {}, {}
        for name, encoded in self.targets.items():
            rows = [encoded[i] for i in indices]
            target_lengths[name] = torch.tensor([-1 if r is None else len(r) for r in rows])
            targets[name] = torch.zeros(len(rows), max(1, int(target_lengths[name].max())), dtype=torch.int64)
            for row, ids in enumerate(rows):
                if ids:
                    targets[name][row, : len(ids)] = torch.tensor(ids)
        frame_targets = self._frame_targets(indices, features.shape[1]) if self.frame_labels else {}
        return Batch(features, lengths, targets, target_lengths, [self.utterances[i] for i in indices], frame_targets)

    def _frame_targets(self, indices: np.ndarray, num_frames: int) -> dict[str, Tensor]:
        """Unit of each frame for each framewise head, int64 [B, T]."""
        found = {name: torch.full((len(indices), num_frames), UNKNOWN) for name in self.unit_ids}
        for row, index in enumerate(indices):
            labels = self.frame_labels[index]
            if labels is not None:
                for name, ids in self.unit_ids.items():
                    found[name][row, : len(labels)] = torch.from_numpy(ids[labels])
        return found

    def ordered(self, batch_frames: int) -> Iterator[tuple[np.ndarray, Batch]]:
        """Every utterance once, short ones first, for evaluation."""
        lengths = self.stores[0].lengths
        readable = np.flatnonzero(lengths)
        for batch in make_batches(lengths[readable], batch_frames, seed=0, epoch=0, sort=True):
            yield readable[batch], self.load(readable[batch], 0)

    def _store(self, epoch: int) -> FeatureStore:
        return self.stores[epoch % len(self.stores)]


def open_training_data(
    config: ExperimentConfig,
    utterances: list[Utterance],
    frontend: Frontend,
    units: dict[str, Units],
    augment: Augment | None,
    workers: Workers,
) -> TrainingData:
    """Features of the training set, one store a copy."""
    stores = [
        open_store(
            utterances,
            frontend,
            config.data.cache_dir,
            workers,
            augment=augment if copy else None,
            seed=config.training.seed * 1000 + copy,
            label=f"features {copy + 1}/{config.augment.copies}",
        )
        for copy in range(config.augment.copies)
    ]
    return TrainingData(utterances, stores, units)


def select_dev_utterances(config: DataConfig, primary: Units) -> list[Utterance]:
    """At most `dev_utterances` rows of each dev manifest, evenly spaced."""
    utterances: list[Utterance] = []
    for manifest in config.dev:
        rows = select_utterances(read_manifest(manifest), config, primary, f"dev set {manifest}")
        count = min(config.dev_utterances or len(rows), len(rows))
        utterances += [rows[i] for i in np.linspace(0, len(rows) - 1, count).astype(int)]
    return utterances


def warn_of_shared(training: Sequence[Utterance], dev: Sequence[Utterance]) -> None:
    """Say so if what is measured on is trained on too: its errors would look better than those of other speech."""
    learned = {(os.path.realpath(row.audio_filepath), row.offset) for row in training}
    shared = sum((os.path.realpath(row.audio_filepath), row.offset) in learned for row in dev)
    if shared:
        logger.warning(
            "%d of %d dev utterances are in the training set too, so their errors do not tell how other speech is "
            "recognised; name other recordings in data.dev", shared, len(dev),
        )  # fmt: skip


def open_dev_data(
    config: ExperimentConfig,
    utterances: list[Utterance],
    frontend: Frontend,
    units: dict[str, Units],
    workers: Workers,
) -> TrainingData:
    """Features of the dev set."""
    store = open_store(utterances, frontend, config.data.cache_dir, workers, label="dev features")
    return TrainingData(utterances, [store], units)
