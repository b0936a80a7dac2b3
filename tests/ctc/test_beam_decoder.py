"""The decoder around the search: times, streams, batches, pruning, and what it refuses."""

import numpy as np
import pytest
import torch

from ctc import greedy_decode
from ctc.beam import BeamDecoder
from ctc.beam_kernels import find_child
from ctc.beam_spelling import build_tree
from ctc.ngram import NGram, unigrams

TOKENS = ["<blank>", " ", *"abcdefg"]


def peaked_scores(seed, num_frames, num_units=9, scale=4.0):
    return scale * np.random.default_rng(seed).standard_normal((num_frames, num_units))


def same(ours, theirs):
    return [(h.text, h.tokens, round(h.score, 9)) for h in ours] == [
        (h.text, h.tokens, round(h.score, 9)) for h in theirs
    ]


@pytest.mark.parametrize("cuts", [[7], [1, 2, 50], [0, 300]])
def test_a_stream_is_the_whole(cuts):
    scores = peaked_scores(0, 300)
    decoder = BeamDecoder(TOKENS, beam_size=20, hotwords={"bad cab": 3.0})
    whole = decoder.decode(scores, n_best=5)
    stream = decoder.stream()
    for piece in np.split(scores, cuts):
        stream.push(piece)
        assert len(stream.partial()) == 1
    assert stream.num_frames == 300
    assert same(stream.finish(n_best=5), whole)


def test_a_batch_is_its_rows_whatever_the_padding():
    scores = peaked_scores(1, 4 * 60).reshape(4, 60, -1)
    lengths = [60, 0, 31, 59]
    decoder = BeamDecoder(TOKENS, beam_size=16, num_threads=3)
    rows = [decoder.decode(scores[b, :n], n_best=3) for b, n in enumerate(lengths)]
    scores[2, 31:] = np.nan
    batch = decoder.decode(torch.from_numpy(scores), lengths, n_best=3)
    assert all(same(ours, theirs) for ours, theirs in zip(batch, rows, strict=True))
    assert batch[1][0].text == ""


@pytest.mark.parametrize("num_threads", [1, 3])
def test_a_batch_of_none_has_no_results(num_threads):
    decoder = BeamDecoder(TOKENS, beam_size=4, num_threads=num_threads)
    assert decoder.decode(np.zeros((0, 5, len(TOKENS)))) == []
    assert decoder.decode(np.zeros((0, 5, len(TOKENS))), []) == []


def test_a_stream_goes_on_after_a_piece_that_was_refused():
    scores = peaked_scores(6, 40)
    decoder = BeamDecoder(TOKENS, beam_size=8)
    bad = scores[10:30].copy()
    bad[5, 3] = np.nan
    stream = decoder.stream()
    stream.push(scores[:10])
    with pytest.raises(ValueError, match="frame 15 holds NaN"):
        stream.push(bad)
    assert stream.num_frames == 15
    assert len(stream.partial()) == 1
    stream.push(scores[15:])
    assert same(stream.finish(n_best=3), decoder.decode(scores, n_best=3))


@pytest.mark.parametrize("token", [2, 3, 63, 64, 66, 130])
def test_tokens_from_64_up_are_told_from_those_of_the_words(token):
    tree = build_tree([[2], [63]], np.arange(2), np.zeros(2), np.arange(2), np.zeros(2), 0.0)
    assert len(tree.masks) == len(tree.tokens)
    expected = {2: 1, 63: 2}.get(token, -1)
    assert find_child(tree.begins, tree.tokens, tree.masks, 0, token) == expected


def test_times_are_those_of_the_best_path_where_that_is_certain():
    units = [0, 2, 2, 0, 3, 1, 1, 4, 4, 0, 4, 0]
    scores = np.full((len(units), len(TOKENS)), -12.0)
    scores[np.arange(len(units)), units] = 0.0
    best = BeamDecoder(TOKENS).decode(scores)[0]
    (greedy,) = greedy_decode(torch.from_numpy(scores)[None])
    assert [(t.label, t.start_frame, t.end_frame) for t in best.tokens] == [
        (t.label, t.start_frame, t.end_frame) for t in greedy
    ]
    np.testing.assert_allclose([t.confidence for t in best.tokens], [t.confidence for t in greedy], atol=1e-6)
    assert best.text == "ab cc"
    assert [(w.text, w.start_frame, w.end_frame) for w in best.words] == [("ab", 1, 5), ("cc", 7, 11)]


