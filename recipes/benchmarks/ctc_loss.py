"""The CTC loss beside torch's: forward and backward, log-softmax included, on the CPU.

    python -m recipes.benchmarks.ctc_loss [--threads 1] [--scale 1.0] [--repeats 5] [--check]
    [--only 0 1]

Times are the least of the repeats, taken in turns; with one thread CPU seconds of this process, so
that other work on the machine disturbs them little. Memory is the peak beyond input and gradient,
each measured in a fork of its own (Linux). `--check` compares our float32 loss and gradient with the
float64 definition on two rows of each shape.
"""

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import torch  # noqa: E402

from ctc import ctc_loss  # noqa: E402
from ctc.reference import loss_and_gradient  # noqa: E402

SHAPES = [  # T, B, K, N
    (150, 16, 30, 40),
    (500, 32, 32, 100),
    (1000, 16, 80, 200),
    (1600, 8, 1024, 120),
    (400, 64, 5000, 60),
    (3000, 4, 32, 400),
]


def problem(T: int, B: int, K: int, N: int, scale: float) -> tuple[torch.Tensor, ...]:
    """Logits [B, T, K], targets [B, N] and full lengths, from a fixed seed."""
    generator = torch.Generator().manual_seed(0)
    logits = scale * torch.randn(B, T, K, generator=generator)
    targets = torch.randint(1, K, (B, N), generator=generator)
    return logits, targets, torch.full((B,), T), torch.full((B,), N)


def ours(logits: torch.Tensor, *arguments: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Loss and gradient by this package."""
    logits = logits.detach().requires_grad_()
    loss = ctc_loss(logits, *arguments, reduction="sum")
    loss.backward()
    return loss.detach(), logits.grad


def torchs(logits: torch.Tensor, *arguments: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The same by torch, on the time-major storage that it wants (made by the caller)."""
    logits = logits.detach().requires_grad_()
    log_probs = logits.log_softmax(2)
    loss = torch.nn.functional.ctc_loss(log_probs, *arguments, reduction="sum")
    loss.backward()
    return loss.detach(), logits.grad


def peak_bytes(function: Callable, arguments: tuple) -> int:
    """Peak of the resident memory beyond the gradient, in a fork that has done nothing else."""
    context = multiprocessing.get_context("fork")
    answer = context.SimpleQueue()

    def measure() -> None:
        # A fork maps its libraries and kernels anew: the peaked scores take `ctc.blocks`, too. B = T suits both.
        function(*problem(4, 4, 4, 2, 300.0))
        Path("/proc/self/clear_refs").write_text("5")  # forget the peak so far
        before = _status("VmRSS")
        function(*arguments)
        answer.put(_status("VmHWM") - before)

    process = context.Process(target=measure)
    process.start()
    peak = answer.get()
    process.join()
    return peak - arguments[0].numel() * arguments[0].element_size()


def _status(field: str) -> int:
    """Bytes of a field of /proc/self/status."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return int(line.split()[1]) * 1024
    raise LookupError(field)


def check(gradient: torch.Tensor, arguments: tuple) -> str:
    """Errors of two rows against the definition."""
    logits, targets, _, _ = arguments
    losses = ctc_loss(*arguments, reduction="none")
    worst_loss = worst_gradient = 0.0
    for b in (0, len(logits) - 1):
        loss, expected = loss_and_gradient(logits[b].numpy(), targets[b].numpy())
        worst_loss = max(worst_loss, abs(float(losses[b]) / loss - 1))
        worst_gradient = max(worst_gradient, float(np.abs(gradient[b].numpy() - expected).max()))
    return f"  error: loss {worst_loss:.0e}, gradient {worst_gradient:.0e}"


def main() -> None:
    """Print a line for each shape."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="of the random logits; 10 is peaked")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--check", action="store_true", help="compare with the definition")
    parser.add_argument("--only", type=int, nargs="*", help="rows of the table of shapes, from 0")
    options = parser.parse_args()
    torch.set_num_threads(1)  # forks survive one thread only, so memory comes first
    clock = time.process_time if options.threads == 1 else time.perf_counter
    shapes = SHAPES if options.only is None else [SHAPES[i] for i in options.only]
    ours(*problem(4, 4, 4, 2, 300.0))  # compiled before any fork
    memory = [_memory(shape, options.scale) for shape in shapes]
    torch.set_num_threads(options.threads)
    print("(T, B, K, N)            ours ms   torch ms   ratio   peak MiB ours / torch")
    for shape, peaks in zip(shapes, memory, strict=True):
        arguments = problem(*shape, options.scale)
        time_major = (arguments[0].transpose(0, 1).contiguous(), *arguments[1:])
        times: list[list[float]] = [[], []]
        gradient = arguments[0]
        # The small shapes are over before the machine has settled: more turns.
        for _ in range(options.repeats * (10 if shape[0] * shape[1] < 5000 else 1)):
            for which, (function, inputs) in enumerate([(ours, arguments), (torchs, time_major)]):
                start = clock()
                result = function(*inputs)
                times[which].append(clock() - start)
                if which == 0:
                    gradient = result[1]
        mine, other = (1e3 * min(each) for each in times)
        line = f"{shape!s:22} {mine:9.2f} {other:10.2f} {other / mine:7.1f}   "
        line += f"{peaks[0] / 2**20:.1f} / {peaks[1] / 2**20:.1f}"
        print(line + (check(gradient, arguments) if options.check else ""), flush=True)


def _memory(shape: tuple[int, int, int, int], scale: float) -> tuple[int, int]:
    """Peaks of both for a shape."""
    arguments = problem(*shape, scale)
    time_major = (arguments[0].transpose(0, 1).contiguous(), *arguments[1:])
    return peak_bytes(ours, arguments), peak_bytes(torchs, time_major)


if __name__ == "__main__":
    main()
