"""What fell to another prefix of the same future, remembered: the many hypotheses that a small beam stands for.

Of prefixes that go on alike a search keeps few. Whatever follows one that was kept might as well follow one that was
dropped, at a score less by the ratio of their masses at that time. So the kept ones and what fell to them make a
lattice, from which the best hypotheses are read at the end (Ortmanns, Ney & Aubert, 1997: word pairs).
"""

import heapq
import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from ctc import beam_state
from ctc.beam_state import EXTRA, LM, LOSER, MERGED, NEXT, PARENT, WHEN, WINNER, Beam
from ctc.compilation import jit_borrowing_inside, jit_cached, sources_fingerprint


@jit_borrowing_inside
def note(beam, winner, loser, ratio, frame):
    """Remember that one node fell to another in a frame; the time of the largest ratio of masses counts."""
    at = beam.ints[winner, MERGED]
    while at >= 0:
        if beam.merges[at, LOSER] == loser:
            if ratio > beam.ratios[at]:
                beam.ratios[at], beam.merges[at, WHEN] = ratio, frame
            return
        at = beam.merges[at, NEXT]
    at = beam.counts[3]
    beam.counts[3] += 1
    beam.merges[at, WINNER], beam.merges[at, LOSER], beam.merges[at, WHEN] = winner, loser, frame
    beam.merges[at, NEXT], beam.ratios[at] = beam.ints[winner, MERGED], ratio
    beam.ints[winner, MERGED] = at


def _make_kernels(sources: int) -> tuple[Callable, Callable, Callable]:
    """Kernels, made anew if `sources` is another than that of the cached ones."""

    @jit_cached
    def mark_alive(beam, alive):
        """Mark the nodes that entries and what fell to them descend from, bool [number of nodes]."""
        assert sources
        for i in range(beam.counts[0]):
            node = beam.entries[i]
            while node >= 0 and not alive[node]:
                alive[node] = True
                node = beam.ints[node, PARENT]
        changed = beam.counts[3] > 0
        while changed:
            changed = False
            for at in range(beam.counts[3] - 1, -1, -1):
                node = beam.merges[at, LOSER]
                if not alive[beam.merges[at, WINNER]] or alive[node]:
                    continue
                changed = True
                while node >= 0 and not alive[node]:
                    alive[node] = True
                    node = beam.ints[node, PARENT]

    @jit_cached
    def renumber(beam, numbers):
        """Drop what fell to nodes that are no more; `numbers` are the new ones, which `beam` has, -1 for none."""
        assert sources
        beam.ints[: beam.counts[1], MERGED] = -1
        kept = 0
        for at in range(beam.counts[3]):
            winner = numbers[beam.merges[at, WINNER]]
            if winner < 0:
                continue
            beam.merges[kept, WINNER], beam.merges[kept, LOSER] = winner, numbers[beam.merges[at, LOSER]]
            beam.merges[kept, WHEN], beam.ratios[kept] = beam.merges[at, WHEN], beam.ratios[at]
            beam.merges[kept, NEXT] = beam.ints[winner, MERGED]
            beam.ints[winner, MERGED] = kept
            kept += 1
        beam.counts[3] = kept

    @jit_cached
    def enumerate_best(beam, totals, nodes, order, most, span):
        """Prefixes in the order of their scores: `most` of them at most, within `span` nats of the best.

        Parameters
        ----------
        totals, nodes, order : score and node of each ending, and the endings to begin with, best first

        Returns
        -------
        visits : int64 [V], the items in order
        steps : int64 [I, 4] of each item: its ending, the node that its path begins with from the end, the item whose
            path it shares from there on (-1 for none), and the node before which that begins
        scores : float64 [I, 3] of each item: total, and what its LM and EXTRA differ by from those of the ending
        """
        assert sources
        # Numba tells the types of empty lists from what they held.
        steps, scores, heap, whens, visits = [(0, 0, -1, -1)], [(0.0, 0.0, 0.0)], [(0.0, 0)], [0], [0]
        steps.clear(), scores.clear(), heap.clear(), whens.clear(), visits.clear()
        for ending in order:
            heapq.heappush(heap, (-totals[ending], len(steps)))
            steps.append((np.int64(ending), np.int64(nodes[ending]), -1, -1))
            scores.append((totals[ending], 0.0, 0.0))
            whens.append(beam.counts[2])
        worst = -heap[0][0] - span if heap else 0.0
        while heap and len(visits) < most:
            item = heapq.heappop(heap)[1]
            visits.append(item)
            ending, winner = steps[item][0], steps[item][1]
            while winner > 0:
                at = beam.ints[winner, MERGED]
                while at >= 0:
                    total = scores[item][0] + math.log(beam.ratios[at])
                    when = np.int64(beam.merges[at, WHEN])
                    if when < whens[item] and total >= worst:
                        loser = np.int64(beam.merges[at, LOSER])
                        heapq.heappush(heap, (-total, len(steps)))
                        steps.append((ending, loser, item, np.int64(winner)))
                        lm_change = scores[item][1] + beam.floats[loser, LM] - beam.floats[winner, LM]
                        extra_change = scores[item][2] + beam.floats[loser, EXTRA] - beam.floats[winner, EXTRA]
                        scores.append((total, lm_change, extra_change))
                        whens.append(when)
                    at = beam.merges[at, NEXT]
                winner = np.int64(beam.ints[winner, PARENT])
        return np.array(visits), np.array(steps), np.array(scores)

    return mark_alive, renumber, enumerate_best


mark_alive, renumber, enumerate_best = _make_kernels(sources_fingerprint(beam_state))


def path_of(beam: Beam, node: int) -> list[int]:
    """Nodes from the first token to this one."""
    nodes = []
    while node > 0:
        nodes.append(node)
        node = int(beam.ints[node, PARENT])
    return nodes[::-1]


class Recalled(NamedTuple):
    """A prefix that ends like one of the beam.

    Attributes
    ----------
    total : its score, about
    ending : the number of that one's ending
    nodes : from the first token to the last
    lm_change, extra_change : what its scores differ by from those of the ending
    """

    total: float
    ending: int
    nodes: list[int]
    lm_change: float
    extra_change: float


def recall(
    beam: Beam, totals: np.ndarray, nodes: np.ndarray, order: np.ndarray, most: int, span: float
) -> Iterator[Recalled]:
    """Prefixes in the order of their scores; see `enumerate_best`."""
    visits, steps, scores = enumerate_best(beam, totals, nodes, order, most, span)
    paths: dict[int, list[int]] = {}
    for item in visits.tolist():
        ending, node, shared, border = steps[item].tolist()
        rest = paths[shared] if shared >= 0 else []
        paths[item] = path_of(beam, node) + (rest[rest.index(border) + 1 :] if shared >= 0 else [])
        total, lm_change, extra_change = scores[item].tolist()
        yield Recalled(total, ending, paths[item], lm_change, extra_change)


def make_merges(size: int) -> tuple[np.ndarray, np.ndarray]:
    """Room for what falls to others."""
    return np.zeros((size, 4), np.int32), np.zeros(size)
