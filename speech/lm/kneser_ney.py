"""Modified Kneser-Ney smoothing, interpolated, as KenLM's lmplz defines it.

Chen and Goodman, "An empirical study of smoothing techniques for language modeling", Harvard TR-10-98 (1998), section
4.1.6 (three discounts); Heafield et al., "Scalable modified Kneser-Ney language model estimation", ACL 2013 (adjusted
counts of n-grams after <s>, the uniform distribution that unigrams are interpolated with, pruning).

Legend: **a** adjusted count, **D** discount, **u** discounted share of an n-gram, **gamma** weight of the next
shorter context.
"""

import logging
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ctc.compilation import jit_cached
from ctc.ngram import BEGIN_ID, MAX_ORDER, Level, NGram, find_parents
from speech.errors import ConfigError
from speech.lm.counting import EncodedText, Unit, adjusted_counts, count_ngrams, encode_text
from speech.lm.discounts import DISCOUNT_FALLBACK, estimated_discounts, too_little_text
from speech.lm.shaping import LOWEST_LOG10
from speech.lm.sorting import Counts, ExternalSort, Keys, Packing, unpack

logger = logging.getLogger(__name__)

_BYTES_PER_ROW = 64  # of memory while a run is sorted: keys, counts, order and their copies


@dataclass(frozen=True, kw_only=True)
class EstimationConfig:
    """How a model is estimated.

    Attributes
    ----------
    order : int
        1..6.
    unit : "word" or "character"
    prune : tuple of int
        For each order, the highest count that is dropped; the last goes on for the orders after. Must not fall.
    max_words : int
        Only the most frequent words are kept (0: all); the others are scored as <unk>.
    discount_fallback : bool
        Use the discounts 0.5, 1 and 1.5 for an order whose counts allow no estimate, instead of raising. Characters
        always do, and a warning names the orders: a few dozen of them hardly ever have the counts.
    memory_mib : int
        About how much memory counting takes; more rows are sorted on disk.
    """

    order: int = 3
    unit: Unit = "word"
    prune: tuple[int, ...] = (0,)
    max_words: int = 0
    discount_fallback: bool = False
    memory_mib: int = 1024

    def __post_init__(self) -> None:
        if not 1 <= self.order <= MAX_ORDER:
            raise ConfigError(f"order must be 1..{MAX_ORDER}, got {self.order}")
        if self.unit not in ("word", "character"):
            raise ConfigError(f'unit must be "word" or "character", got {self.unit!r}')
        if (
            not self.prune
            or len(self.prune) > self.order
            or min(self.prune) < 0
            or list(self.prune) != sorted(self.prune)
        ):
            raise ConfigError(
                f"prune must be 1..{self.order} thresholds of 0 or more that do not fall, got {self.prune}"
            )
        if self.max_words < 0 or self.memory_mib < 1:
            raise ConfigError("max_words must not be negative, and memory_mib at least 1")

    @property
    def thresholds(self) -> tuple[int, ...]:
        """One threshold an order."""
        return self.prune + self.prune[-1:] * (self.order - len(self.prune))


def estimate(lines: Iterable[str], config: EstimationConfig, *, folder: str | Path | None = None) -> NGram:
    """Estimate a model from text.

    Parameters
    ----------
    lines : iterable of str
        One sentence each, normalised; read once.
    config : EstimationConfig
    folder : path, optional
        For temporary files, about 30 bytes a word and run; the system's folder by default.

    Returns
    -------
    NGram

    Raises
    ------
    CorpusError
        No words, <s> in the text, or too little text for discounts.
    ConfigError
        `folder` cannot be written or is full.
    """
    try:
        # What is mapped into memory when an error ends it cannot be removed on Windows, which must not hide the error.
        with tempfile.TemporaryDirectory(dir=folder, prefix="ngrams-", ignore_cleanup_errors=True) as name:
            return _estimate_in(Path(name), lines, config)  # its files are closed when it is over
    except OSError as error:
        raise ConfigError(
            f"{folder or tempfile.gettempdir()}: temporary files cannot be written ({error.strerror or error}); make"
            " room there, or name another folder (the command's is that of TMPDIR)"
        ) from error


