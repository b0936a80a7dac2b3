"""The acoustic model: batch invariance, equality with packed sequences, lengths, gradients."""

import pytest
import torch

from speech.frontend import FrontendConfig
from speech.models import AcousticModel, BiLSTMLayer, HeadConfig, ModelConfig, _reversal
from speech.precision import has_bfloat16_lstm

CONFIGS = [
    ModelConfig(subsampling="conv", subsampling_factor=4, conv_channels=24, num_layers=2, width=16),
    ModelConfig(subsampling="conv", subsampling_factor=8, output_frames=3, conv_channels=24, num_layers=2, width=16),
    ModelConfig(subsampling="stack", subsampling_factor=3, num_layers=3, width=16, projection=20),
    ModelConfig(subsampling="stack", subsampling_factor=1, num_layers=1, width=8, layer_norm=False),
]


def build(config, num_features=10):
    torch.manual_seed(0)
    heads = {"character": (HeadConfig(), 7), "phone": (HeadConfig(units="phone", layer=1), 5)}
    return AcousticModel(num_features, config, heads).eval()


@pytest.mark.parametrize("config", CONFIGS)
def test_an_utterance_is_the_same_alone_and_in_any_batch(config):
    model = build(config)
    lengths = torch.tensor([1, 37, 64, 8, 5])
    features = torch.randn(5, 64, 10)
    with torch.inference_mode():
        logits, output_lengths = model(features, lengths)
        for row, length in enumerate(lengths.tolist()):
            alone, alone_length = model(features[row : row + 1, :length], lengths[row : row + 1])
            assert alone_length[0] == output_lengths[row] == model.output_lengths(lengths)[row]
            for name, expected in alone.items():
                assert expected.shape[1] == alone_length[0]
                torch.testing.assert_close(logits[name][row, : alone_length[0]], expected[0], rtol=0, atol=1e-5)


def test_layer_equals_packed_bidirectional_lstm():
    torch.manual_seed(0)
    layer = BiLSTMLayer(6, ModelConfig(width=5, layer_norm=False, dropout=0.0)).eval()
    packed = torch.nn.LSTM(6, 5, batch_first=True, bidirectional=True)
    for name, value in layer.forward_lstm.named_parameters():
        getattr(packed, name).data.copy_(value)
    for name, value in layer.backward_lstm.named_parameters():
        getattr(packed, f"{name}_reverse").data.copy_(value)
    x, lengths = torch.randn(3, 9, 6), torch.tensor([9, 4, 1])
    rows = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, batch_first=True)
    expected, _ = torch.nn.utils.rnn.pad_packed_sequence(packed(rows)[0], batch_first=True)
    actual = layer(x, _reversal(lengths, 9))
    for row, length in enumerate(lengths):
        torch.testing.assert_close(actual[row, :length], expected[row, :length])


def test_padding_gets_no_gradient():
    model = build(CONFIGS[0])
    features = torch.randn(2, 40, 10, requires_grad=True)
    logits, lengths = model(features, torch.tensor([40, 17]))
    logits["character"][1, : lengths[1]].sum().backward()
    assert features.grad[1, :17].abs().sum() > 0
    assert not features.grad[1, 17:].any()
    assert not features.grad[0].any()


def test_dropout_draws_one_mask_an_utterance():
    torch.manual_seed(0)
    layer = BiLSTMLayer(6, ModelConfig(width=50, layer_norm=False, dropout=0.5)).train()
    zeros = layer(torch.randn(2, 7, 6), _reversal(torch.tensor([7, 7]), 7)) == 0
    assert zeros.any()
    assert (zeros.all(dim=1) | ~zeros.any(dim=1)).all()


@pytest.mark.parametrize(
    "values",
    [{"subsampling_factor": 6}, {"dropout": 1.0}, {"width": 0}, {"projection": -1}],
)
def test_impossible_shapes_are_refused(values):
    with pytest.raises(ValueError, match=next(iter(values))):
        ModelConfig(**values)


def test_default_frontend_fits():
    config = FrontendConfig(normalization="global")
    assert build(ModelConfig(), config.num_features)(torch.zeros(1, 16, 80), torch.tensor([16]))[1] == 4


@pytest.mark.skipif(not has_bfloat16_lstm(), reason="this processor has no bfloat16 arithmetic")
def test_in_bfloat16_too_an_utterance_is_the_same_alone_and_in_any_batch():
    torch.manual_seed(0)
    config = ModelConfig(num_layers=2, width=64, conv_channels=32)
    model = AcousticModel(20, config, {"character": (HeadConfig(), 29)}).eval()
    features, lengths = torch.randn(9, 120, 20), torch.tensor([120, 7, 64, 33, 120, 90, 1, 100, 56])
    with torch.inference_mode():
        exact, _ = model(features, lengths)
        model.recur_in_bfloat16()
        logits, counts = model(features, lengths)
        assert logits["character"].dtype == torch.float32
        assert (logits["character"] - exact["character"])[0].abs().max() < 0.1
        for row, length in enumerate(lengths.tolist()):
            alone, _ = model(features[row : row + 1, :length], lengths[row : row + 1])
            torch.testing.assert_close(
                alone["character"][0], logits["character"][row, : counts[row]], rtol=0, atol=1e-5
            )
