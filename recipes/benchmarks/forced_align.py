"""Forced alignment beside torchaudio's, on one thread of the CPU, and an hour in one utterance.

    python -m recipes.benchmarks.forced_align [--repeats 5] [--hour]

Times are CPU seconds of this process, the least of the repeats, taken in turns. Scores are summed
in float64; torchaudio accumulates in float32, which changes a few frames of long paths. `--hour`
aligns 40,000 labels to 180,000 frames (torchaudio needs more than 24 GiB for that) and prints the
peak memory of the process. Where ctc-segmentation is installed (the extra `bench`) it follows on
the same input: it looks only into a window about the diagonal, and starts and ends anywhere in the
recording, so its path is no forced alignment of all frames and only times are compared.
"""

import argparse
import os
import resource
import time
import warnings

os.environ.setdefault("OMP_NUM_THREADS", "1")

import numpy as np  # noqa: E402
import torch  # noqa: E402
from torchaudio import functional  # noqa: E402

from ctc import forced_align, merge_tokens  # noqa: E402

SHAPES = [(1000, 200), (18_000, 4_000)]
HOUR = (180_000, 40_000)
NUM_UNITS = 32


def problem(T: int, N: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Log probabilities [1, T, K] and labels [1, N], from a fixed seed."""
    generator = torch.Generator().manual_seed(0)
    log_probs = torch.randn(1, T, NUM_UNITS, generator=generator).log_softmax(2)
    return log_probs, torch.randint(1, NUM_UNITS, (1, N), generator=generator)


def main() -> None:
    """Print a line for each size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--hour", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore", category=UserWarning)  # torchaudio's notice of deprecation
    forced_align(*problem(10, 2))
    for shape in SHAPES:
        arguments = problem(*shape)
        times: list[list[float]] = [[], []]
        scores = []
        for _ in range(options.repeats):
            scores = []
            for which, function in enumerate([forced_align, functional.forced_align]):
                start = time.process_time()
                scores.append(function(*arguments)[1].double().sum().item())
                times[which].append(time.process_time() - start)
        mine, other = (1e3 * min(each) for each in times)
        print(
            f"{shape}: {mine:.2f} ms, torchaudio {other:.2f} ms, ratio {other / mine:.1f}; scores {scores}", flush=True
        )
    if options.hour:
        log_probs, targets = problem(*HOUR)
        start = time.process_time()
        paths, scores = forced_align(log_probs, targets)
        seconds = time.process_time() - start
        right = [token.label for token in merge_tokens(paths[0], scores[0])] == targets[0].tolist()
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
        print(f"{HOUR}: {seconds:.1f} s, peak {peak:.2f} GiB with torch, labels read back: {right}", flush=True)
        segmentation(log_probs[0].numpy(), targets[0].numpy())


def segmentation(log_probs: np.ndarray, labels: np.ndarray) -> None:
    """Print the time that ctc-segmentation takes for the hour, if it is installed."""
    try:
        import ctc_segmentation
    except ImportError:
        print("ctc-segmentation is not installed and left out: pip install 'speech-toolkit[bench]'")
        return
    config = ctc_segmentation.CtcSegmentationParameters()
    config.char_list = [str(unit) for unit in range(NUM_UNITS)]
    truth, _ = ctc_segmentation.prepare_token_list(config, [labels])
    start = time.process_time()
    ctc_segmentation.ctc_segmentation(config, log_probs, truth)
    seconds = time.process_time() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    print(f"ctc-segmentation: {seconds:.1f} s, peak of the process {peak:.2f} GiB")


if __name__ == "__main__":
    main()
