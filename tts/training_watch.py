"""What a training run looks at: errors on recordings kept aside, and the detail that the decoder leaves out."""

from collections.abc import Sequence
from dataclasses import fields

import torch
from torch import Tensor

from tts.finish import detail_lost
from tts.losses import compute_losses, forward
from tts.models import AcousticModel
from tts.training_data import Recordings

_DETAIL_RECORDINGS = 60  # spread over the training set; three minutes of speech


@torch.no_grad()
def evaluate(model: AcousticModel, recordings: Recordings, indices: list[int], batch_size: int) -> dict[str, float]:
    """Losses on held-out recordings, and the errors of what was predicted of phones.

    Returns
    -------
    dict : mean losses; "duration_ms", mean absolute error; "pause_f1" at the best "pause_threshold"
    """
    model.eval()
    sums: dict[str, float] = {}
    probabilities, paused, errors = [], [], []
    ordered = sorted(indices, key=recordings.num_frames)
    batches = [ordered[at : at + batch_size] for at in range(0, len(ordered), batch_size)]
    for chosen in batches:
        batch = recordings.batch(chosen, model)
        outputs = forward(model, batch)
        losses = compute_losses(outputs, batch)
        for item in fields(losses):
            sums[item.name] = sums.get(item.name, 0.0) + float(getattr(losses, item.name)) * len(chosen) / len(indices)
        said = torch.expm1(outputs.phones.log_duration)
        errors.append((said - batch.durations)[batch.spoken].abs())
        probabilities.append(outputs.phones.pause_logit.sigmoid()[batch.pauses])
        paused.append((batch.durations > 0)[batch.pauses])
    f1, threshold = best_threshold(torch.cat(probabilities), torch.cat(paused))
    hop_ms = 1000.0 * recordings.contract.hop_s
    return sums | {
        "duration_ms": float(torch.cat(errors).mean()) * hop_ms,
        "pause_f1": f1,
        "pause_threshold": threshold,
    }


def best_threshold(probabilities: Tensor, truth: Tensor) -> tuple[float, float]:
    """Greatest F1 and the threshold, from 0.2 to 0.8, that gives it.

    >>> best_threshold(torch.tensor([0.9, 0.45, 0.3]), torch.tensor([True, True, False]))
    (1.0, 0.375)
    """
    found = (0.0, 0.5)
    for threshold in [0.2 + 0.025 * step for step in range(25)]:
        said = probabilities >= threshold
        both = float((said & truth).sum())
        f1 = 2 * both / max(1.0, float(said.sum() + truth.sum()))
        if f1 > found[0] + 1e-9 or (f1 >= found[0] and abs(threshold - 0.375) < abs(found[1] - 0.375)):
            found = (f1, round(threshold, 3))
    return found


@torch.no_grad()
def measure_detail(model: AcousticModel, recordings: Recordings, indices: Sequence[int]) -> tuple[float, ...]:
    """How much more recordings vary than what is painted for them, of frames of phones; see `tts.finish.detail_lost`.

    Parameters
    ----------
    model : in evaluation mode
    recordings : of which at most 60 of those in `indices` are used
    """
    painted, recorded = [], []
    for index in indices[:: -(-len(indices) // _DETAIL_RECORDINGS)]:
        batch = recordings.batch([index], model)
        spoken = batch.spoken[0].repeat_interleave(batch.durations[0])
        mel = forward(model, batch).mel[0, : len(spoken)]
        painted.append(mel[spoken] * model.mel_spread)
        recorded.append(batch.mel[0, : len(spoken)][spoken] * model.mel_spread)
    return detail_lost(torch.cat(painted), torch.cat(recorded))
