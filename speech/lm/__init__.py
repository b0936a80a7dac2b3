"""N-gram language models: estimation, ARPA and binary files, perplexity."""

from ctc.ngram import NGram
from speech.lm.arpa import read_arpa, write_arpa
from speech.lm.binary import load, save
from speech.lm.counting import TextLines, read_lines
from speech.lm.kneser_ney import EstimationConfig, estimate
from speech.lm.perplexity import Perplexity, perplexity

__all__ = [
    "EstimationConfig",
    "NGram",
    "Perplexity",
    "TextLines",
    "estimate",
    "load",
    "perplexity",
    "read_arpa",
    "read_lines",
    "save",
    "write_arpa",
]
