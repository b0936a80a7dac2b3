"""Search with language models, hot-words and lexicons: what it finds, on long recordings, and what it refuses."""

import dataclasses
import json
import math
import struct

import numpy as np
import pytest
import torch

from ctc import NGram
from speech import checkpoint
from speech.checkpoint import LoadedModel, build
from speech.chunks import ChunkConfig
from speech.decoding import (
    DecodingConfig,
    SearchStream,
    build_decoding,
    decoding_config,
    read_language_model,
)
from speech.errors import CheckpointError, ConfigError
from speech.frontend import Frontend, FrontendConfig
from speech.hotwords import as_transcribed, boosts, read_hotwords
from speech.lexicon import Lexicon
from speech.lm import EstimationConfig, estimate, save, write_arpa
from speech.loading import load_model
from speech.models import HeadConfig, ModelConfig
from speech.priors import BLANK_SHARE, log_character_shares, log_prior
from speech.pronunciations import DecodingLexicon
from speech.rescoring import SecondHead, SecondLanguageModel, total_scores
from speech.transcribe import Transcriber
from speech.units import ARPABET, Units, build_units
from tests.speech.test_transcribe import random_text
from tests.speech.tone_model import RATE_HZ, UNITS, ToneModel, say

CHARACTERS = build_units("character")
SENTENCES = ["the cat sat on the mat", "the dog sat on the cat", "a cat and a dog", "the mat and the dog"] * 3


@pytest.fixture(scope="module")
def lm() -> NGram:
    return estimate(SENTENCES, EstimationConfig(order=2, discount_fallback=True))


def tone_model() -> LoadedModel:
    return LoadedModel(Frontend(FrontendConfig()), ToneModel(), {"character": HeadConfig()}, {"character": UNITS})


def heard(text: str, units: Units = CHARACTERS, strength: float = 6.0) -> np.ndarray:
    """Log probabilities of text: two frames a unit, a blank between units."""
    ids = [unit for symbol in text for unit in (units.ids[symbol],) * 2 + (0,)]
    scores = torch.zeros(len(ids), len(units))
    scores[torch.arange(len(ids)), torch.tensor(ids)] = strength
    return scores.log_softmax(dim=1).numpy()


def text_of(decoding, scores) -> str:
    stream = decoding.stream()
    stream.push(scores)
    return " ".join(word.text for word in stream.words(np.arange(len(scores) + 1) * 0.04))


def test_language_model_mends_what_was_misheard(lm):
    scores = heard("the cot sat")
    scores[heard("the cat sat").argmax(axis=1) == CHARACTERS.ids["a"]] *= 0.5
    assert text_of(build_decoding(tone_model(), DecodingConfig(lm_weight=0.0, word_bonus=0.0), None), scores) == (
        "the cot sat"
    )
    assert text_of(build_decoding(tone_model(), DecodingConfig(), lm), scores) == "the cat sat"


def test_hotword_unknown_to_the_language_model_is_written(lm):
    scores = heard("the tat sat")
    plain = build_decoding(tone_model(), DecodingConfig(), lm)
    favoured = build_decoding(tone_model(), DecodingConfig(), lm, hotwords=["tat"])
    assert text_of(plain, scores) != "the tat sat"
    assert text_of(favoured, scores) == "the tat sat"


@pytest.mark.parametrize(("seed", "views"), [(0, 1), (1, 1), (1, 2)])
def test_long_recordings_keep_every_word_over_windows_and_segments(seed, views):
    text = random_text(150, seed)
    lm = estimate([text], EstimationConfig(order=1, discount_fallback=True))
    decoding = build_decoding(tone_model(), DecodingConfig(beam=20, views=views), lm)
    chunks = ChunkConfig(window_s=8.0, overlap_s=3.0, margin_s=0.6)
    transcript = Transcriber(tone_model(), chunks=chunks, decoding=decoding).transcribe(say(text), RATE_HZ)
    assert transcript.text == text
    greedy = Transcriber(tone_model(), chunks=chunks).transcribe(say(text), RATE_HZ)
    for ours, theirs in zip(transcript.words, greedy.words, strict=True):
        assert abs(ours.start_s - theirs.start_s) < 0.2
        assert abs(ours.end_s - theirs.end_s) < 0.2
        assert ours.confidence > 0.9


