"""Forced alignment: the most likely path that reads a given label sequence, and the spans of its labels."""

import os

import numpy as np
import torch

from ctc.decode import Token, merge
from ctc.labels import IntegersLike, check_batch


def forced_align(
    log_probs: torch.Tensor,
    targets: IntegersLike,
    input_lengths: IntegersLike | None = None,
    target_lengths: IntegersLike | None = None,
    blank: int = 0,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Best path through the labels of each utterance, by exact Viterbi in float64.

    Parameters
    ----------
    log_probs : Tensor, any float type, [B, T, K], on the CPU
        Log probabilities; -inf is allowed.
    targets : int, [B, N] or concatenated [sum(target_lengths)]
        Labels without blanks.
    input_lengths, target_lengths : int [B], optional
        Frames and labels that count; all of them by default.
    blank : int

    Returns
    -------
    paths : int64 [B, T]
        Unit of each frame; blank in padding.
    scores : [B, T], type of log_probs
        Log probability of that unit; zero in padding.

    Raises
    ------
    ValueError
        Shapes disagree; a length or label is out of range or the blank; a row's labels need more
        frames than it has, or have no path of nonzero probability; a NaN among the scores (names
        the row).
    RuntimeError
        log_probs are not on the CPU.

    Notes
    -----
    Time T * N, memory 16 * N * sqrt(T) bytes: an hour at 50 frames a second with 40,000 labels
    takes 0.3 GB.

    Examples
    --------
    >>> log_probs = torch.tensor([[[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]]).log()
    >>> paths, scores = forced_align(log_probs, [[1, 1]])
    >>> paths.tolist()
    [[1, 0, 1]]
    """
    if log_probs.ndim != 3 or not log_probs.is_floating_point() or log_probs.shape[2] == 0:
        raise ValueError(f"log_probs: expected floats [B, T, K], got {log_probs.dtype} {tuple(log_probs.shape)}")
    if log_probs.device.type != "cpu":
        raise RuntimeError(f"forced_align: needs log_probs on the CPU, got {log_probs.device}")
    num_rows, num_frames, num_units = log_probs.shape
    if input_lengths is None:
        input_lengths = [num_frames] * num_rows
    if target_lengths is None:
        shape = np.shape(targets)
        if len(shape) != 2 and num_rows != 1:
            raise ValueError("target_lengths: needed with concatenated targets")
        target_lengths = [shape[-1]] * num_rows
    batch = check_batch(num_rows, num_frames, num_units, targets, input_lengths, target_lengths, blank)
    required = batch.minimum_lengths()
    for b in np.flatnonzero(required > batch.input_lengths).tolist():
        raise ValueError(f"row {b}: the labels need {required[b]} frames, got {batch.input_lengths[b]}")

    source = log_probs.detach()
    wide = source if source.dtype in (torch.float32, torch.float64) else source.float()
    paths = np.full((num_rows, num_frames), blank, dtype=np.int64)
    jobs = []
    for b, length in enumerate(batch.input_lengths.tolist()):
        row = wide[b, :length].contiguous().numpy()
        if np.isnan(row).any():
            raise ValueError(f"row {b}: log_probs hold a NaN")
        jobs.append((row, batch.row(b), blank, paths[b, :length]))
    for b, best in enumerate(_run(jobs)):
        if best == -np.inf:
            raise ValueError(f"row {b}: every path through the labels has probability zero")
    indices = torch.from_numpy(paths)
    scores = source.gather(2, indices.unsqueeze(2)).squeeze(2)
    padding = torch.arange(num_frames) >= torch.from_numpy(batch.input_lengths)[:, None]
    return indices, scores.masked_fill(padding, 0.0)


def _run(jobs: list[tuple]) -> list[float]:
    """Scores of the best paths, rows over torch's number of threads."""
    if not jobs:
        return []
    from ctc import cpu  # numba is imported at first use
    from ctc.compilation import prepare

    prepare(cpu.align_kernel, jobs[0][0].dtype, jobs[0])
    if min(torch.get_num_threads(), len(jobs)) == 1:
        return [cpu.align_kernel(*job) for job in jobs]
    futures = [cpu.pool(os.getpid()).submit(cpu.align_kernel, *job) for job in jobs]
    return [future.result() for future in futures]


def merge_tokens(path: torch.Tensor | np.ndarray, scores: torch.Tensor | np.ndarray, blank: int = 0) -> list[Token]:
    """Spans of the labels of one path.

    Parameters
    ----------
    path : int [T]
        Unit of each frame, a row of `forced_align`'s paths without padding.
    scores : float [T]
        Log probabilities of those units.
    blank : int

    Returns
    -------
    list of Token
        In time order; the confidence is the highest probability in the span.

    Examples
    --------
    >>> tokens = merge_tokens(np.array([0, 3, 3, 0, 3]), np.zeros(5))
    >>> [(token.label, token.start_frame, token.end_frame) for token in tokens]
    [(3, 1, 3), (3, 4, 5)]
    """
    path, scores = np.asarray(path), np.asarray(scores, dtype=np.float64)
    if path.ndim != 1 or path.shape != scores.shape:
        raise ValueError(f"path and scores: expected [T] each, got {path.shape} and {scores.shape}")
    return merge(0, path, np.exp(scores), blank)
