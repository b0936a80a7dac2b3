"""Forced alignment: the most likely path that reads a given label sequence, the spans of its labels and of words."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch

from ctc.decode import Token, merge
from ctc.labels import Batch, IntegersLike, as_targets, check_batch, unit_index


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
    log_probs : Tensor, any float type, [B, T, K], on the CPU or a CUDA device
        Log probabilities; -inf is allowed. Logits have the same path, but scores that are no log probabilities.
    targets : int, [B, N] or concatenated [sum(target_lengths)]
        Labels without blanks.
    input_lengths, target_lengths : int [B], optional
        Frames and labels that count; all of them by default.
    blank : int

    Returns
    -------
    paths : int64 [B, T]
        Unit of each frame; blank in padding. On the device of log_probs, as the scores.
    scores : [B, T], type of log_probs
        Log probability of that unit; zero in padding.

    Raises
    ------
    ValueError
        Shapes disagree; a length or label is out of range or the blank; a row's labels need more
        frames than it has, or have no path of nonzero probability; a NaN or infinity among the scores
        (names the row); -inf is allowed.
    TypeError
        log_probs are no tensor, or `blank` is no integer.
    RuntimeError
        log_probs are on a device that is neither, or on CUDA and numba-cuda is missing.

    Notes
    -----
    Time T * N, memory 16 * N * sqrt(T) bytes: an hour at 50 frames a second with 40,000 labels
    takes 0.3 GB. On CUDA T * N bytes; paths are the same, and the call waits for the device.

    Examples
    --------
    >>> log_probs = torch.tensor([[[0.1, 0.9], [0.8, 0.2], [0.3, 0.7]]]).log()
    >>> paths, scores = forced_align(log_probs, [[1, 1]])
    >>> paths.tolist()
    [[1, 0, 1]]
    """
    if not isinstance(log_probs, torch.Tensor):
        raise TypeError(f"log_probs: expected a tensor, got {type(log_probs).__name__}")
    if log_probs.ndim != 3 or not log_probs.is_floating_point() or log_probs.shape[2] == 0:
        raise ValueError(f"log_probs: expected floats [B, T, K], got {log_probs.dtype} {tuple(log_probs.shape)}")
    if log_probs.device.type not in ("cpu", "cuda"):
        raise RuntimeError(f"forced_align: needs log_probs on the CPU or a CUDA device, got {log_probs.device}")
    num_rows, num_frames, num_units = log_probs.shape
    blank = unit_index(blank, num_units)
    if input_lengths is None:
        input_lengths = [num_frames] * num_rows
    if target_lengths is None:
        shape = as_targets(targets).shape
        if len(shape) != 2 and num_rows != 1:
            raise ValueError("target_lengths: needed with concatenated targets")
        target_lengths = [shape[-1]] * num_rows
    batch = check_batch(num_rows, num_frames, num_units, targets, input_lengths, target_lengths, blank)
    required = batch.minimum_lengths()
    for b in np.flatnonzero(required > batch.input_lengths).tolist():
        raise ValueError(f"row {b}: the labels need {required[b]} frames, got {batch.input_lengths[b]}")

    source = log_probs.detach()
    wide = source if source.dtype in (torch.float32, torch.float64) else source.float()
    align = _paths_on_device if source.device.type == "cuda" else _paths
    paths = align(wide, batch, blank)
    scores = source.gather(2, paths.unsqueeze(2)).squeeze(2)
    frames = torch.from_numpy(batch.input_lengths).to(source.device)
    return paths, scores.masked_fill(torch.arange(num_frames, device=source.device) >= frames[:, None], 0.0)


def _paths(log_probs: torch.Tensor, batch: Batch, blank: int) -> torch.Tensor:
    """Best paths [B, T] of a checked batch on the CPU."""
    paths = np.full(log_probs.shape[:2], blank, dtype=np.int64)
    jobs = []
    for b, length in enumerate(batch.input_lengths.tolist()):
        row = log_probs[b, :length].contiguous().numpy()
        _refuse_unsound(b, not bool((row < np.inf).all()))
        jobs.append((row, batch.row(b), blank, paths[b, :length]))
    for b, best in enumerate(_run(jobs)):
        _refuse_impossible(b, best)
    return torch.from_numpy(paths)


def _paths_on_device(log_probs: torch.Tensor, batch: Batch, blank: int) -> torch.Tensor:
    """Best paths [B, T] of a checked batch on a CUDA device."""
    from ctc.loss import require_cuda

    require_cuda(log_probs.device)
    from ctc import cuda_align

    if log_probs.shape[0] * log_probs.shape[1] == 0:
        return torch.full(log_probs.shape[:2], blank, dtype=torch.int64, device=log_probs.device)
    frames = torch.from_numpy(batch.input_lengths).to(log_probs.device)
    counted = torch.arange(log_probs.shape[1], device=log_probs.device) < frames[:, None]
    for b, found in enumerate((~(log_probs < torch.inf).all(dim=2) & counted).any(dim=1).tolist()):
        _refuse_unsound(b, found)
    paths, best = cuda_align.best_paths(log_probs, batch, blank)
    for b, score in enumerate(best.tolist()):
        _refuse_impossible(b, score)
    return paths