def test_long_recordings_are_timed_in_chunks():
    random = np.random.default_rng(2)
    units = np.repeat(random.integers(0, len(TOKENS), 1500), 2)
    scores = np.full((3000, len(TOKENS)), -8.0) + random.standard_normal((3000, len(TOKENS)))
    scores[np.arange(3000), units] = 3.0
    best = BeamDecoder(TOKENS, beam_size=8).decode(scores)[0]
    (greedy,) = greedy_decode(torch.from_numpy(scores)[None])
    assert [t.label for t in best.tokens] == [t.label for t in greedy]
    assert [t.start_frame for t in best.tokens] == [t.start_frame for t in greedy]


def test_narrow_beam_finds_the_same_as_a_wide_one_on_certain_scores():
    scores = peaked_scores(3, 200, scale=12.0)
    narrow, wide = (BeamDecoder(TOKENS, beam_size=size).decode(scores)[0] for size in (10, 300))
    assert narrow.text == wide.text
    assert narrow.acoustic_score == pytest.approx(wide.acoustic_score, abs=0.1)
    cut = BeamDecoder(TOKENS, beam_size=300, beam_threshold=25.0, token_beam=5).decode(scores)[0]
    assert cut.text == wide.text


def test_float32_and_tensors():
    scores = peaked_scores(4, 80)
    decoder = BeamDecoder(TOKENS, beam_size=16)
    whole = decoder.decode(scores)[0]
    for other in (scores.astype(np.float32), torch.from_numpy(scores).half().float(), torch.from_numpy(scores)):
        assert decoder.decode(other)[0].score == pytest.approx(whole.score, abs=0.05)


def test_hot_word_is_found():
    scores = np.zeros((6, len(TOKENS)))
    for t, letters in enumerate(["cd", "cd", "a", "bc", "", ""]):
        scores[t] = [0.1 if k == 0 else 6.0 if TOKENS[k] in letters and letters else 0.0 for k in range(len(TOKENS))]
        scores[t, 0] = 6.0 if not letters else 0.0
    scores[0, TOKENS.index("c")] += 0.5
    scores[1, TOKENS.index("c")] += 0.5
    scores[3, TOKENS.index("c")] += 0.5
    assert BeamDecoder(TOKENS).decode(scores)[0].text == "cac"
    assert BeamDecoder(TOKENS, hotwords={"dab": 4.0}).decode(scores)[0].text == "dab"
    assert BeamDecoder(TOKENS, hotwords={"da": 4.0}).decode(scores)[0].text == "cac"


def model(*words):
    return NGram.from_levels(("<unk>", "<s>", "</s>", *words), [unigrams([-1.0] * (3 + len(words)))])


REFUSED = [
    ({"beam_size": 0}, "beam_size must be 1 or more, got 0"),
    ({"beam_threshold": 0.0}, "beam_threshold must be above 0"),
    ({"num_threads": -2}, "num_threads must be 1 or more"),
    ({"lm_weight": -1.0}, "lm_weight must be 0 or more"),
    ({"blank": 99}, "blank must be a unit"),
    ({"boundary": "_"}, "boundary: '_' is not among the tokens"),
    ({"silence": "a"}, "silence belongs to framewise"),
    ({"lm": model("AB")}, "check upper and lower case"),
    ({"lm": model("x"), "lm_unit": "token"}, "is it a model of words"),
    ({"lexicon": {"x": "x"}}, "lexicon: 'x' is spelt with 'x', which is not among the tokens"),
    ({"lexicon": {"x": ""}}, "empty pronunciation"),
    ({"lexicon": {}}, "holds no pronunciations"),
    ({"lexicon": {"a": {"a": 2.0}}}, "probability"),
    ({"hotwords": ["zoë"]}, "hotwords: 'zoë' holds 'z', which the tokens cannot spell"),
    ({"hotwords": "abc"}, "expected a list"),
    ({"hotwords": {"a": np.inf}}, "must be within"),
    ({"hotwords": {"a": 1000.0}}, "must be within"),
    ({"blank": -1}, "blank must be a unit"),
    ({"lexicon": {"a": "a"}, "hotwords": ["b"]}, "hotwords: 'b' is not in the lexicon"),
    ({"log_prior": [0.0]}, "log_prior: expected 9 finite numbers"),
    ({"log_prior": [0.0] * 8 + [-1000.0]}, "log_prior: token 8 has more than"),
    ({"hotwords": {"a": None}}, "the boost of 'a' must be within"),
]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"beam_size": 2.5}, "beam_size: expected an integer, got 2.5"),
        ({"blank": "-"}, "blank: expected an integer"),
        ({"lexicon": ["ab"]}, "lexicon: expected a mapping"),
        ({"lexicon": {"ab": None}}, "lexicon: the pronunciations of 'ab'"),
        ({"hotwords": [1]}, "hotwords: expected words or phrases"),
        ({"lm": "model.arpa"}, "lm: expected an NGram"),
    ],
)
def test_settings_of_another_kind_are_refused(settings, message):
    with pytest.raises(TypeError, match=message):
        BeamDecoder(TOKENS, **settings)


