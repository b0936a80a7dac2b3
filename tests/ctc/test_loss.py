"""`ctc_loss` on the CPU against the definition, against torch, and by its properties."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ctc import crf_loss, ctc_loss
from tests.ctc.oracle import Problem, problems, random_problem

# (loss relative, gradient absolute) against the float64 definition.
TOLERANCE = {torch.float64: (1e-10, 1e-8), torch.float32: (1e-5, 1e-4)}
DTYPES = list(TOLERANCE)


def solve(problem, dtype=torch.float64, reduction="none", backend="cpu", **options):
    """Loss and gradient of its sum, as float64 arrays."""
    logits = torch.tensor(problem.logits, dtype=dtype, requires_grad=True)
    loss = ctc_loss(
        logits,
        problem.targets,
        problem.input_lengths,
        problem.target_lengths,
        problem.blank,
        reduction,
        backend=backend,
        **options,
    )
    (gradient,) = torch.autograd.grad(loss.sum(), logits)
    assert gradient.dtype == dtype
    return loss.detach().double().numpy(), gradient.double().numpy()


def rounded(problem, dtype):
    """The problem as the tested dtype sees it, so that rounding the input is nobody's error."""
    logits = torch.tensor(problem.logits, dtype=dtype).double().numpy()
    return Problem(logits, problem.targets, problem.input_lengths, problem.target_lengths, problem.blank)


def assert_exact(problem, dtype):
    """CPU equals the definition, and nothing is NaN."""
    problem = rounded(problem, dtype)
    expected_loss, expected_gradient = solve(problem, backend="reference")
    loss, gradient = solve(problem, dtype)
    rtol, atol = TOLERANCE[dtype]
    # A loss near zero cannot be more exact than the softmax that it comes from.
    np.testing.assert_allclose(loss, expected_loss, rtol=rtol, atol=rtol * 1e-2)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=0, atol=atol)
    return loss


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=150, deadline=None)
@given(problem=problems())
def test_equals_reference(problem, dtype):
    assert_exact(problem, dtype)