def test_nothing_is_heard_in_silence(lm):
    decoding = build_decoding(tone_model(), DecodingConfig(), lm)
    transcript = Transcriber(tone_model(), decoding=decoding).transcribe(np.zeros(10 * RATE_HZ, np.float32), RATE_HZ)
    assert transcript.words == ()


def test_segments_end_in_pauses_and_memory_is_bounded(lm):
    decoding = dataclasses.replace(build_decoding(tone_model(), DecodingConfig(), lm), frame_step_s=0.04)
    quiet = heard("the cat")[[2] * 50]
    stream = SearchStream(decoding)
    longest = 0
    for _ in range(60):
        stream.push(np.concatenate([heard("the cat sat on the mat "), quiet]))
        longest = max(longest, stream.num_frames - stream._first_frame)
    assert longest * 0.04 < 25
    words = stream.words(np.arange(stream.num_frames + 1) * 0.04)
    assert " ".join(word.text for word in words) == " ".join(["the cat sat on the mat"] * 60)
    assert all(before.end_s <= after.start_s for before, after in zip(words, words[1:], strict=False))


def test_pieces_change_nothing(lm):
    decoding = build_decoding(tone_model(), DecodingConfig(), lm)
    scores = np.concatenate([heard("the dog sat "), heard("the cat")[[2] * 400], heard("a mat")])
    whole, pieces = decoding.stream(), decoding.stream()
    whole.push(scores)
    for first in range(0, len(scores), 7):
        pieces.push(scores[first : first + 7])
    times = np.arange(len(scores) + 1) * 0.04
    assert whole.words(times) == pieces.words(times)


def test_threads_change_nothing(lm):
    decoding = dataclasses.replace(build_decoding(tone_model(), DecodingConfig(), lm), frame_step_s=0.04)
    scores = np.concatenate([heard("the cat sat on the mat "), heard("the cat", strength=9.0)[[2] * 400]] * 30)
    times, threads, found = np.arange(len(scores) + 1) * 0.04, torch.get_num_threads(), []
    try:
        for num_threads in (1, 3):
            torch.set_num_threads(num_threads)
            stream = decoding.stream()
            stream.push(scores)
            found.append(stream.words(times))
    finally:
        torch.set_num_threads(threads)
    assert len(found[0]) == 180
    assert found[0] == found[1]


# --- phones ------------------------------------------------------------------------------------


def phone_model(framewise: bool) -> LoadedModel:
    units = Units("phone", ("SIL" if framewise else "<blank>", *ARPABET))
    return LoadedModel(
        Frontend(FrontendConfig()), ToneModel(), {"phone": HeadConfig(units="phone")}, {"phone": units, "x": CHARACTERS}
    )


def phone_scores(phones: str, units: Units, framewise: bool) -> np.ndarray:
    rest = [] if framewise else [0]
    ids = [unit for phone in phones.split() for unit in [units.ids[phone]] * 3 + rest]
    scores = torch.zeros(len(ids), len(units))
    scores[torch.arange(len(ids)), torch.tensor(ids)] = 6.0
    return scores.log_softmax(dim=1).numpy()


@pytest.mark.parametrize("framewise", [False, True])
def test_phones_become_words_by_lexicon_and_language_model(lm, framewise):
    loaded = phone_model(framewise)
    lexicon = DecodingLexicon.of_words(lm.vocabulary[3:], Lexicon())
    decoding = build_decoding(loaded, DecodingConfig(head="phone", prior_scale=0.0), lm, lexicon=lexicon)
    spoken = "DH AH K AE T S AE T AA N DH AH M AE T"
    if framewise:
        spoken = "SIL DH AH SIL K AE T S AE T AA N SIL DH AH M AE T SIL"
    assert text_of(decoding, phone_scores(spoken, loaded.units["phone"], framewise)) == "the cat sat on the mat"


