"""Arithmetic in bfloat16, on processors that have it.

Elsewhere float32 is faster, and PyTorch's LSTM in bfloat16 cannot run at all on a CPU without AVX-512, so a
configuration that asks for autocast trains in float32 there and says so once.
"""

import functools
import logging

import torch

logger = logging.getLogger(__name__)


def autocast(device: str | torch.device, wanted: bool = True) -> torch.autocast:
    """A context in which matrix products are taken in bfloat16 if that is wanted and `device` computes in it.

    Parameters
    ----------
    device : "cpu", "cuda", ... as `torch.device` takes it
    wanted : what the configuration says

    Returns
    -------
    torch.autocast : to be entered with `with`; it changes nothing where bfloat16 is not wanted or not there
    """
    device = torch.device(device)
    return torch.autocast(device.type, torch.bfloat16, enabled=wanted and has_bfloat16(device.type))


@functools.cache
def has_bfloat16(device_type: str) -> bool:
    """Whether a type of device multiplies bfloat16 matrices in hardware."""
    if device_type == "cuda":
        found = torch.cuda.is_bf16_supported(including_emulation=False)
    elif device_type == "cpu":
        found = has_bfloat16_lstm() or _arm_has_bfloat16()
    else:
        found = True  # what PyTorch offers there is its own to say
    if not found:
        logger.info("this %s has no bfloat16 arithmetic: float32 is used", device_type)
    return found


def has_bfloat16_lstm() -> bool:
    """Whether this is an x86 processor that runs PyTorch's LSTM in bfloat16, measured two to three times as fast."""
    return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()


def _arm_has_bfloat16() -> bool:
    """Whether this is an Arm processor with the bfloat16 extension, as far as PyTorch tells (from 2.12 on)."""
    capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
    return bool(capabilities.get("bf16", False))