@settings(max_examples=60, deadline=None)
@given(problem=problems(max_rows=4, max_frames=40, max_units=6, max_labels=25))
def test_equals_reference_longer(problem):
    assert_exact(problem, torch.float32)


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [0.0, 1.0, 5.0, 30.0])
@pytest.mark.parametrize(
    "shape",
    [
        {"B": 32, "T": 50, "K": 30, "N": 20},
        {"B": 4, "T": 300, "K": 80, "N": 70},
        {"B": 2, "T": 2000, "K": 32, "N": 300},
        {"B": 3, "T": 120, "K": 1000, "N": 30},
        {"B": 2, "T": 2000, "K": 5, "N": 3},
    ],
    ids=lambda shape: "-".join(str(size) for size in shape.values()),
)
def test_equals_reference_at_size(shape, scale, dtype):
    problem = random_problem(np.random.default_rng(1), **shape, scale=scale)
    assert np.isfinite(assert_exact(problem, dtype)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("scale", [1.0, 30.0])
@pytest.mark.parametrize("spare", [0, 1, 3])
def test_barely_feasible(dtype, scale, spare):
    """As many frames as labels, or hardly more; one path, or few."""
    rng = np.random.default_rng(2)
    N = 400
    targets = np.resize(np.arange(1, 7), (2, N))
    logits = scale * rng.standard_normal((2, N + spare, 7))
    problem = Problem(logits, targets, np.array([N + spare] * 2), np.array([N, N - 1]), 0)
    assert np.isfinite(assert_exact(problem, dtype)).all()


@pytest.mark.parametrize("dtype", DTYPES)
def test_all_labels_equal(dtype):
    """N equal labels need 2N - 1 frames."""
    rng = np.random.default_rng(3)
    targets = np.full((1, 100), 2)
    for frames in (199, 200, 260):
        logits = rng.standard_normal((1, frames, 4))
        problem = Problem(logits, targets, np.array([frames]), np.array([100]), 0)
        assert np.isfinite(assert_exact(problem, dtype)).all()


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("low", [-69.0, -300.0, -1e4])
def test_unlikely_label(dtype, low):
    """A frame whose only possible label is exp(low) likely, as a peaked network may say."""
    rng = np.random.default_rng(4)
    logits = rng.standard_normal((1, 60, 5))
    targets = np.array([[1, 2, 3, 4] * 15])
    logits[0, 30] = low
    logits[0, 30, 0] = 0.0
    problem = Problem(logits, targets, np.array([60]), np.array([60]), 0)
    loss = assert_exact(problem, dtype)
    assert loss[0] > -low


@pytest.mark.parametrize("dtype", DTYPES)
def test_mass_far_from_any_path_that_can_finish(dtype):
    """Nearly all probability lies on states that cannot reach the end any more."""
    T, N = 300, 200
    rng = np.random.default_rng(5)
    targets = np.resize(np.arange(1, 8), (1, N))
    logits = rng.standard_normal((1, T, 8))
    logits[0, :150, 0] += 25.0  # blanks first: the label paths that finish are exp(-25) a frame
    logits[0, 150:, 1:] -= 25.0
    problem = Problem(logits, targets, np.array([T]), np.array([N]), 0)
    assert_exact(problem, dtype)


@pytest.mark.parametrize("dtype", DTYPES)
def test_confident_and_right(dtype):
    """Loss near zero: a network that has learnt its utterance."""
    targets = np.array([[1, 2, 3]])
    path = np.array([0, 1, 1, 0, 2, 0, 3, 3, 0])
    logits = np.zeros((1, 9, 4))
    logits[0, np.arange(9), path] = 25.0
    loss = assert_exact(Problem(logits, targets, np.array([9]), np.array([3]), 0), dtype)
    assert 0 <= loss[0] < 1e-8


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
@pytest.mark.parametrize("scale", [1.0, 20.0])
def test_agrees_with_torch(reduction, scale):
    """Compare at the logits: torch's gradient at its own argument supposes a log_softmax before."""
    problem = random_problem(np.random.default_rng(6), B=16, T=120, K=20, N=40, scale=scale)
    loss, gradient = solve(problem, reduction=reduction, zero_infinity=True)
    logits = torch.tensor(problem.logits, requires_grad=True)
    expected = torch.nn.functional.ctc_loss(
        logits.log_softmax(2).transpose(0, 1),
        torch.from_numpy(problem.targets),
        torch.from_numpy(problem.input_lengths),
        torch.from_numpy(problem.target_lengths),
        problem.blank,
        reduction,
        zero_infinity=True,
    )
    expected.sum().backward()
    np.testing.assert_allclose(loss, expected.detach().numpy(), rtol=1e-10)
    np.testing.assert_allclose(gradient, logits.grad.numpy(), atol=1e-8)


@pytest.mark.parametrize("dtype", DTYPES)
@settings(max_examples=60, deadline=None)
@given(problem=problems(max_frames=12), prior_scale=st.sampled_from([0.3, 3.0, 30.0]))
def test_label_prior(problem, dtype, prior_scale):
    log_prior = -prior_scale * np.arange(problem.logits.shape[2])
    problem = rounded(problem, dtype)
    expected = solve(problem, backend="reference", label_log_prior=log_prior)
    loss, gradient = solve(problem, dtype, label_log_prior=torch.from_numpy(log_prior))
    rtol, atol = TOLERANCE[dtype]
    # The prior's share can cancel the rest of the loss, whose digits are then those of the parts.
    parts = np.abs(log_prior).max() * problem.input_lengths.max()
    np.testing.assert_allclose(loss, expected[0], rtol=rtol, atol=1e-2 * rtol * (1 + parts))
    np.testing.assert_allclose(gradient, expected[1], rtol=0, atol=atol)


def test_flat_prior_shifts_the_loss_only():
    problem = random_problem(np.random.default_rng(16), B=3, T=20, K=6, N=5)
    loss, gradient = solve(problem)
    shifted, same = solve(problem, label_log_prior=np.full(6, -1.5))
    np.testing.assert_allclose(shifted, loss - 1.5 * problem.input_lengths, rtol=1e-12)
    np.testing.assert_allclose(same, gradient, atol=1e-14)


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_gradcheck(reduction):
    problem = random_problem(np.random.default_rng(7), B=3, T=6, K=4, N=3, blank=2)
    logits = torch.tensor(problem.logits, requires_grad=True)

    def weighted(x):
        loss = ctc_loss(x, problem.targets, problem.input_lengths, problem.target_lengths, 2, reduction)
        return loss * torch.linspace(0.5, 2.0, loss.numel(), dtype=loss.dtype).reshape(loss.shape)

    assert torch.autograd.gradcheck(weighted, (logits,), eps=1e-6)


@settings(max_examples=40, deadline=None)
@given(problem=problems())
def test_properties(problem):
    """Rows sum to zero; a shift, the padding and the company of other rows change nothing."""
    loss, gradient = solve(problem)
    np.testing.assert_allclose(gradient.sum(axis=2), 0.0, atol=1e-12)
    for b, length in enumerate(problem.input_lengths):
        assert (gradient[b, length:] == 0).all()
    shifted = problem.logits + np.linspace(-3, 3, problem.logits.shape[1])[:, None]
    moved, moved_gradient = solve(Problem(shifted, *list(vars(problem).values())[1:]))
    np.testing.assert_allclose(moved, loss, rtol=1e-10, atol=1e-12)
    np.testing.assert_allclose(moved_gradient, gradient, atol=1e-10)
    for b in range(len(loss)):
        alone = Problem(
            problem.logits[b : b + 1, : problem.input_lengths[b]],
            problem.targets[b : b + 1, : problem.target_lengths[b]],
            problem.input_lengths[b : b + 1],
            problem.target_lengths[b : b + 1],
            problem.blank,
        )
        loss_alone, gradient_alone = solve(alone)
        assert loss_alone[0] == loss[b]
        assert (gradient_alone[0] == gradient[b, : problem.input_lengths[b]]).all()


def test_padding_may_hold_anything():
    problem = random_problem(np.random.default_rng(8), B=4, T=20, K=5, N=6)
    logits, targets = problem.logits.copy(), problem.targets.copy()
    for b in range(4):
        logits[b, problem.input_lengths[b] :] = np.nan
        targets[b, problem.target_lengths[b] :] = -100
    dirty = Problem(logits, targets, problem.input_lengths, problem.target_lengths, 0)
    for clean, other in zip(solve(problem), solve(dirty), strict=True):
        np.testing.assert_array_equal(clean, other)


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_infeasible_row(zero_infinity):
    """One impossible row: its gradient is zero either way, the others keep theirs."""
    logits = torch.randn(2, 3, 4, generator=torch.Generator().manual_seed(0), requires_grad=True)
    losses = ctc_loss(logits, [[1, 1, 2], [1, 2, 0]], [3, 3], [3, 2], 0, "none", zero_infinity)
    assert losses[0].item() == (0.0 if zero_infinity else np.inf)
    losses.sum().backward()
    assert (logits.grad[0] == 0).all()
    assert (logits.grad[1] != 0).any()
    logits.grad = None
    again = ctc_loss(logits, [1, 1, 2, 1, 2], [3, 3], [3, 2])
    (again * float("nan")).backward()
    assert (logits.grad[0] == 0).all()


def test_zero_infinity_with_mean_counts_the_row():
    """As in torch: the row adds zero but still counts in the batch."""
    logits = torch.zeros(2, 2, 3)
    arguments = ([[1, 1], [1, 2]], [2, 2], [2, 2])
    both = ctc_loss(logits, *arguments, zero_infinity=True)
    single = ctc_loss(logits[1:], [[1, 2]], [2], [2])
    torch.testing.assert_close(both, single / 2)


def test_no_frames_and_no_labels():
    losses = ctc_loss(torch.zeros(2, 0, 3), [[], []], [0, 0], [0, 0], reduction="none")
    assert losses.tolist() == [0.0, 0.0]
    logits = torch.zeros(2, 4, 3, requires_grad=True)
    losses = ctc_loss(logits, [1], [0, 4], [1, 0], reduction="none")
    assert losses[0] == np.inf
    torch.testing.assert_close(losses[1], torch.tensor(4 * np.log(3.0)), check_dtype=False)
    losses[1].backward()
    assert torch.isfinite(logits.grad).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf])