def test_a_beam_too_narrow_for_a_lexicon_is_told(lm, caplog):
    lexicon = DecodingLexicon.of_words(lm.vocabulary[3:], Lexicon())
    build_decoding(phone_model(False), DecodingConfig(head="phone", beam=5), lm, lexicon=lexicon)
    assert "a beam of 5 loses most words; take 30 or more" in caplog.text


def test_priors_are_divided_out(lm):
    loaded = phone_model(framewise=True)
    loaded.model.log_prior = lambda head: torch.log_softmax(torch.arange(40.0), dim=0)
    lexicon = DecodingLexicon.of_words(lm.vocabulary[3:], Lexicon())
    config = DecodingConfig(head="phone", prior_scale=0.5)
    search = build_decoding(loaded, config, lm, lexicon=lexicon).decoder.search
    expected = torch.exp(-0.5 * torch.log_softmax(torch.arange(40.0), dim=0))
    np.testing.assert_allclose(search.weights, expected, rtol=1e-5)


def test_second_head_decides_between_homophones():
    lm = estimate(["read the", "red the"] * 5, EstimationConfig(order=1, discount_fallback=True))
    loaded = phone_model(framewise=False)
    lexicon = DecodingLexicon.of_words(lm.vocabulary[3:], Lexicon())
    phones = phone_scores("R EH D", loaded.units["phone"], framewise=False)
    for word in ("red", "read"):
        config = DecodingConfig(head="phone", second_head="x")
        decoding = build_decoding(loaded, config, lm, lexicon=lexicon)
        characters = np.full((len(phones), len(CHARACTERS)), -8.0, np.float32)
        said = heard(word)
        characters[: len(said)] = said
        characters[len(said) :, 0] = 0.0
        assert text_of(decoding, np.concatenate([phones, characters[: len(phones)]], axis=1)) == word


def test_words_of_more_phones_than_any_word_has(caplog):
    lexicon = Lexicon({"long": [("AH0",) * 255], "longer": [("AH0",) * 256]})
    known = DecodingLexicon.of_words(["long", "longer", "read"], lexicon)
    assert [len(known.pronunciations(word)) for word in known.words] == [1, 0, 2]
    assert known.spelt(build_units("phone")).padded.shape == (3, 255)
    with pytest.raises(ConfigError, match='"longer..." has 256 phones; a word has at most 255'):
        known.restricted(["read"]).with_words(["longer"], lexicon)
    assert known.restricted(["read"]).with_words(["longer"], lexicon, skip_unsayable=True).words == ("read",)
    assert "'longer'" in caplog.text


def test_hotwords_are_taken_in_the_letters_of_transcripts():
    assert as_transcribed(["Camel Hair"]) == ["camel hair"]
    assert as_transcribed({"Ada": 3.0}) == {"ada": 3.0}
    assert as_transcribed(None) is None
    with pytest.raises(ConfigError, match="a list or a mapping"):
        as_transcribed("names.txt")
    with pytest.raises(ConfigError, match="hot-words: expected words or phrases, as text, got 7"):
        as_transcribed(["Ada", 7])


class Reader:
    """Stands for a recurrent language model that has read some sentences."""

    def __init__(self, known: dict[str, float]):
        self.known = known

    def reading(self, context: int) -> "Reader":
        """What one utterance's hypotheses are read by."""
        return self

    def log_probs(self, sentences: list[str]) -> np.ndarray:
        return np.array([self.known.get(sentence, -50.0) for sentence in sentences])


