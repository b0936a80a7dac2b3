"""Augmentation during training, from one table of the configuration."""

import math
from dataclasses import replace

import torch
from torch import Tensor

from speech.experiment import AugmentConfig
from speech.frontend import Frontend
from speech.frontend.augment import spec_augment
from speech.frontend.augmenter import WaveformAugmenter
from speech.training_data import Batch


def build_augmenter(config: AugmentConfig) -> WaveformAugmenter | None:
    """What makes the further feature copies; None if there are none."""
    if config.copies == 1:
        return None
    if config.folder is None:
        return WaveformAugmenter(config.waveform)
    return WaveformAugmenter.from_folder(config.waveform, config.folder)


def augment_features(batch: Batch, frontend: Frontend, position: float, config: AugmentConfig) -> Tensor:
    """Change of level and SpecAugment of a batch's normalised features; a new tensor [B, T, F].

    Parameters
    ----------
    position : epochs trained so far; masks grow with it during `masks_warmup_epochs`
    """
    features = batch.features
    if config.gain_db:
        # A gain of g dB adds g ln(10) / 10 to a log power; dividing by the deviation follows the normalisation.
        gain = (2 * torch.rand(len(features), 1, 1) - 1) * config.gain_db * math.log(10) / 10
        features = features + gain / frontend.normalize.std
    masks = config.masks
    if position < config.masks_warmup_epochs:
        strength = position / config.masks_warmup_epochs
        masks = replace(
            masks,
            max_time_frames=round(strength * masks.max_time_frames),
            max_frequency_bins=round(strength * masks.max_frequency_bins),
        )
    return spec_augment(features, batch.lengths, masks)
