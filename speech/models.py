"""The acoustic model: convolutional or stacking subsampling, bidirectional LSTM layers, one linear head a kind of unit.

The output of an utterance does not depend on what it is batched with: frames past its length are zeroed before every
convolution, and the backward LSTM runs over each utterance reversed by its own length, which equals the result of
packed sequences at the speed of padded ones.

Legend: B batch, T feature frames, F features, U steps of the LSTM, V output frames (U times `output_frames`), D width
of a layer's output, K units of a head including the blank.
"""

import math
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from speech.units import UnitKind


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Shape of an acoustic model.

    Attributes
    ----------
    subsampling : "conv" for 1-D convolutions of stride 2 over time, "stack" for frames side by side
    subsampling_factor : feature frames a step of the LSTM; a power of two for "conv"
    conv_channels : channels of the convolutions
    num_layers, width : LSTM layers, and their units a direction
    projection : size that each layer's output is projected to, 0 for none
    dropout : share of a layer's outputs dropped, by one mask an utterance (Gal & Ghahramani 2016)
    layer_norm : layer normalisation of each layer's output
    output_frames : frames of logits that each step emits; 2 halves the LSTM's work at the same output rate
    """

    subsampling: Literal["conv", "stack"] = "conv"
    subsampling_factor: int = 4
    conv_channels: int = 256
    num_layers: int = 4
    width: int = 320
    projection: int = 0
    dropout: float = 0.1
    layer_norm: bool = True
    output_frames: int = 1

    def __post_init__(self):
        for name in ("subsampling_factor", "conv_channels", "num_layers", "width", "output_frames"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, got {getattr(self, name)}")
        if self.subsampling == "conv" and self.subsampling_factor & (self.subsampling_factor - 1):
            raise ValueError(f"subsampling_factor must be a power of two with conv, got {self.subsampling_factor}")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"dropout must be in [0, 1), got {self.dropout}")
        if self.projection < 0:
            raise ValueError(f"projection must be 0 or more, got {self.projection}")

    @property
    def output_step(self) -> float:
        """Feature frames between two output frames."""
        return self.subsampling_factor / self.output_frames


@dataclass(frozen=True, kw_only=True)
class HeadConfig:
    """One output of the model and the loss that trains it.

    Attributes
    ----------
    units : "character", "phone", "stressed_phone" or "word" (those of the training texts)
    loss : "ctc"; "ctc_crf", which is normalised over whole sequences (`ctc.crf_loss`) with a trigram of the training
        texts' units; or "cross_entropy" of the unit of every frame; phones only, of which the first is the silence
    weight : factor of its loss in the sum
    layer : LSTM layer it reads, counted from 1; 0 is the last
    consistency : weight, beside its loss, of how far two differently changed views of an utterance disagree
        (`speech.training_step.disagreement`; 0.2 in the literature for "ctc"); training takes twice the computation
        where it is above 0 for any head
    """

    units: UnitKind = "character"
    loss: Literal["ctc", "ctc_crf", "cross_entropy"] = "ctc"
    weight: float = 1.0
    layer: int = 0
    consistency: float = 0.0

    def __post_init__(self):
        for name in ("weight", "consistency"):
            if not 0 <= getattr(self, name) < math.inf:
                raise ValueError(f"{name} must be 0 or more, got {getattr(self, name)}")
        if self.framewise and self.units not in ("phone", "stressed_phone"):
            raise ValueError(f"loss 'cross_entropy' needs units 'phone' or 'stressed_phone', got {self.units!r}")
        if self.loss == "ctc_crf" and self.units == "word":
            raise ValueError("loss 'ctc_crf' keeps a trigram of the units, which words are too many for: use 'ctc'")

    @property
    def framewise(self) -> bool:
        """Whether every frame has a unit, so that there is no blank."""
        return self.loss == "cross_entropy"

    @property
    def name(self) -> str:
        """The head's name: its units, and "_frames" if it is framewise."""
        return f"{self.units}_frames" if self.framewise else self.units


def valid_frames(lengths: Tensor, num_frames: int) -> Tensor:
    """Mask [B, T], true where a frame is inside its utterance."""
    return torch.arange(num_frames, device=lengths.device)[None, :] < lengths[:, None]


