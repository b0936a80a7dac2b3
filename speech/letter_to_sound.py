"""Pronunciations of words that no dictionary lists: a small BiLSTM labels each letter with the phones it stands for.

A convolution over neighbouring letters, bidirectional LSTM layers, and two heads: what a letter emits (nothing, one
phone or two, see `speech.letter_alignment`) and the stress of the vowel in it. Stress has a head of its own because it
depends on the whole word while the phones are mostly local, and because a word has exactly one primary stress, which
is chosen jointly over the word.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from speech.checkpoint import building, read_packed, write_packed
from speech.config import from_dict, to_dict
from speech.errors import ConfigError
from speech.packing import Precision, unpack
from speech.units import VOWELS

LETTERS = "'abcdefghijklmnopqrstuvwxyz"
FORMAT = "letter-to-sound-1"
NUM_STRESSES = 3  # ARPAbet: 0 none, 1 primary, 2 secondary
_LETTER_IDS = {letter: index for index, letter in enumerate(LETTERS)}
_MAX_LETTERS_A_BATCH = 16_384


@dataclass(frozen=True, kw_only=True)
class LetterToSoundConfig:
    """Size of the model.

    Attributes
    ----------
    embedding : width of a letter's vector
    window : letters seen by the convolution, odd
    hidden : LSTM cells a direction
    layers : BiLSTM layers
    dropout : of the convolution's and the LSTMs' outputs, in training
    """

    embedding: int = 64
    window: int = 5
    hidden: int = 192
    layers: int = 1
    dropout: float = 0.2

    def __post_init__(self):
        if self.window % 2 == 0 or min(self.embedding, self.window, self.hidden, self.layers) < 1:
            raise ConfigError("letter-to-sound sizes must be 1 or more and the window odd")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout must be at least 0 and less than 1, got {self.dropout}")


class TagScores(NamedTuple):
    """What the network says of a batch of words of equal length.

    Attributes
    ----------
    tags : Tensor, float, [B, T, tags], logits of what each letter emits
    stress : Tensor, float, [B, T, 3], logits of the stress of the letter's vowel, if it has one
    """

    tags: Tensor
    stress: Tensor


class Tagger(nn.Module):
    """Letters to tags and stress; words of a batch have the same length, so that nothing is padded."""

    def __init__(self, config: LetterToSoundConfig, num_tags: int):
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(len(LETTERS), config.embedding)
        self.window = nn.Conv1d(config.embedding, config.hidden, config.window, padding=config.window // 2)
        self.lstm = nn.LSTM(
            config.hidden,
            config.hidden,
            config.layers,
            batch_first=True,
            bidirectional=True,
            dropout=config.dropout if config.layers > 1 else 0.0,
        )
        self.dropout = nn.Dropout(config.dropout)
        self.tags = nn.Linear(2 * config.hidden, num_tags)
        self.stress = nn.Linear(2 * config.hidden, NUM_STRESSES)

    def forward(self, letters: Tensor) -> TagScores:
        """Score every letter of int64 [B, T]."""
        hidden = self.window(self.embed(letters).transpose(1, 2)).relu().transpose(1, 2)
        hidden = self.dropout(self.lstm(self.dropout(hidden))[0])
        return TagScores(self.tags(hidden), self.stress(hidden))


def encode(word: str) -> list[int]:
    """Ids of a word's letters.

    Raises
    ------
    ValueError
        Empty, or a character other than a-z and the apostrophe.

    Examples
    --------
    >>> encode("a'z")
    [1, 0, 26]
    """
    unknown = [character for character in word if character not in _LETTER_IDS]
    if unknown or not word:
        raise ValueError(f"{word!r} cannot be read letter by letter: only a-z and the apostrophe are known")
    return [_LETTER_IDS[letter] for letter in word]


@dataclass
class LetterToSound:
    """A trained letter-to-sound model.

    Attributes
    ----------
    tagger : Tagger in evaluation mode
    emissions : what each tag emits: phones without stress, one tuple a tag
    card : data, licence, recipe, seed, measured results
    """

    tagger: Tagger
    emissions: tuple[tuple[str, ...], ...]
    card: dict[str, Any] = field(default_factory=dict)

    def pronounce(self, word: str) -> tuple[str, ...]:
        """ARPAbet phones with stress of one word of a-z and apostrophes; see `pronounce_all`."""
        return self.pronounce_all([word])[0]

    @torch.inference_mode()
    def pronounce_all(self, words: Iterable[str]) -> list[tuple[str, ...]]:
        """ARPAbet phones with stress, for each word.

        Raises
        ------
        ValueError
            A word is empty or has characters other than a-z and the apostrophe (names it).
        """
        words = list(words)
        by_length: dict[int, list[int]] = defaultdict(list)
        for index, word in enumerate(words):
            encode(word)
            by_length[len(word)].append(index)
        found: list[tuple[str, ...]] = [()] * len(words)
        for length, members in by_length.items():
            size = max(1, _MAX_LETTERS_A_BATCH // length)
            for start in range(0, len(members), size):
                part = members[start : start + size]
                scores = self.tagger(torch.tensor([encode(words[index]) for index in part]))
                tags, stress = scores.tags.argmax(-1).tolist(), scores.stress.log_softmax(-1).tolist()
                for row, (index, word_tags, word_stress) in enumerate(zip(part, tags, stress, strict=True)):
                    self._give_vowel(words[index], word_tags, scores.tags[row])
                    found[index] = self._spell(word_tags, word_stress)
        return found

    def _give_vowel(self, word: str, tags: list[int], scores: Tensor) -> None:
        """Give a vowel's letter the likeliest tag that emits a vowel, where no tag does: every word has one."""
        vowels = [tag for tag, phones in enumerate(self.emissions) if any(phone in VOWELS for phone in phones)]
        places = [place for place, letter in enumerate(word) if letter in "aeiouy"]
        if not places or not vowels or not set(vowels).isdisjoint(tags):
            return
        best = int(scores[places][:, vowels].argmax())
        tags[places[best // len(vowels)]] = vowels[best % len(vowels)]

    def _spell(self, tags: Sequence[int], stress: Sequence[Sequence[float]]) -> tuple[str, ...]:
        """Phones of one word from its tags and log-probabilities of stress."""
        emitted = [self.emissions[tag] for tag in tags]
        has_vowel = [t for t, phones in enumerate(emitted) if any(phone in VOWELS for phone in phones)]
        digits = dict(zip(has_vowel, choose_stress([stress[t] for t in has_vowel]), strict=True))
        return tuple(
            f"{phone}{digits[t]}" if phone in VOWELS else phone for t, phones in enumerate(emitted) for phone in phones
        )


def choose_stress(log_probs: Sequence[Sequence[float]]) -> list[int]:
    """Most probable stresses of a word's vowels, exactly one of them primary.

    Parameters
    ----------
    log_probs : [vowels, 3], log-probabilities of no, primary and secondary stress

    Examples
    --------
    >>> choose_stress([[-0.1, -3.0, -4.0], [-0.9, -0.8, -2.0], [-2.0, -0.7, -1.0]])
    [0, 0, 1]
    """
    if not log_probs:
        return []
    others = [2 if row[2] > row[0] else 0 for row in log_probs]
    gains = [row[1] - row[other] for row, other in zip(log_probs, others, strict=True)]
    others[gains.index(max(gains))] = 1
    return others


def save_letter_to_sound(path: str | Path, model: LetterToSound, precision: Precision = "float32") -> None:
    """Write a model to one safetensors file, atomically.

    Raises
    ------
    CheckpointError
        The file cannot be written; what stood at `path` before is untouched.
    """
    header = {
        "config": to_dict(model.tagger.config),
        "emissions": [" ".join(phones) for phones in model.emissions],
        "card": model.card,
    }
    write_packed(path, FORMAT, header, model.tagger.state_dict(), precision)


def load_letter_to_sound(path: str | Path) -> LetterToSound:
    """Read a model written by `save_letter_to_sound`.

    Raises
    ------
    CheckpointError
        The file is missing, damaged, of another format, or its weights do not fit its configuration.
    """
    path = Path(path)
    header, tensors = read_packed(path, FORMAT, "letter-to-sound model")
    with building(path):
        config = from_dict(LetterToSoundConfig, header["config"], "config.", str(path))
        emissions = tuple(tuple(phones.split()) for phones in header["emissions"])
        tagger = Tagger(config, len(emissions))
        tagger.load_state_dict(unpack(tensors))
    return LetterToSound(tagger.requires_grad_(False).eval(), emissions, header.get("card", {}))