@pytest.mark.parametrize("backend", ["cpu"])
def test_not_a_number_stays_in_its_row(bad, backend):
    logits = torch.randn(2, 5, 4, generator=torch.Generator().manual_seed(0))
    logits[0, 2, 1] = bad
    logits.requires_grad_()
    losses = ctc_loss(logits, [[1, 2], [1, 2]], [5, 5], [2, 2], reduction="none", backend=backend)
    losses.sum().backward()
    assert torch.isnan(losses[0])
    assert torch.isfinite(losses[1])
    assert torch.isfinite(logits.grad[1]).all()


def test_masked_units_are_impossible():
    """-inf is a legal score: probability zero, gradient zero."""
    rng = np.random.default_rng(9)
    logits = rng.standard_normal((2, 12, 6))
    logits[:, :, 5] = -np.inf
    logits[0, 4, 0] = -np.inf
    problem = Problem(logits, np.array([[1, 2, 3], [5, 1, 1]]), np.array([12, 12]), np.array([3, 3]), 0)
    for dtype in DTYPES:
        loss = assert_exact(problem, dtype)
        assert np.isfinite(loss[0])
        assert loss[1] == np.inf


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision(dtype):
    problem = random_problem(np.random.default_rng(10), B=4, T=50, K=20, N=15)
    logits = torch.tensor(problem.logits, dtype=dtype, requires_grad=True)
    arguments = (problem.targets, problem.input_lengths, problem.target_lengths)
    loss = ctc_loss(logits, *arguments)
    assert loss.dtype == torch.float32
    loss.backward()
    wide = logits.detach().float().requires_grad_()
    expected = ctc_loss(wide, *arguments)
    expected.backward()
    assert loss.item() == expected.item()
    assert logits.grad.dtype == dtype
    torch.testing.assert_close(logits.grad, wide.grad.to(dtype))


