"""Error counts, intervals, tables and reports."""

from pathlib import Path

import numpy as np
import pytest

from speech import audio
from speech.corpus import Utterance
from speech.evaluate import Counts, Evaluation, alignment_report, compare, evaluate, rate, tables
from speech.scoring import score
from speech.text import NORMALIZATION_VERSION
from tests.speech.tone_model import RATE_HZ, say, tone_transcriber


def utterance(text: str, **fields) -> Utterance:
    return Utterance(audio_filepath=Path("a.wav"), duration=1.0, text=text, **fields)


@pytest.mark.parametrize(
    ("reference", "hypothesis", "hits", "substitutions", "deletions", "insertions"),
    [
        ("a b c", "a b c", 3, 0, 0, 0),
        ("a b c", "a x c d", 2, 1, 0, 1),
        ("a b c", "c", 1, 0, 2, 0),
        ("a b", "", 0, 0, 2, 0),
        ("", "a b", 0, 0, 0, 2),
        ("", "", 0, 0, 0, 0),
        ("It's “A”, b!", "it's a b", 3, 0, 0, 0),
    ],
)
def test_word_counts(reference, hypothesis, hits, substitutions, deletions, insertions):
    result = compare(utterance(reference), hypothesis)
    assert result.words == Counts(hits=hits, substitutions=substitutions, deletions=deletions, insertions=insertions)
    assert result.words.total == len(result.reference.split())


def test_counts_agree_with_an_independent_edit_distance():
    rng = np.random.default_rng(0)
    for _ in range(100):
        reference, hypothesis = ("".join(rng.choice(list("ab  "), rng.integers(0, 14))) for _ in range(2))
        result = compare(utterance(reference), hypothesis)
        words = score(result.reference.split(), result.hypothesis.split())
        characters = score(result.reference, result.hypothesis)
        assert (result.words.errors, result.words.total) == (words.errors, words.total)
        assert result.characters.errors == characters.errors
        assert result.characters.total == characters.total


def test_rates_are_errors_over_all_words():
    results = [compare(utterance("a b c d e f"), "a b c d e f"), compare(utterance("a"), "b c")]
    evaluation = Evaluation(results=tuple(results))
    assert evaluation.words().counts.rate == pytest.approx(2 / 7)
    assert Counts(insertions=1).rate == float("inf")
    assert Counts().rate == 0


def test_interval_is_reproducible_and_covers_the_truth():
    rng = np.random.default_rng(5)
    covered = 0
    for _ in range(60):
        wrong = rng.binomial(10, 0.3, size=40)
        counts = [Counts(hits=int(10 - n), substitutions=int(n)) for n in wrong]
        result = rate(counts, num_resamples=300)
        assert result == rate(counts, num_resamples=300)
        assert result.low <= result.counts.rate <= result.high
        covered += result.low <= 0.3 <= result.high
    assert 50 <= covered <= 60
    assert rate([]).counts == Counts()


def test_tables_name_groups_counts_and_the_normalisation():
    results = (
        compare(utterance("a b", corpus="one", speaker="x"), "a c"),
        compare(utterance("a b", corpus="two", speaker="y"), "a b"),
        compare(utterance("a b", corpus="two"), ""),
    )
    text = tables(Evaluation(results=results), by=["corpus", "speaker"])
    assert NORMALIZATION_VERSION in text
    rows = {line.split()[0]: line.split() for line in text.splitlines() if line.strip()}
    assert rows["all"][1:4] == ["3", "6", "50.00"]
    assert rows["one"][1:4] == ["1", "2", "50.00"]
    assert rows["two"][1:4] == ["2", "4", "50.00"]
    assert rows["x"][7:10] == ["1", "0", "0"]
    assert "(none)" in text


def test_report_marks_errors_worst_first():
    results = (
        compare(utterance("all is well"), "all is well"),
        compare(utterance("the quick fox", speaker="s1", offset=2.5), "a the quack"),
    )
    report = alignment_report(Evaluation(results=results, failures=("b.wav: is empty.",)))
    assert report.index("quick") < report.index("well")
    lines = report.splitlines()
    at = next(n for n, line in enumerate(lines) if line.startswith("REF: * the"))
    assert lines[at] == "REF: * the quick fox"
    assert lines[at + 1] == "HYP: a the quack ***"
    assert lines[at + 2] == "     I     S     D"
    assert "at 2.500 s  s1" in report
    assert "failed: b.wav" in report


def test_a_manifest_is_transcribed_and_counted(tmp_path):
    first, second = say("red green"), say("blue")
    audio.write(tmp_path / "x.wav", np.concatenate([first, second]), RATE_HZ)
    path = tmp_path / "x.wav"
    seconds = len(first) / RATE_HZ, len(second) / RATE_HZ
    utterances = [
        Utterance(path, seconds[0], "Red, green!", corpus="c"),
        Utterance(path, seconds[1], "blues", offset=seconds[0], corpus="c"),
        Utterance(tmp_path / "gone.wav", 1.0, "nothing"),
    ]
    told = []
    evaluation = evaluate(tone_transcriber(), utterances, progress=lambda one, failure: told.append(failure))
    assert [result.hypothesis for result in evaluation.results] == ["red green", "blue"]
    assert evaluation.words().counts == Counts(hits=2, substitutions=1)
    assert evaluation.characters().counts.errors == 1
    assert len(evaluation.failures) == 1
    assert "gone.wav" in evaluation.failures[0]
    assert told == [None, None, evaluation.failures[0]]
