"""Scalar steps of the recursions in plain Python, compiled by the CPU and the CUDA kernels alike."""

import math


def log_add(a: float, b: float, c: float) -> float:
    """``log(exp(a) + exp(b) + exp(c))`` without overflow; -inf is log 0.

    >>> log_add(-math.inf, -math.inf, -math.inf)
    -inf
    """
    largest = max(a, b, c)
    if largest == -math.inf:
        return largest
    total = math.exp(a - largest) + math.exp(b - largest) + math.exp(c - largest)
    return largest + math.log(total)
