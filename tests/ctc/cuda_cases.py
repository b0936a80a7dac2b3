"""Cases of the CUDA loss and alignment, which `test_cuda` runs in another process, simulated or on a device.

Under the simulator the same kernels run as Python threads on tensors of the CPU, a few threads a block, so that every
loop over threads goes round more than once.
"""

import contextlib

import numba
import numpy as np
import pytest
import torch

from ctc import ctc_loss, cuda, cuda_align, device_loss, forced_align
from ctc.labels import check_batch
from tests.ctc.oracle import Problem, random_problem

DEVICE = torch.device("cpu" if cuda.SIMULATED else "cuda")
# (loss relative, gradient absolute) against the float64 definition on the scores as rounded.
TOLERANCE = {
    torch.float64: (1e-10, 1e-9),
    torch.float32: (1e-5, 1e-4),
    torch.float16: (1e-5, 1e-3),  # the gradient is rounded to the type
    torch.bfloat16: (1e-5, 6e-3),
}
DTYPES = list(TOLERANCE)


def solve(problem, dtype=torch.float64, reduction="none", backend="cuda", **options):
    """Loss and gradient of its sum, as float64 arrays."""
    logits = torch.tensor(problem.logits, dtype=dtype, device=DEVICE if backend == "cuda" else "cpu")
    logits.requires_grad_()
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
    assert loss.dtype == (torch.float64 if dtype == torch.float64 else torch.float32)
    return loss.detach().double().cpu().numpy(), gradient.double().cpu().numpy()


def assert_exact(problem, dtype=torch.float64, **options):
    """CUDA equals the definition, and nothing is NaN."""
    rounded = torch.tensor(problem.logits, dtype=dtype).double().numpy()
    problem = Problem(rounded, problem.targets, problem.input_lengths, problem.target_lengths, problem.blank)
    expected_loss, expected_gradient = solve(problem, backend="reference", **options)
    loss, gradient = solve(problem, dtype, **options)
    rtol, atol = TOLERANCE[dtype]
    np.testing.assert_allclose(loss, expected_loss, rtol=rtol, atol=rtol * 0.1)
    np.testing.assert_allclose(gradient, expected_gradient, rtol=0, atol=atol)
    return loss


@pytest.mark.parametrize("dtype", DTYPES)
def test_equals_reference(dtype):
    """More pairs than threads, more units than lanes."""
    assert_exact(random_problem(np.random.default_rng(0), B=2, T=8, K=5, N=5), dtype)


@pytest.mark.parametrize("scale", [0.0, 30.0, 3000.0])
def test_flat_and_peaked(scale):
    problem = random_problem(np.random.default_rng(5), B=1, T=10, K=4, N=4, scale=scale)
    assert_exact(problem)
    assert_exact(problem, torch.float32) if scale < 100 else None


def test_every_small_length():
    """No frames, one frame, no labels, one path, too few frames."""
    frames, labels = np.meshgrid(np.arange(4), np.arange(3), indexing="ij")
    targets = np.tile([1, 1], (frames.size, 1))
    logits = np.random.default_rng(0).standard_normal((frames.size, 3, 3))
    problem = Problem(logits, targets, frames.ravel(), labels.ravel(), 0)
    loss = assert_exact(problem)
    assert np.isinf(loss).any()


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_reductions_blank_and_prior(reduction):
    problem = random_problem(np.random.default_rng(3), B=2, T=6, K=4, N=3, feasible=False)
    problem = Problem(problem.logits, (problem.targets - 1) % 3, problem.input_lengths, problem.target_lengths, 3)
    prior = np.log([0.1, 0.2, 0.3, 0.4])
    assert_exact(problem, reduction=reduction, label_log_prior=prior, zero_infinity=True)


def test_values_that_are_no_numbers():
    """A NaN or infinity spoils its row alone; -inf is probability zero."""
    problem = random_problem(np.random.default_rng(4), B=4, T=4, K=4, N=1)
    problem = Problem(problem.logits, problem.targets, np.full(4, 4), np.ones(4, int), 0)
    problem.logits[0, 2, 3] = np.nan
    problem.logits[1, 2, 3] = np.inf
    problem.logits[2, 2, 3] = -np.inf
    loss, gradient = solve(problem, torch.float32)
    assert np.isnan(loss).tolist() == [True, True, False, False]
    assert np.isnan(gradient).all(axis=(1, 2)).tolist() == [True, True, False, False]
    assert np.isfinite(gradient[2:]).all()
    expected, expected_gradient = solve(problem, backend="cpu")
    np.testing.assert_allclose(loss[2:], expected[2:], rtol=1e-5)
    np.testing.assert_allclose(gradient[2:], expected_gradient[2:], atol=1e-6)


