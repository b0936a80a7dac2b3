"""Hot-words: the automaton written out against its edges, and decoders that use either."""

from dataclasses import replace

import numpy as np
import pytest

from ctc.beam import BeamDecoder
from ctc.beam_kernels import hot_step
from ctc.beam_spelling import build_hot_words

TOKENS = ["<blank>", " ", *"abcd"]
PATTERNS = {(1, 2, 1): 3.0, (1, 2, 3, 1): 5.0, (2, 3): 1.0, (3, 2, 3, 4): -2.0, (4, 4): 0.5, (3,): 0.25}


def test_written_out_automaton_takes_the_same_steps():
    searched, written = build_hot_words(PATTERNS), build_hot_words(PATTERNS, len(TOKENS), 1)
    many = build_hot_words(PATTERNS, 65)
    assert len(searched.targets) == len(many.targets) == len(searched.roots) == 1
    assert len(written.targets) == len(written.tokens) == len(searched.tokens)
    for state in range(len(written.tokens)):
        for label in range(1, len(TOKENS)):
            following, gain = hot_step(searched, state, label)
            assert hot_step(written, state, label) == hot_step(many, state, label) == (following, gain)
            assert np.exp(gain) <= many.gains[label] * (1 + 1e-12)
            assert written.factors[state, label] == pytest.approx(np.exp(gain), rel=1e-12)
            if following == 0:
                assert gain <= 0.0
            if label != 1:  # looked at apart
                assert written.factors[state, label] <= written.most[state]
            assert np.exp(gain) <= searched.best[state] * (1 + 1e-12)


@pytest.mark.parametrize("token_beam", [None, 3])
@pytest.mark.parametrize("beam_size", [4, 25])
def test_many_tokens_decode_as_few_do(beam_size, token_beam):
    """More than 64 tokens have no table; those that are never said change nothing else."""
    scores = 2.0 * np.random.default_rng(beam_size).standard_normal((80, len(TOKENS)))
    silent = [f"<{k}>" for k in range(70)]
    padded = np.concatenate([scores, np.full((80, len(silent)), -1e4)], axis=1)
    settings = {
        "beam_size": beam_size,
        "token_beam": token_beam,
        "hotwords": {"ab": 4.0, "abc": 8.0, "d a": 2.0, "c": -1.0},
    }
    few = BeamDecoder(TOKENS, **settings).decode(scores, n_best=4)
    many = BeamDecoder([*TOKENS, *silent], **settings).decode(padded, n_best=4)
    assert [h.text for h in few] == [h.text for h in many]
    np.testing.assert_allclose([h.score for h in few], [h.score for h in many], rtol=1e-9)


@pytest.mark.parametrize("parted", [True, False])
@pytest.mark.parametrize("seed", range(4))
def test_words_that_are_not_hot_are_left_out_without_loss(parted, seed):
    random = np.random.default_rng(seed)
    letters = list("abcde")
    words = sorted({"".join(random.choice(letters, random.integers(1, 5))) for _ in range(60)})
    chosen = random.choice(words, 6, replace=False).tolist()
    hot = {
        chosen[0]: 6.0,
        chosen[1]: -2.0,
        f"{chosen[2]} {chosen[3]}": 8.0,
        f"{chosen[2]} {chosen[4]} {chosen[5]}": 3.0,
    }
    tokens = ["<blank>", *([" "] if parted else []), *letters]
    settings = {"lexicon": {word: word for word in words}, "hotwords": hot, "beam_size": 30, "word_bonus": 0.5}
    decoder, exhaustive = BeamDecoder(tokens, **settings), BeamDecoder(tokens, **settings)
    search = exhaustive.search
    assert len(search.hot.rises) > 1
    every = search.tree._replace(limits=np.full_like(search.tree.limits, 1e9))
    exhaustive.search = replace(search, tree=every, hot=search.hot._replace(rises=np.full_like(search.hot.rises, 1e9)))
    scores = 2.0 * random.standard_normal((40, len(tokens))).astype(np.float32)
    for found, expected in zip(decoder.decode(scores), exhaustive.decode(scores), strict=True):
        assert found.text == expected.text
        assert found.score == pytest.approx(expected.score, abs=1e-9)


PIECES = ["<blank>", "▁", "▁ca", "▁cat", "▁c", "a", "t", "at", "▁dog", "▁do", "g", "▁cad"]


@pytest.mark.parametrize("said", ["▁cat", "▁ca t", "▁c at", "▁c a t"])
def test_hot_words_count_however_their_pieces_are_parted(said):
    labels = [PIECES.index(piece) for piece in [*said.split(), "▁do", "g"]]
    scores = np.full((2 * len(labels), len(PIECES)), -6.0)
    scores[::2, 0] = 0.0
    scores[np.arange(len(labels)) * 2 + 1, labels] = 0.0
    decoder = BeamDecoder(PIECES, beam_size=500, hotwords={"cat dog": 5.0, "cat": 1.0})
    found = next(h for h in decoder.decode(scores, n_best=50) if [t.label for t in h.tokens] == labels)
    assert found.text == "cat dog"
    assert found.bonus == pytest.approx(6.0)


def test_hot_words_that_the_longest_piece_first_cannot_spell():
    tokens = ["<blank>", "▁ab", "▁a", "bc", "b"]
    assert BeamDecoder(tokens, hotwords=["abc"]).search.hot.awards.max() == 8.0
    with pytest.raises(ValueError, match="'abx' holds 'x', which the tokens cannot spell"):
        BeamDecoder(tokens, hotwords=["abx"])
    with pytest.raises(ValueError, match="'ac' holds 'ac', which the tokens cannot spell"):
        BeamDecoder(tokens, hotwords=["ac"])


def test_few_of_many_spellings_are_kept():
    letters = ["<blank>", "▁", "▁a", "a", "aa", "aaa"]
    search = BeamDecoder(letters, hotwords={"aaaaaaaaaaaaaaaaaaaaaaaa aaaaaaaaaaaaaaaa": 3.0}).search
    assert (search.hot.awards > 0).sum() == 8
