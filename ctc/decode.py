"""Best-path decoding: the most likely unit of every frame, runs merged, blanks dropped."""

from dataclasses import dataclass

import numpy as np
import torch

from ctc.labels import IntegersLike, as_int64, unit_index


@dataclass(frozen=True)
class Token:
    """One decoded label and where it was heard.

    Attributes
    ----------
    label : int
        Unit, never the blank.
    start_frame, end_frame : int
        The run of frames in which the label is the most likely unit; the end is exclusive.
    confidence : float
        Highest posterior of the label in its run, 0..1. One frame that emits the label suffices,
        so this bounds from below the probability (frames being independent given the input) that
        it was emitted in the run; a mean over the run would punish a label only for being
        stretched.
    """

    label: int
    start_frame: int
    end_frame: int
    confidence: float


def greedy_decode(logits: torch.Tensor, lengths: IntegersLike | None = None, blank: int = 0) -> list[list[Token]]:
    """Tokens of the best path of each utterance.

    Parameters
    ----------
    logits : Tensor, any float type, [B, T, K]
        Scores or log probabilities: softmax over K is taken here, which leaves log probabilities
        as they are.
    lengths : int [B], optional
        Frames that count, 0..T; all by default.
    blank : int

    Returns
    -------
    list of list of Token
        One list per row, in time order.

    Raises
    ------
    ValueError
        Shapes disagree, or a frame that counts holds a NaN or no finite score (names row and
        frame).
    TypeError
        `logits` are no tensor, or `blank` is no integer.

    Examples
    --------
    >>> scores = torch.tensor([[[0.0, 9.0], [0.0, 9.0], [9.0, 0.0], [0.0, 9.0]]])
    >>> [(token.label, token.start_frame, token.end_frame) for token in greedy_decode(scores)[0]]
    [(1, 0, 2), (1, 3, 4)]
    """
    if not isinstance(logits, torch.Tensor):
        raise TypeError(f"logits: expected a tensor, got {type(logits).__name__}")
    if logits.ndim != 3 or logits.shape[2] == 0:
        raise ValueError(f"logits: expected [B, T, K], got shape {tuple(logits.shape)}")
    num_rows, num_frames, num_units = logits.shape
    blank = unit_index(blank, num_units)
    if lengths is None:
        lengths = [num_frames] * num_rows
    counts = as_int64(lengths, "lengths")
    if len(counts) != num_rows:
        raise ValueError(f"lengths: expected {num_rows} rows as in logits, got {len(counts)}")
    for b in np.flatnonzero((counts < 0) | (counts > num_frames)):
        raise ValueError(f"row {b}: length {counts[b]} is outside 0..{num_frames}")
    units, posteriors = _best_path(logits.detach())
    return [merge(b, units[b, :count], posteriors[b, :count], blank) for b, count in enumerate(counts)]


def _best_path(logits: torch.Tensor) -> tuple[np.ndarray, np.ndarray]:
    """Most likely unit of each frame and its posterior, both [B, T] on the CPU."""
    if logits.dtype != torch.float64:
        logits = logits.float()
    best, units = logits.max(dim=2)
    posteriors = torch.exp(best - torch.logsumexp(logits, dim=2))
    return units.cpu().numpy(), posteriors.cpu().numpy()


def merge(row: int, units: np.ndarray, posteriors: np.ndarray, blank: int) -> list[Token]:
    """Tokens of one best path [T]."""
    bad = np.flatnonzero(np.isnan(posteriors))
    if len(bad):
        raise ValueError(f"row {row}: the scores of frame {bad[0]} hold a NaN or no finite number")
    if len(units) == 0:
        return []
    starts = np.concatenate([[0], np.flatnonzero(np.diff(units)) + 1])
    ends = np.append(starts[1:], len(units))
    peaks = np.minimum(np.maximum.reduceat(posteriors, starts), 1.0)
    return [
        Token(int(units[start]), int(start), int(end), float(peak))
        for start, end, peak in zip(starts, ends, peaks, strict=True)
        if units[start] != blank
    ]
