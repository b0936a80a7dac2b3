"""Training of the letter-to-sound model on a pronouncing dictionary, and its errors on words kept apart.

The split is by word family: a word, its possessives and all its pronunciations fall on the same side, decided by a
hash, so that it stays the same whatever the order or version of the dictionary.
"""

import hashlib
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from speech.errors import ConfigError
from speech.letter_alignment import align_letters, tag_phones
from speech.letter_to_sound import LETTERS, LetterToSound, LetterToSoundConfig, Tagger, encode
from speech.lexicon import without_stress
from speech.precision import autocast
from speech.run_state import resume_run, save_run
from speech.scoring import score
from speech.step_log import StepLog
from speech.units import VOWELS

log = logging.getLogger(__name__)
Pronunciations = Mapping[str, Sequence[Sequence[str]]]


@dataclass(frozen=True, kw_only=True)
class LetterTrainingConfig:
    """How the model is trained.

    Attributes
    ----------
    epochs : passes over the words
    batch_words : words of equal length a step
    learning_rate : peak of Adam's; rises over the first 5 % of the steps, then falls linearly to zero
    max_gradient_norm : longer gradients are shortened to it
    bfloat16 : multiply matrices in bfloat16 (twice as fast where the processor has it)
    save_every_s : seconds between two saved states
    seed : of weights, order and dropout
    """

    epochs: int = 16
    batch_words: int = 128
    learning_rate: float = 3e-3
    max_gradient_norm: float = 1.0
    bfloat16: bool = True
    save_every_s: float = 60.0
    seed: int = 1

    def __post_init__(self):
        if min(self.epochs, self.batch_words) < 1 or min(self.learning_rate, self.max_gradient_norm) <= 0:
            raise ConfigError("epochs, batch_words, learning_rate and max_gradient_norm must be above zero")


class LetterErrors(NamedTuple):
    """Errors on words of known pronunciation, the nearest of several counting as the reference.

    Attributes
    ----------
    phone_error, word_error : fractions, stress ignored
    word_error_with_stress : fraction of words whose phones or stress are wrong
    num_words, num_phones : what was counted
    """

    phone_error: float
    word_error: float
    word_error_with_stress: float
    num_words: int
    num_phones: int


class Batch(NamedTuple):
    """Words of equal length: letters, tag ids and stresses (-100: no vowel), int64 [B, T] each."""

    letters: Tensor
    tags: Tensor
    stress: Tensor


def split_words(pronunciations: Pronunciations, *, fraction: float = 0.1, seed: int = 1) -> tuple[list[str], list[str]]:
    """Words to train on and words held out, those spelt in other characters than a-z and ' left out.

    Examples
    --------
    >>> train, held_out = split_words({"dog": [], "dog's": [], "dogs'": [], "dogs": []}, fraction=0.5)
    >>> ("dog" in train) == ("dog's" in train), ("dogs" in train) == ("dogs'" in train)
    (True, True)
    """
    train: list[str] = []
    held_out: list[str] = []
    for word in sorted(word for word in pronunciations if word.strip("'") and set(word) <= set(LETTERS)):
        family = word.removesuffix("'s").replace("'", "")
        digest = hashlib.sha256(f"{seed}:{family}".encode()).digest()
        (held_out if int.from_bytes(digest[:8], "big") < fraction * 2**64 else train).append(word)
    return train, held_out


