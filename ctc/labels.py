"""Label sequences under CTC: what one may look like, and how many frames it needs.

Legend: **B** batch, **T** frames, **K** units including the blank, **N** labels, **S** = 2N + 1
states (labels with a blank before, between and after them).
"""

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

import numpy as np
import torch

IntegersLike = torch.Tensor | np.ndarray | Sequence[int] | Sequence[Sequence[int]]


@dataclass(frozen=True)
class Batch:
    """Checked labels and lengths of B utterances, as contiguous int64 arrays.

    Attributes
    ----------
    labels : int64 [sum(target_lengths)]
        Labels of all rows, one row after the other.
    offsets : int64 [B + 1]
        Row b owns ``labels[offsets[b]:offsets[b + 1]]``.
    input_lengths, target_lengths : int64 [B]
        Frames and labels that count.
    most_frames, most_labels : int
        The largest of these.
    """

    labels: np.ndarray
    offsets: np.ndarray
    input_lengths: np.ndarray
    target_lengths: np.ndarray
    most_frames: int
    most_labels: int

    def row(self, b: int) -> np.ndarray:
        """Labels of row b, [N_b]."""
        return self.labels[self.offsets[b] : self.offsets[b + 1]]

    def minimum_lengths(self) -> np.ndarray:
        """Frames each row needs: its labels and one blank between equal neighbours, [B]."""
        repeats = np.zeros(len(self.labels) + 1, dtype=np.int64)
        np.cumsum(self.labels[1:] == self.labels[:-1], out=repeats[2:])
        # A pair that straddles two rows is not a repeat: count inside each row only.
        first, last = self.offsets[:-1], self.offsets[1:]
        inside = np.where(last > first, repeats[last] - repeats[np.minimum(first + 1, last)], 0)
        return self.target_lengths + inside


@dataclass(frozen=True)
class Infeasible:
    """A row whose labels need more frames than it has.

    Attributes
    ----------
    row : int
        Position in the batch.
    input_length, required_length : int
        Frames there are, and frames the labels need.
    num_labels, num_repeats : int
        The two terms of ``required_length``: labels, and equal neighbours (a blank must part them).
    """

    row: int
    input_length: int
    required_length: int
    num_labels: int
    num_repeats: int

    @property
    def reason(self) -> str:
        """One sentence for a person."""
        return (
            f"row {self.row}: {self.num_labels} labels with {self.num_repeats} adjacent repeats "
            f"need {self.required_length} frames, got {self.input_length}"
        )


def infeasible(
    targets: IntegersLike,
    input_lengths: IntegersLike,
    target_lengths: IntegersLike,
) -> list[Infeasible]:
    """Rows that no CTC path can produce: their loss is infinite whatever the network says.

    Parameters
    ----------
    targets : int, [B, N] padded or [sum(target_lengths)] concatenated
    input_lengths, target_lengths : int, [B]

    Returns
    -------
    list of Infeasible
        In row order; empty if every row is possible. ``print(found.reason)`` says why.

    Raises
    ------
    ValueError
        Shapes or lengths that disagree.

    Examples
    --------
    >>> for found in infeasible([[1, 2, 3], [4, 4, 0]], [3, 2], [3, 2]):
    ...     print(found.reason)
    row 1: 2 labels with 1 adjacent repeats need 3 frames, got 2
    """
    lengths = as_int64(input_lengths, "input_lengths")
    batch = _split(as_targets(targets), lengths, as_int64(target_lengths, "target_lengths"))
    required = batch.minimum_lengths()
    return [
        Infeasible(
            row=int(b),
            input_length=int(lengths[b]),
            required_length=int(required[b]),
            num_labels=int(batch.target_lengths[b]),
            num_repeats=int(required[b] - batch.target_lengths[b]),
        )
        for b in np.flatnonzero(required > lengths)
    ]


def check_batch(
    num_rows: int,
    num_frames: int,
    num_units: int,
    targets: IntegersLike,
    input_lengths: IntegersLike,
    target_lengths: IntegersLike,
    blank: int,
) -> Batch:
    """Check labels and lengths against logits [num_rows, num_frames, num_units].

    Raises
    ------
    ValueError
        Naming the argument and, where there is one, the row.
    """
    lengths = as_int64(input_lengths, "input_lengths")
    if len(lengths) != num_rows:
        raise ValueError(f"input_lengths: expected {num_rows} rows as in logits, got {len(lengths)}")
    counts = as_int64(target_lengths, "target_lengths")
    given = as_targets(targets)
    if len(counts) == num_rows and (given.ndim == 1 or len(given) == num_rows):
        from ctc.layout import laid_out  # numba is imported at first use

        found = laid_out(given, lengths, counts, num_frames, num_units, blank)
        if found is not None:
            labels, offsets, most_frames, most_labels = found
            # copies: the caller may use its memory again before the backward pass
            return Batch(labels, offsets, lengths.copy(), counts.copy(), most_frames, most_labels)
    _refuse(lengths, counts, given, num_frames, num_units, blank)


