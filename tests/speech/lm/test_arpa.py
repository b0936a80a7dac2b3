"""ARPA files: what is written is read, and what is wrong is named with its line."""

import gzip

import numpy as np
import pytest

from speech.errors import CheckpointError
from speech.lm import EstimationConfig, estimate, read_arpa, write_arpa
from tests.speech.lm.test_kneser_ney import random_text

GOOD = r"""
\data\
ngram 1=5
ngram 2=3
ngram 3=1

\1-grams:
-1.5	<unk>
0	<s>	-0.25
-0.5	</s>
-0.75	a	-0.125
-1	b	-0.5

\2-grams:
-0.375	<s> a	-0.0625
-0.625	a b	0
-0.875	b </s>

\3-grams:
-0.1	<s> a b

\end\
"""


@pytest.fixture
def written(tmp_path):
    def write(text):
        path = tmp_path / "model.arpa"
        path.write_text(text)
        return path

    return write


def test_query_by_hand(written):
    model = read_arpa(written(GOOD))
    assert model.level_sizes == (5, 3, 1)
    np.testing.assert_allclose(model.word_scores(["a", "b"]), [-0.375, -0.1, -0.875], atol=1e-6)
    # b after "b": weight of b; </s> after "b b": weight of the missing "b b" is none.
    np.testing.assert_allclose(model.word_scores(["b", "b"]), [-1.25, -1.5, -0.875], atol=1e-6)
    # unknown: its own probability after the weights of <s> a and a; then nothing is known of the context.
    np.testing.assert_allclose(
        model.word_scores(["a", "zz", "a"]), [-0.375, -0.0625 - 0.125 - 1.5, -0.75, -0.625], atol=1e-6
    )
    assert model.score(["a"], bos=False, eos=False) == pytest.approx(-0.75)


@pytest.mark.parametrize("name", ["model.arpa", "model.arpa.gz"])
def test_round_trip(tmp_path, name):
    sentences = [" ".join(words) for words in random_text(1)]
    model = estimate(sentences, EstimationConfig(order=4, prune=(0, 0, 1), discount_fallback=True))
    write_arpa(tmp_path / name, model)
    write_arpa(tmp_path / f"again-{name}", model)
    assert (tmp_path / name).read_bytes() == (tmp_path / f"again-{name}").read_bytes()
    again = read_arpa(tmp_path / name)
    assert again.vocabulary == model.vocabulary
    assert again.level_sizes == model.level_sizes
    for sentence in [*sentences[:20], "w1 zzz w2"]:
        np.testing.assert_allclose(again.word_scores(sentence.split()), model.word_scores(sentence.split()), atol=1e-6)


def test_without_unknown_it_scores_minus_100(written):
    model = read_arpa(written(GOOD.replace("-1.5\t<unk>\n", "").replace("1=5", "1=4")))
    assert model.word_scores(["zz"])[0] == pytest.approx(-100.25)


BAD = [
    ("ngram 1=5", "ngram 1=6", "line 13: order 1 ends after 5 n-grams, but the header counts 6"),
    ("ngram 1=5", "ngram 1=4", r"line 12: expected \\2-grams:, got '-1"),
    ("ngram 3=1", "ngram 3=2", "line 21: order 3 ends after 1"),
    ("-0.75\ta", "nought\ta", "line 11: 'nought' or '-0.125' is not a number"),
    ("-0.75\ta", "nan\ta", "line 11: .*out of range"),
    ("-0.75\ta", "0.75\ta", "line 11: .*out of range"),
    ("a\t-0.125", "a", "line 11: the back-off weight is missing"),
    ("a\t-0.125", "a\t-1e39", "line 11: .*out of range"),
    ("a\t-0.125", "a\t1e5", "line 11: .*out of range"),
    ("-1\tb\t-0.5", "-1\ta\t-0.5", "line 12: the word 'a' stands twice"),
    ("<s> a b", "<s> a c", "line 20: the word 'c' is not among the 1-grams"),
    ("<s> a b", "b a b", "line 20: its first 2 words are no n-gram of order 2"),
    ("a b\t0", "<s> a\t0", "line 16: the n-gram of line 15 stands here again"),
    ("<s> a b", "<s> a b\t-0.1", "line 20: an n-gram of the highest order"),
    ("-1.5\t<unk>", "-1.5\t<unk>\t0\t0", "line 8: expected a number, 1 words"),
    ("\\end\\", "", "the file ends before"),
    ("\\data\\", "data", "this is no ARPA file"),
    ("ngram 2=3", "ngram 3=3", "expected the count of order 2"),
    ("-0.5\t</s>\n", "", "order 1 ends after 4"),
]


