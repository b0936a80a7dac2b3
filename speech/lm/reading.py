"""Sentences that a recurrent language model reads, no part of them more often than needed.

Hypotheses of one utterance begin alike, and where they differ, they are soon alike again. What was read is kept as a
tree: sentences are one until they part. And a few words after they have parted the network hardly knows any more, so
that by wish they are one again.

References
----------
Liu, Wang, Chen, Gales & Woodland, ICASSP 2014: histories that end alike are one for a recurrent language model.
"""

import itertools
from collections.abc import Callable, Hashable, Sequence
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from speech.lm.pieces import END_ID, WordPieces
from speech.precision import has_bfloat16_lstm

if TYPE_CHECKING:
    from speech.lm.neural import PieceLSTM

ROWS, MANY_ROWS = 16, 128
"""In bfloat16 products have a multiple of so many rows, of a step and of all: oneDNN keeps a kernel for every size."""
MOST_ROWS = 512
"""Of the pieces that may follow so many rows at most are computed at once."""
_LSTM_WEIGHTS = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


class Reading:
    """What has been read of some sentences.

    With weights in bfloat16 products are so, what is summed up is float32.

    Parameters
    ----------
    network : PieceLSTM
        Its weights do not change any more.
    pieces : WordPieces
    context : int, optional
        Sentences that part are one again where so many pieces are the same, and go on as the first of them did. By
        default never: each sentence has exactly the probability that it has alone.
    """

    def __init__(self, network: "PieceLSTM", pieces: WordPieces, context: int | None = None):
        self.network, self.pieces, self.context = network, pieces, context
        self._nodes: dict[Hashable, int] = {}
        self._places = [0]  #: of each node in what follows, in the order in which they were read; 0 is the beginning
        weight, config = network.bias, network.config
        self._exact = torch.promote_types(weight.dtype, torch.float32)
        self._outputs = [weight.new_zeros(1, config.hidden) for _ in range(config.layers)]
        self._cells = [torch.zeros(1, config.hidden, dtype=self._exact) for _ in range(config.layers)]
        self._vectors = weight.new_zeros(1, config.width)  #: what predicts the next piece
        self._norms = torch.zeros(1, dtype=self._exact)  #: log of what its exponentials sum up to
        self._across = [_prepared(getattr(network.lstm, f"weight_hh_l{layer}")) for layer in range(config.layers)]
        self._multiples = (ROWS, MANY_ROWS) if weight.dtype == torch.bfloat16 else (1, 1)

    @torch.no_grad()
    def log_probs(self, sentences: Sequence[str]) -> NDArray[np.float64]:
        """Log probability, nats, of whole sentences with their end, float64 [N]."""
        if not sentences:
            return np.zeros(0)
        first = len(self._places)
        before: list[int] = []  # node before each new one, its piece, and how many new ones come before it
        pieces: list[int] = []
        steps: list[int] = []
        at: list[int] = []
        following: list[int] = []
        starts: list[int] = []
        for sentence in sentences:
            row = (END_ID, *self.pieces.encode(sentence))
            starts.append(len(at))
            node = 0
            for end, piece in enumerate(row, 1):
                name = (node, piece) if self.context is None else row[max(0, end - self.context) : end]
                new = first + len(pieces)
                last, node = node, self._nodes.setdefault(name, new)
                if node == new:
                    before.append(last)
                    pieces.append(piece)
                    steps.append(1 + steps[last - first] if last >= first else 0)
                at.append(node)
            following += [*row[1:], END_ID]
        if pieces:
            self._read(before, pieces, steps)
        places = torch.tensor([self._places[node] for node in at])
        likely = self.network.embed.weight[following].to(self._exact) * self._vectors[places].to(self._exact)
        scores = likely.sum(dim=1) + self.network.bias[following] - self._norms[places]
        return np.add.reduceat(scores.double().numpy(), starts)

    def _read(self, before: list[int], pieces: list[int], steps: list[int]) -> None:
        """Read new nodes, those first that need no other new one."""
        known = len(self._places)
        order = np.argsort(steps, kind="stable")
        self._places += (known + np.argsort(order)).tolist()
        ids = torch.tensor(pieces)[order]
        places = torch.tensor([self._places[node] for node in before])[order]
        ends = [0, *np.cumsum(np.bincount(steps)).tolist()]
        few, many = self._multiples
        spare = -(len(ids) + few - 1) % many + few - 1  # rows of nobody
        output = self.network.embed(nn.functional.pad(ids, (0, spare)))
        places = nn.functional.pad(places, (0, spare))
        for layer in range(self.network.config.layers):
            output = self._through_layer(layer, output, places, ends)
        vectors = self.network.project(output)
        norms = torch.empty(len(vectors), dtype=self._exact)
        for start in range(0, len(vectors), MOST_ROWS):
            part = vectors[start : start + MOST_ROWS]
            scores = nn.functional.linear(part, self.network.embed.weight, self.network.bias)
            norms[start : start + MOST_ROWS] = scores.to(self._exact).logsumexp(dim=1)
        self._vectors = torch.cat([self._vectors, vectors[: len(ids)]])
        self._norms = torch.cat([self._norms, norms[: len(ids)]])

    def _through_layer(self, layer: int, inputs: Tensor, before: Tensor, ends: Sequence[int]) -> Tensor:
        """Outputs [n, hidden] of new nodes, with the rows of nobody; they and the cells are kept.

        Only the recurrent part goes step by step: everything else is one product for all nodes.

        Parameters
        ----------
        layer : int
        inputs : Tensor [n, width or hidden]
        before : int64 [n], place of the node before
        ends : numbers of nodes after each step: those of step s are ends[s]:ends[s + 1]
        """
        inner, _, bias, more = (getattr(self.network.lstm, f"{name}_l{layer}") for name in _LSTM_WEIGHTS)
        inputs = nn.functional.linear(inputs, inner, bias + more).to(self._exact)
        known, few, across = len(self._outputs[layer]), self._multiples[0], self._across[layer]
        output = nn.functional.pad(self._outputs[layer], (0, 0, 0, len(inputs)))
        cells = nn.functional.pad(self._cells[layer], (0, 0, 0, ends[-1]))
        for start, end in itertools.pairwise(ends):
            rows = slice(start, end + (start - end) % few)
            gates = inputs[rows] + across(output[before[rows]])
            take, forget, new, give = gates[: end - start].chunk(4, dim=1)
            cell = forget.sigmoid() * cells[before[start:end]] + take.sigmoid() * new.tanh()
            cells[known + start : known + end] = cell
            output[known + start : known + end] = give.sigmoid() * cell.tanh()
        self._outputs[layer], self._cells[layer] = output[: known + ends[-1]], cells
        return output[known:]


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
