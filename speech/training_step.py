"""One step of training: losses of the heads, their gradients, the update.

Every random number of a step comes from a generator seeded by (seed, step).
"""

import logging
import math
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from ctc import crf_loss, ctc_loss, infeasible
from speech.checkpoint import LoadedModel
from speech.errors import CorpusError, SpeechError
from speech.experiment import ExperimentConfig, TrainingConfig
from speech.frame_targets import feature_frames_of
from speech.models import valid_frames
from speech.packing import as_stored
from speech.precision import autocast
from speech.training_augment import augment_batch
from speech.training_data import Batch, TrainingData
from speech.training_state import TrainingState

logger = logging.getLogger(__name__)


def update(
    loaded: LoadedModel,
    optimizer: torch.optim.Optimizer,
    batches: Sequence[Batch],
    learning_rate: float,
    position: float,
    config: ExperimentConfig,
    state: TrainingState,
) -> dict[str, float]:
    """One step over accumulated batches: its losses; left out and counted, with no losses, where any is not finite."""
    training, model = config.training, loaded.model
    generator = torch.Generator().manual_seed(training.seed * 1_000_003 + state.progress.step)
    model.train()
    optimizer.zero_grad(set_to_none=True)
    sums: dict[str, float] = {}
    views = 2 if any(head.consistency for head in config.heads) else 1
    for batch in batches:
        batch = augment_batch(batch, loaded.frontend, position, config.augment, generator, views=views)
        with as_stored(model, training.stored_as):
            with autocast(training.device, training.autocast):
                logits, lengths = model(batch.features.to(training.device), batch.lengths, generator)
            losses = head_losses(logits, lengths, batch, loaded)
            each = [head.weight * losses[head.name] for head in config.heads]
            for head in config.heads:
                if head.consistency:
                    differing = head_disagreement(logits[head.name], lengths, batch, head.name)
                    losses[f"{head.name}_disagreement"] = differing
                    each.append(head.weight * head.consistency * differing)
            total = torch.stack(each).sum() / len(batches)
            total.backward()
        if not state.progress.epoch:
            name_infeasible(lengths, batch, len(batch.utterances) // views)
        for name, loss in losses.items():
            sums[name] = sums.get(name, 0.0) + float(loss.detach()) / len(batches)
    norm = nn.utils.clip_grad_norm_(model.parameters(), training.clip_norm)
    if not (math.isfinite(norm) and all(map(math.isfinite, sums.values()))):
        _skip(batches, state, training)
        return {}
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.step()
    return sums | {"gradient_norm": float(norm)}


def _skip(batches: Sequence[Batch], state: TrainingState, training: TrainingConfig) -> None:
    state.progress.skipped += 1
    first = batches[0].utterances[0].audio_filepath
    logger.warning("step %d skipped: loss or gradient not finite, batch of %s", state.progress.step, first)
    if state.progress.skipped > training.max_skipped:
        raise SpeechError(
            f"{state.progress.skipped} steps had a loss or gradient that is not finite; lower training.learning_rate"
        )


def name_infeasible(lengths: Tensor, batch: Batch, num_rows: int) -> None:
    """Log those of the first rows whose labels do not fit their frames; their loss by CTC counts as zero."""
    lengths = lengths[:num_rows]
    for name, targets in batch.targets.items():
        if name in batch.frame_targets:
            continue  # every frame teaches
        target_lengths = batch.target_lengths[name][:num_rows].clamp(min=0)
        for found in infeasible(targets[:num_rows], lengths, target_lengths):
            logger.warning(
                "%s teaches no %s: %d labels need %d frames, it has %d",
                batch.utterances[found.row].audio_filepath, name, found.num_labels, found.required_length,
                found.input_length,
            )  # fmt: skip


def check_feasible(data: TrainingData, loaded: LoadedModel) -> None:
    """CorpusError if there is a head by CTC of which no utterance has time for its labels."""
    lengths = loaded.model.output_lengths(torch.from_numpy(data.stores[0].lengths)).numpy()
    for name, rows in data.targets.items():
        written = [(number, labels) for number, labels in enumerate(rows) if labels is not None]
        if loaded.heads[name].framewise or not written:
            continue
        for number, labels in written:
            found = infeasible(np.array(labels, np.int64), lengths[[number]], [len(labels)])
            if not found:  # one is enough
                break
        else:
            raise CorpusError(
                f"no utterance teaches a {name}: all are too short for their texts, such as"
                f" {data.utterances[number].audio_filepath}, whose {found[0].num_labels} labels need"
                f" {found[0].required_length} frames, and which has {found[0].input_length}; see to the texts, or lower"
                " model.subsampling_factor"
            )


def head_losses(logits: dict[str, Tensor], lengths: Tensor, batch: Batch, loaded: LoadedModel) -> dict[str, Tensor]:
    """Loss of each head: nats a label, over the utterances that its units can write; framewise, nats a frame."""
    losses = {}
    for name, scores in logits.items():
        if loaded.heads[name].framewise:
            losses[name] = framewise_loss(scores, lengths, batch.frame_targets[name], loaded.model.config.output_step)
            continue
        rows = torch.nonzero(batch.target_lengths[name] >= 0).flatten()
        if not len(rows):
            losses[name] = 0.0 * scores.sum()
            continue
        if len(rows) < len(batch.utterances):
            scores = scores[rows.to(scores.device)]
        target_lengths = batch.target_lengths[name][rows]
        known = (batch.targets[name][rows], lengths[rows], target_lengths)
        scores = scores.float().cpu()  # the losses are computed on the CPU
        if loaded.heads[name].loss == "ctc_crf":
            trigram = loaded.model.log_trigram(name).exp().cpu().numpy()
            each = crf_loss(scores, *known, trigram, reduction="none", zero_infinity=True)
        else:
            each = ctc_loss(scores, *known, reduction="none", zero_infinity=True)
        losses[name] = each.sum() / max(1, int(target_lengths.sum()))
    return losses


def head_disagreement(logits: Tensor, lengths: Tensor, batch: Batch, head: str) -> Tensor:
    """`disagreement` of the two views in a batch, nats a label (framewise, a frame) as the head's loss is."""
    counts = lengths if head in batch.frame_targets else batch.target_lengths[head]
    rows = torch.nonzero(counts >= 0).flatten()  # without those that its units cannot write
    if not len(rows):
        return 0.0 * logits.sum()
    return disagreement(logits[rows.to(logits.device)], lengths[rows]) / max(1, int(counts[rows].sum()) // 2)


def disagreement(logits: Tensor, lengths: Tensor) -> Tensor:
    """How differently two views of each utterance are heard; each is drawn to the other as it is.

    Parameters
    ----------
    logits : Tensor, float, [2 B, V, K]; second views after all first ones, frame by frame alike
    lengths : Tensor, int64, [2 B]

    Returns
    -------
    Tensor : scalar, nats; the mean divergence of both directions, summed over frames and utterances

    References
    ----------
    Yao et al., CR-CTC: consistency regularization on CTC, ICLR 2025, equations 3 to 5.
    """
    first, second = logits.float().log_softmax(-1).chunk(2)
    counted = valid_frames(lengths.to(logits.device), logits.shape[1]).chunk(2)[0]
    first, second = first[counted], second[counted]
    divergence = nn.functional.kl_div
    return 0.5 * (
        divergence(first, second.detach(), reduction="sum", log_target=True)
        + divergence(second, first.detach(), reduction="sum", log_target=True)
    )


def framewise_loss(logits: Tensor, lengths: Tensor, frame_targets: Tensor, output_step: float) -> Tensor:
    """Mean cross-entropy over output frames, of the unit of the feature frame in the middle of each.

    Parameters
    ----------
    logits : Tensor, float, [B, V, K]
    lengths : Tensor, int64, [B]; output frames that count
    frame_targets : Tensor, int64, [B, T]; negative where the unit is not known
    output_step : feature frames between two output frames

    Returns
    -------
    Tensor : scalar, nats; 0 if no unit is known

    References
    ----------
    Graves & Schmidhuber, Framewise phoneme classification with bidirectional LSTM, Neural Networks 18, 2005.
    """
    frames = feature_frames_of(logits.shape[1], output_step).clamp(max=frame_targets.shape[1] - 1)
    targets = frame_targets[:, frames].to(logits.device)
    counted = valid_frames(lengths.to(logits.device), logits.shape[1]) & (targets >= 0)
    if not counted.any():
        return 0.0 * logits.sum()
    return nn.functional.cross_entropy(logits[counted].float(), targets[counted])
