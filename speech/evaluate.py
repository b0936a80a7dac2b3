"""Word and character error rates of a recogniser on manifests, with counts and an interval.

Both sides pass `speech.text.normalize_text` first; jiwer counts. A rate is the number of errors over
all utterances by the length of all references, so long utterances weigh more. The interval says how
far the rate would move with other utterances of the same kind: 95 % of bootstrap resamples of the
utterances lie inside (Bisani and Ney, ICASSP 2004).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import jiwer
import numpy as np

from speech.corpus import Utterance
from speech.sources import Clip
from speech.text import NORMALIZATION_VERSION, normalize_text

if TYPE_CHECKING:  # counting errors needs no model
    from speech.transcribe import Transcriber

NUM_RESAMPLES = 2000
SEED = 1
RESAMPLE_BLOCK = 1 << 18  # utterances drawn at a time


@dataclass(frozen=True, kw_only=True)
class Counts:
    """Edit operations that turn references into hypotheses."""

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            hits=self.hits + other.hits,
            substitutions=self.substitutions + other.substitutions,
            deletions=self.deletions + other.deletions,
            insertions=self.insertions + other.insertions,
        )

    @property
    def errors(self) -> int:
        """Substitutions, deletions and insertions."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def total(self) -> int:
        """Length of the references."""
        return self.hits + self.substitutions + self.deletions

    @property
    def rate(self) -> float:
        """Errors a reference symbol, 0.25 for 25 %; infinite for errors against nothing."""
        return self.errors / self.total if self.total else float("inf" if self.errors else 0)


@dataclass(frozen=True, kw_only=True)
class Result:
    """One utterance: normalised texts, the errors between them, and how the words line up.

    `alignment` holds pairs (reference word, hypothesis word), "" on the side where one is missing.
    """

    utterance: Utterance
    reference: str
    hypothesis: str
    words: Counts
    characters: Counts
    alignment: tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Rate:
    """An error rate: `counts` summed over utterances, and its 95 % interval."""

    counts: Counts
    low: float
    high: float


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """Results in the manifest's order, and one sentence for each recording that failed."""

    results: tuple[Result, ...]
    failures: tuple[str, ...] = ()

    def words(self, resamples: int = NUM_RESAMPLES, seed: int = SEED) -> Rate:
        """Word error rate over all utterances."""
        return rate([result.words for result in self.results], resamples, seed)

    def characters(self, resamples: int = NUM_RESAMPLES, seed: int = SEED) -> Rate:
        """Character error rate over all utterances; spaces count."""
        return rate([result.characters for result in self.results], resamples, seed)

    def by(self, key: str) -> dict[str, "Evaluation"]:
        """Parts with the same value of a field of `Utterance`, e.g. "speaker", sorted by value."""
        groups: dict[str, list[Result]] = {}
        for result in self.results:
            value = getattr(result.utterance, key)
            groups.setdefault("(none)" if value is None else str(value), []).append(result)
        return {value: Evaluation(results=tuple(group)) for value, group in sorted(groups.items())}


def evaluate(
    transcriber: "Transcriber",
    utterances: Sequence[Utterance],
    *,
    batch: int = 8,
    progress: Callable[[Utterance, str | None], None] | None = None,
) -> Evaluation:
    """Transcribe the utterances of a manifest and count the errors.

    Parameters
    ----------
    transcriber : Transcriber
    utterances : list of Utterance
    batch : as in `Transcriber.transcribe_many`
    progress : callable, optional
        Told each utterance that is done, and the reason if it failed.

    Returns
    -------
    Evaluation
        A recording that cannot be read is a failure and left out of the rates.
    """
    clips = map(Clip.of, utterances)
    results, failures = [], []
    outcomes = transcriber.transcribe_many(clips, batch=batch)
    for utterance, outcome in zip(utterances, outcomes, strict=True):
        if outcome.transcript is None:
            failures.append(str(outcome.error))
        else:
            results.append(compare(utterance, outcome.transcript.text))
        if progress is not None:
            progress(utterance, failures[-1] if outcome.transcript is None else None)
    return Evaluation(results=tuple(results), failures=tuple(failures))


def compare(utterance: Utterance, hypothesis: str) -> Result:
    """Errors of a hypothesis against the utterance's text, both normalised here."""
    reference = normalize_text(utterance.text)
    hypothesis = normalize_text(hypothesis)
    words = jiwer.process_words(reference, hypothesis)
    characters = jiwer.process_characters(reference, hypothesis)
    return Result(
        utterance=utterance,
        reference=reference,
        hypothesis=hypothesis,
        words=_counts(words),
        characters=_counts(characters),
        alignment=_alignment(reference.split(), hypothesis.split(), words.alignments[0]),
    )


def _counts(output) -> Counts:
    """Counts of a jiwer output."""
    return Counts(
        hits=output.hits,
        substitutions=output.substitutions,
        deletions=output.deletions,
        insertions=output.insertions,
    )


