"""Losses of the acoustic model, each a mean over what counts.

Legend: B batch, P phones, T frames, M mel bands.
"""

import math
from dataclasses import dataclass, fields

import torch
from torch import Tensor
from torch.nn import functional

from tts.models import AcousticModel, Melody, PhonePredictions, even
from tts.targets import Targets
from tts.variance import Frames, regulate


@dataclass(frozen=True)
class Batch:
    """Recordings padded to the longest.

    Attributes
    ----------
    features : Tensor, int64, [B, P, features]
    phones : Tensor, bool, [B, P], rows that count
    pauses : Tensor, bool, [B, P], rows where a pause may be
    spoken : Tensor, bool, [B, P], rows that are phones, neither pause nor silence
    durations : Tensor, int64, [B, P]
    pitch, energy : Tensor, float32, [B, P], in units of their spread
    pitch_weight : Tensor, float32, [B, P], how much the phone's pitch is to be trusted
    mel : Tensor, float32, [B, T, M], normalised; T is even
    f0 : Tensor, float32, [B, T], in units of its spread, drawn through where unvoiced
    voiced : Tensor, float32, [B, T], 0 or 1
    speaker : Tensor, int64, [B]
    """

    features: Tensor
    phones: Tensor
    pauses: Tensor
    spoken: Tensor
    durations: Tensor
    pitch: Tensor
    energy: Tensor
    pitch_weight: Tensor
    mel: Tensor
    f0: Tensor
    voiced: Tensor
    speaker: Tensor


@dataclass(frozen=True, kw_only=True)
class LossWeights:
    """Share of each loss in the sum that is minimised."""

    mel: float = 1.0
    melody: float = 0.3
    voicing: float = 0.3
    duration: float = 0.5
    pause: float = 0.3
    pause_length: float = 0.2
    pitch: float = 0.2
    energy: float = 0.2

    def __post_init__(self):
        for name, weight in vars(self).items():
            if not 0 <= weight < math.inf:  # so NaN is refused too
                raise ValueError(f"{name} must be 0 or more and finite, got {weight}")


@dataclass(frozen=True)
class Losses:
    """Each loss, a scalar tensor; names as in `LossWeights`."""

    mel: Tensor
    melody: Tensor
    voicing: Tensor
    duration: Tensor
    pause: Tensor
    pause_length: Tensor
    pitch: Tensor
    energy: Tensor

    def total(self, weights: LossWeights) -> Tensor:
        """Weighted sum."""
        return torch.stack([getattr(weights, field.name) * getattr(self, field.name) for field in fields(self)]).sum()


@dataclass(frozen=True)
class Outputs:
    """What the model makes of a batch when told the true durations, pitch and energy."""

    phones: PhonePredictions
    frames: Frames
    melody: Melody
    mel: Tensor


def forward(model: AcousticModel, batch: Batch) -> Outputs:
    """Run the model as it is trained: every stage is given what the stage before should have predicted."""
    hidden = model.encode(batch.features, batch.phones, batch.speaker)
    phones = model.predict(hidden, batch.phones)
    frames = regulate(batch.durations, batch.mel.shape[1])
    melody = model.draw_melody(hidden, frames, batch.pitch, batch.energy)
    mel = model.paint(hidden, frames, batch.pitch, batch.energy, batch.f0, batch.voiced)
    return Outputs(phones, frames, melody, mel)


def compute_losses(outputs: Outputs, batch: Batch) -> Losses:
    """Losses of a batch.

    The mel's is half the mean absolute and half the mean squared difference: the first keeps edges sharp,
    the second is what a distance of cepstra measures.
    """
    said, mask = outputs.phones, outputs.frames.mask
    difference = outputs.mel - batch.mel
    mel = 0.5 * (difference.abs() + difference.square()).mean(dim=2)
    voiced = mask * batch.voiced
    paused = (batch.pauses & (batch.durations > 0)).float()
    length = torch.log1p(batch.durations.float())
    smooth = functional.smooth_l1_loss
    return Losses(
        mel=_mean(mel, mask),
        melody=_mean((outputs.melody.f0 - batch.f0).abs(), voiced),
        voicing=_mean(_entropy(outputs.melody.voiced_logit, batch.voiced), mask),
        duration=_mean(smooth(said.log_duration, length, reduction="none", beta=0.2), batch.spoken) * 4.0,
        pause=_mean(_entropy(said.pause_logit, paused), batch.pauses),
        pause_length=_mean((said.log_pause - length).abs(), paused),
        pitch=_mean(smooth(said.pitch, batch.pitch, reduction="none"), batch.pitch_weight),
        energy=_mean(smooth(said.energy, batch.energy, reduction="none"), batch.phones),
    )


def _entropy(logits: Tensor, truth: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")


def _mean(values: Tensor, weight: Tensor) -> Tensor:
    """Weighted mean; 0 where nothing counts."""
    weight = weight.float()
    return (values * weight).sum() / weight.sum().clamp(min=1.0)


def collate(
    targets: list[Targets], frames: list[tuple[Tensor, Tensor]], speakers: list[int], model: AcousticModel
) -> Batch:
    """Batch of recordings.

    Parameters
    ----------
    targets : of each recording
    frames : mel [T, M] and F0 in hertz [T] of each, cut to the frames that count
    speakers : number of each one's voice
    model : whose statistics normalise
    """
    num_phones = max(len(one.durations) for one in targets)
    num_frames = even(max(len(f0_hz) for _, f0_hz in frames))
    f0_mean, f0_spread, energy_mean, energy_spread = model.prosody.tolist()

    def phone_rows(values: list[Tensor]) -> Tensor:
        return torch.stack([_pad(value, num_phones) for value in values])

    f0 = torch.stack([_pad((drawn_through(f0_hz) - f0_mean) / f0_spread, num_frames) for _, f0_hz in frames])
    mel = torch.stack([_pad((mel - model.mel_mean) / model.mel_spread, num_frames) for mel, _ in frames])
    return Batch(
        features=phone_rows([one.rows.features for one in targets]),
        phones=phone_rows([torch.ones(len(one.durations), dtype=torch.bool) for one in targets]),
        pauses=phone_rows([one.rows.is_pause for one in targets]),
        spoken=phone_rows([~(one.rows.is_pause | one.rows.is_silence) for one in targets]),
        durations=phone_rows([one.durations for one in targets]),
        pitch=phone_rows([(one.pitch - f0_mean) / f0_spread for one in targets]),
        energy=phone_rows([(one.energy_db - energy_mean) / energy_spread for one in targets]),
        pitch_weight=phone_rows([one.voiced_share.clamp(min=0.1) for one in targets]),
        mel=mel,
        f0=f0,
        voiced=torch.stack([_pad((f0_hz > 0).float(), num_frames) for _, f0_hz in frames]),
        speaker=torch.tensor(speakers),
    )


def drawn_through(f0_hz: Tensor) -> Tensor:
    """Natural logarithm of F0 with straight lines through unvoiced frames, float32 [T]; 0 where nothing is voiced."""
    import numpy as np

    values = f0_hz.numpy()
    voiced = values > 0
    if not voiced.any():
        return torch.zeros(len(values))
    places = np.arange(len(values))
    return torch.from_numpy(np.interp(places, places[voiced], np.log(values[voiced]))).float()


def _pad(value: Tensor, count: int) -> Tensor:
    """The first dimension filled up to `count` with zeros."""
    return functional.pad(value, (0, 0) * (value.dim() - 1) + (0, count - len(value)))
