"""Training of the recurrent language model on sentences, and its perplexity."""

import logging
import math
import time
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from speech.errors import ConfigError, CorpusError
from speech.lm.neural import NeuralLM, NeuralLMConfig, PieceLSTM
from speech.lm.pieces import END_ID, WordPieces
from speech.packing import Precision, as_stored
from speech.precision import autocast
from speech.run_state import resume_run, save_run
from speech.step_log import StepLog

log = logging.getLogger(__name__)
_IGNORED = -100


@dataclass(frozen=True, kw_only=True)
class NeuralTrainingConfig:
    """How the model is trained.

    Attributes
    ----------
    epochs : passes over the sentences
    batch_pieces : pieces a step
    longest : pieces of a sentence; longer ones are cut into parts
    learning_rate : peak of Adam's; rises over the first hundredth of the steps, then falls linearly to zero
    max_gradient_norm : longer gradients are shortened to it
    bfloat16 : multiply matrices in bfloat16 (three times as fast where the processor has it)
    stored_as : precision that the weights will be stored in, which the last part of the training gets used to
    stored_part : that part, of all steps
    save_every_s : seconds between two saved states
    seed : of weights, order and dropout
    """

    epochs: int = 5
    batch_pieces: int = 4096
    longest: int = 96
    learning_rate: float = 2e-3
    max_gradient_norm: float = 1.0
    bfloat16: bool = True
    stored_as: Precision = "float32"
    stored_part: float = 0.25
    save_every_s: float = 120.0
    seed: int = 1

    def __post_init__(self):
        least = min(self.epochs, self.batch_pieces, self.longest)
        if least < 1 or min(self.learning_rate, self.max_gradient_norm) <= 0:
            raise ConfigError("epochs, batch_pieces, longest, learning_rate and max_gradient_norm must be above zero")
        if not 0 <= self.stored_part <= 1:
            raise ConfigError("stored_part must be 0 to 1")


class Sentences:
    """Sentences as ids, one after the other.

    Attributes
    ----------
    ids : int16 [pieces of all sentences]
    starts : int64 [N + 1]
    """

    def __init__(self, pieces: WordPieces, lines: Sequence[str], longest: int):
        parts: list[list[int]] = []
        for line in lines:
            ids = pieces.encode(line)
            parts.extend(ids[first : first + longest] for first in range(0, len(ids), longest))
        if not parts:
            raise CorpusError("the text holds no words to learn from")
        lengths = np.array([len(part) for part in parts])
        self.starts = np.concatenate([[0], np.cumsum(lengths)])
        self.ids = np.fromiter((piece for part in parts for piece in part), np.int16, int(lengths.sum()))

    @property
    def lengths(self) -> np.ndarray:
        """Pieces of each sentence, int64 [N]."""
        return np.diff(self.starts)

    def batch(self, rows: np.ndarray) -> tuple[Tensor, Tensor]:
        """Inputs and what follows each of them, int64 [B, T]; -100 follows where a sentence has ended."""
        length = int(self.lengths[rows].max()) + 1
        inputs = np.full((len(rows), length), END_ID, np.int64)
        targets = np.full((len(rows), length), _IGNORED, np.int64)
        for at, row in enumerate(rows):
            ids = self.ids[self.starts[row] : self.starts[row + 1]]
            inputs[at, 1 : len(ids) + 1] = ids
            targets[at, : len(ids)] = ids
            targets[at, len(ids)] = END_ID
        return torch.from_numpy(inputs), torch.from_numpy(targets)