@pytest.mark.parametrize("share", [0.0, 0.5])
def test_second_language_model_decides_between_homophones(share):
    lm = estimate(["read the"] * 6 + ["red the"] * 5, EstimationConfig(order=1, discount_fallback=True))
    loaded = phone_model(framewise=False)
    lexicon = DecodingLexicon.of_words(lm.vocabulary[3:], Lexicon())
    config = DecodingConfig(head="phone", neural_share=share)
    decoding = build_decoding(loaded, config, lm, lexicon=lexicon, neural=Reader({"red": -1.0, "read": -9.0}))
    phones = phone_scores("R EH D", loaded.units["phone"], framewise=False)
    assert text_of(decoding, phones) == ("red" if share else "read")


def test_unknown_words_lose_as_much_beside_a_second_language_model(lm):
    scores = heard("the tat sat")
    (best,) = build_decoding(tone_model(), DecodingConfig(), lm, hotwords=["tat"]).decoder.decode(scores)[:1]
    assert best.text == "the tat sat"
    read = math.log(10) * (best.lm_score + 10)  # the same as the n-gram without the loss of one unknown word
    opinion = SecondLanguageModel(Reader({best.text: read}), 0.7, lm.ids, -10.0)
    assert opinion.gains([best], scores) == pytest.approx([0.0], abs=1e-6)


def test_a_hypothesis_that_cannot_be_is_not_chosen():
    class Candidate:
        def __init__(self, score):
            self.score = score

    class Doubter:
        def gains(self, hypotheses, scores):
            return np.array([0.0, math.inf, math.nan])

    several = [Candidate(-3.0), Candidate(-math.inf), Candidate(-4.0)]
    assert total_scores(several, [Doubter()], np.zeros((0, 0))).tolist() == [-3.0, -math.inf, -math.inf]


def test_second_head_refuses_heads_that_do_not_go_together():
    with pytest.raises(ConfigError, match="must be one of CTC"):
        SecondHead(build_units("phone", framewise=True), CHARACTERS, 0.5)
    with pytest.raises(ConfigError, match="cannot score"):
        SecondHead(build_units("phone"), CHARACTERS, 0.5)


def test_pronunciations_survive_the_file_and_take_further_words(tmp_path):
    lexicon = DecodingLexicon.of_words(["read", "tomato", "5"], Lexicon())
    lexicon.save(tmp_path / "l.safetensors")
    loaded = DecodingLexicon.load(tmp_path / "l.safetensors")
    assert loaded.words == ("read", "tomato", "5")
    assert loaded.pronunciations("read") == Lexicon().pronunciations("read")
    assert loaded.pronunciations("5") == []
    more = loaded.with_words(["cat", "read"], Lexicon())
    assert more.pronunciations("cat") == [("K", "AE1", "T")]
    assert more.restricted(["cat", "read"]).words == ("read", "cat")
    with pytest.raises(ConfigError, match='"9" has digits'):
        loaded.with_words(["9"], Lexicon())
    (tmp_path / "broken").write_bytes((tmp_path / "l.safetensors").read_bytes()[:-3])
    with pytest.raises(CheckpointError, match="damaged"):
        DecodingLexicon.load(tmp_path / "broken")


def test_words_of_a_language_model_that_nobody_can_say_are_told_and_left_out(caplog):
    lexicon = DecodingLexicon.of_vocabulary(["read", "%", "zzyzxian", "3.5"])
    assert sorted(lexicon.words) == ["read", "zzyzxian"]
    assert lexicon.pronunciations("zzyzxian")
    assert "2 words have no pronunciation and are never recognised: '%', '3.5'" in caplog.text


def test_pronunciations_that_differ_in_stress_only_count_once():
    lexicon = DecodingLexicon(
        ("a",), ("AH0", "AH1"), np.array([0, 1], np.uint8), *(np.array(x, np.uint8) for x in ([1, 1], [2]))
    )
    assert len(lexicon.spelt(build_units("phone")).padded) == 1


# --- what is refused ---------------------------------------------------------------------------


