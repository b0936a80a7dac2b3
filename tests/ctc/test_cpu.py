"""How the kernels are compiled, cached and dealt to threads."""

import os
import subprocess
import sys
from pathlib import Path

import numba
import numpy as np
import pytest

from ctc import cpu
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
    assert cold.count("ctc: compiling the CPU kernels") == 1
    assert warm == ""


def test_works_where_nothing_can_be_written(monkeypatch):
    def refuse(cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function 'f': no locator available for file 'x.py'")
        return original(**options)

    original = numba.njit
    monkeypatch.setattr(numba, "njit", refuse)
    assert cpu.jit(lambda x: x + 1)(1) == 2


def test_other_errors_are_not_hidden(monkeypatch):
    def refuse(**options):
        raise RuntimeError("something else")

    monkeypatch.setattr(numba, "njit", refuse)
    with pytest.raises(RuntimeError, match="something else"):
        cpu.jit(lambda x: x)


@pytest.mark.parametrize("num_threads", [1, 2, 3, 16])
def test_deal_gives_every_row_once(num_threads):
    rng = np.random.default_rng(0)
    lengths = rng.integers(1, 100, 11)
    batch = check_batch(11, 100, 5, np.ones((11, 1), np.int64), lengths, np.ones(11, np.int64), 0)
    shares = cpu.deal(batch, 5, num_threads)
    assert len(shares) == min(num_threads, 11)
    assert sorted(np.concatenate(shares).tolist()) == list(range(11))
    loads = [lengths[share].sum() for share in shares]
    if num_threads <= 3:
        assert max(loads) < 1.2 * min(loads)