def test_word_pieces_want_a_model_of_pieces():
    pieces = ["<blank>", "▁the", "▁cat", "s"]
    with pytest.raises(ValueError, match="the tokens are word pieces .* give a model of pieces, or a lexicon"):
        BeamDecoder(pieces, model("the", "s", "cat"))
    scores = np.log([[0.04, 0.9, 0.02, 0.04], [0.04, 0.02, 0.9, 0.04], [0.04, 0.04, 0.04, 0.88]])
    assert BeamDecoder(pieces, model("▁the", "s", "▁cat")).decode(scores)[0].text == "the cats"


@pytest.mark.parametrize("ended", [True, False])
def test_words_spelt_alike_are_told_apart_where_the_scores_end(ended):
    tokens, lexicon, scores = ["-", "a", " "], {"their": "a", "there": "a"}, np.log([[0.1, 0.8, 0.1]])
    stream = BeamDecoder(tokens, lexicon=lexicon, hotwords={"there": 8.0}).stream()
    stream.push(scores)
    found = stream.finish(5) if ended else stream.partial(5)
    assert [h.text for h in found] == ["there", "their", ""]
    assert [h.bonus for h in found] == [8.0, 0.0, 0.0]


def test_a_common_offset_changes_no_times():
    scores = peaked_scores(7, 40)
    decoder = BeamDecoder(TOKENS)
    plain, moved = decoder.decode(scores)[0], decoder.decode(scores + 1e9)[0]
    assert [(t.label, t.start_frame, t.end_frame) for t in moved.tokens] == [
        (t.label, t.start_frame, t.end_frame) for t in plain.tokens
    ]
    assert np.allclose([t.confidence for t in moved.tokens], [t.confidence for t in plain.tokens], atol=1e-5)


@pytest.mark.parametrize(("settings", "message"), REFUSED)
def test_bad_settings_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        BeamDecoder(TOKENS, **settings)


def test_a_pronunciation_given_twice_is_one():
    scores = peaked_scores(5, 30)
    once = BeamDecoder(TOKENS, lexicon={"ab": ["ab"], "c": ["c"], "d": ["d"]}).decode(scores)
    twice = BeamDecoder(TOKENS, lexicon={"ab": ["ab", "a b"], "c": ["c", "c"], "d": ["d"]}).decode(scores)
    assert [(one.text, one.score) for one in once] == [(one.text, one.score) for one in twice]


def test_bad_scores_are_refused():
    decoder = BeamDecoder(TOKENS)
    scores = peaked_scores(5, 10)
    with pytest.raises(ValueError, match="expected .T, 9. for 9 tokens"):
        decoder.decode(scores[:, :4])
    bad = np.stack([scores, scores])
    bad[1, 4, 2] = np.nan
    with pytest.raises(ValueError, match="row 1: frame 4 holds NaN"):
        decoder.decode(bad)
    with pytest.raises(ValueError, match="lengths: expected 2"):
        decoder.decode(bad, [11, 1])
    with pytest.raises(ValueError, match="n_best"):
        decoder.decode(scores, n_best=0)
