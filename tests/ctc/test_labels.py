"""Which label sequences are possible, and which arguments are refused."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ctc import ctc_loss, infeasible
from ctc.labels import check_batch, unit_index
from tests.ctc.oracle import problems


@settings(max_examples=100, deadline=None)
@given(problems(max_frames=6, max_units=3, max_labels=5))
def test_infeasible_names_exactly_the_infinite_rows(problem):
    found = infeasible(problem.targets, problem.input_lengths, problem.target_lengths)
    losses = ctc_loss(
        torch.from_numpy(problem.logits),
        problem.targets,
        problem.input_lengths,
        problem.target_lengths,
        problem.blank,
        "none",
        backend="reference",
    )
    assert [row.row for row in found] == torch.isinf(losses).nonzero().flatten().tolist()
    for row in found:
        assert row.required_length > row.input_length
        assert row.required_length == row.num_labels + row.num_repeats


def test_repeats_do_not_straddle_rows():
    assert infeasible([5, 5, 5], [1, 1, 1], [1, 1, 1]) == []
    (row,) = infeasible([5, 5, 5, 5], [1, 2], [2, 2])[:1]
    assert row.reason == "row 0: 2 labels with 1 adjacent repeats need 3 frames, got 1"
    assert len(infeasible([5, 5, 5, 5], [1, 2], [2, 2])) == 2
    assert infeasible([4], [1, 0, 0], [1, 0, 0]) == []


@pytest.mark.parametrize("container", [list, np.array, torch.tensor, lambda x: np.array(x, np.int32)])
def test_any_container(container):
    batch = check_batch(2, 9, 7, container([[1, 2, 6], [3, 0, 0]]), container([9, 4]), container([3, 1]), 0)
    assert batch.labels.tolist() == [1, 2, 6, 3]
    assert batch.row(1).tolist() == [3]
    flat = check_batch(2, 9, 7, container([1, 2, 6, 3]), container([9, 4]), container([3, 1]), 0)
    assert flat.labels.tolist() == batch.labels.tolist()
    assert flat.offsets.tolist() == [0, 3, 4]


def test_no_labels_at_all():
    for targets in ([], [[], []], np.zeros((2, 0), np.int64), torch.zeros(0, dtype=torch.long)):
        assert check_batch(2, 3, 2, targets, [3, 3], [0, 0], 0).labels.size == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"targets": [[1, 2], [0, 1]]}, "row 1: label 0 at position 0 is the blank"),
        ({"targets": [1, 2, 3, 7]}, r"row 1: label 7 at position 1 is outside 0\.\.4"),
        ({"targets": [[1, -1], [2, 1]]}, "row 0: label -1 at position 1 is outside"),
        ({"targets": [1, 2, 3]}, "targets: 3 labels, but target_lengths add up to 4"),
        ({"targets": [[1, 2]]}, "targets: expected 2 rows, got 1"),
        ({"targets": [[[1]]]}, "got 3 dimensions"),
        ({"targets": [[1.0, 2.0], [3.0, 1.0]]}, "targets: expected integers, got float64"),
        ({"input_lengths": [3, 4]}, r"row 1: input length 4 is outside 0\.\.3"),
        ({"input_lengths": [-1, 3]}, "row 0: input length -1"),
        ({"input_lengths": [3]}, "input_lengths: expected 2 rows as in logits, got 1"),
        ({"input_lengths": [3.0, 3.0]}, "input_lengths: expected integers"),
        ({"input_lengths": 3}, "input_lengths: expected 1 dimensions"),
        ({"target_lengths": [2, 3]}, "row 1: target length 3 exceeds the 2 columns"),
        ({"target_lengths": [2, -2]}, "row 1: target length -2 is negative"),
        ({"target_lengths": [2]}, "target_lengths: expected 2 rows, got 1"),
        ({"targets": [[1, 2], [3]]}, "targets: its rows differ in length; pad them"),
    ],
)
def test_refused(changes, message):
    arguments = {
        "targets": [[1, 2], [3, 1]],
        "input_lengths": [3, 3],
        "target_lengths": [2, 2],
        "blank": 0,
    }
    with pytest.raises(ValueError, match=message):
        check_batch(2, 3, 5, **(arguments | changes))


@pytest.mark.parametrize(
    ("blank", "error", "message"),
    [
        (5, ValueError, r"blank must be a unit, 0\.\.4, got 5"),
        (-1, ValueError, "blank must be a unit"),
        (0.0, TypeError, "blank: expected an integer, got 0.0"),
        ("-", TypeError, "blank: expected an integer"),
    ],
)
def test_no_blank(blank, error, message):
    with pytest.raises(error, match=message):
        unit_index(blank, 5)


def test_a_blank_may_be_any_integer():
    assert [unit_index(blank, 5) for blank in (3, np.int64(3), torch.tensor(3))] == [3, 3, 3]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.integers(-1, 4), min_size=4, max_size=4),
    st.lists(st.integers(-1, 4), min_size=2, max_size=2),
    st.lists(st.integers(-1, 3), min_size=2, max_size=2),
    st.booleans(),
)
def test_just_what_is_out_of_range_is_refused(labels, input_lengths, target_lengths, padded):
    targets = np.array(labels).reshape(2, 2) if padded else labels[: max(sum(target_lengths), 0)]
    fits = all(0 <= length <= 2 for length in target_lengths) if padded else min(target_lengths) >= 0
    fits = fits and (padded or sum(target_lengths) == len(targets))
    rows: list[list[int]] = []
    for b, length in enumerate(target_lengths if fits else []):
        rows.append(list(targets[b][:length]) if padded else labels[sum(map(len, rows)) :][:length])
    if fits and all(0 <= length <= 3 for length in input_lengths) and all(label in (1, 2) for label in sum(rows, [])):
        batch = check_batch(2, 3, 3, targets, input_lengths, target_lengths, 0)
        assert [batch.row(b).tolist() for b in range(2)] == rows
        assert (batch.most_frames, batch.most_labels) == (max(input_lengths), max(target_lengths))
    else:
        with pytest.raises(ValueError, match=r"row \d|add up to"):
            check_batch(2, 3, 3, targets, input_lengths, target_lengths, 0)
