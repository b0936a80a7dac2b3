"""The CTC loss on a CUDA device beside torch's native one and cuDNN's: forward and backward, log-softmax included.

    python -m recipes.benchmarks.ctc_loss_cuda [--repeats 20] [--only 0 1] [--dtype float32]

Times are medians by CUDA events after a warm-up, in turns. cuDNN's is measured where its conditions allow (blank 0, all
frames counted, targets concatenated int32 on the CPU, fewer than 256 labels); torch's own on time-major logits, as it
wants them. Memory is the peak beyond logits and gradient. The last column of `bandwidth` is the share of a device
copy's bandwidth that the pass over logits alone, and the pass that writes the gradient, reach at K = 5000. Needs a CUDA
device and the extra `cuda`.
"""

import argparse
import statistics
import sys
from collections.abc import Callable
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).parents[2]))  # run by its path, a script sees its own folder alone

from ctc import ctc_loss, cuda, device_loss
from recipes.benchmarks.ctc_loss import SHAPES, problem

BATCH_64 = [(T, 64, K, N) for T, B, K, N in SHAPES if B != 64]


def ours(logits, targets, input_lengths, target_lengths) -> torch.Tensor:
    """Gradient by this package, logits [B, T, K]."""
    leaf = logits.detach().requires_grad_()
    ctc_loss(leaf, targets, input_lengths, target_lengths, reduction="sum").backward()
    return leaf.grad


def native(logits, targets, input_lengths, target_lengths) -> torch.Tensor:
    """Gradient by torch's own kernels, logits [T, B, K]."""
    leaf = logits.detach().requires_grad_()
    with torch.backends.cudnn.flags(enabled=False):
        log_probs = leaf.log_softmax(2, dtype=torch.float64 if leaf.dtype == torch.float64 else torch.float32)
        torch.nn.functional.ctc_loss(log_probs, targets, input_lengths, target_lengths, reduction="sum").backward()
    return leaf.grad


def cudnn(logits, targets, input_lengths, target_lengths) -> torch.Tensor:
    """Gradient by cuDNN, logits [T, B, K], targets int32 on the CPU."""
    leaf = logits.detach().requires_grad_()
    with torch.backends.cudnn.flags(enabled=True, deterministic=False):
        log_probs = leaf.log_softmax(2, dtype=torch.float32)
        torch.nn.functional.ctc_loss(log_probs, targets, input_lengths, target_lengths, reduction="sum").backward()
    return leaf.grad


def milliseconds(function: Callable, *arguments) -> float:
    """Time on the device of one call."""
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    function(*arguments)
    end.record()
    end.synchronize()
    return start.elapsed_time(end)


def peak_bytes(function: Callable, arguments: tuple) -> int:
    """Peak of the device's memory beyond what was there and the gradient."""
    torch.cuda.synchronize()
    before = torch.cuda.memory_allocated()
    torch.cuda.reset_peak_memory_stats()
    gradient = function(*arguments)
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before - gradient.numel() * gradient.element_size()


def contenders(shape: tuple[int, int, int, int], dtype: torch.dtype) -> dict[str, tuple[Callable, tuple]]:
    """Functions and their arguments, by name."""
    logits, targets, frames, labels = problem(*shape, 1.0)
    logits = logits.to("cuda", dtype)
    time_major = logits.transpose(0, 1).contiguous()
    found = {
        "ours": (ours, (logits, targets, frames, labels)),
        "native": (native, (time_major, targets.cuda(), frames, labels)),
    }
    if shape[3] < 256 and dtype != torch.float64:
        flat = targets.reshape(-1).to(torch.int32)
        found["cudnn"] = (cudnn, (time_major, flat, frames.to(torch.int32), labels.to(torch.int32)))
    return found


def compare(shape: tuple[int, int, int, int], dtype: torch.dtype, repeats: int) -> str:
    """A line of the table."""
    chosen = contenders(shape, dtype)
    gradients = {name: function(*arguments) for name, (function, arguments) in chosen.items()}
    off = (gradients["ours"].float() - gradients["native"].transpose(0, 1).float()).abs().max().item()
    del gradients
    times: dict[str, list[float]] = {name: [] for name in chosen}
    for _ in range(repeats):
        for name, (function, arguments) in chosen.items():
            times[name].append(milliseconds(function, *arguments))
    medians = {name: statistics.median(values) for name, values in times.items()}
    peaks = {name: peak_bytes(*each) / 2**20 for name, each in chosen.items()}
    line = f"{shape!s:22} " + "  ".join(f"{name} {medians[name]:.3f} ms {peaks[name]:.0f} MiB" for name in chosen)
    ratios = "  ".join(f"{name}/ours {medians[name] / medians['ours']:.1f}" for name in chosen if name != "ours")
    return f"{line}  {ratios}  largest difference from native {off:.0e}"


def bandwidth(repeats: int) -> str:
    """Passes over logits at K = 5000 beside a copy on the device."""
    T, B, K, N = SHAPES[4]
    logits, *rest = problem(T, B, K, N, 1.0)
    logits = logits.cuda()
    copy = torch.empty_like(logits)
    given = device_loss.device_rows(logits, *rest, 0)
    walked = device_loss.losses_and_shares(logits, given, 0, None, True)
    grid, block = device_loss.frame_launch(B * T, K)
    arrays = [cuda.as_array(each) for each in (logits, given.rows, walked.tops, walked.inverses)]
    normalize = cuda.kernels("float32").normalize[grid, block, cuda.stream_of(logits.device)]
    weights = given.weights("sum")
    tried = {
        "copy": (2, lambda: copy.copy_(logits)),
        "normalize": (1, lambda: normalize(*arrays)),
        "gradient": (2, lambda: device_loss.gradient(logits, given, 0, walked, weights)),
    }
    size, rates = logits.numel() * 4, {}
    for name, (passes, function) in tried.items():
        function()
        rates[name] = passes * size / statistics.median(milliseconds(function) for _ in range(repeats)) / 1e6
    return "  ".join(f"{name} {rate:.0f} GB/s ({rate / rates['copy']:.0%})" for name, rate in rates.items())


def main() -> None:
    """Print a line for each shape, then bandwidths."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=20)
    parser.add_argument("--only", type=int, nargs="*", help="rows of the table of shapes, from 0")
    parser.add_argument("--dtype", default="float32", choices=["float32", "float64", "float16", "bfloat16"])
    options = parser.parse_args()
    if not torch.cuda.is_available():
        parser.error("no CUDA device here")
    print(torch.cuda.get_device_name(), torch.__version__)
    shapes = SHAPES + BATCH_64
    for shape in shapes if options.only is None else [shapes[i] for i in options.only]:
        print(compare(shape, getattr(torch, options.dtype), options.repeats), flush=True)
    print("bandwidth:", bandwidth(options.repeats))


if __name__ == "__main__":
    main()
