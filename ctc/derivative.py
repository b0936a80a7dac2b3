"""Backward passes that cannot be differentiated, and say so.

Torch's `once_differentiable` says it only if what comes from above is differentiated too: the gradient of a loss itself
is a constant without a word, and a penalty on it does nothing.
"""

import functools
from collections.abc import Callable

import torch


class _Constant(torch.autograd.Function):
    """A gradient as it is, which raises if it is differentiated."""

    @staticmethod
    def forward(ctx, gradient: torch.Tensor, _anchor: torch.Tensor) -> torch.Tensor:
        return gradient.view_as(gradient)

    @staticmethod
    def backward(ctx, *_upstream: torch.Tensor):
        raise RuntimeError("CTC losses have no second derivative here: their gradient cannot be differentiated")


def first_derivative_only(backward: Callable) -> Callable:
    """Decorate a Function's `backward` whose first gradient alone is a tensor."""

    @functools.wraps(backward)
    def guarded(ctx, *upstream: torch.Tensor):
        with torch.no_grad():
            gradient, *others = backward(ctx, *upstream)
        if torch.is_grad_enabled():  # create_graph=True
            gradient = _Constant.apply(gradient, torch.zeros((), requires_grad=True))
        return gradient, *others

    return guarded
