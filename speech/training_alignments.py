"""The frame targets of a training run: from a file, from a flat start that is kept, or from the model in training."""

import hashlib
import json
import os
from pathlib import Path

import numpy as np
import torch

from speech.checkpoint import LoadedModel
from speech.errors import ConfigError
from speech.experiment import AlignmentConfig, ExperimentConfig
from speech.frame_targets import FrameAlignments, align_with_model, flat_start
from speech.lexicon import Lexicon, read_lexicon
from speech.phones import PHONES
from speech.training_data import TrainingData
from speech.training_state import TrainingState

BIGRAM_FLOOR = 0.5  #: count that every pair of phones gets, seen or not


def read_alignments(config: AlignmentConfig) -> FrameAlignments | None:
    """The alignments that the configuration names; a missing or bad file or lexicon is refused before any work is done.

    Raises
    ------
    ConfigError, CorpusError
        Names the key, or the file and its row.
    """
    for key in ("file", "lexicon"):
        path = getattr(config, key)
        if path is not None and not os.path.isfile(path):
            raise ConfigError(f"alignment.{key}={path}: there is no such file; correct the path or leave the key out")
    if config.lexicon is not None:
        read_lexicon(config.lexicon)
    return None if config.file is None else FrameAlignments.load(config.file)


def initial_alignments(
    config: ExperimentConfig, given: FrameAlignments | None, data: TrainingData, realigned: int
) -> FrameAlignments:
    """Alignments a run begins or goes on with: of its last realignment if it has made any, else those `given`, or new.

    New ones are of a flat start, made once and kept.
    """
    if realigned:
        return FrameAlignments.load(realigned_path(config, realigned))
    if given is not None:
        return given
    lexicon = config.alignment.lexicon
    written = lexicon.read_text(encoding="utf-8-sig") if lexicon else ""
    texts = [utterance.text for utterance in data.utterances]  # of which the features know nothing
    described = [data.stores[0].key, config.alignment.flat_start_hours, written, texts]
    key = hashlib.sha256(json.dumps(described).encode()).hexdigest()[:24]
    path = config.data.cache_dir / f"{key}.alignments"
    if not path.exists():
        found = flat_start(
            data.utterances,
            data.stores[0],
            config.frontend.hop_s,
            hours=config.alignment.flat_start_hours,
            lexicon=Lexicon.load(lexicon),
        )
        found.save(path)
    return FrameAlignments.load(path)


def realigned_path(config: ExperimentConfig, count: int) -> Path:
    """Where the alignments that the model made at its `count`-th realignment are kept."""
    return config.training.output_dir / f"realigned_{count}.alignments"


def realign(config: ExperimentConfig, loaded: LoadedModel, data: TrainingData, state: TrainingState) -> None:
    """Make the frame targets anew with the first framewise head; kept, so that a resumed run goes on with them."""
    head = next(head.name for head in config.heads if head.framewise)
    state.progress.realigned += 1
    found = align_with_model(
        loaded,
        head,
        data.utterances,
        data.stores[0],
        lexicon=Lexicon.load(config.alignment.lexicon),
        prior_scale=config.alignment.prior_scale,
        source=f"{head} at step {state.progress.step}",
    )
    found.save(realigned_path(config, state.progress.realigned))
    use_alignments(found, loaded, data)


def use_alignments(alignments: FrameAlignments, loaded: LoadedModel, data: TrainingData) -> None:
    """Take the frame targets, and the priors and bigrams of the framewise heads, from alignments.

    Raises
    ------
    ConfigError
        A feature copy has other durations than the recordings, or the alignments are of other frames.
    """
    hop_s = loaded.frontend.config.hop_s
    if abs(alignments.frame_step_s - hop_s) > 1e-6:
        raise ConfigError(
            f"alignments by {alignments.source}: have a frame every {alignments.frame_step_s:g} s, and frontend.hop_s "
            f"is {hop_s:g}; set alignment.file to alignments of these frames or leave it out"
        )
    if any((store.lengths != data.stores[0].lengths).any() for store in data.stores):
        raise ConfigError("augment.waveform.speed_factors must be [1.0] with framewise heads; use augment.warp")
    data.frame_labels = alignments.of(data.utterances, data.stores[0].lengths.tolist())
    counts = np.bincount(np.concatenate([x for x in data.frame_labels if x is not None]), minlength=len(PHONES))
    pairs = np.zeros((len(PHONES), len(PHONES)))
    for labels in data.frame_labels:
        if labels is not None:
            np.add.at(pairs, (labels[:-1], labels[1:]), 1)
    np.fill_diagonal(pairs, 0)  # a phone that lasts is no pair
    for name, ids in data.unit_ids.items():
        following = np.full((ids.max() + 1, ids.max() + 1), BIGRAM_FLOOR)
        np.add.at(following, (ids[:, None], ids[None, :]), pairs)
        following /= following.sum(axis=1, keepdims=True)
        loaded.model.log_bigram(name).copy_(torch.from_numpy(np.log(following)))
        shares = np.bincount(ids, weights=counts + 1.0)  # no unit has none, so that every prior is finite
        loaded.model.log_prior(name).copy_(torch.from_numpy(np.log(shares / shares.sum())))
