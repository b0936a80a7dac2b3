"""Alignments from nothing: Gaussian mixtures of phone states, trained from evenly divided utterances by Viterbi passes.

The first frame targets of a network come from here. Each utterance is divided evenly among the states of its phones;
Gaussians are fitted to the frames of each state; the frames are aligned anew, with silences and pronunciations chosen
by the search; and so on, the mixtures growing on the way. Minutes for tens of hours of speech.

Legend: T frames, D features, S states (three a phone), M components a state, N utterances.

References
----------
Young et al., The HTK Book, section 3.2 (flat start, mixture splitting); Povey et al., The Kaldi speech recognition
toolkit, ASRU 2011 (monophone training by Viterbi passes from equal alignments).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import scipy.fft
from numpy.typing import NDArray
from safetensors import safe_open
from tqdm import tqdm

from speech.alignment import SILENCE, AlignmentGraph, align
from speech.boundaries import STATES_PER_PHONE, share_transitions
from speech.frontend import FrontendConfig

logger = logging.getLogger(__name__)
NUM_CEPS = 13
PREFIX = "mixtures."  # of the names of the arrays in a model's file
VARIANCE_FLOOR = 0.05  # of the features, which have unit variance
#: Components a state in each pass: grown while the alignments still move (as Kaldi's and HTK's recipes do).
PASSES = (*[1] * 8, *[2] * 3, *[4] * 3, *[8] * 4, *[16] * 3)
SHARING_PASSES = 2  # the last ones, in which vocalic phones share the transitions between them
#: What the mixtures of an aligner look at: edges blur less in 16 ms than in 25 ms, and lie finer at 5 ms than at 10 ms.
FINE_FRAMES = FrontendConfig(window_s=0.016, hop_s=0.005)
BLOCK_FRAMES = 1000  # scored at a time, 8 MB of components


@dataclass(frozen=True)
class PhoneMixtures:
    """Mixtures of diagonal Gaussians, one a phone state.

    Attributes
    ----------
    weights : float64 [S, M]
    means, variances : float64 [S, M, D]
    frames : window and step of the frames whose cepstra they are of, at the sample rate of the model beside them, whose
        own frames they are if None
    """

    weights: NDArray[np.float64]
    means: NDArray[np.float64]
    variances: NDArray[np.float64]
    frames: FrontendConfig | None = None

    def scores(self, features: NDArray) -> NDArray[np.float32]:
        """Log likelihoods [T, S] of features [T, D]."""
        found = np.empty((len(features), len(self.weights)), dtype=np.float32)
        for first in range(0, len(features), BLOCK_FRAMES):
            components = self.component_scores(features[first : first + BLOCK_FRAMES])
            top = components.max(axis=2)
            components -= top[:, :, None]
            found[first : first + BLOCK_FRAMES] = top + np.log(np.exp(components, out=components).sum(axis=2))
        return found

    def component_scores(self, features: NDArray) -> NDArray[np.float32]:
        """Log of weight times density, [T, S, M]."""
        matrix, constant = self._quadratic
        both = np.concatenate([features, features**2], axis=1).astype(np.float32)
        return (both @ matrix + constant).reshape(len(features), *self.weights.shape)

    @cached_property
    def _quadratic(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Log densities as products with features and their squares: [2 D, S M], and what is added [S M]."""
        precisions = 1 / self.variances
        constant = np.log(np.maximum(self.weights, 1e-30)) - 0.5 * (
            np.log(2 * np.pi * self.variances) + self.means**2 * precisions
        ).sum(axis=2)
        matrix = np.concatenate([self.means * precisions, -0.5 * precisions], axis=2)
        matrix = matrix.reshape(constant.size, -1).T.astype(np.float32)
        return np.ascontiguousarray(matrix), constant.reshape(-1).astype(np.float32)


def pack_mixtures(mixtures: PhoneMixtures) -> dict[str, NDArray]:
    """Arrays to be stored in a model's file beside its weights; means and variances as float16."""
    frames = mixtures.frames
    timing = {} if frames is None else {f"{PREFIX}frames": np.array([frames.window_s, frames.hop_s])}
    return timing | {
        f"{PREFIX}weights": mixtures.weights.astype(np.float32),
        f"{PREFIX}means": mixtures.means.astype(np.float16),
        f"{PREFIX}variances": mixtures.variances.astype(np.float16),
    }


def load_mixtures(path: Path) -> PhoneMixtures | None:
    """The mixtures in a model's file, None if it has none."""
    names = ("weights", "means", "variances")
    with safe_open(path, framework="numpy") as file:
        if f"{PREFIX}means" not in file.keys():  # noqa: SIM118
            return None
        weights, means, variances = (file.get_tensor(f"{PREFIX}{name}").astype(np.float64) for name in names)
        frames = None
        if f"{PREFIX}frames" in file.keys():  # noqa: SIM118
            window_s, hop_s = file.get_tensor(f"{PREFIX}frames").tolist()
            frames = FrontendConfig(window_s=window_s, hop_s=hop_s)
        return PhoneMixtures(weights, means, variances, frames)


def cepstra(log_mels: NDArray) -> NDArray[np.float32]:
    """Cepstra with two orders of deltas, of zero mean and unit variance over the utterance; [T, F] -> [T, 39]."""
    ceps = scipy.fft.dct(log_mels.astype(np.float32), norm="ortho", axis=1)[:, :NUM_CEPS]
    padded = np.pad(ceps, ((4, 4), (0, 0)), mode="edge")
    slope = sum(k * (padded[4 + k : len(padded) - 4 + k] - padded[4 - k : len(padded) - 4 - k]) for k in (1, 2)) / 10
    padded_slope = np.pad(slope, ((2, 2), (0, 0)), mode="edge")
    count = len(ceps)
    bend = sum(k * (padded_slope[2 + k : 2 + k + count] - padded_slope[2 - k : 2 - k + count]) for k in (1, 2)) / 10
    features = np.concatenate([ceps, slope, bend], axis=1)
    return (features - features.mean(axis=0)) / (features.std(axis=0) + 1e-3)


