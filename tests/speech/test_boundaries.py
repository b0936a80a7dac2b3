"""Boundaries that a path of states leaves open: transitions between vocalic phones, closures of plosives."""

from types import SimpleNamespace

import numpy as np
import pytest

from speech.aligner import Aligner
from speech.alignment import build_graph
from speech.boundaries import join_closures, phone_runs, share_transitions, sharpen_edges
from speech.flat_start import PhoneMixtures, cepstra, load_mixtures, pack_mixtures
from speech.frame_targets import between_frames
from speech.frontend import FrontendConfig
from speech.lexicon import Lexicon
from speech.phones import PHONES, plosive_phones, pronounce_transcript, vocalic_phones

W, AA, T = 1, 2, 3  # of the graphs below, after a silence


def path_of(graph, counts):
    """Every state of the graph for so many frames each."""
    return np.repeat(np.arange(len(graph)), counts)


def test_the_middle_states_share_a_transition():
    graph = build_graph([[[W, AA]]], states_per_phone=3)
    states = path_of(graph, [2, 4, 6, 2, 4, 2])  # the glide took all of the transition
    scores = np.zeros((20, 12))
    scores[:9, 3 * W + 1] = 1.0
    scores[9:, 3 * AA + 1] = 1.0
    moved = share_transitions(states, scores, graph, [W, AA])
    assert list(phone_runs(states, graph)) == [(0, 12), (12, 20)]
    assert list(phone_runs(moved, graph)) == [(0, 9), (9, 20)]
    assert np.all(np.diff(moved) >= 0)
    back = share_transitions(path_of(graph, [2, 2, 2, 6, 6, 2]), scores, graph, [W, AA])
    assert list(phone_runs(back, graph)) == [(0, 9), (9, 20)]


def test_no_other_boundary_moves():
    graph = build_graph([[[W, T]], [[AA]]], silence=0, states_per_phone=3, silence_states=3)
    scores = np.random.default_rng(0).normal(size=(90, 12))
    states = path_of(graph, 5)
    assert np.array_equal(share_transitions(states, scores, graph, [W, AA]), states)


@pytest.mark.parametrize("seed", range(5))
def test_every_phone_keeps_frames(seed):
    random = np.random.default_rng(seed)
    graph = build_graph([[[1, 2, 1, 2, 2, 1]]], states_per_phone=3)
    states = path_of(graph, random.integers(1, 4, len(graph)))
    moved = share_transitions(states, random.normal(size=(len(states), 9)), graph, [1, 2])
    assert len(list(phone_runs(moved, graph))) == 6
    assert np.all(np.diff(moved) >= 0)


def test_a_short_pause_before_a_plosive_is_its_closure():
    graph = build_graph([[[AA]], [[T]]], silence=0, states_per_phone=3, silence_states=3)
    states = path_of(graph, [1, 1, 1, 5, 5, 5, 3, 3, 3, 4, 4, 4, 1, 1, 1])
    assert list(phone_runs(join_closures(states, graph, [T], 9), graph)) == [(0, 3), (3, 18), (18, 39), (39, 42)]
    for plosives, most in (([T], 8), ([W], 9)):
        assert np.array_equal(join_closures(states, graph, plosives, most), states)


def steps(*levels_and_counts):
    """Frames of three bands, each stretch at a level of its own."""
    return np.concatenate([np.full((count, 3), level, dtype=np.float32) for level, count in levels_and_counts])


@pytest.mark.parametrize("change", [9, 12, 15])
def test_boundaries_move_to_where_the_spectrum_changes(change):
    graph = build_graph([[[W, AA]]], states_per_phone=3)
    states = path_of(graph, 4)
    moved = sharpen_edges(states, graph, steps((1, change), (5, 24 - change)), [T], 4)
    assert list(phone_runs(moved, graph)) == [(0, change), (change, 24)]
    assert np.all(np.diff(moved) >= 0)


def test_boundaries_move_no_further_than_asked_and_leave_the_centres():
    graph = build_graph([[[W, AA]]], states_per_phone=3)
    far = steps((1, 7), (5, 17))
    assert list(phone_runs(sharpen_edges(path_of(graph, 4), graph, far, [], 2), graph)) == [(0, 10), (10, 24)]
    short = steps((0, 1), (4, 1), (5, 7))
    moved = sharpen_edges(path_of(graph, [1, 1, 1, 2, 2, 2]), graph, short, [], 4)
    assert list(phone_runs(moved, graph)) == [(0, 2), (2, 9)]


