"""From what a user gives the decoder to the arrays that the search walks; all checks of it are here."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import numpy.typing as npt

from ctc import beam_kernels as kernels
from ctc import beam_spelling as spelling
from ctc import beam_state as state
from ctc.decode import Token
from ctc.labels import unit_index, whole_number
from ctc.ngram import EMPTY, UNKNOWN_ID, NGram, NGramArrays

if TYPE_CHECKING:
    from ctc.beam_stream import SpokenWord


class Spellings(NamedTuple):
    """A lexicon whose pronunciations are token ids already: large ones are ready ten times as soon.

    Attributes
    ----------
    words : tuple of str [W]
    padded : int64 [N, n]
        Token ids of each pronunciation, filled up with -1; none empty.
    owners : int64 [N]
        Word of each pronunciation.
    """

    words: tuple[str, ...]
    padded: np.ndarray
    owners: np.ndarray


Pronunciation = str | Sequence[str]
Lexicon = Spellings | Mapping[str, Pronunciation | Sequence[Pronunciation] | Mapping[Any, float]]
DEFAULT_BOOST = 8.0
MOST_BOOST = 500.0  #: nats; sums of them must stay within float64 as factors
_MOST_SPELLINGS = 8  # of a hot-word in word pieces: models seldom take many more pieces than are needed
_MOST_PRIOR = 500.0  # nats, for the same reason
PIECE = "▁"
_SPACES = (" ", "|")
_LM_SPACES = ("<space>", "|", "▁")


@dataclass(frozen=True, eq=False)
class Search:
    """A decoder's settings as arrays.

    `words` are those of the lexicon or of the model; `by_word` tells that a node's word is set where one ends.
    """

    tokens: tuple[str, ...]
    options: state.Options
    lm: NGramArrays
    tree: state.Tree
    hot: state.HotWords
    weights: npt.NDArray[np.float64]
    words: tuple[str, ...]
    begin_state: int
    hot_state: int
    log_prior: npt.NDArray[np.float64] | None

    @property
    def by_word(self) -> bool:
        """Whether words come from a lexicon."""
        return self.options.mode >= state.LEXICON_PARTED

    @property
    def has_words(self) -> bool:
        """Whether hypotheses are sequences of words."""
        return self.by_word or self.options.boundary >= 0 or self._in_pieces

    @cached_property
    def _in_pieces(self) -> bool:
        return any(token.startswith(PIECE) for token in self.tokens)

    def join_tokens(self, labels: Sequence[int]) -> str:
        """Text of tokens that do not tell words apart."""
        return "".join(self.tokens[label] for label in labels)

    def group_words(self, tokens: Sequence[Token], ended: Sequence[int]) -> "list[SpokenWord]":
        """Words of tokens; `ended` [N] holds the word that ends with each token, or -1."""
        from ctc.beam import SpokenWord

        if not self.has_words:
            return []
        groups: list[tuple[str | None, list[Token]]] = []
        current: list[Token] = []
        for token, word in zip(tokens, ended, strict=True):
            is_boundary = token.label == self.options.boundary
            if not self.by_word and self.tokens[token.label].startswith(PIECE) and current:
                groups.append((None, current))
                current = []
            if not is_boundary:
                current.append(token)
            if word >= 0 or (is_boundary and not self.by_word):
                groups.append((self.words[word] if word >= 0 else None, current))
                current = []
        if not self.by_word:
            groups.append((None, current))
        found = []
        for text, group in groups:
            if text is None:
                text = self.join_tokens([t.label for t in group]).replace(PIECE, "")
            if text:  # nothing follows a boundary, or a piece that only begins a word
                confidence = min(1.0, sum(t.confidence for t in group) / len(group))
                found.append(SpokenWord(text, group[0].start_frame, group[-1].end_frame, confidence))
        return found


def build_search(
    tokens: tuple[str, ...],
    lm: NGram | None,
    lexicon: Lexicon | None,
    *,
    beam_size: int,
    token_beam: int | None,
    beam_threshold: float,
    alternatives: int | None,
    merge_threshold: float,
    lm_weight: float,
    word_bonus: float,
    unknown_score: float,
    hotwords: Mapping[str, float] | Sequence[str] | None,
    blank: int,
    boundary: str | None,
    lm_unit: str | None,
    framewise: bool,
    silence: str | None,
    log_prior: npt.ArrayLike | None,
    look_ahead: bool,
) -> Search:
    """Check everything and build the arrays; parameters are those of `BeamDecoder`."""
    if lm is not None and not isinstance(lm, NGram):
        raise TypeError(f"lm: expected an NGram, as speech.lm reads one from a file, got {type(lm).__name__}")
    ids = _check_tokens(tokens, None if framewise else blank)
    _check_numbers(beam_size, token_beam, beam_threshold, lm_weight, word_bonus, unknown_score)
    if alternatives is not None:
        whole_number("alternatives", alternatives)
    if not 0 <= merge_threshold < 700 or (merge_threshold and (framewise or not alternatives)):
        raise ValueError("merge_threshold must be 0 to 700, and above 0 needs `alternatives` and CTC")
    border = _boundary(ids, boundary)
    mode = _mode(lm, lexicon, border, lm_unit)
    rest = blank
    if framewise:
        if silence is not None and silence not in ids:
            raise ValueError(f"silence: {silence!r} is not among the tokens")
        rest = ids[silence] if silence is not None else -1
    elif silence is not None:
        raise ValueError("silence belongs to framewise=True; CTC has the blank")
    weight = lm_weight if lm is not None else 0.0
    words, tree = _words_and_tree(mode, ids, border, lm, lexicon, weight, word_bonus, unknown_score, look_ahead)
    by_word = mode >= state.LEXICON_PARTED
    patterns = _patterns(hotwords, ids, border, words if by_word else None)
    apart = border if mode == state.OPEN_WORDS else -1
    hot = spelling.build_hot_words(patterns, None if by_word else len(tokens), apart)
    if by_word:
        hot, tree = spelling.favour_words(hot, tree, len(words))
    hot_state = 0
    if not by_word and border >= 0 and patterns:
        hot_state = int(kernels.hot_step(hot, 0, border)[0])
    options = state.Options(
        mode=mode,
        blank=int(rest),
        boundary=int(border),
        framewise=bool(framewise),
        beam_size=int(beam_size),
        token_beam=int(token_beam or len(tokens)),
        smallest=math.exp(-beam_threshold),
        lm_weight=float(weight * spelling.LN10),
        word_bonus=float(word_bonus if mode != state.PLAIN else 0.0),
        unknown_score=float(unknown_score),
        alternatives=int(alternatives or 0),
        merge_smallest=math.exp(-merge_threshold) if merge_threshold else 0.0,
    )
    weights = _weights(log_prior, len(tokens))
    begin = lm.begin_state if lm is not None else 0
    prior = None if log_prior is None else np.asarray(log_prior, np.float64)
    return Search(tokens, options, lm.arrays if lm else EMPTY, tree, hot, weights, words, begin, hot_state, prior)


def _check_tokens(tokens: tuple[str, ...], blank: int | None) -> dict[str, int]:
    """Ids of the tokens, the blank left out if there is one."""
    if not tokens:
        raise ValueError("tokens: there are none")
    if blank is not None:
        blank = unit_index(blank, len(tokens))
    ids = {token: k for k, token in enumerate(tokens) if k != blank}
    if len(ids) != len(tokens) - (blank is not None) or "" in ids:
        raise ValueError("tokens must differ from one another and not be empty")
    return ids


def _check_numbers(beam_size, token_beam, beam_threshold, lm_weight, word_bonus, unknown_score) -> None:
    whole_number("beam_size", beam_size)
    if token_beam is not None:
        whole_number("token_beam", token_beam)
    if not beam_threshold > 0:
        raise ValueError(f"beam_threshold must be above 0, got {beam_threshold}")
    if not (0 <= lm_weight < math.inf and math.isfinite(word_bonus) and math.isfinite(unknown_score)):
        raise ValueError("lm_weight must be 0 or more, word_bonus and unknown_score finite")


def _boundary(ids: dict[str, int], boundary: str | None) -> int:
    """Id of the token between words, or -1."""
    if boundary is not None:
        if boundary not in ids:
            raise ValueError(f"boundary: {boundary!r} is not among the tokens")
        return ids[boundary]
    return next((ids[token] for token in _SPACES if token in ids), -1)


def _mode(lm: NGram | None, lexicon: Lexicon | None, border: int, lm_unit: str | None) -> int:
    if lm_unit not in (None, "word", "token"):
        raise ValueError(f'lm_unit must be "word" or "token", got {lm_unit!r}')
    if lexicon is not None:
        if lm_unit == "token":
            raise ValueError("with a lexicon the language model must be of words")
        return state.LEXICON_PARTED if border >= 0 else state.LEXICON
    if lm is None:
        return state.PLAIN
    if lm_unit == "token" or (lm_unit is None and border < 0):
        return state.TOKEN_MODEL
    if border < 0:
        raise ValueError("a language model of words needs a boundary token between words, or a lexicon")
    return state.OPEN_WORDS


def _words_and_tree(
    mode: int,
    ids: dict[str, int],
    border: int,
    lm: NGram | None,
    lexicon: Lexicon | None,
    weight: float,
    word_bonus: float,
    unknown_score: float,
    look_ahead: bool,
) -> tuple[tuple[str, ...], state.Tree]:
    """Words that a search can name, and the tree of their spellings."""
    if mode == state.PLAIN:
        return (), spelling.no_tree()
    if mode == state.TOKEN_MODEL:
        assert lm is not None
        return (), spelling.no_tree(_token_ids(ids, lm))
    unknown = -math.inf
    if mode == state.OPEN_WORDS:
        assert lm is not None
        words, spellings = _spelt_vocabulary(lm, ids, border)
        owners, costs = np.arange(len(words)), np.zeros(len(words))
        unknown = weight * spelling.LN10 * (float(lm.arrays.log_probs[1 + UNKNOWN_ID]) + unknown_score)
    else:
        assert lexicon is not None
        words, spellings, owners, costs = _spelt_lexicon(lexicon, ids, border)
    word_ids = np.zeros(len(words), np.int64) if lm is None else lm.encode(words).astype(np.int64)
    potentials = spelling.unigram_potentials(lm, word_ids, weight, unknown_score)[owners] + costs
    if not look_ahead:
        potentials, unknown = np.zeros(len(owners)), min(unknown, 0.0) if unknown == -math.inf else 0.0
    limits = spelling.word_limits(lm, word_ids, weight, unknown_score)
    limits = np.append(limits[:-1][owners] + costs, limits[-1])
    return words, spelling.build_tree(spellings, owners, costs, word_ids, potentials, unknown, limits)


def _token_ids(ids: dict[str, int], lm: NGram) -> npt.NDArray[np.int64]:
    """Id of each token in a model of tokens."""
    found = np.zeros(max(ids.values()) + 1, np.int64)
    for token, k in ids.items():
        names = _LM_SPACES if token in _SPACES else (token,)
        found[k] = next((lm.ids[name] for name in names if name in lm.ids), UNKNOWN_ID)
    pieces = [token for token in ids if token.startswith(PIECE) and token != PIECE]
    if pieces and not any(token in lm.ids for token in pieces):
        raise ValueError(
            f"the tokens are word pieces ({', '.join(pieces[:3])} ...), the language model's vocabulary is not"
            f" ({', '.join(lm.vocabulary[3:8])} ...); give a model of pieces, or a lexicon with the pieces of each word"
        )
    if not found.any():
        raise ValueError(
            f"none of the tokens ({', '.join(list(ids)[:5])} ...) is in the language model's vocabulary"
            f" ({', '.join(lm.vocabulary[3:8])} ...); is it a model of words?"
        )
    return found


def _spelt_vocabulary(lm: NGram, ids: dict[str, int], border: int) -> tuple[tuple[str, ...], list[list[int]]]:
    """Words of the model that the tokens can spell."""
    letters = {token: k for token, k in ids.items() if k != border}
    words, spellings = [], []
    for word in lm.vocabulary[3:]:
        try:
            spellings.append([letters[c] for c in word])
        except KeyError:
            continue
        words.append(word)
    if not words:
        raise ValueError(
            f"no word of the language model ({', '.join(lm.vocabulary[3:8])} ...) can be spelt with the tokens"
            f" ({', '.join(list(ids)[:5])} ...); check upper and lower case"
        )
    return tuple(words), spellings


def _spelt_lexicon(lexicon: Lexicon, ids: dict[str, int], border: int):
    """Words, spellings, the word of each spelling and its log probability."""
    if isinstance(lexicon, Spellings):
        _check_spellings(lexicon, ids, border)
        return lexicon.words, lexicon.padded, lexicon.owners, np.zeros(len(lexicon.owners))
    if not isinstance(lexicon, Mapping):
        raise TypeError(f"lexicon: expected a mapping of words to pronunciations, got {type(lexicon).__name__}")
    words: list[str] = []
    found: dict[tuple[int, tuple[int, ...]], float] = {}  # of a word and a spelling, which may be given twice
    for word, entry in lexicon.items():
        if isinstance(entry, str):
            entry = [entry]
        if not isinstance(entry, Iterable):
            raise TypeError(f"lexicon: the pronunciations of {word!r} must be text, a list or a mapping, got {entry!r}")
        probs = list(entry.values()) if isinstance(entry, Mapping) else [1.0] * len(entry)
        for pronunciation, prob in zip(entry, probs, strict=True):
            if not 0.0 < prob <= 1.0:
                raise ValueError(
                    f"lexicon: the probability of {word!r} as {pronunciation!r} must be in 0..1, got {prob}"
                )
            name = len(words), tuple(_spell(word, pronunciation, ids, border))
            found[name] = max(found.get(name, 0.0), prob)
        words.append(word)
    if not found:
        raise ValueError("lexicon: holds no pronunciations")
    owners, spellings = zip(*found, strict=True)
    return tuple(words), list(map(list, spellings)), np.array(owners), np.log(list(found.values()))


def _check_spellings(lexicon: Spellings, ids: dict[str, int], border: int) -> None:
    """Refuse token ids that there are not, and words that are not."""
    allowed = [k for k in ids.values() if k != border]
    padded = lexicon.padded
    if not len(padded) or padded.shape[0] != len(lexicon.owners) or not np.isin(padded, [-1, *allowed]).all():
        raise ValueError("lexicon: holds no pronunciations, or token ids that are not among the tokens")
    if (padded[:, 0] < 0).any() or (np.diff((padded >= 0).astype(np.int8), axis=1) > 0).any():
        raise ValueError("lexicon: has an empty pronunciation, or one with a gap")
    if lexicon.owners.min() < 0 or lexicon.owners.max() >= len(lexicon.words):
        raise ValueError("lexicon: has a pronunciation of a word that is not there")
    if len(np.unique(np.column_stack([lexicon.owners, padded]), axis=0)) < len(padded):
        raise ValueError("lexicon: a word has the same pronunciation twice")


def _spell(word: str, pronunciation: Pronunciation, ids: dict[str, int], border: int) -> list[int]:
    """Token ids of a pronunciation: tokens parted by spaces, or characters."""
    parts: Sequence[str] = pronunciation
    if isinstance(pronunciation, str):
        parts = pronunciation.split()
        if not all(part in ids for part in parts):
            parts = pronunciation
    for part in parts:
        if part not in ids or ids[part] == border:
            raise ValueError(f"lexicon: {word!r} is spelt with {part!r}, which is not among the tokens")
    if not parts:
        raise ValueError(f"lexicon: {word!r} has an empty pronunciation")
    return [ids[part] for part in parts]


def _patterns(
    hotwords: Mapping[str, float] | Sequence[str] | None,
    ids: dict[str, int],
    border: int,
    words: tuple[str, ...] | None,
) -> dict[tuple[int, ...], float]:
    """Label sequences of hot-words and their boosts."""
    if not hotwords:
        return {}
    if isinstance(hotwords, str):
        raise ValueError("hotwords: expected a list or a mapping, got one string")
    if not all(isinstance(phrase, str) for phrase in hotwords):
        raise TypeError("hotwords: expected words or phrases, as text")
    boosts = hotwords if isinstance(hotwords, Mapping) else dict.fromkeys(hotwords, DEFAULT_BOOST)
    word_ids = {word: k for k, word in enumerate(words)} if words is not None else {}
    patterns: dict[tuple[int, ...], float] = {}
    for phrase, boost in boosts.items():
        if not isinstance(boost, int | float | np.number) or not abs(boost) <= MOST_BOOST:
            raise ValueError(f"hotwords: the boost of {phrase!r} must be within +-{MOST_BOOST:g} nats, got {boost}")
        parts = phrase.split()
        if not parts:
            raise ValueError("hotwords: one is empty")
        if words is not None:
            for part in parts:
                if part not in word_ids:
                    raise ValueError(f"hotwords: {part!r} is not in the lexicon; add its pronunciation")
            patterns[tuple(word_ids[part] for part in parts)] = float(boost)
        else:
            patterns |= dict.fromkeys(_spell_hot(phrase, parts, ids, border), float(boost))
    return patterns


def _spell_hot(phrase: str, parts: list[str], ids: dict[str, int], border: int) -> list[tuple[int, ...]]:
    """Tokens of a phrase, with the boundaries around its words; of word pieces, the shortest ways to spell it."""
    if any(token.startswith(PIECE) for token in ids):
        spellings: list[tuple[int, ...]] = [()]
        for part in parts:
            ways = _pieces(phrase, PIECE + part, ids)
            joined = (before + way for before in spellings for way in ways)
            spellings = sorted(joined, key=len)[:_MOST_SPELLINGS]
        return spellings
    labels = [border] if border >= 0 else []
    for part in parts:
        for character in part:
            if character not in ids:
                raise ValueError(f"hotwords: {phrase!r} holds {character!r}, which the tokens cannot spell")
            labels.append(ids[character])
        labels += [border] if border >= 0 else []
    return [tuple(labels)]


def _pieces(phrase: str, text: str, ids: dict[str, int]) -> list[tuple[int, ...]]:
    """Ways to spell a text in word pieces, the fewest and then the longest first ones before others."""
    longest = max(map(len, ids))
    ways: list[list[tuple[int, ...]]] = [[] for _ in text] + [[()]]  # of the text from each place on
    for at in range(len(text) - 1, -1, -1):
        for end in range(min(at + longest, len(text)), at, -1):
            piece = ids.get(text[at:end])
            if piece is not None:
                ways[at] += [(piece, *rest) for rest in ways[end]]
        ways[at] = sorted(ways[at], key=len)[:_MOST_SPELLINGS]
    if not ways[0]:
        strange = next((c for c in text if not any(c in token for token in ids)), text.removeprefix(PIECE))
        raise ValueError(f"hotwords: {phrase!r} holds {strange!r}, which the tokens cannot spell")
    return ways[0]


def _weights(log_prior: npt.ArrayLike | None, num_units: int) -> npt.NDArray[np.float64]:
    """What posteriors are multiplied with [K]."""
    if log_prior is None:
        return np.ones(num_units)
    prior = np.asarray(log_prior, dtype=np.float64)
    if prior.shape != (num_units,) or not np.isfinite(prior).all():
        raise ValueError(f"log_prior: expected {num_units} finite numbers, one a token, got shape {prior.shape}")
    if (np.abs(prior) > _MOST_PRIOR).any():
        raise ValueError(f"log_prior: token {int(np.abs(prior).argmax())} has more than +-{_MOST_PRIOR:g} nats")
    return np.exp(-prior)
