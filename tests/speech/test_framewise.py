"""Framewise cross-entropy: the loss, frame targets, the flat start, training with and without realignment."""

import itertools
import json

import numpy as np
import pytest
import torch

from speech import checkpoint
from speech.alignment import SILENCE, build_graph
from speech.config import load_config
from speech.corpus import read_manifest
from speech.errors import ConfigError, CorpusError
from speech.experiment import ExperimentConfig
from speech.flat_start import STATES_PER_PHONE, cepstra, even_labels, train_mixtures
from speech.frame_targets import FrameAlignments, feature_frames_of, output_frames_of, utterance_key
from speech.frontend.augment import WarpConfig, warp
from speech.phone_recognition import best_path
from speech.phones import PHONES, pronounce_transcript, spoken_words
from speech.training import train
from speech.training_step import framewise_loss

CONFIG = """
[data]
train = ["{manifest}"]
dev = ["{manifest}"]
cache_dir = "{folder}/cache"
num_workers = 1
[frontend]
num_mels = 24
normalization = "global"
[model]
subsampling_factor = 2
output_frames = 2
conv_channels = 24
num_layers = 1
width = 24
[[heads]]
units = "phone"
loss = "cross_entropy"
[[heads]]
units = "character"
weight = 0.3
[alignment]
realign_at = [1.0]
[augment.warp]
max_stretch = 0.1
[training]
output_dir = "{folder}/run"
epochs = 3
batch_frames = 700
warmup_steps = 5
autocast = false
precision = "float32"
"""


@pytest.mark.parametrize("output_step", [0.5, 1.0, 8 / 3, 4.0])
def test_the_loss_is_the_mean_over_known_frames(output_step):
    random = torch.Generator().manual_seed(3)
    frame_targets = torch.randint(-1, 5, (3, 40), generator=random)
    lengths = torch.tensor([int(40 / output_step), int(25 / output_step), 1])
    logits = torch.randn(3, int(40 / output_step), 5, generator=random, dtype=torch.float64)
    expected, count = 0.0, 0
    for row, v in itertools.product(range(3), range(logits.shape[1])):
        target = int(frame_targets[row, min(39, int((v + 0.5) * output_step))])
        if v < lengths[row] and target >= 0:
            expected -= float(logits[row, v].softmax(0)[target].log())
            count += 1
    found = framewise_loss(logits.float(), lengths, frame_targets, output_step)
    assert float(found) == pytest.approx(expected / count, rel=1e-5)


def test_the_gradient_of_the_loss():
    frame_targets = torch.tensor([[0, 1, 2, -1], [2, 2, 0, 0]])
    logits = torch.randn(2, 4, 3, dtype=torch.float32, generator=torch.Generator().manual_seed(1), requires_grad=True)
    framewise_loss(logits, torch.tensor([4, 2]), frame_targets, 1.0).backward()
    shares = logits.detach().softmax(-1)
    counted = torch.tensor([[1, 1, 1, 0], [1, 1, 0, 0]])
    one_hot = torch.nn.functional.one_hot(frame_targets.clamp(min=0), 3)
    torch.testing.assert_close(logits.grad, (shares - one_hot) * counted[:, :, None] / counted.sum())


def test_nothing_known_teaches_nothing():
    logits = torch.randn(1, 3, 4, requires_grad=True)
    loss = framewise_loss(logits, torch.tensor([3]), torch.full((1, 3), -1), 1.0)
    loss.backward()
    assert loss.item() == 0
    assert not logits.grad.any()


def test_output_and_feature_frames_agree():
    for output_step in (1.0, 2.0, 8 / 3):
        num_outputs = int(np.ceil(50 / output_step))
        frames = feature_frames_of(num_outputs, output_step).clamp(max=49)
        assert torch.equal(output_frames_of(50, output_step, num_outputs)[frames][:-1], torch.arange(num_outputs)[:-1])


