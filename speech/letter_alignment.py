"""Which letters of a word stand for which of its phones, learnt by expectation maximisation.

Each letter emits nothing, one phone or two ("x": K S, "u": Y UW), in order, with probabilities that depend on the
letter alone; never two vowels at once. A letter-to-sound model then labels every letter with what it emits, which
makes a sequence problem of unequal lengths into a tagging problem.

References
----------
Damper, Marchand, Marsters & Bazin, "Aligning text and phonemes for speech technology applications using an EM-like
algorithm", International Journal of Speech Technology 8, 2005.
Jiampojamarn, Kondrak & Sherif, "Applying many-to-many alignments and hidden Markov models to letter-to-phoneme
conversion", NAACL 2007.
"""

from collections.abc import Sequence

import numpy as np

from ctc.compilation import jit_cached
from speech.letter_to_sound import LETTERS
from speech.units import ARPABET, VOWELS

NUM_PHONES = len(ARPABET)
#: Tag 0 emits nothing, 1 .. 39 one phone, the rest two.
NUM_TAGS = 1 + NUM_PHONES + NUM_PHONES * NUM_PHONES
_PHONE_IDS = {phone: index for index, phone in enumerate(ARPABET)}


def tag_phones(tag: int) -> tuple[str, ...]:
    """Phones that a tag emits, without stress.

    >>> tag_phones(0), tag_phones(7)
    ((), ('B',))
    """
    if tag == 0:
        return ()
    if tag <= NUM_PHONES:
        return (ARPABET[tag - 1],)
    first, second = divmod(tag - 1 - NUM_PHONES, NUM_PHONES)
    return ARPABET[first], ARPABET[second]


def align_letters(
    words: Sequence[str], phones: Sequence[Sequence[str]], *, iterations: int = 8, min_count: int = 4
) -> list[np.ndarray | None]:
    """Tag of every letter, for each word.

    Parameters
    ----------
    words : strings of `LETTERS`
    phones : one pronunciation a word, ARPAbet without stress
    iterations : passes of expectation maximisation; the likelihood changes by under 1 % after five
    min_count : a letter's rarer emissions are forbidden in the end; they are slips and initialisms

    Returns
    -------
    list of int16 [letters] or None where no alignment exists ("w" as seven phones)
    """
    letters, letter_starts = _concatenate([[LETTERS.index(letter) for letter in word] for word in words])
    sounds, sound_starts = _concatenate([[_PHONE_IDS[phone] for phone in row] for row in phones])
    allowed = np.array([sum(phone in VOWELS for phone in tag_phones(tag)) < 2 for tag in range(NUM_TAGS)])
    table = np.where(allowed, 1.0, 0.0) * np.ones((len(LETTERS), 1))
    table[:, 1 + NUM_PHONES :] *= 1e-3  # pairs start rare, else they compete with one phone a letter
    for _ in range(iterations):
        table /= table.sum(axis=1, keepdims=True).clip(1e-300)
        table = _expected_counts(letters, letter_starts, sounds, sound_starts, table)
    table[table < min_count] = 0
    table /= table.sum(axis=1, keepdims=True).clip(1e-300)
    tags = _best_tags(letters, letter_starts, sounds, sound_starts, table)
    rows = np.split(tags, letter_starts[1:-1])
    return [row if len(row) and row[0] >= 0 else None for row in rows]


def _concatenate(rows: Sequence[Sequence[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Rows end to end, int64 [sum], and where each begins, int64 [rows + 1]."""
    starts = np.zeros(len(rows) + 1, np.int64)
    starts[1:] = np.cumsum([len(row) for row in rows])
    return np.array([item for row in rows for item in row], np.int64), starts


@jit_cached
def _tag(sounds, end, size):
    """Tag that emits the `size` phones before `end`."""
    if size == 0:
        return 0
    if size == 1:
        return 1 + sounds[end - 1]
    return 1 + NUM_PHONES + sounds[end - 2] * NUM_PHONES + sounds[end - 1]


@jit_cached
def _expected_counts(letters, letter_starts, sounds, sound_starts, table):
    """How often each letter emits each tag, float64 [letters, tags], expected over all alignments."""
    counts = np.zeros_like(table)
    for word in range(len(letter_starts) - 1):
        x = letters[letter_starts[word] : letter_starts[word + 1]]
        y = sounds[sound_starts[word] : sound_starts[word + 1]]
        T, S = len(x), len(y)
        forward, backward = np.zeros((T + 1, S + 1)), np.zeros((T + 1, S + 1))
        forward[0, 0] = backward[T, S] = 1.0
        for t in range(1, T + 1):
            for s in range(S + 1):
                for size in range(min(2, s) + 1):
                    forward[t, s] += forward[t - 1, s - size] * table[x[t - 1], _tag(y, s, size)]
        total = forward[T, S]
        if total <= 0:
            continue
        for t in range(T - 1, -1, -1):
            for s in range(S + 1):
                for size in range(min(2, S - s) + 1):
                    tag = _tag(y, s + size, size)
                    step = table[x[t], tag] * backward[t + 1, s + size]
                    backward[t, s] += step
                    counts[x[t], tag] += forward[t, s] * step / total
    return counts


@jit_cached
def _best_tags(letters, letter_starts, sounds, sound_starts, table):
    """Tags of the most probable alignment, int16 [sum of letters]; -1 in words that have none."""
    tags = np.full(len(letters), -1, np.int16)
    for word in range(len(letter_starts) - 1):
        x = letters[letter_starts[word] : letter_starts[word + 1]]
        y = sounds[sound_starts[word] : sound_starts[word + 1]]
        T, S = len(x), len(y)
        best, choice = np.zeros((T + 1, S + 1)), np.zeros((T + 1, S + 1), np.int64)
        best[0, 0] = 1.0
        for t in range(1, T + 1):
            for s in range(S + 1):
                for size in range(min(2, s) + 1):
                    score = best[t - 1, s - size] * table[x[t - 1], _tag(y, s, size)]
                    if score > best[t, s]:
                        best[t, s], choice[t, s] = score, size
        if best[T, S] <= 0:
            continue
        s = S
        for t in range(T, 0, -1):
            tags[letter_starts[word] + t - 1] = _tag(y, s, choice[t, s])
            s -= choice[t, s]
    return tags
