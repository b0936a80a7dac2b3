"""Weights as they are stored: matrices in fewer bits, everything else in float32.

Eight bits: integers with one float16 scale a row. "deflated": large matrices in steps of a share of their row's root
mean square, whatever the largest weight, and then compressed by Huffman's code (RFC 1951): few of the many levels are
frequent, so that a weight takes 4.8 bits; "coarse": larger steps, 3.6 bits. Such steps are felt: train the last epochs
with `training.stored_as`.
"""

import math
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

import torch
from torch import Tensor, nn

Precision = Literal["float32", "float16", "int8", "deflated", "coarse"]
COARSE_STEPS = {"deflated": 0.15, "coarse": 0.35}
"""Step of a compressed matrix over the root mean square of its row."""
COARSE_SIZE = 1 << 17
"""Weights of the smallest matrix that is compressed; smaller ones take eight bits."""


def pack(state: dict[str, Tensor], precision: Precision) -> dict[str, Tensor]:
    """Tensors as stored: matrices reduced to `precision`, everything else as it is."""
    packed = {}
    for name, value in state.items():
        value = value.detach().cpu().contiguous()
        if precision == "float32" or value.ndim < 2 or not value.is_floating_point():
            packed[name] = value
        elif precision == "float16":
            packed[name] = value.half()
        else:
            step = _coarse_step(value, precision)
            packed[name], packed[f"{name}.scale"] = quantize(value, step)
            if step:
                packed[f"{name}.shape"] = torch.tensor(value.shape)
                packed[name] = torch.frombuffer(_deflate(packed[name]), dtype=torch.uint8)
    return packed


def unpack(tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    """The inverse of `pack`: every floating tensor in float32.

    Raises
    ------
    ValueError
        Compressed weights are damaged (names them).
    """
    state = {}
    for name, value in tensors.items():
        base, _, suffix = name.rpartition(".")
        if suffix in ("scale", "shape") and base in tensors:
            continue
        if f"{name}.shape" in tensors:
            value = _inflate(name, value, tensors[f"{name}.shape"].tolist())
        if value.dtype == torch.int8:
            value = dequantize(value, tensors[f"{name}.scale"])
        state[name] = value.float() if value.is_floating_point() else value
    return state


def quantize(value: Tensor, coarse_step: float = 0.0) -> tuple[Tensor, Tensor]:
    """Levels of a matrix, int8 of its shape, and the scale of each row, float16 [R].

    127 levels reach the row's largest weight, or steps are `coarse_step` of its root mean square if that is more.
    Dimensions after the first count as columns.
    """
    rows = value.float().flatten(1)
    largest, mean_square = rows.abs().amax(dim=1), rows.square().mean(dim=1)
    scale = torch.maximum(largest / 127, coarse_step * mean_square.sqrt()).clamp(min=1e-7).half()
    levels = (rows / scale.float()[:, None]).round().clamp(-127, 127)
    return levels.to(torch.int8).view_as(value), scale


def dequantize(levels: Tensor, scale: Tensor) -> Tensor:
    """Weights of the levels and scales by `quantize`, float32."""
    return (levels.flatten(1).float() * scale.float()[:, None]).view(levels.shape)


def _coarse_step(value: Tensor, precision: Precision) -> float:
    """`coarse_step` of a matrix; 0 of one that is not compressed."""
    return COARSE_STEPS.get(precision, 0.0) if value.numel() >= COARSE_SIZE else 0.0


@contextmanager
def as_stored(model: nn.Module, precision: Precision) -> Iterator[None]:
    """Give a model the weights that it would have after being stored, for as long as the context lasts.

    Gradients are then those at the stored weights, for the exact ones to follow.

    References
    ----------
    Bengio et al., arXiv 1308.3432, 2013 (straight-through); Jacob et al., CVPR 2018 (training for few bits).
    """
    exact = {name: parameter.data for name, parameter in model.named_parameters()}
    for name, parameter in model.named_parameters():
        parameter.data = _stored(exact[name], precision)
    try:
        yield
    finally:
        for name, parameter in model.named_parameters():
            parameter.data = exact[name]


def _stored(value: Tensor, precision: Precision) -> Tensor:
    """What remains of a tensor that is packed and unpacked."""
    if precision == "float32" or value.ndim < 2:
        return value
    if precision == "float16":
        return value.half().float()
    return dequantize(*quantize(value, _coarse_step(value, precision)))


def _deflate(levels: Tensor) -> bytearray:
    """Levels compressed; repetitions are not looked for, as there are none."""
    compressor = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS, 9, zlib.Z_HUFFMAN_ONLY)
    return bytearray(compressor.compress(levels.numpy().tobytes()) + compressor.flush())


def _inflate(name: str, data: Tensor, shape: list[int]) -> Tensor:
    """Levels, int8 of a shape; never more than that many, whatever the data say."""
    size, decompressor = math.prod(shape), zlib.decompressobj()
    try:
        levels = bytearray(decompressor.decompress(data.numpy().tobytes(), size + 1))  # one more: up to the checksum
    except (zlib.error, ValueError) as error:
        raise ValueError(f"{name}: {error}") from error
    if len(levels) != size or not decompressor.eof:
        raise ValueError(f"{name}: {len(levels)} compressed weights, or a part of them, where {size} belong")
    return torch.frombuffer(levels, dtype=torch.int8).view(shape)