def test_upstream_retain_graph_and_no_gradient():
    problem = random_problem(np.random.default_rng(6), B=3, T=4, K=3, N=2)
    arguments = (problem.targets, problem.input_lengths, problem.target_lengths)
    logits = torch.tensor(problem.logits, device=DEVICE, requires_grad=True)
    losses = ctc_loss(logits, *arguments, reduction="none", zero_infinity=True, backend="cuda")
    factors = torch.tensor([1.0, -2.0, 0.5], device=DEVICE, dtype=torch.float64)
    (scaled,) = torch.autograd.grad((losses * factors).sum(), logits, retain_graph=True)
    (plain,) = torch.autograd.grad(losses.sum(), logits)
    torch.testing.assert_close(scaled, plain * factors[:, None, None])
    with torch.no_grad():
        again = ctc_loss(logits, *arguments, reduction="none", zero_infinity=True, backend="cuda")
    assert torch.equal(again, losses.detach())


def test_time_major_storage_and_no_frames():
    problem = random_problem(np.random.default_rng(7), B=2, T=4, K=3, N=2)
    logits = torch.tensor(problem.logits, device=DEVICE)
    arguments = (problem.targets, problem.input_lengths, problem.target_lengths)
    expected = ctc_loss(logits, *arguments, backend="cuda")
    turned = logits.transpose(0, 1).contiguous().transpose(0, 1)
    assert torch.equal(ctc_loss(turned, *arguments, backend="cuda"), expected)
    nothing = torch.zeros(2, 0, 3, device=DEVICE, requires_grad=True)
    losses = ctc_loss(nothing, [[1], [0]], [0, 0], [1, 0], reduction="none", backend="cuda")
    assert losses.tolist() == [np.inf, 0.0]
    losses.sum().backward()
    assert nothing.grad.shape == nothing.shape


def test_same_bits_every_time():
    problem = random_problem(np.random.default_rng(8), B=2, T=6, K=4, N=4)
    first, again = (solve(problem, torch.float32) for _ in range(2))
    assert np.array_equal(first[0], again[0])
    assert np.array_equal(first[1], again[1])


@pytest.mark.parametrize("concatenated", [False, True])
def test_unseen_rows_equal_checked_ones(concatenated):
    """Targets and lengths on the device are described there; what would be refused is NaN."""
    problem = random_problem(np.random.default_rng(9), B=3, T=5, K=4, N=3)
    logits = torch.tensor(problem.logits, device=DEVICE)
    targets = torch.from_numpy(problem.targets)
    if concatenated:
        targets = torch.cat([row[:n] for row, n in zip(targets, problem.target_lengths, strict=True)])
    lengths = [
        torch.from_numpy(np.asarray(each)).to(DEVICE) for each in (problem.input_lengths, problem.target_lengths)
    ]
    seen = device_loss.device_rows(logits, targets, *(each.cpu() for each in lengths), 0)
    unseen = device_loss.unseen_rows(logits, targets.to(DEVICE), *lengths, 0)
    losses, gradients = [], []
    for given in (seen, unseen):
        with contextlib.nullcontext() if cuda.SIMULATED else cuda.on_device(logits.device):
            walked = device_loss.losses_and_shares(logits, given, 0, None, True)
            gradients.append(device_loss.gradient(logits, given, 0, walked, given.weights("sum")))
        losses.append(walked.losses)
    assert torch.equal(*losses)
    assert torch.equal(*gradients)


def test_unseen_rows_out_of_range_are_nan():
    logits = torch.zeros(5, 3, 4, device=DEVICE)
    targets = torch.tensor([[1], [0], [4], [1], [1]], device=DEVICE)
    frames = torch.tensor([3, 3, 3, 4, 3], device=DEVICE)
    labels = torch.tensor([1, 1, 1, 1, 2], device=DEVICE)
    given = device_loss.unseen_rows(logits, targets, frames, labels, 0)
    walked = device_loss.losses_and_shares(logits, given, 0, None, True)
    gradient = device_loss.gradient(logits, given, 0, walked, given.weights("sum"))
    assert walked.losses.isnan().tolist() == [False, True, True, True, True]
    assert gradient.isnan().all(dim=2).all(dim=1).tolist() == [False, True, True, True, True]
    for wrong, message in [((targets.float(), frames, labels), "integers"), ((targets, frames[:2], labels), "5 rows")]:
        with pytest.raises(ValueError, match=message):
            device_loss.unseen_rows(logits, *wrong, 0)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("unit", [0, 1])