@pytest.mark.parametrize("reduction", ["mean", "none"])
def test_backward_twice_and_scaled(reduction):
    """The gradient is handed over the first time and made again the second."""
    problem = random_problem(np.random.default_rng(11), B=3, T=10, K=4, N=3)
    logits = torch.tensor(problem.logits, requires_grad=True)
    loss = ctc_loss(logits, problem.targets, problem.input_lengths, problem.target_lengths, 0, reduction)
    (first,) = torch.autograd.grad((3.0 * loss).sum(), logits, retain_graph=True)
    (second,) = torch.autograd.grad((3.0 * loss).sum(), logits, retain_graph=True)
    (plain,) = torch.autograd.grad(loss.sum(), logits)
    torch.testing.assert_close(first, second, rtol=0, atol=0)
    torch.testing.assert_close(first, 3.0 * plain)


def test_changed_logits_are_noticed():
    logits = torch.zeros(1, 3, 3, requires_grad=True)
    scores = logits * 1.0
    loss = ctc_loss(scores, [[1]], [3], [1])
    with torch.no_grad():
        scores.add_(1.0)
    loss.backward(retain_graph=True)  # made before the change, still right
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_layouts_agree():
    """Time-major storage and strided views give what contiguous logits give."""
    problem = random_problem(np.random.default_rng(12), B=5, T=30, K=8, N=6)
    arguments = (problem.targets, problem.input_lengths, problem.target_lengths)
    base = torch.tensor(problem.logits, dtype=torch.float32)
    wide = torch.randn(5, 30, 16)
    wide[:, :, ::2] = base
    losses, gradients = [], []
    for view in (base, base.transpose(0, 1).contiguous().transpose(0, 1), wide[:, :, ::2]):
        logits = view.detach().requires_grad_()
        loss = ctc_loss(logits, *arguments)
        loss.backward()
        losses.append(loss.item())
        gradients.append(logits.grad)
    assert losses[0] == losses[1] == losses[2]
    assert (gradients[0] == gradients[1]).all()
    assert (gradients[0] == gradients[2]).all()


