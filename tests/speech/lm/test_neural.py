"""The recurrent language model: its pieces, its scores, its training and its file."""

import numpy as np
import pytest
import torch

from speech.errors import CheckpointError, ConfigError, CorpusError
from speech.lm import neural_training
from speech.lm.neural import NeuralLM, NeuralLMConfig, PieceLSTM, load_neural_lm, save_neural_lm
from speech.lm.neural_training import NeuralTrainingConfig, fit_neural_lm, word_perplexity
from speech.lm.pieces import UNKNOWN_ID, WordPieces, count_words, learn_pieces
from speech.lm.reading import _prepared
from speech.precision import has_bfloat16_lstm

LINES = ["the cat sat on the mat", "the dog sat on the cat", "a cat and a dog", "cats and dogs"] * 4
SMALL = NeuralLMConfig(pieces=24, width=16, hidden=32, layers=2, dropout=0.1)
PIECES = WordPieces(learn_pieces(count_words(LINES), SMALL.pieces))


@pytest.fixture
def model() -> NeuralLM:
    torch.manual_seed(1)
    return NeuralLM(PieceLSTM(SMALL, len(PIECES)).requires_grad_(False).eval(), PIECES)


def test_the_most_frequent_neighbours_become_a_piece_first():
    letters = ["_a", "_b", "a", "b"]
    assert learn_pieces({"aab": 3, "bab": 2, "ab": 1}, 5) == [*letters, "ab"]
    assert learn_pieces({"aab": 3, "bab": 2, "ab": 1}, 7) == [*letters, "ab", "_aab", "_bab"]


def test_pieces_end_when_every_word_is_one():
    assert learn_pieces({"ab": 1}, 100) == ["_a", "b", "_ab"]


def test_words_are_cut_into_the_longest_pieces():
    pieces = WordPieces(["_c", "a", "t", "_cat", "ts", "s"])
    assert [pieces.pieces[index - 2] for index in pieces.encode("cats cat")] == ["_cat", "s", "_cat"]


def test_every_word_can_be_written():
    for word in ("tom", "dogdog", "ooo"):
        ids = PIECES.encode(word)
        assert "".join(PIECES.pieces[index - 2] for index in ids if index != UNKNOWN_ID).count("_") <= 1
    assert PIECES.encode("é") == [UNKNOWN_ID]


def test_scores_are_those_of_each_sentence_read_alone(model):
    sentences = ["the cat sat", "the cat", "the cat sat on the mat", "a dog", "", "the cat sat"]
    for sentence, found in zip(sentences, model.log_probs(sentences), strict=True):
        ids = torch.tensor([[0, *PIECES.encode(sentence)]])
        scores = model.network(ids).log_softmax(dim=-1)[0]
        following = [*ids[0, 1:].tolist(), 0]
        assert found == pytest.approx(float(scores[range(len(following)), following].sum()), abs=1e-4)
    assert len(model.log_probs([])) == 0


def test_what_has_been_read_gives_the_same_scores_later(model):
    sentences = ["the cat sat", "a dog", "the cat sat on the mat", "the dog sat", "a dog"]
    reading = model.reading()
    found = [reading.log_probs(sentences[:2]), reading.log_probs(sentences[2:4]), reading.log_probs(sentences[4:])]
    np.testing.assert_allclose(np.concatenate(found), model.log_probs(sentences), rtol=1e-5)


def test_sentences_that_end_alike_are_one_again_after_some_pieces(model):
    sentences = ["the cat sat on the mat", "a cat sat on the mat"]
    exact = model.log_probs(sentences)
    np.testing.assert_allclose(model.reading(100).log_probs(sentences), exact, rtol=1e-5)
    first, second = model.reading(3).log_probs(sentences)
    assert first == pytest.approx(exact[0], rel=1e-5)
    assert second != pytest.approx(exact[1], rel=1e-9)
    assert second == pytest.approx(exact[1], rel=0.1)


def test_a_sentence_that_repeats_itself_can_be_read(model):
    assert np.isfinite(model.reading(2).log_probs(["the cat the cat the cat the cat", "the cat"])).all()


def test_in_bfloat16_scores_are_nearly_the_same(model):
    sentences = ["the cat sat", "a dog", "the cat sat on the mat"]
    exact = model.log_probs(sentences)
    model.network.bfloat16()
    np.testing.assert_allclose(model.log_probs(sentences), exact, rtol=0.02)


def test_what_was_learned_is_likelier_than_what_was_not():
    config = NeuralTrainingConfig(epochs=100, batch_pieces=64, learning_rate=1e-2)
    model = fit_neural_lm(PIECES, LINES, SMALL, config)
    known, other = model.log_probs(["the cat sat on the mat", "mat the on sat cat the"])
    assert known > other + 10
    assert word_perplexity(model, LINES) < 4