class ConvSubsampling(nn.Module):
    """[B, T, F] -> [B, ceil(T / factor), channels] by convolutions of width 5 and stride 2, each with GELU."""

    def __init__(self, num_features: int, channels: int, factor: int):
        super().__init__()
        num_convs = factor.bit_length() - 1
        sizes = [num_features] + [channels] * num_convs
        self.convs = nn.ModuleList(
            nn.Conv1d(sizes[i], sizes[i + 1], kernel_size=5, stride=2, padding=2) for i in range(num_convs)
        )
        self.num_outputs = sizes[-1]

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Steps [B, U, channels] and their lengths [B]."""
        x = features
        for conv in self.convs:
            x = x * valid_frames(lengths, x.shape[1])[:, :, None]
            x = nn.functional.gelu(conv(x.transpose(1, 2)).transpose(1, 2))
            lengths = (lengths + 1) // 2
        return x, lengths


class StackSubsampling(nn.Module):
    """[B, T, F] -> [B, ceil(T / factor), factor * F]: frames side by side, the last group filled with zeros."""

    def __init__(self, num_features: int, factor: int):
        super().__init__()
        self.factor = factor
        self.num_outputs = num_features * factor

    def forward(self, features: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """Steps [B, U, factor * F] and their lengths [B]."""
        x = features * valid_frames(lengths, features.shape[1])[:, :, None]
        x = nn.functional.pad(x, (0, 0, 0, -x.shape[1] % self.factor))
        x = x.reshape(x.shape[0], -1, self.num_outputs)
        return x, (lengths + self.factor - 1) // self.factor


class BiLSTMLayer(nn.Module):
    """[B, U, D] -> [B, U, D']: two LSTMs, projection, layer normalisation, skip connection where sizes agree."""

    def __init__(self, num_inputs: int, config: ModelConfig):
        super().__init__()
        self.forward_lstm = nn.LSTM(num_inputs, config.width, batch_first=True)
        self.backward_lstm = nn.LSTM(num_inputs, config.width, batch_first=True)
        self.num_outputs = config.projection or 2 * config.width
        self.projection = nn.Linear(2 * config.width, config.projection) if config.projection else nn.Identity()
        self.norm = nn.LayerNorm(self.num_outputs) if config.layer_norm else nn.Identity()
        self.skip = num_inputs == self.num_outputs
        self.dropout = config.dropout
        for lstm in (self.forward_lstm, self.backward_lstm):
            _initialize_lstm(lstm)

    def make_identity(self) -> None:
        """Let the outputs be the inputs until training changes that; ValueError if the layer cannot be so."""
        if not (self.skip and isinstance(self.norm, nn.LayerNorm)):
            raise ValueError("a layer begins as the identity only with layer_norm and outputs as large as its inputs")
        nn.init.zeros_(self.norm.weight)
        nn.init.zeros_(self.norm.bias)

    def forward(self, x: Tensor, reversal: Tensor, generator: torch.Generator | None = None) -> Tensor:
        """Outputs [B, U, D'] of inputs [B, U, D]; `reversal` [B, U] reverses each row by its own length."""
        forward = _run(self.forward_lstm, x)
        backward = _run(self.backward_lstm, _reverse(x, reversal))
        y = torch.cat([forward, _reverse(backward, reversal)], dim=-1)
        y = self.norm(self.projection(y))
        if self.training and self.dropout:
            keep = torch.rand(y.shape[0], 1, y.shape[2], generator=generator) >= self.dropout
            y = y * (keep / (1 - self.dropout)).to(y.device, y.dtype)
        return x + y if self.skip else y


def _run(lstm: nn.LSTM, x: Tensor) -> Tensor:
    """Outputs of an LSTM in the type of its inputs, whatever it computes in."""
    return lstm(x.to(lstm.all_weights[0][0].dtype))[0].to(x.dtype)


def _initialize_lstm(lstm: nn.LSTM) -> None:
    """Orthogonal recurrence and a forget bias of 1 (Jozefowicz et al. 2015)."""
    for name, parameter in lstm.named_parameters():
        if name.startswith("weight_hh"):
            for gate in parameter.data.chunk(4):
                nn.init.orthogonal_(gate)
        elif name.startswith("weight_ih"):
            nn.init.xavier_uniform_(parameter.data)
        else:
            parameter.data.zero_()
            if name.startswith("bias_ih"):
                parameter.data.chunk(4)[1].fill_(1.0)


def _reversal(lengths: Tensor, num_steps: int) -> Tensor:
    """Index [B, U] that reverses the valid part of each row and keeps its padding in place."""
    steps = torch.arange(num_steps, device=lengths.device)[None, :]
    return torch.where(steps < lengths[:, None], lengths[:, None] - 1 - steps, steps)


def _reverse(x: Tensor, reversal: Tensor) -> Tensor:
    return x.gather(1, reversal[:, :, None].expand(-1, -1, x.shape[2]))


class AcousticModel(nn.Module):
    """Features to logits of every head.

    Parameters
    ----------
    num_features : size of a feature frame
    config : ModelConfig
    heads : configuration and number of units of each head, by name
    """

    def __init__(self, num_features: int, config: ModelConfig, heads: dict[str, tuple[HeadConfig, int]]):
        super().__init__()
        self.config = config
        self.subsampling = (
            ConvSubsampling(num_features, config.conv_channels, config.subsampling_factor)
            if config.subsampling == "conv"
            else StackSubsampling(num_features, config.subsampling_factor)
        )
        self.layers = nn.ModuleList()
        size = self.subsampling.num_outputs
        for _ in range(config.num_layers):
            layer = BiLSTMLayer(size, config)
            self.layers.append(layer)
            size = layer.num_outputs
        for name, (head, _) in heads.items():
            if not 0 <= head.layer <= config.num_layers:
                raise ValueError(f"head {name}: layer must be 0..{config.num_layers}")
        for name, (head, num_units) in heads.items():
            if head.framewise:
                self.register_buffer(f"log_prior_{name}", torch.zeros(num_units))
                self.register_buffer(f"log_bigram_{name}", torch.zeros(num_units, num_units))
            if head.loss == "ctc_crf":
                self.register_buffer(f"log_trigram_{name}", torch.zeros(num_units, num_units, num_units))
        self.head_layers = {name: head.layer or config.num_layers for name, (head, _) in heads.items()}
        self.heads = nn.ModuleDict(
            {name: nn.Linear(size, num_units * config.output_frames) for name, (_, num_units) in heads.items()}
        )

    def log_prior(self, head: str) -> Tensor:
        """Log share of each unit among the frames that a framewise head was trained on, float32 [K]."""
        return self.get_buffer(f"log_prior_{head}")

    def log_bigram(self, head: str) -> Tensor:
        """Log probability of a unit (column) after another (row) in the training transcripts, float32 [K, K]."""
        return self.get_buffer(f"log_bigram_{head}")

    def log_trigram(self, head: str) -> Tensor:
        """Log probability of a unit after two others in the training transcripts, float32 [K, K, K]; see `ctc.crf`."""
        return self.get_buffer(f"log_trigram_{head}")

    def recur_in_bfloat16(self) -> None:
        """Let the LSTMs alone, which take most of the time, hear in bfloat16 from now on."""
        for layer in self.layers:
            layer.forward_lstm.bfloat16()
            layer.backward_lstm.bfloat16()

    def output_lengths(self, lengths: Tensor) -> Tensor:
        """Output frames V of utterances of `lengths` feature frames, int64 [B]."""
        factor = self.config.subsampling_factor
        return (lengths + factor - 1) // factor * self.config.output_frames

    def forward(
        self, features: Tensor, lengths: Tensor, generator: torch.Generator | None = None
    ) -> tuple[dict[str, Tensor], Tensor]:
        """Logits by head.

        Parameters
        ----------
        features : Tensor, float32, [B, T, F]
        lengths : Tensor, int64, [B]; frames that count, 1..T
        generator : torch.Generator, optional; on the CPU, draws the dropout masks in training

        Returns
        -------
        logits : dict of Tensor, [B, V, K]; frames past an utterance's length are not defined
        lengths : Tensor, int64, [B]
        """
        lengths = lengths.to(features.device)
        x, steps = self.subsampling(features, lengths)
        reversal = _reversal(steps, x.shape[1])
        logits = {}
        for number, layer in enumerate(self.layers, start=1):
            x = layer(x, reversal, generator)
            for name, head in self.heads.items():
                if self.head_layers[name] == number:
                    logits[name] = head(x).unflatten(2, (self.config.output_frames, -1)).flatten(1, 2)
        return logits, steps * self.config.output_frames
