"""How the kernels are compiled, cached and dealt to threads."""

import multiprocessing
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import numba
import numpy as np
import pytest
import torch

from ctc import compilation, cpu, ctc_loss, reference
from ctc.labels import check_batch

ROOT = Path(__file__).parents[2]


def run(code, **environment):
    """Standard error of a fresh interpreter, in which warnings are errors."""
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", code],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        check=True,
    ).stderr


def test_import_is_light():
    run("import sys, ctc; assert not {'numba', 'numba.cuda'} & set(sys.modules)")


def test_first_use_says_that_it_compiles(tmp_path):
    """Cold cache: one line on stderr. Warm cache: none. The folder of the package is not touched."""
    code = (
        "import torch, ctc, sys; print(ctc.ctc_loss(torch.zeros(1, 2, 2), [[1]], [2], [1]).item());"
        "assert 'numba.cuda' not in sys.modules"
    )
    cold = run(code, NUMBA_CACHE_DIR=str(tmp_path))
    warm = run(code, NUMBA_CACHE_DIR=str(tmp_path))
    assert cold.count("ctc: compiling kernels") == 1
    assert warm == ""


def test_works_where_nothing_can_be_written(monkeypatch):
    def refuse(cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function 'f': no locator available for file 'x.py'")
        return numba.njit(**options)

    monkeypatch.setattr(compilation, "numba", SimpleNamespace(njit=refuse))
    assert compilation.jit_cached(lambda x: x + 1)(1) == 2


def test_other_errors_are_not_hidden(monkeypatch):
    def refuse(**options):
        raise RuntimeError("something else")

    monkeypatch.setattr(compilation, "numba", SimpleNamespace(njit=refuse))
    with pytest.raises(RuntimeError, match="something else"):
        compilation.jit_cached(lambda x: x)


@pytest.mark.parametrize("num_threads", [1, 2, 3, 16])
def test_deal_gives_every_row_once(num_threads):
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 100, 11)
    batch = check_batch(11, 100, 5, np.ones((11, 1), np.int64), lengths, np.ones(11, np.int64), 0)
    portions = cpu.deal(batch, 5, num_threads)
    assert sorted(np.concatenate(portions).tolist()) == list(range(11))
    assert len(portions) <= 4 * num_threads
    if num_threads in (2, 3):
        loads = [lengths[portion].sum() for portion in portions]
        assert max(loads) < lengths.sum() / num_threads + lengths.max()


def test_equal_rows_are_dealt_evenly():
    rows, frames = np.ones((16, 40), np.int64), 150
    small = check_batch(16, frames, 30, rows, [frames] * 16, [40] * 16, 0)
    assert [len(portion) for portion in cpu.deal(small, 30, 2)] == [8, 8]  # not worth more calls
    large = check_batch(16, 100 * frames, 30, rows, [100 * frames] * 16, [40] * 16, 0)
    assert [len(portion) for portion in cpu.deal(large, 30, 2)] == [2] * 8


def test_room_is_kept_unless_large():
    double = np.dtype(np.float64)
    small = cpu.room("a", 1000, double)
    assert len(small) >= 1000
    assert cpu.room("a", 10, double) is small
    assert not np.shares_memory(cpu.room("b", 10, double), small)
    large = cpu.room("a", cpu.KEPT_BYTES, double)
    assert cpu.room("a", cpu.KEPT_BYTES, double) is not large


def test_lost_range_is_noticed_and_redone():
    """1,300 frames that each cost 60 nats more on the only paths that can finish than beside them."""
    T, N = 2600, 2590
    logits = np.random.default_rng(0).standard_normal((1, T, 9))
    logits[0, :1300, 0] += 60.0
    targets = np.resize(np.arange(1, 9), (1, N))
    batch = check_batch(1, T, 9, targets, [T], [N], 0)
    gradient = np.empty_like(logits)
    losses, _ = cpu.loss_and_gradient(logits, batch, 0, np.ones(1), gradient, 1)
    expected, expected_gradient = reference.loss_and_gradient(logits[0], targets[0])
    np.testing.assert_allclose(losses, expected, rtol=1e-10)
    np.testing.assert_allclose(gradient[0], expected_gradient, atol=1e-8)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_log_domain_alone(dtype):
    """Scores further apart than any exponential reaches go to the log domain, and are right."""
    rng = np.random.default_rng(1)
    logits = (1000.0 * rng.standard_normal((3, 30, 6))).astype(dtype)
    targets = rng.integers(1, 6, (3, 12))
    batch = check_batch(3, 30, 6, targets, [30, 25, 30], [12, 9, 0], 0)
    gradient = np.empty_like(logits)
    losses, redone = cpu.loss_and_gradient(logits, batch, 0, np.ones(3), gradient, 1)
    assert redone.any()
    for b, length in enumerate([30, 25, 30]):
        expected, expected_gradient = reference.loss_and_gradient(logits[b, :length], batch.row(b))
        np.testing.assert_allclose(losses[b], expected, rtol=1e-10)
        np.testing.assert_allclose(gradient[b, :length], expected_gradient, atol=1e-6)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_usual_networks_never_need_the_log_domain(dtype):
    rng = np.random.default_rng(2)
    for scale in (1.0, 4.0):
        logits = (scale * rng.standard_normal((4, 400, 30))).astype(dtype)
        batch = check_batch(4, 400, 30, rng.integers(1, 30, (4, 80)), [400] * 4, [80] * 4, 0)
        gradient = np.empty_like(logits)
        _, redone = cpu.loss_and_gradient(logits, batch, 0, np.ones(4), gradient, 1)
        assert not redone.any()


@pytest.mark.parametrize("num_threads", [1, 2, 7])
def test_every_portion_is_worked_on_once(num_threads):
    done = []
    cpu.in_turn(lambda portion, thread: done.append((portion, thread)), range(100), num_threads)
    assert sorted(portion for portion, _ in done) == list(range(100))
    assert {thread for _, thread in done} <= set(range(num_threads))


def test_an_error_of_any_thread_is_raised():
    both = threading.Barrier(2)

    def work(_portion, thread):
        both.wait(timeout=60)
        if thread == 1:
            raise ValueError("of the other thread")

    with pytest.raises(ValueError, match="of the other thread"):
        cpu.in_turn(work, range(2), 2)


@pytest.mark.filterwarnings("ignore:.*multi-threaded:DeprecationWarning")
def test_a_fork_has_threads_of_its_own():
    cpu.in_turn(lambda portion, thread: None, range(2), 2)
    context = multiprocessing.get_context("fork")
    process = context.Process(target=cpu.in_turn, args=(lambda portion, thread: None, range(2), 2))
    process.start()
    process.join(timeout=60)
    assert process.exitcode == 0


def test_what_no_memory_holds_is_refused_with_its_size(monkeypatch):
    """Before any of it is taken, which the system might allow and then end the process."""
    logits = torch.zeros(2, 20000, 3, requires_grad=True)
    targets = torch.tensor([[1, 2] * 5000] * 2)
    monkeypatch.setattr(cpu, "machine_bytes", lambda: 2.0**30)
    with pytest.raises(MemoryError, match=r"20000 frames with 10000 labels need 2.2 GiB, 1.0 are there"):
        ctc_loss(logits, targets, [10, 20000], [5, 10000])
    assert ctc_loss(logits, targets, [4000, 20000], [3500, 0]).isfinite()  # no row has both
