"""The definition against listing every path."""

import numpy as np
import pytest
from hypothesis import given, settings

from ctc.reference import loss_and_gradient
from tests.ctc.oracle import loss_by_listing, numeric_gradient, problems


@settings(max_examples=150, deadline=None)
@given(problems(max_rows=1, max_frames=5, max_units=3, max_labels=4))
def test_equals_listing_all_paths(problem):
    logits, labels = problem.row(0)
    loss, gradient = loss_and_gradient(logits, labels, problem.blank)
    np.testing.assert_allclose(loss, loss_by_listing(logits, labels, problem.blank), rtol=1e-12, atol=1e-13)
    assert np.isfinite(gradient).all()
    np.testing.assert_allclose(gradient.sum(axis=1), 0.0, atol=1e-12)


@settings(max_examples=40, deadline=None)
@given(problems(max_rows=1, max_frames=4, max_units=3, max_labels=3))
def test_gradient_equals_differences(problem):
    logits, labels = problem.row(0)
    loss, gradient = loss_and_gradient(logits, labels, problem.blank)
    if not np.isfinite(loss):
        assert (gradient == 0).all()
        return
    expected = numeric_gradient(lambda x: loss_and_gradient(x, labels, problem.blank)[0], logits)
    # Differences of a loss in the hundreds (scale 100) keep about eight digits.
    np.testing.assert_allclose(gradient, expected, atol=1e-6 * (1 + abs(loss)))


def test_no_frames():
    assert loss_and_gradient(np.zeros((0, 3)), np.array([], dtype=np.int64))[0] == 0.0
    assert loss_and_gradient(np.zeros((0, 3)), np.array([1]))[0] == np.inf


@pytest.mark.filterwarnings("error")
def test_impossible_units_stay_finite():
    """-inf scores are probability zero: no warning, no NaN."""
    logits = np.array([[0.0, -np.inf, 1.0], [-np.inf, 0.0, 1.0], [0.0, 0.0, 0.0]])
    loss, gradient = loss_and_gradient(logits, np.array([1]))
    assert np.isfinite(loss)
    assert np.isfinite(gradient).all()
    loss, gradient = loss_and_gradient(logits[:1], np.array([1]))
    assert loss == np.inf
    assert (gradient == 0).all()