@pytest.mark.parametrize(("old", "new", "message"), BAD)
def test_damage_is_named(written, old, new, message):
    assert old in GOOD
    with pytest.raises(CheckpointError, match=message):
        read_arpa(written(GOOD.replace(old, new)))


@pytest.mark.parametrize("count", [10**12, 99999999999999999999])
def test_a_count_that_memory_would_not_hold_is_named(written, tmp_path, count):
    for old in ("1=5", "2=3", "3=1"):
        text = GOOD.replace(old, f"{old[0]}={count}")
        zipped = tmp_path / "model.arpa.gz"
        zipped.write_bytes(gzip.compress(text.encode()))
        for path in (written(text), zipped):
            message = f"{path.name}: line [0-9]+: order {old[0]} ends after {old[2]} .* but the header counts {count}"
            with pytest.raises(CheckpointError, match=message):
                read_arpa(path)


def test_sections_grow_as_they_are_read(written, monkeypatch):
    expected = read_arpa(written(GOOD))
    monkeypatch.setattr("speech.lm.arpa._FIRST_ROWS", 1)
    model = read_arpa(written(GOOD))
    assert model.vocabulary == expected.vocabulary
    for ours, theirs in zip(model.arrays, expected.arrays, strict=True):
        np.testing.assert_array_equal(ours, theirs)
    with pytest.raises(CheckpointError, match="line 16: the n-gram of line 15 stands here again"):
        read_arpa(written(GOOD.replace("a b\t0", "<s> a\t0")))


@pytest.mark.parametrize("damage", [lambda data: data[:-20], lambda data: data[:-8], lambda data: data[:-8] + bytes(8)])
def test_damaged_gzip(tmp_path, damage):
    """Though all n-grams can be read: the checksum tells whether they are those that were written."""
    path = tmp_path / "model.arpa.gz"
    path.write_bytes(damage(gzip.compress(GOOD.encode())))
    with pytest.raises(CheckpointError, match="model.arpa.gz"):
        read_arpa(path)


def test_remarks_before_the_data(written):
    assert read_arpa(written("# made by me\n\n" + GOOD)).vocabulary == read_arpa(written(GOOD)).vocabulary


def test_other_tools_spellings(written):
    text = GOOD.replace("<unk>", "<UNK>\t-0.1").replace("-0.875\tb </s>", "-0.875\t<UNK> b\n-0.5\tb </s>")
    text = text.replace("ngram 2=3", "ngram 2=4").replace("\tb", "\t10\u00a0000").replace(" b", " 10\u00a0000")
    model = read_arpa(written(text))
    assert model.vocabulary[3:] == ("a", "10\u00a0000")
    assert model.score(["never"]) == pytest.approx(model.score(["seldom"]))


def test_a_weight_of_0_at_the_highest_order_is_as_none(written):
    model = read_arpa(written(GOOD.replace("<s> a b", "<s> a b\t0")))
    assert model.score(["a", "b"]) == pytest.approx(read_arpa(written(GOOD)).score(["a", "b"]))


@pytest.mark.parametrize("word", ["\u00a0", "\u3000", "b\u00a0", "\u2028", "\x85", "\x0c"])
def test_only_the_blanks_of_the_format_part_words(written, word):
    text = GOOD.replace("\tb\t", f"\t{word}\t").replace(" b", f" {word}").replace("\tb ", f" \t{word}  ")
    assert read_arpa(written(text)).vocabulary[3:] == ("a", word)