def test_warping_keeps_ends_and_stretches_frame_targets_alike():
    torch.manual_seed(0)
    features = torch.arange(60.0)[None, :, None].expand(4, 60, 3).contiguous()
    lengths = torch.tensor([60, 50, 10, 1])
    warped, new_lengths, sources = warp(features, lengths, WarpConfig(max_stretch=0.3))
    assert (new_lengths != lengths).any()
    for row, (old, new) in enumerate(zip(lengths.tolist(), new_lengths.tolist(), strict=True)):
        assert float(warped[row, 0, 0]) == pytest.approx(0, abs=1e-4)
        if new > 1:
            assert float(warped[row, new - 1, 0]) == pytest.approx(old - 1, abs=1e-3)
        assert (warped[row, :new, 0] - sources[row, :new]).abs().max() <= 0.501
    same, unchanged, _ = warp(features, lengths, WarpConfig())
    assert torch.equal(unchanged, lengths)
    torch.testing.assert_close(same[0], features[0], atol=1e-3, rtol=0)


def test_alignments_survive_the_disk(tmp_path):
    labels = {"a": np.array([0, 3, 3], np.int16), "b": np.array([1], np.int16)}
    FrameAlignments(0.01, "a test", labels).save(tmp_path / "x.alignments")
    found = FrameAlignments.load(tmp_path / "x.alignments")
    assert (found.frame_step_s, found.source) == (0.01, "a test")
    assert {name: row.tolist() for name, row in found.labels.items()} == {"a": [0, 3, 3], "b": [1]}
    (tmp_path / "x.alignments").write_bytes(b"no alignments")
    with pytest.raises(CorpusError, match=r"x.alignments: cannot be read"):
        FrameAlignments.load(tmp_path / "x.alignments")


