"""Energy of frames."""

import math

import torch

from speech.frontend import Frontend, FrontendConfig
from speech.frontend.energy import FLOOR_DB, energy_db


def test_known_levels():
    square = torch.ones(1, 1600)
    square[:, ::2] = -1.0
    sine = torch.sin(2 * torch.pi * 400.0 * torch.arange(1600) / 16_000)[None]
    config = FrontendConfig()
    assert energy_db(square, None, config).abs().max() < 1e-5
    assert (energy_db(0.1 * sine, None, config) + 20.0 + 10 * math.log10(2)).abs().max() < 1e-3
    assert (energy_db(torch.zeros(1, 1600), None, config) == FLOOR_DB).all()


def test_padding_frame_counts_and_gradient():
    generator = torch.Generator().manual_seed(0)
    waveforms = torch.randn(2, 5000, generator=generator, requires_grad=True)
    lengths = torch.tensor([5000, 1999])
    for config in (FrontendConfig(), FrontendConfig(snip_edges=False), FrontendConfig.vocoder()):
        level = energy_db(waveforms, lengths, config)
        count = config.num_frames(1999)
        assert level.shape == (2, config.num_frames(5000))
        alone = energy_db(waveforms[1:, :1999], None, config)
        torch.testing.assert_close(level[1, :count], alone[0])
        assert (level[1, count:] == FLOOR_DB).all()
        (gradient,) = torch.autograd.grad(level.sum(), waveforms)
        assert gradient.isfinite().all()
        assert not gradient[1, 1999:].any()
    assert energy_db(torch.zeros(1, 399), None, FrontendConfig()).shape == (1, 0)


def test_frames_further_apart_than_they_are_long():
    config = FrontendConfig(window_s=0.005, hop_s=0.025, snip_edges=False)
    for num_samples in [1, 50, 199, 200, 201, 400, 999]:
        level = energy_db(torch.ones(1, num_samples), None, config)
        assert level.shape == (1, config.num_frames(num_samples))
        assert level.shape == Frontend(config)(torch.ones(1, num_samples))[0].shape[:2]
        torch.testing.assert_close(level, torch.zeros_like(level))
