"""From log probabilities, piece by piece, to words with times and confidences.

A word lasts from the first frame of its first unit to the end of the last frame of its last one, in the runs of the
best path; how far its sound reaches beyond them `speech.edges` says. Its confidence is the mean, over its units, of the
highest posterior each one reaches in its run (`ctc.Token.confidence`). Of several views these are those of the first.
"""

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from ctc import Token, greedy_decode
from speech.threads import in_threads
from speech.transcript import Word
from speech.units import Units


class TokenStream:
    """Best path of a recording whose log probabilities come in pieces.

    Attributes
    ----------
    tokens : list of Token
        Frames count from the beginning of the recording.
    num_frames : int
        Frames taken so far.
    """

    def __init__(self, blank: int):
        self.blank = blank
        self.tokens: list[Token] = []
        self.num_frames = 0

    def push(self, log_probs: np.ndarray) -> None:
        """Append the tokens of the next frames [n, K]; a run that goes on stays one token."""
        if not len(log_probs):
            return
        seam = self.num_frames
        [[pieces]] = in_threads(partial(greedy_decode, blank=self.blank), [torch.from_numpy(log_probs)[None]])
        for piece in pieces:
            start, end = piece.start_frame + seam, piece.end_frame + seam
            confidence = piece.confidence
            last = self.tokens[-1] if self.tokens else None
            if last and start == seam == last.end_frame and last.label == piece.label:
                self.tokens.pop()
                start, confidence = last.start_frame, max(confidence, last.confidence)
            self.tokens.append(Token(piece.label, start, end, confidence))
        self.num_frames += len(log_probs)


class GreedyStream(TokenStream):
    """Words on the best path of a recording whose log probabilities come in pieces."""

    def __init__(self, units: Units, blank: int):
        super().__init__(blank)
        self.units = units

    def end(self) -> None:
        """End the recording; the best path needs nothing more."""

    def words(self, frame_times_s: np.ndarray) -> tuple[Word, ...]:
        """Words so far, placed by the times when frames begin, float [num_frames + 1]."""
        return words_of(self.tokens, self.units, frame_times_s)


def words_of(tokens: Sequence[Token], units: Units, frame_times_s: np.ndarray) -> tuple[Word, ...]:
    """Group tokens into words.

    Parameters
    ----------
    tokens : in time order
    units : as `grouped` takes them
    frame_times_s : float [V + 1], when each output frame begins and the last ends, increasing

    Returns
    -------
    tuple of Word
    """
    words = []
    for group in grouped(tokens, units):
        text, confidence = text_and_confidence(group, units)
        start_s, end_s = frame_times_s[group[0].start_frame], frame_times_s[group[-1].end_frame]
        words.append(Word(text=text, start_s=float(start_s), end_s=float(end_s), confidence=confidence))
    return tuple(words)


def text_and_confidence(group: Sequence[Token], units: Units) -> tuple[str, float]:
    """What the tokens of a word spell, and the mean of their confidences."""
    text = "".join(units.symbols[token.label] for token in group)
    return text, min(1.0, sum(token.confidence for token in group) / len(group))


def grouped(tokens: Sequence[Token], units: Units) -> list[list[Token]]:
    """Tokens of each word: of characters, where the space separates words, or of words or phones, each a word here."""
    groups: list[list[Token]] = [[]]
    for token in tokens:
        if units.symbols[token.label] == " ":
            groups.append([])
        elif units.kind != "character":
            groups.append([token])
        else:
            groups[-1].append(token)
    return [group for group in groups if group]


def frame_times(num_frames: int, step_s: float, offset_s: float, duration_s: float) -> np.ndarray:
    """When output frames begin, float64 [num_frames + 1], increasing and ending inside the audio.

    The model pads the last frames, which therefore may reach past the end; they are pushed back, each
    a millisecond (less in very short audio) before the next.
    """
    frames = np.arange(num_frames + 1)
    gap_s = min(0.001, duration_s / (2 * num_frames + 2))
    latest_s = duration_s - (num_frames - frames) * gap_s
    return np.minimum(frames * step_s + offset_s, latest_s)