def fit_letter_to_sound(
    pronunciations: Pronunciations,
    words: Sequence[str],
    model_config: LetterToSoundConfig,
    config: LetterTrainingConfig,
    state_path: Path | None = None,
) -> LetterToSound:
    """Train on the first pronunciation of `words`.

    Parameters
    ----------
    pronunciations : phones with stress, several a word
    words : those to train on
    state_path : where the state is kept; an interrupted run continues from it

    Raises
    ------
    CheckpointError
        The state belongs to other settings or words, or cannot be read.
    """
    torch.manual_seed(config.seed)
    emissions, examples = _examples(pronunciations, words)
    tagger = Tagger(model_config, len(emissions))
    optimizer = torch.optim.Adam(tagger.parameters(), lr=config.learning_rate)
    run = {"words or settings": f"{model_config} {config} {emissions}"}
    step = resume_run(state_path, tagger, optimizer, run)
    steps_an_epoch = len(_batches(examples, config.batch_words, config.seed))
    num_steps, saved, started = steps_an_epoch * config.epochs, time.monotonic(), time.process_time()
    steps, losses = StepLog(step, num_steps), list[float]()
    tagger.train()
    for epoch in range(step // steps_an_epoch, config.epochs):
        batches = _batches(examples, config.batch_words, config.seed + epoch)
        for batch in batches[step - epoch * steps_an_epoch :]:
            for group in optimizer.param_groups:
                group["lr"] = config.learning_rate * _schedule(step / num_steps)
            losses.append(_train_step(tagger, optimizer, batch, config))
            step += 1
            steps.tell(step, losses)
            if state_path and time.monotonic() - saved > config.save_every_s:
                save_run(state_path, tagger, optimizer, step, run)
                saved = time.monotonic()
        recent = losses[-steps_an_epoch:]
        log.info("epoch %d: loss %.4f, %.0f s of CPU", epoch + 1, np.mean(recent), time.process_time() - started)
    if state_path:
        save_run(state_path, tagger, optimizer, step, run)
    return LetterToSound(tagger.requires_grad_(False).eval(), emissions)


def measure(model: LetterToSound, pronunciations: Pronunciations, words: Sequence[str]) -> LetterErrors:
    """Phone and word errors of `model` on `words`."""
    errors = num_phones = wrong = wrong_with_stress = 0
    for word, guess in zip(words, model.pronounce_all(words), strict=True):
        references = [tuple(phones) for phones in pronunciations[word]]
        wrong_with_stress += guess not in references
        plain = without_stress(guess)
        counts = [score(list(without_stress(row)), list(plain)) for row in references]
        best = min(counts, key=lambda count: count.errors)
        errors += best.errors
        num_phones += len(references[counts.index(best)])
        wrong += best.errors > 0
    n = max(1, len(words))
    return LetterErrors(errors / max(1, num_phones), wrong / n, wrong_with_stress / n, len(words), num_phones)


def _examples(pronunciations: Pronunciations, words: Sequence[str]) -> tuple[tuple[tuple[str, ...], ...], dict]:
    """Inventory of emissions, and int64 [words, 3, length] (letters, tags, stress) for each length."""
    spoken = [pronunciations[word][0] for word in words]
    aligned = align_letters(words, [without_stress(phones) for phones in spoken])
    used = Counter(int(tag) for tags in aligned if tags is not None for tag in tags)
    ids = {tag: index for index, tag in enumerate(sorted(used))}
    rows: dict[int, list[list[list[int]]]] = {}
    for word, phones, tags in zip(words, spoken, aligned, strict=True):
        if tags is None:
            continue
        stresses = iter([int(phone[-1]) for phone in phones if phone[-1].isdigit()])
        stress = [next(stresses) if VOWELS & set(tag_phones(tag)) else -100 for tag in tags]
        rows.setdefault(len(word), []).append([encode(word), [ids[tag] for tag in tags], stress])
    log.info("%d of %d words aligned, %d tags", sum(map(len, rows.values())), len(words), len(ids))
    return tuple(tag_phones(tag) for tag in ids), {n: torch.tensor(rows[n]) for n in sorted(rows)}


def _batches(examples: dict[int, Tensor], batch_words: int, seed: int) -> list[Batch]:
    """All examples in seeded order, words of one length a batch."""
    generator = torch.Generator().manual_seed(seed)
    batches = []
    for rows in examples.values():
        for part in rows[torch.randperm(len(rows), generator=generator)].split(batch_words):
            batches.append(Batch(*part.unbind(1)))
    return [batches[index] for index in torch.randperm(len(batches), generator=generator)]


def _schedule(progress: float) -> float:
    """Factor of the learning rate: a rise over the first twentieth, then a line to zero."""
    return min(progress / 0.05 + 1e-3, (1 - progress) / 0.95)


def _train_step(tagger: Tagger, optimizer: torch.optim.Optimizer, batch: Batch, config: LetterTrainingConfig) -> float:
    """One step; the loss of the tags and a third of that of the stress, nats a letter."""
    with autocast("cpu", config.bfloat16):
        scores = tagger(batch.letters)
    loss = cross_entropy(scores.tags.float().flatten(0, 1), batch.tags.flatten())
    if (batch.stress >= 0).any():
        loss = loss + cross_entropy(scores.stress.float().flatten(0, 1), batch.stress.flatten()) / 3
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(tagger.parameters(), config.max_gradient_norm)
    optimizer.step()
    return loss.item()