def _refuse(
    lengths: np.ndarray, counts: np.ndarray, given: np.ndarray, num_frames: int, num_units: int, blank: int
) -> NoReturn:
    """Say what is wrong with labels and lengths of which something is.

    Raises
    ------
    ValueError
    """
    bad = _first_outside(lengths, num_frames)
    if bad is not None:
        raise ValueError(f"row {bad}: input length {lengths[bad]} is outside 0..{num_frames}, the frames of logits")
    batch = _split(given, lengths, counts)
    wrong = (batch.labels < 0) | (batch.labels >= num_units) | (batch.labels == blank)
    at = int(wrong.argmax())
    row = int(np.searchsorted(batch.offsets, at, side="right")) - 1
    label = int(batch.labels[at])
    why = "the blank" if label == blank else f"outside 0..{num_units - 1}"
    raise ValueError(f"row {row}: label {label} at position {at - batch.offsets[row]} is {why}")


def _first_outside(values: np.ndarray, most: int) -> int | None:
    """Position of the first of some int64 that is outside 0..most."""
    # Read as unsigned, negative ones are the largest: one reduction is all there is to do for a good batch.
    unsigned = values.view(np.uint64)
    if not len(values) or unsigned.max() <= most:
        return None
    return int((unsigned > most).argmax())


def whole_number(name: str, value: int) -> int:
    """An integer of any type as an int, 1 or more."""
    number = _integer(name, value)
    if number < 1:
        raise ValueError(f"{name} must be 1 or more, got {number}")
    return number


def _integer(name: str, value: int) -> int:
    try:
        return operator.index(value)
    except TypeError as error:
        raise TypeError(f"{name}: expected an integer, got {value!r}") from error


def unit_index(blank: int, num_units: int) -> int:
    """The blank as an int, checked."""
    unit = _integer("blank", blank)
    if not 0 <= unit < num_units:
        raise ValueError(f"blank must be a unit, 0..{num_units - 1}, got {unit}")
    return unit


def as_int64(values: IntegersLike, name: str, ndim: int = 1) -> np.ndarray:
    """Integers of any container as a C-ordered int64 array, without rounding anything."""
    if isinstance(values, torch.Tensor):
        usual = values.dtype == torch.int64 and values.ndim == ndim
        if usual and values.is_cpu and values.is_contiguous():
            return values.numpy()  # as below, in one call for six
        values = values.detach().cpu().numpy()
    array = _as_array(values, name)
    if array.size == 0 and array.dtype == np.float64:  # an empty Python list
        array = array.astype(np.int64)
    if not np.issubdtype(array.dtype, np.integer):
        raise ValueError(f"{name}: expected integers, got {array.dtype}")
    if array.ndim != ndim:
        raise ValueError(f"{name}: expected {ndim} dimensions, got shape {array.shape}")
    # Writable, too: numba compiles once more for read-only arrays.
    return np.require(array, dtype=np.int64, requirements=["C", "W"])


def _as_array(values: IntegersLike, name: str) -> np.ndarray:
    """An array of any container."""
    try:
        return np.asarray(values)
    except ValueError as error:
        raise ValueError(f"{name}: its rows differ in length; pad them to one, or join them to a single row") from error


def as_targets(targets: IntegersLike) -> np.ndarray:
    """Padded [B, N] or concatenated [sum(target_lengths)] targets, int64."""
    if not isinstance(targets, torch.Tensor):
        targets = _as_array(targets, "targets")
    ndim = targets.ndim
    if ndim not in (1, 2):
        raise ValueError(f"targets: expected [B, N] or concatenated [sum(target_lengths)], got {ndim} dimensions")
    return as_int64(targets, "targets", ndim)


def _split(given: np.ndarray, input_lengths: np.ndarray, target_lengths: np.ndarray) -> Batch:
    """Batch of padded [B, N] or concatenated [sum(target_lengths)] targets; labels unchecked."""
    num_rows = len(input_lengths)
    if len(target_lengths) != num_rows:
        raise ValueError(f"target_lengths: expected {num_rows} rows, got {len(target_lengths)}")
    bad = _first_outside(target_lengths, 2**63 - 1)
    if bad is not None:
        raise ValueError(f"row {bad}: target length {target_lengths[bad]} is negative")
    offsets = np.zeros(num_rows + 1, dtype=np.int64)
    np.cumsum(target_lengths, out=offsets[1:])
    if given.ndim == 2:
        labels = _unpad(given, target_lengths, int(offsets[-1]))
    elif len(given) != offsets[-1]:
        raise ValueError(f"targets: {len(given)} labels, but target_lengths add up to {offsets[-1]}")
    else:
        labels = given
    most_frames, most_labels = (int(lengths.max(initial=0)) for lengths in (input_lengths, target_lengths))
    return Batch(labels, offsets, input_lengths, target_lengths, most_frames, most_labels)


def _unpad(padded: np.ndarray, target_lengths: np.ndarray, num_labels: int) -> np.ndarray:
    """Labels of a padded [B, N] array, num_labels in all, one row after the other."""
    num_rows, width = padded.shape
    if num_rows != len(target_lengths):
        raise ValueError(f"targets: expected {len(target_lengths)} rows, got {num_rows}")
    bad = _first_outside(target_lengths, width)
    if bad is not None:
        raise ValueError(f"row {bad}: target length {target_lengths[bad]} exceeds the {width} columns of targets")
    if num_labels == padded.size:  # no padding: no mask
        return padded.flatten()
    return padded[np.arange(width) < target_lengths[:, None]]
