"""Augmentation during training, from one table of the configuration."""

import logging
from dataclasses import replace

import torch

from speech.experiment import AugmentConfig
from speech.frontend import Frontend
from speech.frontend.augment import random_filter, spec_augment, warp
from speech.frontend.augmenter import WaveformAugmentConfig, WaveformAugmenter
from speech.training_data import Batch

logger = logging.getLogger(__name__)

FILTER_KNOTS = 6  #: of the random filter over all bands: slopes and broad bumps, not the shape of a phone


def build_augmenter(config: AugmentConfig) -> WaveformAugmenter | None:
    """What makes the further feature copies; None if there are none, with a warning where some were described."""
    if config.copies == 1:
        if config.folder is not None or config.waveform != WaveformAugmentConfig():
            logger.warning(
                "augment.copies = 1: augment.folder and augment.waveform, which change later copies, change none"
            )
        return None
    if config.folder is None:
        return WaveformAugmenter(config.waveform)
    return WaveformAugmenter.from_folder(config.waveform, config.folder)


def augment_batch(
    batch: Batch,
    frontend: Frontend,
    position: float,
    config: AugmentConfig,
    generator: torch.Generator | None = None,
    *,
    views: int = 1,
) -> Batch:
    """A batch with its level, colour, rate and vocal tract lengths changed and with masks; a new one.

    Parameters
    ----------
    position : epochs trained so far; masks grow with it during `masks_warmup_epochs`
    generator : on the CPU, all draws come from it
    views : times that each utterance stands in the new batch, all first views before all second ones: alike in rate,
        so that their frames belong together, and changed differently in everything else
    """
    batch = batch.repeat(views)
    features, lengths = batch.features, batch.lengths
    frame_targets = batch.frame_targets
    for max_db, num_knots in ((config.gain_db, 1), (config.filter_db, FILTER_KNOTS)):
        if max_db:
            features = random_filter(features, max_db, num_knots, frontend.normalize.std, generator)
    if config.warp.max_stretch or config.warp.max_shift:
        features, lengths, sources = warp(features, lengths, config.warp, generator, views=views)
        frame_targets = {name: labels.gather(1, sources) for name, labels in frame_targets.items()}
    masks = config.masks
    if position < config.masks_warmup_epochs:
        strength = position / config.masks_warmup_epochs
        masks = replace(
            masks,
            max_time_frames=round(strength * masks.max_time_frames),
            max_frequency_bins=round(strength * masks.max_frequency_bins),
        )
    features = spec_augment(features, lengths, masks, generator)
    return replace(batch, features=features, lengths=lengths, frame_targets=frame_targets)
