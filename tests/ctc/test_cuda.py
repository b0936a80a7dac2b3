"""The CUDA kernels: under Numba's simulator by default, on a real device with `-m gpu`."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from ctc import ctc_loss

ROOT = Path(__file__).parents[2]


def run_cases(**environment):
    """Run `cuda_cases` in a process of its own: the simulator is chosen when Numba is imported."""
    # In Python a NaN met in arithmetic is a RuntimeWarning; on a device it is what NaN rows are known by.
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore::RuntimeWarning"]
    done = subprocess.run(
        [*command, "-o", "addopts=", "tests/ctc/cuda_cases.py"],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert " passed" in done.stdout


def test_under_the_simulator():
    run_cases(NUMBA_ENABLE_CUDASIM="1", CUDA_VISIBLE_DEVICES="")


@pytest.mark.gpu
def test_on_the_device():
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    run_cases(NUMBA_ENABLE_CUDASIM="0")


@pytest.mark.skipif(os.environ.get("NUMBA_ENABLE_CUDASIM") == "1", reason="the simulator takes tensors of the CPU")
def test_the_cuda_backend_says_what_it_lacks():
    with pytest.raises(RuntimeError, match="needs tensors on a CUDA device|needs numba-cuda"):
        ctc_loss(torch.zeros(1, 2, 2), [[1]], [2], [1], backend="cuda")