def _refuse_unsound(b: int, found: bool) -> None:
    if found:
        raise ValueError(f"row {b}: log_probs hold a NaN or infinity")


def _refuse_impossible(b: int, best: float) -> None:
    if best == -np.inf:
        raise ValueError(f"row {b}: every path through the labels has probability zero")


def _run(jobs: list[tuple]) -> list[float]:
    """Scores of the best paths, rows over torch's number of threads."""
    if not jobs:
        return []
    from ctc import cpu  # numba is imported at first use
    from ctc.compilation import prepare

    prepare(cpu.align_kernel, jobs[0][0].dtype, jobs[0])
    scores = [0.0] * len(jobs)

    def walk(number: int, _thread: int) -> None:
        scores[number] = cpu.align_kernel(*jobs[number])

    cpu.in_turn(walk, range(len(jobs)), torch.get_num_threads())
    return scores


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
    path, scores = _on_cpu(path), _on_cpu(scores)
    if path.ndim != 1 or path.shape != scores.shape:
        raise ValueError(f"path and scores: expected [T] each, got {path.shape} and {scores.shape}")
    return merge(0, path, np.exp(scores), blank)


def _on_cpu(values: torch.Tensor | np.ndarray) -> np.ndarray:
    """Units as they are, scores of any float type and device in float64."""
    if isinstance(values, torch.Tensor):
        values = values.detach().cpu()
        values = (values.double() if values.is_floating_point() else values).numpy()
    values = np.asarray(values)
    return values.astype(np.float64) if values.dtype.kind == "f" else values


@dataclass(frozen=True)
class WordSpan:
    """Where a word, or any run of labels, lies on a path.

    Attributes
    ----------
    first_label, end_label : int
        Its labels, counted from the path's first; `end_label` is the one after its last.
    start_frame, end_frame : int
        From the first frame of its first label to the one after the last frame of its last.
    confidence : float
        0 to 1: the mean over its labels of the highest probability that each one reaches.
    score : float
        Mean log probability of the path's units over its frames, blanks between labels included: at most 0, and
        near it where the model agrees. One weak label shows less in it than in a long word's confidence.
    """

    first_label: int
    end_label: int
    start_frame: int
    end_frame: int
    confidence: float
    score: float


def word_spans(
    path: torch.Tensor | np.ndarray,
    scores: torch.Tensor | np.ndarray,
    *,
    separator: int | None = None,
    lengths: Sequence[int] | None = None,
    blank: int = 0,
) -> list[WordSpan]:
    """Spans of words on one path.

    Parameters
    ----------
    path : int [T]
        Unit of each frame, a row of `forced_align`'s paths without padding.
    scores : float [T]
        Log probabilities of those units.
    separator : int, optional
        Label that parts words, as the space among characters. It belongs to none of them.
    lengths : ints, each 1 or more, optional
        Labels of each word, where no label parts them. Either this or `separator` is needed.
    blank : int

    Returns
    -------
    list of WordSpan
        In time order; separators side by side make no empty word.

    Raises
    ------
    ValueError
        Neither or both of `separator` and `lengths`; lengths that do not add up to the path's labels.

    Examples
    --------
    >>> path, scores = np.array([0, 3, 3, 5, 0, 4, 0, 3]), np.zeros(8)
    >>> [(word.start_frame, word.end_frame) for word in word_spans(path, scores, separator=5)]
    [(1, 3), (5, 8)]
    """
    if (separator is None) == (lengths is None):
        raise ValueError("word_spans needs either separator or lengths")
    tokens = merge_tokens(path, scores, blank)
    if lengths is None:
        parted = [index for index, token in enumerate(tokens) if token.label == separator]
        bounds = list(zip([0, *(index + 1 for index in parted)], [*parted, len(tokens)], strict=True))
    else:
        if min(lengths, default=1) < 1 or sum(lengths) != len(tokens):
            raise ValueError(f"lengths: expected numbers from 1 with sum {len(tokens)}, the path's labels")
        ends = np.cumsum([0, *lengths]).tolist()
        bounds = list(zip(ends[:-1], ends[1:], strict=True))
    sums = np.concatenate([[0.0], np.cumsum(_on_cpu(scores))])
    spans = []
    for first, end in bounds:
        if first < end:
            start_frame, end_frame = tokens[first].start_frame, tokens[end - 1].end_frame
            confidence = sum(token.confidence for token in tokens[first:end]) / (end - first)
            score = float(sums[end_frame] - sums[start_frame]) / (end_frame - start_frame)
            spans.append(WordSpan(first, end, start_frame, end_frame, confidence, score))
    return spans
