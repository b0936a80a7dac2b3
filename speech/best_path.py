"""The best path of a model's outputs, without a language model; of several views, what is likeliest in all of them.

Each view (see `speech.views`) has a best path of its own. Where they differ, what is likelier in the mean of all views
is taken, place by place.
"""

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
import torch
from numpy.typing import NDArray

from ctc import forced_align, greedy_decode, merge_tokens, sequence_log_probs
from speech.checkpoint import LoadedModel
from speech.config import from_dict
from speech.decoding import SURE, SearchStream, default_head
from speech.decoding_config import check_views
from speech.errors import ConfigError
from speech.recombination import recombined
from speech.units import BLANK_ID, Units
from speech.words import GreedyStream, grouped, text_and_confidence

if TYPE_CHECKING:  # Numba takes half a second that the best path of one view need not wait for
    from ctc import SpokenWord

PART_FRAMES = 150
"""Frames that are looked at together, or more: on two development sets 50 lost 0.2 % of the words."""
MOST_FRAMES = 600
"""So many are cut even where no frame is surely blank."""
MOST_ROUNDS = 2
"""Times that the pieces of all views are tried; what a third one found was nothing."""


@dataclass(frozen=True, kw_only=True)
class BestPathConfig:
    """How the best path is read; a model's card holds it as `best_path`.

    Attributes
    ----------
    views : int
        Views of a recording that are read; see `speech.views`.
    """

    views: int = 1

    def __post_init__(self):
        check_views(self.views)


def best_path_config(loaded: LoadedModel, source: str = "the model") -> BestPathConfig:
    """What a model's card says; ConfigError where a setting is unknown."""
    return from_dict(BestPathConfig, loaded.card.get("best_path", {}), "best_path.", source)


@dataclass(frozen=True, eq=False)
class BestPath:
    """The best path over one head: what `speech.decoding.Decoding` is for a search.

    Attributes
    ----------
    head : name of the model's output that is read
    units : its units
    frame_step_s : seconds between two frames
    num_views : views of a recording that are read
    """

    head: str
    units: Units
    frame_step_s: float
    num_views: int = 1

    @classmethod
    def of_model(cls, loaded: LoadedModel, source: str = "the model") -> "BestPath":
        """As the model's card says, over its characters if it has any.

        Raises
        ------
        ConfigError
            The card's settings are unknown, or ask for views of a head that labels every frame.
        """
        config = best_path_config(loaded, source)
        head = default_head(loaded)
        if config.views > 1 and loaded.units[head].framewise:
            raise ConfigError(
                f"{source}: best_path.views: the head {head!r} labels every frame and can be read in 1 view only"
            )
        return cls(head, loaded.units[head], loaded.frame_step_s, config.views)

    @property
    def unit(self) -> Literal["word", "phone"]:
        """What is written."""
        return "phone" if "phone" in self.units.kind else "word"

    @property
    def heads(self) -> tuple[str, ...]:
        """See `speech.decoding.Reader`."""
        return (self.head,)

    def stream(self) -> GreedyStream | SearchStream:
        """Begin a recording."""
        return GreedyStream(self.units, BLANK_ID) if self.num_views == 1 else SearchStream(self)

    def best(self, scores: NDArray[np.float32]) -> "Sequence[SpokenWord]":
        """Words of a segment with outputs `scores` [T, V K]; places and confidences are those of the first view."""
        from ctc import SpokenWord

        views = [np.ascontiguousarray(view) for view in np.split(scores, self.num_views, axis=1)]
        labels = likeliest(views)
        if not labels:
            return []
        paths, path_scores = forced_align(torch.from_numpy(views[0])[None], torch.tensor([labels]), blank=BLANK_ID)
        tokens = merge_tokens(paths[0], path_scores[0], BLANK_ID)
        words = []
        for group in grouped(tokens, self.units):
            text, confidence = text_and_confidence(group, self.units)
            words.append(SpokenWord(text, group[0].start_frame, group[-1].end_frame, confidence))
        return words


def likeliest(views: Sequence[NDArray[np.float32]]) -> tuple[int, ...]:
    """The likeliest labels that pieces of the views' best paths make.

    Parameters
    ----------
    views : sequence of float32 [T, K]
        Log probabilities in each view.

    Returns
    -------
    tuple of int
        Their CTC log probability, the mean of all views, is no less than that of any view's best path, but for what is
        lost where frames are cut.
    """
    cuts = [0, *places_to_cut(np.min([view[:, BLANK_ID] for view in views], axis=0)), len(views[0])]
    return tuple(
        label
        for start, end in itertools.pairwise(cuts)
        for label in _likeliest([np.ascontiguousarray(view[start:end]) for view in views])
    )


def places_to_cut(log_blank: NDArray[np.float32]) -> list[int]:
    """Frames that are surely blank, or the most so, some `PART_FRAMES` apart, given log probabilities of the blank [T].

    What is said before such a frame and after it can be found apart, and in parts the work grows with the length of a
    recording, not with its square.
    """
    cuts, sure = [0], log_blank > np.log(SURE)
    while (first := cuts[-1] + PART_FRAMES) < len(log_blank):
        last = cuts[-1] + MOST_FRAMES
        where = np.flatnonzero(sure[first:last])
        if not len(where) and last >= len(log_blank):
            break
        cuts.append(first + int(where[0] if len(where) else np.argmax(log_blank[first:last])))
    return cuts[1:]


def _likeliest(views: Sequence[NDArray[np.float32]]) -> tuple[int, ...]:
    """`likeliest`, of all frames at once."""
    paths = [greedy_decode(torch.from_numpy(view)[None], blank=BLANK_ID)[0] for view in views]
    different = list(dict.fromkeys(tuple(token.label for token in path) for path in paths))
    if len(different) == 1:
        return different[0]

    def heard(sequences: list[tuple[int, ...]]) -> NDArray[np.float64]:
        return np.mean([sequence_log_probs(view, sequences, BLANK_ID) for view in views], axis=0)

    order = np.argsort(-heard(different), kind="stable").tolist()
    return recombined(different[order[0]], [different[number] for number in order[1:]], heard, rounds=MOST_ROUNDS)[0]