def _alignment(reference: list[str], hypothesis: list[str], chunks) -> tuple[tuple[str, str], ...]:
    """Pairs of words from jiwer's chunks of equal operations."""
    pairs: list[tuple[str, str]] = []
    for chunk in chunks:
        ours = reference[chunk.ref_start_idx : chunk.ref_end_idx]
        theirs = hypothesis[chunk.hyp_start_idx : chunk.hyp_end_idx]
        length = max(len(ours), len(theirs))
        ours += [""] * (length - len(ours))
        theirs += [""] * (length - len(theirs))
        pairs += zip(ours, theirs, strict=True)
    return tuple(pairs)


def rate(counts: Sequence[Counts], num_resamples: int = NUM_RESAMPLES, seed: int = SEED) -> Rate:
    """Sum of counts, with the 95 % bootstrap interval of the rate over utterances.

    Parameters
    ----------
    counts : one an utterance
    num_resamples, seed : of the bootstrap; the same numbers give the same interval

    Returns
    -------
    Rate
    """
    total = sum(counts, Counts())
    errors = np.array([one.errors for one in counts], np.float64)
    lengths = np.array([one.total for one in counts], np.float64)
    if not len(counts) or not total.total:
        return Rate(counts=total, low=total.rate, high=total.rate)
    generator = np.random.default_rng(seed)
    rates = []
    block = max(1, RESAMPLE_BLOCK // len(counts))
    for first in range(0, num_resamples, block):
        size = min(block, num_resamples - first), len(counts)
        drawn = generator.integers(len(counts), size=size)
        length = lengths[drawn].sum(axis=1)
        rates.append(errors[drawn].sum(axis=1)[length > 0] / length[length > 0])
    low, high = np.percentile(np.concatenate(rates), [2.5, 97.5])
    return Rate(counts=total, low=float(low), high=float(high))


def tables(evaluation: Evaluation, by: Iterable[str] = ()) -> str:
    """Error rates for reading: over all, then a table for each field in `by`, e.g. "corpus"."""
    parts = [_table("all", {"all": evaluation})]
    parts += [_table(key, evaluation.by(key)) for key in by]
    return f"text normalisation {NORMALIZATION_VERSION}\n\n" + "\n".join(parts)


def _table(name: str, groups: dict[str, Evaluation]) -> str:
    header = [
        *(name, "utterances", "words", "WER %", "95 % interval", "sub", "del", "ins"),
        *("CER %", "95 % interval"),
    ]
    rows = [header]
    for value, group in groups.items():
        words, characters = group.words(), group.characters()
        counts = words.counts
        rows.append(
            [
                *(value, str(len(group.results)), str(counts.total), _percent(counts.rate)),
                f"{_percent(words.low)} - {_percent(words.high)}",
                *(str(counts.substitutions), str(counts.deletions), str(counts.insertions)),
                _percent(characters.counts.rate),
                f"{_percent(characters.low)} - {_percent(characters.high)}",
            ]
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(header))]
    lines = [
        "  ".join(
            cell.ljust(width) if column == 0 else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        )
        for row in rows
    ]
    return "\n".join(line.rstrip() for line in lines) + "\n"


def _percent(value: float) -> str:
    return f"{100 * value:.2f}"


def alignment_report(evaluation: Evaluation) -> str:
    """Every utterance with reference over hypothesis, most word errors first.

    Under each pair of words stands S, D or I where they differ; ``*`` fills the side that has none.
    """
    parts = [f"text normalisation {NORMALIZATION_VERSION}\n"]
    for result in sorted(evaluation.results, key=lambda one: -one.words.errors):
        parts.append(_aligned(result))
    parts += [f"failed: {failure}\n" for failure in evaluation.failures]
    return "\n".join(parts)


def _aligned(result: Result) -> str:
    """One entry of the report."""
    utterance, words = result.utterance, result.words
    place = f" at {utterance.offset:.3f} s" if utterance.offset else ""
    who = " ".join(filter(None, (utterance.corpus, utterance.speaker)))
    columns = []
    for reference, hypothesis in result.alignment:
        width = max(len(reference), len(hypothesis))
        mark = "" if reference == hypothesis else "S"
        mark = "I" if not reference else "D" if not hypothesis else mark
        columns.append(
            (
                (reference or "*" * width).ljust(width),
                (hypothesis or "*" * width).ljust(width),
                mark.ljust(width),
            )
        )
    lines = [" ".join(column[row] for column in columns).rstrip() for row in range(3)]
    return (
        f"{utterance.audio_filepath}{place}{'  ' + who if who else ''}\n"
        f"WER {_percent(words.rate)} %: {words.errors} of {words.total} words "
        f"({words.substitutions} sub, {words.deletions} del, {words.insertions} ins); "
        f"CER {_percent(result.characters.rate)} %\n"
        f"REF: {lines[0]}\nHYP: {lines[1]}\n     {lines[2]}".rstrip()
        + "\n"
    )
