"""A small recurrent language model of word pieces, which scores the best hypotheses of a search once more.

It remembers the whole sentence, where an n-gram forgets what is three words back, and shares what it has learned
between words: the two together predict better than either (Mikolov et al., Interspeech 2010).
"""

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from speech.checkpoint import building, read_packed, write_packed
from speech.config import from_dict, to_dict
from speech.errors import ConfigError
from speech.lm.pieces import END_ID, WordPieces
from speech.packing import Precision, unpack
from speech.precision import has_bfloat16_lstm

FORMAT = "neural-lm-1"
MOST_PIECES = 32_000  # sentences are kept in 16 bits a piece
_LSTM_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


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


ROWS, MANY_ROWS, MOST_ROWS = 16, 128, 512
"""Products have a multiple of so many rows, step by step and of a whole tree: oneDNN keeps a kernel for every size.

Of the pieces that may follow so many rows at most are computed at once."""


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

    def read_tree(self, ids: Tensor, before: Tensor, ends: Sequence[int]) -> Tensor:
        """Log probabilities [n, V] of what follows each node of a tree.

        Only the recurrent part goes step by step: everything else is one product for all nodes. With weights in
        bfloat16 products are so, what is summed up is float32.

        Parameters
        ----------
        ids : int64 [n], piece of each node
        before : int64 [n], number of the node before, counted from 1; 0 at the beginning
        ends : numbers of nodes after each step: those of step s are ends[s]:ends[s + 1]
        """
        exact = torch.promote_types(self.bias.dtype, torch.float32)  # of all that is no product of matrices
        num_nodes = len(ids)
        spare = -(num_nodes + ROWS) % MANY_ROWS + ROWS
        ids, before = (nn.functional.pad(part, (0, spare)) for part in (ids, before))
        output = self.embed(ids)
        for layer in range(self.config.layers):
            inner, recurrent, bias, more = (getattr(self.lstm, f"{name}_l{layer}") for name in _LSTM_WEIGHTS)
            inputs = nn.functional.linear(output, inner, bias + more)
            output = output.new_zeros(1 + len(ids), self.config.hidden)
            cells = torch.zeros(output.shape, dtype=exact)
            across = _prepared(recurrent)
            for start, end in itertools.pairwise(ends):
                rows = slice(start, end + (start - end) % ROWS)  # the rest is nobody's
                gates = inputs[rows].to(exact) + across(output[before[rows]])
                take, forget, new, give = gates[: end - start].chunk(4, dim=1)
                cell = forget.sigmoid() * cells[before[start:end]] + take.sigmoid() * new.tanh()
                cells[1 + start : 1 + end] = cell
                output[1 + start : 1 + end] = give.sigmoid() * cell.tanh()
            output = output[1:]
        scores = torch.empty(len(output), len(self.bias), dtype=exact)
        for first in range(0, len(output), MOST_ROWS):  # what is needed on the way is as large as the result
            part = self.logits(output[first : first + MOST_ROWS]).to(exact)
            scores[first : first + MOST_ROWS] = part - part.logsumexp(dim=1, keepdim=True)
        return scores[:num_nodes]

    def logits(self, hidden: Tensor) -> Tensor:
        """Logits [..., V] of the next piece, from the last layer's output [..., hidden]."""
        return nn.functional.linear(self.project(hidden), self.embed.weight, self.bias)


def _prepared(weight: Tensor) -> Callable[[Tensor], Tensor]:
    """The product of rows [n, K] with a transposed matrix [N, K], ready to be taken many times."""
    if (
        weight.dtype == torch.bfloat16
        and weight.is_cpu
        and has_bfloat16_lstm()
        and torch.backends.mkldnn.is_available()
    ):
        # oneDNN would bring the matrix into its own order each time, which takes longer than the product.
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, ROWS)
        return lambda rows: torch.ops.mkldnn._linear_pointwise(rows, packed, None, "none", [], "")
    across = weight.T.contiguous()  # few rows are multiplied faster so
    return lambda rows: rows @ across


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

    @torch.no_grad()
    def log_probs(self, sentences: Sequence[str]) -> np.ndarray:
        """Log probability, nats, of whole sentences with their end, float64 [N].

        Sentences that begin alike are one until they part: the network reads each node of a tree once.
        """
        ids = [[END_ID, *self.pieces.encode(sentence)] for sentence in sentences]
        nodes: dict[tuple[int, int], int] = {}  # the node before and a piece, to the node that they make
        paths: list[list[int]] = [[0] for _ in ids]
        ends = [0]  # number of nodes after each step
        for step in range(max(map(len, ids), default=0)):
            for row, path in zip(ids, paths, strict=True):
                if len(row) > step:
                    path.append(nodes.setdefault((path[-1], row[step]), len(nodes) + 1))
            ends.append(len(nodes))
        if not nodes:
            return np.zeros(0)
        before, pieces = (torch.tensor(part) for part in zip(*nodes, strict=True))
        known = self.network.read_tree(pieces, before, ends)
        totals = []
        for path, row in zip(paths, ids, strict=True):
            at = torch.tensor(path[1:]) - 1
            totals.append(known[at, [*row[1:], END_ID]].double().sum())
        return torch.stack(totals).numpy()


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