def batches(lengths: np.ndarray, batch_pieces: int, seed: int) -> list[np.ndarray]:
    """Rows of each batch: sentences of like length together, in seeded order."""
    random = np.random.default_rng(seed)
    order = np.argsort(lengths + random.random(len(lengths)), kind="stable")
    groups, first = [], 0
    while first < len(order):
        count = max(1, batch_pieces // (int(lengths[order[first]]) + 1))
        groups.append(order[first : first + count])
        first += count
    return [groups[index] for index in random.permutation(len(groups))]


def fit_neural_lm(
    pieces: WordPieces,
    lines: Sequence[str],
    model_config: NeuralLMConfig,
    config: NeuralTrainingConfig,
    state_path: Path | None = None,
    dev: dict[str, list[str]] | None = None,
) -> NeuralLM:
    """Train on sentences.

    Parameters
    ----------
    pieces : WordPieces
    lines : sequence of str, one sentence each
    model_config, config : sizes, and how it is trained
    state_path : where the state is kept; an interrupted run continues from it exactly
    dev : name and sentences of each set whose perplexity is told after every epoch

    Raises
    ------
    CheckpointError
        The state belongs to another run, or cannot be read.
    CorpusError
        No words.
    """
    torch.manual_seed(config.seed)
    model = NeuralLM(PieceLSTM(model_config, len(pieces)), pieces)
    optimizer = torch.optim.Adam(model.network.parameters(), lr=config.learning_rate)
    sentences = Sentences(pieces, lines, config.longest)
    told = {name: [line for line in texts if line.split()] for name, texts in (dev or {}).items()}
    for name, texts in told.items():
        if not texts:
            raise CorpusError(f"{name}: holds no words to measure the model with")
    checksums = [zlib.crc32(part.tobytes()) for part in (sentences.ids, sentences.starts)]
    run = {"sentences, pieces or settings": f"{model_config} {config} {checksums} {' '.join(pieces.pieces)}"}
    ends = np.cumsum([len(_order(sentences, config, epoch)) for epoch in range(config.epochs)]).tolist()
    step = resume_run(state_path, model.network, optimizer, run)
    steps, saved = StepLog(step, ends[-1]), time.monotonic()
    losses: list[float] = []
    model.network.train()
    while step < ends[-1]:
        epoch = next(number for number, end in enumerate(ends) if step < end)
        order = _order(sentences, config, epoch)
        for rows in order[len(order) - (ends[epoch] - step) :]:
            losses.append(_train_step(model.network, optimizer, sentences.batch(rows), config, step / ends[-1]))
            step += 1
            steps.tell(step, losses)
            if state_path and time.monotonic() - saved > config.save_every_s:
                save_run(state_path, model.network, optimizer, step, run)
                saved = time.monotonic()
        found = {name: round(word_perplexity(model, texts), 1) for name, texts in told.items()}
        log.info("epoch %d: loss %.4f; perplexity %s", epoch + 1, np.mean(losses[-2000:]), found)
    if state_path:
        save_run(state_path, model.network, optimizer, step, run)
    model.network.requires_grad_(False).eval()
    return model


def _order(sentences: Sentences, config: NeuralTrainingConfig, epoch: int) -> list[np.ndarray]:
    """Batches of an epoch."""
    return batches(sentences.lengths, config.batch_pieces, config.seed + epoch)


def word_perplexity(model: NeuralLM, lines: Sequence[str]) -> float:
    """Perplexity of words and sentence ends, whatever their number of pieces."""
    training = model.network.training
    model.network.eval()
    total = float(sum(model.log_probs([line])[0] for line in lines))
    model.network.train(training)
    return math.exp(-total / sum(len(line.split()) + 1 for line in lines))


def _schedule(progress: float) -> float:
    """Factor of the learning rate: a rise over the first hundredth, then a line to zero."""
    return min(progress / 0.01 + 1e-2, 1.01 * (1 - progress), 1.0)


def _train_step(
    network: PieceLSTM,
    optimizer: torch.optim.Optimizer,
    batch: tuple[Tensor, Tensor],
    config: NeuralTrainingConfig,
    progress: float,
) -> float:
    """One step, when so much (0..1) is done; the loss in nats a piece."""
    inputs, targets = batch
    for group in optimizer.param_groups:
        group["lr"] = config.learning_rate * _schedule(progress)
    optimizer.zero_grad()
    with as_stored(network, config.stored_as if progress >= 1 - config.stored_part else "float32"):
        with autocast("cpu", config.bfloat16):
            logits = network(inputs)
        loss = cross_entropy(logits.float().flatten(0, 1), targets.flatten(), ignore_index=_IGNORED)
        loss.backward()
    torch.nn.utils.clip_grad_norm_(network.parameters(), config.max_gradient_norm)
    optimizer.step()
    return loss.item()
