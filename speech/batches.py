"""Length-bucketed batches by total frames, in an order that a seed and the epoch determine."""

from collections.abc import Sequence

import numpy as np


def make_batches(
    lengths: Sequence[int] | np.ndarray, batch_frames: int, *, seed: int, epoch: int, sort: bool = False
) -> list[np.ndarray]:
    """Group utterances of similar length so that padding is small.

    Parameters
    ----------
    lengths : frames of each utterance
    batch_frames : most frames a batch may hold, padding included; a longer utterance stands alone
    seed, epoch : determine the order completely
    sort : shortest batches first, for the first epochs, instead of a random order

    Returns
    -------
    list of int64 arrays : indices into `lengths`, each utterance exactly once
    """
    lengths = np.asarray(lengths)
    random = np.random.default_rng([seed, epoch])
    # Lengths are jittered by up to 10 % before sorting, so that neighbours differ from epoch to epoch.
    order = np.argsort(lengths * random.uniform(0.95, 1.05, len(lengths)), kind="stable")
    batches, first, longest = [], 0, 0
    for position, index in enumerate(order):
        longest = max(longest, lengths[index])
        if position > first and longest * (position - first + 1) > batch_frames:
            batches.append(order[first:position])
            first, longest = position, lengths[index]
    if len(order):
        batches.append(order[first:])
    if not sort:
        batches = [batches[i] for i in random.permutation(len(batches))]
    return batches
