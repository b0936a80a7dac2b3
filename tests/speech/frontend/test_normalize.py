"""Normalisation and its statistics."""

import pytest
import torch

from speech.frontend import Frontend, FrontendConfig, Normalize, StatisticsAccumulator


def batch() -> tuple[torch.Tensor, torch.Tensor]:
    features = torch.randn(3, 50, 4, generator=torch.Generator().manual_seed(0)) * 3.0 + 1000.0
    return features, torch.tensor([50, 20, 0])


def test_utterance_normalisation_is_over_valid_frames():
    features, lengths = batch()
    result = Normalize(4, "utterance")(features, lengths)
    for row, length in enumerate(lengths[:2].tolist()):
        valid = result[row, :length]
        torch.testing.assert_close(valid.mean(0), torch.zeros(4), rtol=0, atol=1e-4)
        torch.testing.assert_close(valid.std(0, correction=0), torch.ones(4), rtol=0, atol=1e-3)
        assert not result[row, length:].any()


def test_accumulated_statistics_normalise():
    features, lengths = batch()
    accumulator = StatisticsAccumulator(4)
    accumulator.add(features[:2], lengths[:2])
    accumulator.add(features[2:], lengths[2:])
    valid = torch.cat([features[0], features[1, :20]]).double()
    mean, std = accumulator.result()
    torch.testing.assert_close(mean, valid.mean(0).float())
    torch.testing.assert_close(std, valid.std(0, correction=0).float())
    normalize = Normalize(4, "global")
    normalize.set_statistics(mean, std)
    result = normalize(features, lengths)
    pooled = torch.cat([result[0], result[1, :20]])
    assert pooled.mean(0).abs().max() < 1e-3
    assert (pooled.std(0, correction=0) - 1).abs().max() < 1e-3
    assert not result[1, 20:].any()


def test_statistics_are_saved_with_the_model():
    frontend = Frontend(FrontendConfig(normalization="global"))
    frontend.normalize.set_statistics(torch.full((80,), 5.0), torch.full((80,), 2.0))
    other = Frontend(FrontendConfig(normalization="global"))
    other.load_state_dict(frontend.state_dict())
    assert sorted(frontend.state_dict()) == ["normalize.mean", "normalize.std"]
    assert torch.equal(other.normalize.mean, frontend.normalize.mean)


def test_bad_statistics_are_refused():
    with pytest.raises(ValueError, match="normalization"):
        Normalize(4, "none").set_statistics(torch.zeros(4), torch.ones(4))
    with pytest.raises(ValueError, match="shape"):
        Normalize(4, "global").set_statistics(torch.zeros(3), torch.ones(4))
    with pytest.raises(ValueError, match="finite"):
        Normalize(4, "global").set_statistics(torch.zeros(4), torch.full((4,), float("nan")))
    with pytest.raises(ValueError, match="no frames"):
        StatisticsAccumulator(4).result()
