"""A small recurrent language model of word pieces, which scores the best hypotheses of a search once more.

It remembers the whole sentence, where an n-gram forgets what is three words back, and shares what it has learned
between words: the two together predict better than either (Mikolov et al., Interspeech 2010).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from speech.checkpoint import building, read_packed, write_packed
from speech.config import from_dict, to_dict
from speech.errors import ConfigError
from speech.lm.pieces import WordPieces
from speech.lm.reading import Reading
from speech.packing import Precision, unpack

FORMAT = "neural-lm-1"
MOST_PIECES = 32_000  # sentences are kept in 16 bits a piece


@dataclass(frozen=True, kw_only=True)
class NeuralLMConfig:
    """Size of the model.

    Attributes
    ----------
    pieces : word pieces, found in the text
    width : of a piece's vector, which is the input's and the output's
    hidden : LSTM cells a layer
    layers : LSTM layers
    dropout : of the vectors and of every layer's output, in training
    """

    pieces: int = 3000
    width: int = 256
    hidden: int = 512
    layers: int = 2
    dropout: float = 0.1

    def __post_init__(self):
        if min(self.pieces, self.width, self.hidden, self.layers) < 1:
            raise ConfigError("sizes of a neural language model must be 1 or more")
        if self.pieces > MOST_PIECES:
            raise ConfigError(f"a neural language model has at most {MOST_PIECES} pieces, got {self.pieces}")
        if not 0 <= self.dropout < 1:
            raise ConfigError(f"dropout must be at least 0 and less than 1, got {self.dropout}")


class PieceLSTM(nn.Module):
    """Predicts each piece from those before it.

    References
    ----------
    Press & Wolf, EACL 2017: one matrix for the vectors of input and output.
    """

    def __init__(self, config: NeuralLMConfig, num_ids: int):
        super().__init__()
        self.config = config
        self.embed = nn.Embedding(num_ids, config.width)
        nn.init.normal_(self.embed.weight, std=config.width**-0.5)
        between = config.dropout if config.layers > 1 else 0.0
        self.lstm = nn.LSTM(config.width, config.hidden, config.layers, batch_first=True, dropout=between)
        self.project = nn.Linear(config.hidden, config.width)
        self.bias = nn.Parameter(torch.zeros(num_ids))
        self.dropout = nn.Dropout(config.dropout)

    def forward(self, ids: Tensor) -> Tensor:
        """Logits [B, T, V] of the piece after each of `ids` [B, T]."""
        hidden, _ = self.lstm(self.dropout(self.embed(ids)))
        return self.logits(self.dropout(hidden))

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits [..., V] of the next piece, from the last layer's output [..., hidden]."""
        return nn.functional.linear(self.project(hidden), self.embed.weight, self.bias)


@dataclass(eq=False)
class NeuralLM:
    """A trained model and its pieces.

    Attributes
    ----------
    network : PieceLSTM
    pieces : WordPieces
    card : dict, what is known of the model
    """

    network: PieceLSTM
    pieces: WordPieces
    card: dict[str, Any] = field(default_factory=dict)

    def reading(self, context: int | None = None) -> Reading:
        """Begin to read sentences that have much in common; `context` as `Reading` takes it."""
        return Reading(self.network, self.pieces, context)

    def log_probs(self, sentences: Sequence[str]) -> NDArray[np.float64]:
        """Log probability, nats, of whole sentences with their end, float64 [N]."""
        return self.reading().log_probs(sentences)


def save_neural_lm(path: str | Path, model: NeuralLM, precision: Precision = "float32") -> None:
    """Write a model to one safetensors file, atomically.

    Raises
    ------
    CheckpointError
        The file cannot be written; what stood at `path` before is untouched.
    """
    header = {"config": to_dict(model.network.config), "pieces": " ".join(model.pieces.pieces), "card": model.card}
    write_packed(path, FORMAT, header, model.network.state_dict(), precision)


def load_neural_lm(path: str | Path) -> NeuralLM:
    """Read a model written by `save_neural_lm`.

    Raises
    ------
    CheckpointError
        The file is missing, damaged, of another format, or its weights do not fit its configuration.
    """
    path = Path(path)
    header, tensors = read_packed(path, FORMAT, "neural language model")
    with building(path):  # not on the device "meta", whose first use may import torch's compiler
        config = from_dict(NeuralLMConfig, header["config"], "config.", str(path))
        pieces = WordPieces(header["pieces"].split(" "))
        network = PieceLSTM(config, len(pieces))
        network.load_state_dict(unpack(tensors), assign=True)
    return NeuralLM(network.requires_grad_(False).eval(), pieces, header.get("card", {}))