def test_unseen_priors_that_are_no_numbers_are_nan(unit, value):
    """No infinite loss, which zero_infinity would hide."""
    prior = torch.zeros(3, device=DEVICE)
    prior[unit] = value
    logits = torch.zeros(1, 3, 3, device=DEVICE, requires_grad=True)
    loss = ctc_loss(logits, [[1]], [3], [1], zero_infinity=True, label_log_prior=prior, backend="cuda")
    loss.backward()
    assert loss.isnan()
    assert logits.grad.isnan().all()


def test_blocks_leave_each_thread_the_registers_it_takes():
    """No simulator shows it: compiled for compute capability 12.0 the kernel takes 98 (float32), for 10.0 104."""
    assert 104 * device_loss.Geometry().most_walkers <= cuda.REGISTERS


def test_small_batches_bring_no_warnings():
    """On a device Numba would warn of few blocks; the simulator does not."""
    assert not numba.config.CUDA_LOW_OCCUPANCY_WARNINGS


def test_alignment_equals_the_cpu():
    random = np.random.default_rng(10)
    for scale in (0.0, 1.0, 20.0):  # 0: ties only
        problem = random_problem(random, B=3, T=10, K=3, N=3, scale=scale)
        frames = np.full(3, 10)
        batch = check_batch(3, 10, 3, problem.targets, frames, problem.target_lengths, 0)
        log_probs = torch.from_numpy(problem.logits).log_softmax(2)
        paths, best = cuda_align.best_paths(log_probs.to(DEVICE), batch, 0)
        expected, scores = forced_align(log_probs, problem.targets, frames, problem.target_lengths)
        assert torch.equal(paths.cpu(), expected)
        torch.testing.assert_close(best.cpu(), scores.sum(1), rtol=1e-12, atol=1e-12)


@pytest.mark.skipif(cuda.SIMULATED, reason="sizes for a device")
class TestAtSize:
    @pytest.mark.parametrize("dtype", DTYPES)
    @pytest.mark.parametrize(
        "shape",
        [
            {"B": 32, "T": 50, "K": 30, "N": 20},
            {"B": 3, "T": 120, "K": 5000, "N": 30},
            {"B": 2, "T": 2000, "K": 32, "N": 300},
            {"B": 2, "T": 3000, "K": 20, "N": 1400},
        ],
    )
    @pytest.mark.parametrize("scale", [1.0, 10.0])
    def test_equals_reference(self, shape, scale, dtype):
        assert_exact(random_problem(np.random.default_rng(1), **shape, scale=scale), dtype)

    def test_same_bits_every_time(self):
        problem = random_problem(np.random.default_rng(8), B=16, T=500, K=32, N=100)
        results = [solve(problem, torch.float32) for _ in range(5)]
        assert all(np.array_equal(result[1], results[0][1]) for result in results)

    def test_autocast_and_another_stream(self):
        linear = torch.nn.Linear(8, 5).to(DEVICE)
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream), torch.autocast("cuda", torch.bfloat16):
            loss = ctc_loss(linear(torch.randn(2, 40, 8, device=DEVICE)), [[1, 2], [3, 4]], [40, 40], [2, 2])
            loss.backward()
        stream.synchronize()
        assert torch.isfinite(linear.weight.grad).all()

    def test_no_call_waits_for_the_device(self):
        problem = random_problem(np.random.default_rng(8), B=4, T=50, K=8, N=9)
        solve(problem, torch.float32)
        logits = torch.randn(4, 50, 8, device=DEVICE, requires_grad=True)
        torch.cuda.set_sync_debug_mode("error")
        try:
            arguments = (problem.targets, problem.input_lengths, problem.target_lengths)
            ctc_loss(logits, *arguments, zero_infinity=True).backward()
            on_device = [torch.as_tensor(each) for each in arguments]
        finally:
            torch.cuda.set_sync_debug_mode("default")
        on_device = [each.to(DEVICE) for each in on_device]
        torch.cuda.set_sync_debug_mode("error")
        try:
            ctc_loss(logits, *on_device, zero_infinity=True).backward()
        finally:
            torch.cuda.set_sync_debug_mode("default")

    def test_alignment_at_size(self):
        problem = random_problem(np.random.default_rng(2), B=3, T=1500, K=30, N=400)
        arguments = (problem.targets, np.full(3, 1500), problem.target_lengths)
        log_probs = torch.from_numpy(problem.logits).log_softmax(2)
        expected, _ = forced_align(log_probs, *arguments)
        paths, _ = forced_align(log_probs.to(DEVICE), *arguments)
        assert torch.equal(paths.cpu(), expected)
