"""Phones by way of words: what the pronunciations of the likeliest word sequences agree on.

Words tell far more of which phones were said than a phone's neighbours do. Yet the phones of the single best word
sequence are not the best phones: where several sequences are likely, each phone is put to the vote.

References
----------
Mangu, Brill & Stolcke, Finding consensus in speech recognition, Computer Speech and Language 14, 2000.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import ClassVar, Literal

import numpy as np
import torch
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from ctc import SpokenWord, forced_align, merge_tokens
from speech.decoding import Decoding, SearchStream

#: Found on the development sets: factors of the language models' weight and of the scores that become votes.
LM_SHARE = 0.8
SHARPNESS = 0.75
REACH_S = 0.08
"""CTC's outputs rise near the end of a phone. It began so long before, or where the one before it ended."""
FEWEST_VOTES = 1e-4
NOTHING = -1  #: instead of a label where a sequence leaves a place out


class PhoneConsensus:
    """The phones of a recording, by a search for words: what `speech.decoding.Decoding` is for words.

    Parameters
    ----------
    decoding : Decoding
        Over a head of phones by CTC.
    symbols : sequence of str
        The phones' names.
    """

    unit: ClassVar[Literal["word", "phone"]] = "phone"

    def __init__(self, decoding: Decoding, symbols: Sequence[str]):
        self.decoding, self.symbols = decoding, symbols
        self.heads, self.num_views, self.frame_step_s = decoding.heads, decoding.num_views, decoding.frame_step_s

    def stream(self) -> SearchStream:
        """Begin a recording."""
        return SearchStream(self)

    def best(self, scores: NDArray[np.float32]) -> list[SpokenWord]:
        """Phones of a segment whose outputs are `scores` [T, V K1 + V K2]; confidences are shares of votes."""
        own = scores[:, : self.decoding.num_units]
        candidates, totals, _ = self.decoding.ranked(scores, self.decoding.config.candidates)
        votes = np.exp(SHARPNESS * (totals - totals.max()))
        agreed = consensus([one.labels for one in candidates], (votes / votes.sum()).tolist())
        if not fits([label for label, _ in agreed], len(own)):  # votes for neighbours may add up to more than there is
            agreed = [(label, 1.0) for label in candidates[int(np.argmax(totals))].labels]
        if not agreed:
            return []
        labels = torch.tensor([[label for label, _ in agreed]])
        paths, path_scores = forced_align(torch.from_numpy(np.ascontiguousarray(own))[None], labels)
        reach, spoken, free = round(REACH_S / self.frame_step_s), [], 0
        for token, (_, share) in zip(merge_tokens(paths[0], path_scores[0]), agreed, strict=True):
            start = max(free, token.start_frame - reach)
            free = token.end_frame
            spoken.append(SpokenWord(self.symbols[token.label], start, token.end_frame, min(1.0, share)))
        return spoken


def fits(labels: Sequence[int], num_frames: int) -> bool:
    """Whether CTC has a path through labels: a frame each, and one more between equal neighbours."""
    return len(labels) + sum(a == b for a, b in zip(labels, labels[1:], strict=False)) <= num_frames


def consensus(sequences: Sequence[tuple[int, ...]], votes: Sequence[float]) -> list[tuple[int, float]]:
    """What sequences agree on when each place is put to the vote.

    Every sequence is aligned with the one that has most votes; at each of its places the labels, and leaving the place
    out, compete. Between places what more than half insert is inserted. The result is voted on once more.

    Parameters
    ----------
    sequences : tuples of labels; the same one may come several times
    votes : of each sequence; they sum to 1

    Returns
    -------
    list of (label, share of the votes)

    Examples
    --------
    >>> [label for label, _ in consensus([(1, 2, 3), (1, 2, 4), (1, 5, 4)], [0.4, 0.3, 0.3])]
    [1, 2, 4]
    """
    together: defaultdict[tuple[int, ...], float] = defaultdict(float)
    for sequence, vote in zip(sequences, votes, strict=True):
        together[tuple(sequence)] += vote
    fewest = min(FEWEST_VOTES, max(together.values()))
    kept = {sequence: vote for sequence, vote in together.items() if vote >= fewest}
    pivot = max(kept, key=kept.__getitem__)
    voted: list[tuple[int, float]] = []
    for _ in range(2):
        voted = _vote(pivot, kept)
        pivot = tuple(label for label, _ in voted)
    return voted


def _vote(pivot: tuple[int, ...], votes: dict[tuple[int, ...], float]) -> list[tuple[int, float]]:
    """One round: labels and their shares of the votes."""
    places: list[defaultdict[int, float]] = [defaultdict(float) for _ in pivot]
    gaps: list[defaultdict[tuple[int, ...], float]] = [defaultdict(float) for _ in range(len(pivot) + 1)]
    for sequence, vote in votes.items():
        for step in Levenshtein.opcodes(pivot, sequence):
            theirs = sequence[step.dest_start : step.dest_end]
            if step.tag == "insert":
                gaps[step.src_start][theirs] += vote
            for number, at in enumerate(range(step.src_start, step.src_end)):
                places[at][NOTHING if step.tag == "delete" else theirs[number]] += vote
    total = sum(votes.values())
    voted: list[tuple[int, float]] = []
    for number, gap in enumerate(gaps):
        inserted = max(gap, key=gap.__getitem__, default=())
        if gap[inserted] > total / 2:
            voted += [(label, gap[inserted] / total) for label in inserted]
        if number < len(places):
            place = places[number]
            label = max(place, key=place.__getitem__)
            if label != NOTHING:
                voted.append((label, place[label] / total))
    return voted
