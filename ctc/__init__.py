"""Connectionist temporal classification: loss and decoding.

Importing this package compiles nothing and needs no GPU.
"""

from ctc.decode import Token, greedy_decode
from ctc.labels import Infeasible, infeasible
from ctc.loss import ctc_loss

__all__ = ["Infeasible", "Token", "ctc_loss", "greedy_decode", "infeasible"]
