"""Settings of a search."""

from dataclasses import dataclass

_WIDEST_BEAM = 1_000_000  # takes gigabytes already
_MOST_VIEWS = 8  # as many as an acoustic model's step has feature frames


@dataclass(frozen=True, kw_only=True)
class DecodingConfig:
    """Settings of the search; `speech tune` finds the first two, and a model's card holds all as `decoding`.

    Attributes
    ----------
    lm_weight : float
        Factor of the language model's log probability.
    word_bonus : float
        Nats for each word.
    beam : int
        Hypotheses kept in each frame.
    beam_threshold : float
        Hypotheses worse than the best by more than this, nats, are dropped.
    alternatives : int
        Of hypotheses that differ only in what the language model has forgotten, so many are kept; 0 for all, as
        without a language model.
    merge_threshold : float
        What was dropped so, at a score less by no more than this, nats, may still be chosen when the best hypotheses
        are scored once more; 0 for nothing.
    unknown_score : float
        log10 added to the language model's score of words that it does not know.
    head : str
        Output of the model that is searched: characters spell any word; phones need a lexicon. "" is the first head.
    prior_scale : float
        Of the log prior that is subtracted from the log posteriors: of the training's frames for a head that labels
        every frame, of the language model's characters for one of characters by CTC; none otherwise.
    second_head : str
        Output that scores the best hypotheses once more; "" for none.
    second_weight : float
        Share of its log probability of a hypothesis, 0..1; the first head has the rest.
    neural_share : float
        Of the recurrent language model's log probability of the best hypotheses, 0..1; the n-gram has the rest.
    candidates : int
        Hypotheses that are scored once more.
    recombined : int
        Best hypotheses whose words are tried in the place of the best one's, where they differ, in a search of phones
        or, without hot-words, of characters by CTC; 0 for none.
    views : int
        Views of a recording that are searched; see `speech.views`. Each has hypotheses of its own, and all are heard in
        every view.
    """

    lm_weight: float = 1.0
    word_bonus: float = -1.0
    beam: int = 1000
    beam_threshold: float = 14.0
    alternatives: int = 1
    merge_threshold: float = 6.0
    unknown_score: float = -10.0
    head: str = ""
    prior_scale: float = 0.5
    second_head: str = ""
    second_weight: float = 0.1
    neural_share: float = 0.5
    candidates: int = 75
    recombined: int = 30
    views: int = 1

    def __post_init__(self):
        if not (1 <= self.beam <= _WIDEST_BEAM and 1 <= self.candidates <= _WIDEST_BEAM):
            raise ValueError(f"beam and candidates must be 1 to {_WIDEST_BEAM}")
        check_views(self.views)
        if min(self.alternatives, self.merge_threshold, self.recombined) < 0:
            raise ValueError("alternatives, merge_threshold and recombined must be 0 or more")
        if not self.beam_threshold > 0:
            raise ValueError("beam_threshold must be above 0")
        if min(self.lm_weight, self.prior_scale) < 0:
            raise ValueError("lm_weight and prior_scale must be 0 or more")
        if not (0 <= self.second_weight <= 1 and 0 <= self.neural_share <= 1):
            raise ValueError("second_weight and neural_share must be 0 to 1")


def check_views(views: int) -> None:
    """ValueError for a number of views that no model has."""
    if not 1 <= views <= _MOST_VIEWS:
        raise ValueError(f"views must be 1 to {_MOST_VIEWS}")
