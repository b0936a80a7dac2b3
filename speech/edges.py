"""Where words begin and end, given the frames of their units.

CTC emits a unit when it is known, not when its sound begins: the first one of a word comes late, and the last one ends
before its sound does. How much is measured once, on development sets, against alignments (`recipes/english/edges.py`).
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from speech.checkpoint import LoadedModel
from speech.config import from_dict
from speech.transcript import Word

#: Words less far apart, seconds, are taken to touch; chosen on the sets that `recipes/english/edges.py` is for.
NO_GAP_S = 0.1


@dataclass(frozen=True, kw_only=True)
class EdgesConfig:
    """How far words reach beyond the frames of their units; a model's card holds one for each head, as `edges`.

    Attributes
    ----------
    before_s, after_s : float
        Seconds, 0 to 1.
    """

    before_s: float = 0.0
    after_s: float = 0.0

    def __post_init__(self):
        for name in ("before_s", "after_s"):
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be from 0 to 1, got {getattr(self, name)}")


def edges_of(loaded: LoadedModel, head: str, source: str) -> EdgesConfig:
    """As the model's card says.

    Raises
    ------
    ConfigError
        The card's settings are unknown or cannot be.
    """
    return from_dict(EdgesConfig, loaded.card.get("edges", {}).get(head, {}), f"edges.{head}.", source)


def with_edges(words: Sequence[Word], edges: EdgesConfig, duration_s: float) -> tuple[Word, ...]:
    """Words with their edges moved outwards, as far as neighbours and the recording allow.

    Two that then overlap, or are less than `NO_GAP_S` apart, meet in the middle, be it in the frames of the first.

    Examples
    --------
    >>> words = [Word(text=t, start_s=s, end_s=s + 0.2, confidence=1) for t, s in (("oh", 0.02), ("well", 0.3))]
    >>> [(w.start_s, round(w.end_s, 3)) for w in with_edges(words, EdgesConfig(before_s=0.07, after_s=0.05), 0.52)]
    [(0.0, 0.25), (0.25, 0.52)]
    """
    if not words or (edges.before_s == 0 and edges.after_s == 0):
        return tuple(words)
    starts = [max(0.0, word.start_s - edges.before_s) for word in words]
    ends = [min(duration_s, word.end_s + edges.after_s) for word in words]
    for i in range(len(words) - 1):
        if starts[i + 1] - ends[i] < NO_GAP_S:
            middle = (starts[i + 1] + ends[i]) / 2
            least = (starts[i] + words[i].end_s) / 2  # half of the word before is left to it
            ends[i] = starts[i + 1] = min(max(middle, least), words[i + 1].start_s)
    return tuple(
        replace(word, start_s=start_s, end_s=end_s) for word, start_s, end_s in zip(words, starts, ends, strict=True)
    )