def _estimate_in(place: Path, lines: Iterable[str], config: EstimationConfig) -> NGram:
    """`estimate`, with temporary files in the folder `place`."""
    text = encode_text(lines, place, config.unit)
    run_rows = max(1024, config.memory_mib * (1 << 20) // (_BYTES_PER_ROW + 4 * config.order))
    keys, counts, packing = count_ngrams(text, config.order, place, run_rows)
    return _estimate_levels(text, keys, counts, packing, config, place, run_rows)


def _estimate_levels(
    text: EncodedText,
    keys: Keys,
    counts: Counts,
    packing: Packing,
    config: EstimationConfig,
    place: Path,
    run_rows: int,
) -> NGram:
    """Levels from the lowest to the highest order, each interpolated with the one below."""
    num_words = _num_kept_words(text, config)
    levels: list[_Counted] = []
    fallen: list[str] = []
    for order in range(1, config.order + 1):
        rows, row_packing = _sorted_counts(keys, counts, packing, order, num_words, config, place, run_rows)
        discounts = estimated_discounts(rows[1] >> 1)
        if discounts is None:
            if not config.discount_fallback and config.unit == "word":
                raise too_little_text(order)
            fallen.append(str(order))
            discounts = np.array([0.0, *DISCOUNT_FALLBACK])
        if order == 1:
            levels.append(_unigrams(rows[1], row_packing, rows[0], discounts, num_words))
        else:
            levels.append(_level(rows, row_packing, order, discounts, levels[-1]))
    if fallen and not config.discount_fallback:
        logger.warning(
            "the counts of %ss allow no estimate of the discounts of order %s; %g, %g and %g are taken",
            config.unit,
            ", ".join(fallen),
            *DISCOUNT_FALLBACK,
        )
    finished = []
    for level in levels:
        log_probs = np.log10(level.probs)
        if level.grams.shape[1] == 1:
            log_probs[BEGIN_ID] = 0.0  # never predicted; lmplz writes 0
        with np.errstate(divide="ignore"):
            backoffs = np.maximum(np.log10(level.gammas), LOWEST_LOG10)  # a discount may be exactly 0
        finished.append(Level(level.grams, log_probs, backoffs))
    return NGram.from_levels(text.vocabulary[:num_words], finished)


def _num_kept_words(text: EncodedText, config: EstimationConfig) -> int:
    """Words, the special ones included, that unigram pruning and max_words leave: the first by rank."""
    kept = text.num_fixed + int(np.count_nonzero(text.counts[text.num_fixed :] > config.thresholds[0]))
    if config.max_words:
        kept = min(kept, text.num_fixed + config.max_words)
    return kept


def _sorted_counts(
    keys: Keys,
    counts: Counts,
    packing: Packing,
    order: int,
    num_words: int,
    config: EstimationConfig,
    place: Path,
    run_rows: int,
) -> tuple[tuple[Keys, Counts], Packing]:
    """Keys of all n-grams of an order, first word first, sorted; and twice the adjusted count, plus 1 if kept."""
    row_packing = Packing(1 << packing.bits, order)
    rows = ExternalSort(place, f"order-{order}", row_packing.num_columns, run_rows)
    block = min(run_rows, len(counts))
    plain_keys, plain_counts = np.asarray(keys), np.asarray(counts)
    at = 0
    while at < len(counts):
        grams = np.empty((block, order), dtype=np.uint32)
        adjusted, raw = np.empty(block, np.int64), np.empty(block, np.int64)
        at, n = adjusted_counts(
            plain_keys, plain_counts, at, order, packing.length, *packing.numbers, grams, adjusted, raw
        )
        kept = (raw[:n] > config.thresholds[order - 1]) & (grams[:n] < num_words).all(axis=1)
        rows.append(row_packing.pack(grams[:n]), adjusted[:n] * 2 + kept)
    return rows.finish(), row_packing


@dataclass(frozen=True, eq=False)
class _Counted:
    """A level before logarithms, with what the next one needs to find its shorter n-grams.

    `suffixes` are the rows, in the level below, of the n-grams without their first word; `begins` the first child, in
    this level, of each row below.
    """

    grams: npt.NDArray[np.uint32]
    probs: npt.NDArray[np.float64]
    gammas: npt.NDArray[np.float64]
    suffixes: npt.NDArray[np.int64]
    begins: npt.NDArray[np.int64]


def _unigrams(values: Counts, packing: Packing, keys: Keys, discounts, num_words: int) -> _Counted:
    """Interpolated with the uniform distribution over the vocabulary without <s>."""
    adjusted, kept = values >> 1, (values & 1).astype(bool)
    ids = (keys[:, 0] >> np.uint64(packing.bits * (packing.per_column - 1))).astype(np.int64)
    denominator = adjusted.sum()
    reduction = discounts[np.minimum(adjusted, 3)]
    gamma = (reduction[kept].sum() + adjusted[~kept].sum()) / denominator
    probs = np.full(num_words, gamma / (num_words - 1))
    probs[ids[kept]] += ((adjusted - reduction) / denominator)[kept]
    grams = np.arange(num_words, dtype=np.uint32)[:, None]
    return _Counted(grams, probs, np.ones(num_words), np.zeros(num_words, np.int64), np.array([0, num_words]))


def _level(rows: tuple[Keys, Counts], packing: Packing, order: int, discounts, shorter: _Counted) -> _Counted:
    """N-grams of an order above 1; writes the gammas of the order below."""
    keys, values = (np.asarray(part) for part in rows)
    num_kept = int((values & 1).sum())
    grams = np.empty((num_kept, order), dtype=np.uint32)
    probs = np.empty(num_kept)
    discount_contexts(keys, values, *packing.numbers, discounts, shorter.grams, shorter.gammas, grams, probs)
    parents = np.empty(num_kept, dtype=np.int64)
    missing = find_parents(grams, shorter.grams, parents)
    assert missing < 0
    begins = np.append(0, np.cumsum(np.bincount(parents, minlength=len(shorter.grams))))
    suffixes = np.empty(num_kept, dtype=np.int64)
    last_words = np.ascontiguousarray(shorter.grams[:, -1])
    interpolate(
        grams, parents, shorter.suffixes, shorter.begins, last_words, shorter.probs, shorter.gammas, suffixes, probs
    )
    return _Counted(grams, probs, np.ones(num_kept), suffixes, begins)


@jit_cached
def discount_contexts(keys, values, bits, per_column, discounts, shorter, gammas, grams, probs):
    """Write each kept n-gram with its u, and the gamma of each context that is a row of `shorter`."""
    num_rows, order = len(values), grams.shape[1]
    context = np.empty(order - 1, dtype=np.uint32)
    row, kept, at = 0, 0, 0
    while row < num_rows:
        first = row
        for k in range(order - 1):
            context[k] = unpack(keys, row, k, bits, per_column)
        denominator, gamma = 0.0, 0.0
        while row < num_rows:
            same = True
            for k in range(order - 1):
                if unpack(keys, row, k, bits, per_column) != context[k]:
                    same = False
                    break
            if not same:
                break
            adjusted = values[row] >> 1
            denominator += adjusted
            gamma += discounts[min(adjusted, 3)] if values[row] & 1 else adjusted
            row += 1
        for i in range(first, row):
            if values[i] & 1:
                for k in range(order):
                    grams[kept, k] = unpack(keys, i, k, bits, per_column)
                adjusted = values[i] >> 1
                probs[kept] = (adjusted - discounts[min(adjusted, 3)]) / denominator
                kept += 1
        while at < len(shorter):
            comparison = 0
            for k in range(order - 1):
                if shorter[at, k] != context[k]:
                    comparison = -1 if shorter[at, k] < context[k] else 1
                    break
            if comparison == 0:
                gammas[at] = gamma / denominator
            if comparison >= 0:
                break
            at += 1


@jit_cached
def interpolate(grams, parents, parent_suffixes, begins, last_words, shorter_probs, gammas, suffixes, probs):
    """Find each n-gram without its first word in the level below, and add gamma times its probability."""
    order = grams.shape[1]
    for i in range(len(probs)):
        word = grams[i, order - 1]
        if order == 2:
            row = np.int64(word)
        else:
            suffix = parent_suffixes[parents[i]]
            low, high = begins[suffix], begins[suffix + 1]
            while low < high:
                middle = (low + high) >> 1
                if last_words[middle] < word:
                    low = middle + 1
                else:
                    high = middle
            row = np.int64(low)
        suffixes[i] = row
        probs[i] += gammas[parents[i]] * shorter_probs[row]