def test_threads_change_nothing():
    problem = random_problem(np.random.default_rng(13), B=7, T=60, K=12, N=20)
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        one = solve(problem, torch.float32)
        torch.set_num_threads(3)
        three = solve(problem, torch.float32)
    finally:
        torch.set_num_threads(threads)
    for a, b in zip(one, three, strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_large_common_offset_in_the_log_domain():
    logits = torch.full((1, 3, 30), 1e30, requires_grad=True)
    with torch.no_grad():
        logits[0, 0, 1] = 0.0  # so unlikely that the utterance is walked in the log domain
    loss = ctc_loss(logits, [[1]], [3], [1], reduction="sum")
    expected = ctc_loss(logits, [[1]], [3], [1], reduction="sum", backend="reference")
    assert loss.item() == pytest.approx(expected.item(), rel=1e-6)
    ours, theirs = (torch.autograd.grad(value, logits)[0] for value in (loss, expected))
    assert torch.allclose(ours, theirs, atol=1e-6)


@pytest.mark.parametrize("loss", [ctc_loss, crf_loss])
def test_no_second_derivative(loss):
    logits = torch.zeros(1, 6, 4, requires_grad=True)
    options = (np.full((4, 4, 4), 0.25, np.float32),) if loss is crf_loss else ()
    (gradient,) = torch.autograd.grad(loss(logits, [[1, 2]], [6], [2], *options), logits, create_graph=True)
    with pytest.raises(RuntimeError, match="no second derivative"):
        gradient.square().sum().backward()


def test_a_tensor_whose_sign_is_yet_to_be_changed():
    logits = torch.randn(1, 6, 4, generator=torch.Generator().manual_seed(0))
    assert ctc_loss(torch._neg_view(logits), [[1, 2]], [6], [2]) == ctc_loss(-logits, [[1, 2]], [6], [2])


def test_no_gradient_wanted():
    problem = random_problem(np.random.default_rng(14), B=3, T=20, K=6, N=5)
    logits = torch.tensor(problem.logits, requires_grad=True)
    arguments = (problem.targets, problem.input_lengths, problem.target_lengths)
    with torch.no_grad():
        quiet = ctc_loss(logits, *arguments)
    assert not quiet.requires_grad
    torch.testing.assert_close(quiet, ctc_loss(logits, *arguments).detach(), rtol=1e-12, atol=0)


@pytest.mark.parametrize("time_major", [False, True])
def test_mass_that_leaves_the_range_is_noticed_without_a_gradient(time_major):
    logits = torch.zeros(2, 8, 3)
    logits[1, :4, 1:], logits[1, 4:, 1:] = -300.0, -600.0
    if time_major:
        logits = logits.transpose(0, 1).contiguous().transpose(0, 1)
    given = [[1, 2, 1, 2]] * 2, [8, 8], [4, 4]
    expected = ctc_loss(logits, *given, reduction="none", backend="reference")
    torch.testing.assert_close(ctc_loss(logits, *given, reduction="none"), expected)
    torch.testing.assert_close(ctc_loss(logits.requires_grad_(), *given, reduction="none").detach(), expected)


@pytest.mark.parametrize("zero_infinity", [False, True])
def test_not_a_number_after_a_frame_out_of_range(zero_infinity):
    logits = torch.zeros(1, 6, 5)
    logits[0, 0, 1] = -1000.0
    logits[0, 1] = torch.nan
    logits.requires_grad_()
    loss = ctc_loss(logits, [[1, 2, 3, 4]], [6], [4], zero_infinity=zero_infinity)
    loss.backward()
    assert loss.isnan()
    assert logits.grad.isnan().all()


def test_lengths_may_be_used_again_before_the_backward_pass():
    logits = torch.randn(2, 9, 4, generator=torch.Generator().manual_seed(0)).requires_grad_()
    lengths, counts = torch.tensor([9, 7]), torch.tensor([2, 1])
    loss = ctc_loss(logits, [[1, 2], [3, 0]], lengths, counts)
    (first,) = torch.autograd.grad(loss, logits, retain_graph=True)
    first = first.clone()
    lengths.fill_(10**6)
    counts.fill_(0)
    (second,) = torch.autograd.grad(loss, logits)
    torch.testing.assert_close(first, second)


def test_inputs_are_left_alone():
    problem = random_problem(np.random.default_rng(15), B=3, T=20, K=6, N=5)
    logits = torch.tensor(problem.logits, requires_grad=True)
    before = logits.detach().clone()
    ctc_loss(logits, problem.targets, problem.input_lengths, problem.target_lengths).backward()
    assert (logits.detach() == before).all()


@pytest.mark.parametrize(
    ("logits", "options", "error", "message"),
    [
        (torch.zeros(3, 4), {}, ValueError, r"logits: expected \[B, T, K\]"),
        (torch.zeros(0, 3, 4), {}, ValueError, "B, K >= 1"),
        (torch.zeros(1, 3, 4).long(), {}, ValueError, "floating point"),
        (torch.zeros(1, 3, 4), {"reduction": "avg"}, ValueError, "reduction"),
        (torch.zeros(1, 3, 4), {"backend": "gpu"}, ValueError, "backend"),
        (torch.zeros(1, 3, 4), {"label_log_prior": np.zeros(3)}, ValueError, r"expected \[4\]"),
        (
            torch.zeros(1, 3, 4),
            {"label_log_prior": np.array([0.0, -np.inf, 0.0, 0.0])},
            ValueError,
            "label_log_prior: unit 1 has -inf",
        ),
        (torch.zeros(1, 3, 4, device="meta"), {}, RuntimeError, "needs logits on the CPU"),
    ],
)
def test_refused(logits, options, error, message):
    with pytest.raises(error, match=message):
        ctc_loss(logits, [[1]], [3], [1], **options)


def test_an_array_in_place_of_logits_is_named():
    with pytest.raises(TypeError, match="logits: expected a tensor, got ndarray"):
        ctc_loss(np.zeros((1, 2, 3)), [[1]], [2], [1])