def train_mixtures(
    features: Sequence[NDArray],
    graphs: Sequence[AlignmentGraph],
    num_phones: int,
    *,
    passes: Sequence[int] = PASSES,
    vocalic: Sequence[int] = (),
) -> PhoneMixtures:
    """Fit mixtures to utterances of which only the words are known.

    Parameters
    ----------
    features : N arrays [T, D] from `cepstra`
    graphs : of each utterance, with `STATES_PER_PHONE` states a phone, also of silence; phone 0 is the silence
    num_phones : units, silence included
    passes : components a state in each pass
    vocalic : phones that in the last passes share transitions, see `speech.boundaries`

    Raises
    ------
    ValueError
        No utterance is as long as its words need.
    """
    chosen = [i for i, graph in enumerate(graphs) if len(features[i]) >= graph.shortest]
    if not chosen:
        raise ValueError("no utterance is long enough for its words")
    stacked = np.concatenate([features[i] for i in chosen])
    labels = np.concatenate([even_labels(len(features[i]), graphs[i]) for i in chosen])
    num_states = num_phones * STATES_PER_PHONE
    mixtures = _single(stacked, labels, num_states)
    for number, components in enumerate(tqdm(passes, desc="flat start", unit="pass")):
        if components > mixtures.weights.shape[1]:
            mixtures = split(mixtures)
        sharing = vocalic if number >= len(passes) - SHARING_PASSES else ()
        aligned = [_labels(features[i], graphs[i], mixtures, sharing) for i in chosen]
        labels = np.concatenate([found for found, _ in aligned])
        mixtures = reestimate(mixtures, stacked, labels)
        logger.debug("%d components: %.3f nats a frame", components, sum(s for _, s in aligned) / len(stacked))
    return mixtures


def even_labels(num_frames: int, graph: AlignmentGraph) -> NDArray[np.int64]:
    """Unit of each frame when first pronunciations share the frames evenly, with a silence at either end."""
    silence = graph.labels[graph.words == SILENCE][:STATES_PER_PHONE]
    spoken = graph.labels[(graph.words != SILENCE) & (graph.variants == 0)]
    states = np.concatenate([silence, spoken, silence])
    return states[np.arange(num_frames) * len(states) // num_frames]


def _labels(
    features: NDArray, graph: AlignmentGraph, mixtures: PhoneMixtures, vocalic: Sequence[int]
) -> tuple[NDArray[np.int64], float]:
    scores = mixtures.scores(features)
    path = align(scores, graph)
    states = share_transitions(path.states, scores, graph, vocalic) if len(vocalic) else path.states
    return graph.labels[states], path.score


def _single(features: NDArray, labels: NDArray, num_states: int) -> PhoneMixtures:
    """One Gaussian a state; a state without frames gets that of all."""
    means = np.zeros((num_states, 1, features.shape[1]))
    variances = np.ones((num_states, 1, features.shape[1]))
    for state, frames in _by_state(labels):
        means[state, 0] = features[frames].mean(axis=0)
        variances[state, 0] = np.maximum(features[frames].var(axis=0), VARIANCE_FLOOR)
    return PhoneMixtures(np.ones((num_states, 1)), means, variances)


def split(mixtures: PhoneMixtures) -> PhoneMixtures:
    """Twice the components, each pair a fifth of a deviation to either side of the old mean."""
    shift = 0.2 * np.sqrt(mixtures.variances)
    return PhoneMixtures(
        np.concatenate([mixtures.weights, mixtures.weights], axis=1) / 2,
        np.concatenate([mixtures.means - shift, mixtures.means + shift], axis=1),
        np.concatenate([mixtures.variances, mixtures.variances], axis=1),
    )


def reestimate(mixtures: PhoneMixtures, features: NDArray, labels: NDArray) -> PhoneMixtures:
    """One step of expectation and maximisation within each state, given the state of every frame."""
    weights, means, variances = mixtures.weights.copy(), mixtures.means.copy(), mixtures.variances.copy()
    for state, frames in _by_state(labels):
        x = features[frames].astype(np.float64)
        one = slice(state, state + 1)
        own = PhoneMixtures(mixtures.weights[one], mixtures.means[one], mixtures.variances[one])
        scores = own.component_scores(x)[:, 0].astype(np.float64)
        shares = np.exp(scores - scores.max(axis=1, keepdims=True))
        shares /= shares.sum(axis=1, keepdims=True)
        counts = shares.sum(axis=0)
        enough = counts > 5  # fewer frames tell nothing: such a component stays as it was
        found = shares.T @ x / np.maximum(counts, 1e-10)[:, None]
        spread = shares.T @ x**2 / np.maximum(counts, 1e-10)[:, None] - found**2
        means[state][enough] = found[enough]
        variances[state][enough] = np.maximum(spread[enough], VARIANCE_FLOOR)
        weights[state] = (counts + 1e-3) / (counts + 1e-3).sum()
    return PhoneMixtures(weights, means, variances)


def _by_state(labels: NDArray[np.int64]):
    """Pairs of a state and the frames that belong to it."""
    order = np.argsort(labels, kind="stable")
    states, starts = np.unique(labels[order], return_index=True)
    return zip(states.tolist(), np.split(order, starts[1:]), strict=True)
