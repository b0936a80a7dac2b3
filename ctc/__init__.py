"""Connectionist temporal classification: loss, decoding and alignment.

Importing this package compiles nothing and needs no GPU.
"""

from ctc.align import forced_align, merge_tokens
from ctc.decode import Token, greedy_decode
from ctc.labels import Infeasible, infeasible
from ctc.loss import ctc_loss

__all__ = [
    "Infeasible",
    "Token",
    "ctc_loss",
    "forced_align",
    "greedy_decode",
    "infeasible",
    "merge_tokens",
]