def test_an_interrupted_training_continues_exactly(tmp_path, monkeypatch):
    config = NeuralTrainingConfig(epochs=3, batch_pieces=64, stored_as="int8", stored_part=0.5, save_every_s=0.0)
    whole = fit_neural_lm(PIECES, LINES, SMALL, config).network.state_dict()
    step, calls = neural_training._train_step, []

    def interrupted(*arguments):
        calls.append(1)
        if len(calls) == 6:
            raise KeyboardInterrupt
        return step(*arguments)

    monkeypatch.setattr(neural_training, "_train_step", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fit_neural_lm(PIECES, LINES, SMALL, config, tmp_path / "state.pt")
    resumed = fit_neural_lm(PIECES, LINES, SMALL, config, tmp_path / "state.pt").network.state_dict()
    for name, value in whole.items():
        torch.testing.assert_close(resumed[name], value, rtol=0, atol=0)
    with pytest.raises(CheckpointError, match="other sentences, pieces or settings"):
        fit_neural_lm(WordPieces(PIECES.pieces[::-1]), LINES, SMALL, config, tmp_path / "state.pt")
    with pytest.raises(CheckpointError, match="other sentences, pieces or settings"):
        fit_neural_lm(PIECES, LINES[1:], SMALL, config, tmp_path / "state.pt")
    with pytest.raises(CorpusError, match="dev: holds no words"):
        fit_neural_lm(PIECES, LINES, SMALL, config, dev={"dev": [""]})


def test_long_sentences_are_cut_and_nothing_is_lost():
    sentences = neural_training.Sentences(PIECES, ["the cat sat on the mat", "a"], longest=4)
    total = len(PIECES.encode("the cat sat on the mat")) + len(PIECES.encode("a"))
    assert sentences.lengths.sum() == len(sentences.ids) == total
    assert sentences.lengths.max() <= 4
    with pytest.raises(CorpusError, match="no words"):
        neural_training.Sentences(PIECES, [""], longest=4)


def test_batches_hold_every_sentence_once():
    lengths = np.random.default_rng(1).integers(1, 30, 200)
    groups = neural_training.batches(lengths, 64, seed=2)
    assert sorted(np.concatenate(groups).tolist()) == list(range(200))
    assert all(len(rows) * (lengths[rows].min() + 1) <= 64 for rows in groups)
    assert [rows.tolist() for rows in groups] == [rows.tolist() for rows in neural_training.batches(lengths, 64, 2)]


@pytest.mark.parametrize("precision", ["float32", "int8", "deflated"])
def test_file(tmp_path, model, precision):
    model.card = {"name": "small"}
    path = tmp_path / "lm.safetensors"
    save_neural_lm(path, model, precision)
    loaded = load_neural_lm(path)
    assert loaded.pieces.pieces == PIECES.pieces
    assert loaded.card == {"name": "small"}
    tolerance = 1e-5 if precision == "float32" else 0.02
    np.testing.assert_allclose(loaded.log_probs(LINES), model.log_probs(LINES), rtol=tolerance)


def test_loading_leaves_the_random_numbers_as_they_are(tmp_path, model):
    save_neural_lm(tmp_path / "lm.safetensors", model)
    before = torch.get_rng_state()
    load_neural_lm(tmp_path / "lm.safetensors")
    assert torch.equal(torch.get_rng_state(), before)


def test_what_is_no_model_is_refused(tmp_path, model):
    path = tmp_path / "lm.safetensors"
    with pytest.raises(CheckpointError, match="no such neural language model"):
        load_neural_lm(path)
    path.write_bytes(b"\0words")
    with pytest.raises(CheckpointError, match="damaged"):
        load_neural_lm(path)
    save_neural_lm(path, NeuralLM(model.network, WordPieces(PIECES.pieces[:-1])))
    with pytest.raises(CheckpointError, match="disagree"):
        load_neural_lm(path)


def test_impossible_sizes_are_refused():
    with pytest.raises(ConfigError, match="1 or more"):
        NeuralLMConfig(layers=0)
    with pytest.raises(ConfigError, match="at most 32000 pieces"):
        NeuralLMConfig(pieces=40_000)
    with pytest.raises(ConfigError, match="dropout"):
        NeuralLMConfig(dropout=1.0)
    with pytest.raises(ConfigError, match="above zero"):
        NeuralTrainingConfig(epochs=0)
    with pytest.raises(ConfigError, match="stored_part"):
        NeuralTrainingConfig(stored_part=2.0)


@pytest.mark.skipif(not has_bfloat16_lstm(), reason="this processor has no bfloat16 arithmetic")
def test_a_product_that_is_prepared_is_that_of_the_matrix():
    torch.manual_seed(0)
    weight, rows = torch.randn(96, 40), torch.randn(16, 40)
    torch.testing.assert_close(_prepared(weight)(rows), rows @ weight.T)
    exact = rows.bfloat16().float() @ weight.bfloat16().float().T
    torch.testing.assert_close(_prepared(weight.bfloat16())(rows.bfloat16()).float(), exact, rtol=1e-2, atol=1e-1)