def test_a_flat_start_finds_where_sounds_change():
    random = np.random.default_rng(0)
    sounds = random.normal(0, 3, (4, 24))  # silence and three phones
    features, graphs, truths = [], [], []
    for _ in range(40):
        order = random.permutation([1, 2, 3])
        parts = [0, *order, 0]
        truth = np.repeat(parts, random.integers(9, 40, len(parts)))
        features.append(cepstra(sounds[truth] + random.normal(0, 0.5, (len(truth), 24))))
        graphs.append(
            build_graph([[[int(p)]] for p in order], silence=0, states_per_phone=3, silence_states=STATES_PER_PHONE)
        )
        truths.append(truth)
    mixtures = train_mixtures(features, graphs, 4, passes=[1] * 6 + [2] * 2)
    found = [mixtures.scores(x).argmax(axis=1) // STATES_PER_PHONE for x in features]
    even = [even_labels(len(x), graph) // STATES_PER_PHONE for x, graph in zip(features, graphs, strict=True)]
    right, by_chance = (np.mean(np.concatenate(x) == np.concatenate(truths)) for x in (found, even))
    assert by_chance < 0.85
    assert right > 0.9


def test_even_labels_pass_every_phone():
    graph = build_graph([[[1, 2]], [[3], [1]]], silence=0, states_per_phone=3, silence_states=3)
    labels = even_labels(45, graph)
    assert np.array_equal(np.unique(labels), np.arange(12))
    assert (graph.words == SILENCE).sum() == 9


def test_the_best_path_is_the_best_of_all():
    random = np.random.default_rng(2)
    scores, bigram = random.normal(0, 2, (5, 3)), np.log(random.dirichlet(np.ones(3), 3))

    def value(path):
        steps = [(0, path[0]), *itertools.pairwise(path), (path[-1], 0)]
        return sum(scores[t, k] for t, k in enumerate(path)) + sum(bigram[j, k] for j, k in steps if j != k)

    best = max(itertools.product(range(3), repeat=5), key=value)
    assert best_path(scores, bigram).tolist() == list(best)


def test_training_goes_from_a_flat_start_through_a_realignment(tones, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(manifest=tones, folder=tmp_path))
    loaded = checkpoint.load(train(path))
    assert (tmp_path / "run" / "realigned_1.alignments").is_file()
    assert len(list((tmp_path / "cache").glob("*.alignments"))) == 1
    assert loaded.units["phone_frames"].symbols[0] == "SIL"
    assert float(loaded.model.log_prior("phone_frames").exp().sum()) == pytest.approx(1, abs=1e-4)
    assert torch.allclose(loaded.model.log_bigram("phone_frames").exp().sum(dim=1), torch.ones(40), atol=1e-4)
    again = checkpoint.load(train(path, [f"training.output_dir={tmp_path}/again"]))
    for name, value in loaded.model.state_dict().items():
        assert torch.equal(value, again.model.state_dict()[name]), name


def test_characters_have_no_frames(tones, tmp_path):
    path = tmp_path / "config.toml"
    text = CONFIG.format(manifest=tones, folder=tmp_path).replace('units = "phone"', 'units = "word"')
    path.write_text(text)
    with pytest.raises(ConfigError, match="cross_entropy"):
        load_config(path, ExperimentConfig, [])


def test_transcripts_get_several_pronunciations():
    from speech.lexicon import Lexicon

    transcript = pronounce_transcript("The tomato.", Lexicon())
    assert transcript.words == ("the", "tomato")
    assert len(transcript.pronunciations[1]) == 2
    assert all(phone in PHONES for word in transcript.pronunciations for variant in word for phone in variant)


@pytest.mark.parametrize("written", ["🙂", "5", "a🙂"])
def test_what_cannot_be_said_is_named(written):
    from speech.errors import SpeechError

    with pytest.raises(SpeechError, match=written):
        spoken_words(written)


def test_other_transcripts_are_aligned_anew(tones, tmp_path):
    path = tmp_path / "config.toml"
    manifest = tones.parent / "framewise.jsonl"
    for text in ("bad", "cab"):
        rows = [json.loads(row) | {"text": text} for row in tones.read_text().splitlines()]
        manifest.write_text("".join(json.dumps(row) + "\n" for row in rows))
        path.write_text(CONFIG.format(manifest=manifest, folder=tmp_path).replace("realign_at = [1.0]", ""))
        train(path, ["training.epochs=1", f"training.output_dir={tmp_path}/{text}"])
    assert len(list((tmp_path / "cache").glob("*.alignments"))) == 2


def test_utterances_without_alignment_are_counted(tones, caplog):
    utterances = read_manifest(tones)[:3]
    labels = {utterance_key(u): np.zeros(50, np.int16) for u in utterances[:2]}
    alignments = FrameAlignments(0.01, "a test", labels)
    with caplog.at_level("WARNING"):
        found = alignments.of(utterances[:2], [50, 50])
        assert not caplog.text
        found = alignments.of(utterances, [50, 50, 50])
        alignments.of(utterances, [50, 50, 0])  # that one cannot be read, which is said elsewhere
    assert [labels is None for labels in found] == [False, False, True]
    assert caplog.text.count("1 of 3 utterances have none") == 1
    assert utterances[2].audio_filepath.name in caplog.text


@pytest.mark.parametrize("key", ["file", "lexicon"])
def test_missing_alignment_files_are_named_before_anything_is_computed(tones, tmp_path, key):
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(manifest=tones, folder=tmp_path))
    with pytest.raises(ConfigError, match=rf"alignment\.{key}=.*gone: there is no such file"):
        train(path, [f"alignment.{key}={tmp_path}/gone"])
    assert not (tmp_path / "cache").exists()


def test_alignments_of_other_frames_are_refused(tones, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(manifest=tones, folder=tmp_path))
    labels = {utterance_key(u): np.zeros(50, np.int16) for u in read_manifest(tones)}
    FrameAlignments(0.005, "a test", labels).save(tmp_path / "x.alignments")
    with pytest.raises(ConfigError, match=r"a frame every 0\.005 s, and frontend\.hop_s is 0\.01"):
        train(path, [f"alignment.file={tmp_path}/x.alignments"])


def test_framewise_heads_refuse_copies_of_other_durations(tones, tmp_path):
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(manifest=tones, folder=tmp_path))
    with pytest.raises(ConfigError, match="speed_factors must be"):
        load_config(path, ExperimentConfig, ["augment.copies=2"])