@pytest.mark.parametrize("level", [0.0, -15.942385])  # the second is that of digital silence
def test_boundaries_stay_where_nothing_changes(level):
    graph = build_graph([[[W, AA, T, AA]]], silence=0, states_per_phone=3, silence_states=3)
    states = path_of(graph, np.random.default_rng(0).integers(1, 5, len(graph)))
    assert np.array_equal(sharpen_edges(states, graph, steps((level, len(states))), [T], 4), states)


def test_a_burst_is_not_parted_from_its_plosive():
    graph = build_graph([[[T, AA]]], states_per_phone=3)
    states = path_of(graph, [5, 1, 3, 4, 4, 4])  # closure, release, burst, vowel
    sounds = steps((0, 6), (20, 4), (14, 11))
    assert list(phone_runs(sharpen_edges(states, graph, sounds, [T], 4), graph)) == [(0, 10), (10, 21)]
    assert list(phone_runs(sharpen_edges(states, graph, sounds, [], 4), graph)) == [(0, 6), (6, 21)]


@pytest.mark.parametrize("seed", range(5))
def test_every_phone_keeps_its_centre(seed):
    random = np.random.default_rng(seed)
    graph = build_graph([[[1, 2, 3, 2, 3, 1]], [[2]]], silence=0, states_per_phone=3, silence_states=3)
    states = path_of(graph, random.integers(1, 5, len(graph)))
    moved = sharpen_edges(states, graph, random.normal(size=(len(states), 5)).astype(np.float32), [3], 4)
    before, after = list(phone_runs(states, graph)), list(phone_runs(moved, graph))
    assert len(before) == len(after)
    assert all(a <= (first + end) // 2 < b for (first, end), (a, b) in zip(before, after, strict=True))


def test_which_phones_are_meant():
    units = ("SIL", "AA", "T", "L", "M", "EH1")
    assert vocalic_phones(units) == [1, 3, 5]
    assert plosive_phones(units) == [2]


def test_scores_between_frames_lie_on_lines():
    coarse, fine = FrontendConfig(), FrontendConfig(window_s=0.015, hop_s=0.005)
    found = between_frames(np.array([[0.0], [1.0], [4.0]], np.float32), coarse, fine, 8)
    np.testing.assert_allclose(
        found[:, 0], [0, 0, 0.5, 1, 2.5, 4, 4, 4]
    )  # centres at 7.5, 12.5 ... and 12.5, 22.5, ...


@pytest.mark.parametrize("snip_edges", [True, False])
def test_times_are_those_of_whole_samples(snip_edges):
    config = FrontendConfig(sample_rate_hz=22_050, high_hz=8_000.0, snip_edges=snip_edges)  # 10 ms are 220.5 samples
    count = 3000
    graph = pronounce_transcript("a", Lexicon()).graph(PHONES)
    word = next(state for state in range(len(graph)) if graph.words[state] >= 0)
    silence = next(state for state in range(len(graph)) if graph.words[state] < 0)
    states = np.full(count, silence)
    states[1000:2000] = word
    stub = SimpleNamespace(frames=config, name="m")
    transcript = pronounce_transcript("a", Lexicon())
    found = Aligner._alignment(stub, states, [0.0] * 3, graph, transcript, 30.0, "a.wav")
    middle = (config.window_samples - 220) / 2 / 22_050 if snip_edges else 0.0
    assert found.words[0].start_s == pytest.approx(1000 * 220 / 22_050 + middle)
    assert found.words[0].end_s == pytest.approx(2000 * 220 / 22_050 + middle)
    scores = np.arange(300, dtype=np.float32)[:, None]
    np.testing.assert_allclose(between_frames(scores, config, config, 300), scores, atol=1e-3)


def test_mixtures_remember_their_frames(tmp_path):
    from safetensors.numpy import save_file

    random = np.random.default_rng(0)
    arrays = [np.full((6, 2), 0.5), random.normal(size=(6, 2, 39)), np.ones((6, 2, 39))]
    for frames in (None, FrontendConfig(window_s=0.016, hop_s=0.005)):
        save_file(pack_mixtures(PhoneMixtures(*arrays, frames)), tmp_path / "x.safetensors")
        assert load_mixtures(tmp_path / "x.safetensors").frames == frames


def test_scores_of_many_frames_are_those_of_parts():
    random = np.random.default_rng(0)
    mixtures = PhoneMixtures(np.full((6, 2), 0.5), random.normal(size=(6, 2, 39)), np.ones((6, 2, 39)))
    features = cepstra(random.normal(size=(2500, 24)))
    each = [mixtures.component_scores(row[None])[0] for row in features[::100]]
    expected = np.log(np.exp(np.array(each, dtype=np.float64)).sum(axis=2))
    np.testing.assert_allclose(mixtures.scores(features)[::100], expected, rtol=1e-4)
