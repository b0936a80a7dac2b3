"""How far `ctc.ctc_loss` is from its float64 definition and from torch, at the logits.

    python -m recipes.benchmarks.ctc_exactness

Random, flat and peaked logits, usual and barely feasible targets (as many frames as labels and repeats need), B to 32,
T to 2000. Prints the largest relative difference of losses and the largest absolute difference of gradients. Needs
nothing else, and takes about 20 s.
"""

import argparse
import warnings

import numpy as np
import torch

from ctc import ctc_loss
from ctc.reference import loss_and_gradient

SHAPES = [(1, 4, 5, 1), (50, 32, 30, 20), (500, 32, 30, 100), (2000, 8, 40, 300), (2000, 32, 30, 150)]  # T, B, K, N
SCALES = {"flat": 0.0, "random": 1.0, "peaked": 10.0, "very peaked": 50.0}
REFERENCE_ROWS = 2  # the definition is slow


def main() -> None:
    """Print a line a case, then the largest differences."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    worst: dict[str, float] = {}
    print(f"{'T, B, K, N':18s} {'logits':12s} {'targets':9s} " + " ".join(f"{name:>13s}" for name in COLUMNS))
    for shape in SHAPES:
        for kind, scale in SCALES.items():
            for barely in (False, True):
                found = differences(*problem(*shape, scale=scale, barely=barely))
                for name, value in found.items():
                    worst[name] = max(worst.get(name, 0.0), value)
                line = " ".join(f"{found[name]:13.1e}" for name in COLUMNS)
                print(f"{shape!s:18s} {kind:12s} {'barely' if barely else 'usual':9s} {line}", flush=True)
    print("largest: " + ", ".join(f"{name} {value:.1e}" for name, value in worst.items()))


COLUMNS = ("f64 loss", "f64 gradient", "torch loss", "torch grad", "f32 loss", "f32 gradient")


def problem(T: int, B: int, K: int, N: int, *, scale: float, barely: bool) -> tuple:
    """Logits [B, T, K] float64, targets [B, N], input lengths, target lengths; every row is feasible."""
    random = np.random.default_rng(T + N)
    logits = torch.from_numpy(scale * random.standard_normal((B, T, K)))
    targets = random.integers(1, K, (B, N))
    target_lengths = random.integers(0, N + 1, B)
    repeats = [
        int((row[1:n] == row[: n - 1]).sum()) if n else 0 for row, n in zip(targets, target_lengths, strict=True)
    ]
    needed = np.minimum(target_lengths + repeats, T)
    target_lengths = np.where(target_lengths + repeats > T, 0, target_lengths)
    lengths = np.maximum(needed, 1) if barely else np.full(B, T)
    return logits, torch.from_numpy(targets), torch.from_numpy(lengths), torch.from_numpy(target_lengths)


def differences(logits, targets, lengths, target_lengths) -> dict[str, float]:
    """Largest differences of one batch; a NaN anywhere is an error."""
    loss64, gradient64 = ours(logits, targets, lengths, target_lengths)
    loss32, gradient32 = ours(logits.float(), targets, lengths, target_lengths)
    for values in (loss64, gradient64, loss32, gradient32):
        assert torch.isfinite(values).all(), "NaN or infinity"
    leaf = logits.clone().requires_grad_()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = torch.nn.functional.ctc_loss(
            leaf.log_softmax(-1).transpose(0, 1), targets, lengths, target_lengths, reduction="none"
        )
    theirs.sum().backward()
    found = {
        "torch loss": relative(loss64, theirs.detach()),
        "torch grad": float((gradient64 - leaf.grad).abs().max()),
        "f32 loss": relative(loss32, loss64),
        "f32 gradient": float((gradient32 - gradient64).abs().max()),
        "f64 loss": 0.0,
        "f64 gradient": 0.0,
    }
    for row in range(min(REFERENCE_ROWS, len(lengths))):
        labels = targets[row, : target_lengths[row]].numpy()
        loss, gradient = loss_and_gradient(logits[row, : lengths[row]].numpy(), labels)
        found["f64 loss"] = max(found["f64 loss"], relative(loss64[row], torch.tensor(loss, dtype=torch.float64)))
        difference = np.abs(gradient64[row, : lengths[row]].numpy() - gradient).max()
        found["f64 gradient"] = max(found["f64 gradient"], float(difference))
    return found


def ours(logits, targets, lengths, target_lengths) -> tuple[torch.Tensor, torch.Tensor]:
    """Losses [B] and gradient [B, T, K] in float64."""
    leaf = logits.clone().requires_grad_()
    losses = ctc_loss(leaf, targets, lengths, target_lengths, reduction="none")
    losses.sum().backward()
    return losses.detach().double(), leaf.grad.double()


def relative(ours: torch.Tensor, theirs: torch.Tensor) -> float:
    """Largest difference, relative to the larger of the loss and 1e-3 nats."""
    return float(((ours - theirs).abs() / theirs.abs().clamp(min=1e-3)).max())


if __name__ == "__main__":
    main()