def test_tokens_that_do_not_match():
    upper = estimate([line.upper() for line in SENTENCES], EstimationConfig(order=2, discount_fallback=True))
    with pytest.raises(ConfigError, match="my.arpa does not fit the model: .* check upper and lower case"):
        build_decoding(tone_model(), DecodingConfig(), upper, lm_source="my.arpa")


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("cat\nroom 101\n", "row 2: 'room 101' holds 1, 0, which the model cannot write"),
        ("ada 12\n", "row 1: 'ada 12' holds 1, 2, .* spell it in letters, and put a tab before a boost"),
        ("кот\n", "row 1: 'кот' holds"),
        ("cat\tloud\n", "row 1: the boost 'loud' is not a number"),
        ("cat\tinf\n", r"row 1: the boost must be within \+-500 nats, got 'inf'"),
        ("cat\tnan\n", "row 1: the boost must be within"),
        ("cat\ndog\t9e9\n", r"hot\.txt, row 2: the boost must be within \+-500 nats, got '9e9'"),
        ("# nothing\n\n", "holds no hot-words"),
        ("...\n", "has no word"),
    ],
)
def test_hotwords_that_cannot_be(tmp_path, rows, message):
    path = tmp_path / "hot.txt"
    path.write_text(rows, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        read_hotwords(path)


def test_hotwords_are_read(tmp_path):
    path = tmp_path / "hot.txt"
    path.write_text("# names\nAda Lovelace\t12\nBabbage\n", encoding="utf-8")
    assert read_hotwords(path) == {"ada lovelace": 12.0, "babbage": 8.0}


def test_boosts_stay_within_what_a_search_can_use(lm):
    config = DecodingConfig()
    given = {"zebra": 500.0, "the": 500.0, "okapi": -500.0}
    found = boosts(given, lm, config)
    assert found is not None
    assert (found["zebra"], found["the"]) == (500.0, 500.0)
    assert -500.0 < found["okapi"] < 0.0
    with pytest.raises(ConfigError, match="the boost of 'the' must be a number, got 'x'"):
        boosts({"the": "x"}, lm, config)


@pytest.mark.parametrize("boost", [math.nan, math.inf, -math.inf, 500.5])
@pytest.mark.parametrize("with_model", [True, False])
def test_boosts_that_no_search_can_use_are_refused(lm, with_model, boost):
    with pytest.raises(ConfigError, match=rf"the boost of 'okapi' must be within \+-500 nats, got {boost:g}"):
        boosts({"okapi": boost}, lm if with_model else None, DecodingConfig())


def test_hotword_that_the_model_cannot_spell(lm):
    with pytest.raises(ConfigError, match="hot-words: 'café' holds 'é', which the tokens cannot spell"):
        build_decoding(tone_model(), DecodingConfig(), lm, hotwords=["café"])


def test_letters_of_a_language_model_are_no_words_for_phones():
    letters = estimate(SENTENCES, EstimationConfig(order=2, unit="character", discount_fallback=True))
    phones = build_units("phone")
    model = LoadedModel(Frontend(FrontendConfig()), ToneModel(), {"phone": HeadConfig()}, {"phone": phones})
    with pytest.raises(ConfigError, match=r"c\.lm is of characters; the head 'phone' of phones needs one of words"):
        build_decoding(model, DecodingConfig(head="phone"), letters, lm_source="c.lm")
    assert boosts({"zanzibar": 8.0}, letters, DecodingConfig()) == {"zanzibar": 8.0}


def test_arpa_and_binary_files_that_are_damaged(tmp_path, lm):
    arpa, binary = tmp_path / "m.arpa", tmp_path / "m.lm"
    write_arpa(arpa, lm)
    save(binary, lm)
    assert read_language_model(arpa).level_sizes == read_language_model(binary).level_sizes == lm.level_sizes
    with pytest.raises(CheckpointError, match="no such language model"):
        read_language_model(tmp_path / "none.lm")
    text = arpa.read_text()
    wrong = tmp_path / "wrong.arpa"
    wrong.write_text(text.replace(f"ngram 2={lm.level_sizes[1]}", f"ngram 2={lm.level_sizes[1] + 3}"))
    with pytest.raises(CheckpointError, match="wrong.arpa: line"):
        read_language_model(wrong)
    rows = text.splitlines()
    at = next(k for k, row in enumerate(rows) if row.split("\t")[1:2] == ["the"])
    rows[at] = "\t".join(rows[at].split("\t")[:2])
    wrong.write_text("\n".join(rows) + "\n")
    with pytest.raises(CheckpointError, match="back-off"):
        read_language_model(wrong)
    data = binary.read_bytes()
    binary.write_bytes(data[:-40])
    with pytest.raises(CheckpointError, match=f"has {len(data) - 40} of {len(data)} bytes"):
        read_language_model(binary)
    binary.write_bytes(data[:8] + struct.pack("<I", 9) + data[12:])
    with pytest.raises(CheckpointError, match="has version 9, this program reads version 1"):
        read_language_model(binary)


def test_settings_on_the_card_are_checked_and_used(tmp_path, lm):
    torch.manual_seed(1)
    config = ModelConfig(conv_channels=8, num_layers=1, width=8)
    loaded = build(FrontendConfig(), config, {"character": HeadConfig()}, {"character": CHARACTERS})
    path = tmp_path / "m.safetensors"
    checkpoint.save_model(path, loaded)
    assert load_model(path).decoding is None
    checkpoint.replace_card(path, lambda card: {**card, "decoding": {"lm_weight": 0.7, "beam": 9}})
    before = {name: value.clone() for name, value in loaded.model.state_dict().items()}
    after = checkpoint.load(path)
    assert all(torch.equal(value, before[name]) for name, value in after.model.state_dict().items())
    assert decoding_config(after, "m") == DecodingConfig(lm_weight=0.7, beam=9)
    save(tmp_path / "small.lm", lm)
    assert load_model(path, lm=tmp_path / "small.lm").decoding.config.lm_weight == 0.7
    assert load_model(path, lm=lm, beam=5).decoding.config.beam == 5
    assert load_model(path, lm=False).decoding is None
    with pytest.raises(ConfigError, match="beam and candidates must be 1 to 1000000"):
        load_model(path, lm=lm, beam=0)
    for settings, message in (({"lm_wait": 1.0}, "did you mean lm_weight"), ({"head": "phone"}, "the model has char")):
        checkpoint.replace_card(path, lambda card, settings=settings: {**card, "decoding": settings})
        with pytest.raises(ConfigError, match=message):
            load_model(path)
    assert json.dumps(dataclasses.asdict(DecodingConfig()))


def test_shares_of_characters_are_those_of_the_language_models_words():
    lm = estimate(["aab aab aab aab", "b b b b"] * 5, EstimationConfig(order=1, discount_fallback=True))
    shares = np.exp(log_character_shares(CHARACTERS, lm))
    assert shares.sum() == pytest.approx(1.0)
    assert shares[0] == pytest.approx(BLANK_SHARE)
    assert shares[CHARACTERS.ids["a"]] == pytest.approx(shares[CHARACTERS.ids["b"]], rel=0.01)
    assert shares[CHARACTERS.ids[" "]] == pytest.approx(shares[CHARACTERS.ids["a"]], rel=0.01)
    assert shares[CHARACTERS.ids["z"]] < 1e-5


def test_what_characters_have_anyway_is_divided_out():
    """Of two words between which nothing decides, the one with the rarer letter gains."""
    lm = estimate(["eat tee", "fat tee"] * 5, EstimationConfig(order=1, discount_fallback=True))
    scores = heard("eat")
    scores[:2, CHARACTERS.ids["f"]] = scores[0, CHARACTERS.ids["e"]] - 0.2
    found = [
        text_of(build_decoding(tone_model(), DecodingConfig(prior_scale=scale), lm), scores) for scale in (0.0, 0.5)
    ]
    assert found == ["eat", "fat"]


def test_a_head_of_phones_by_ctc_has_nothing_divided_out(lm):
    assert log_prior(phone_model(framewise=False), "phone", lm) is None
    assert log_prior(tone_model(), "character", None) is None
