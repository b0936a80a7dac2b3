"""The acoustic model: phones in; durations, pauses, pitch and energy of phones, and from these mel and F0 of frames.

Phones pass an encoder, convolutional or BiLSTM. Predictors say how long, how high and how loud each phone is, and
whether and how long to pause where two words meet. The length regulator spreads phones over frames. Within phones a
small network draws the melody around the line through the phones' pitches and says where the voice sounds; the
decoder then paints the mel for that melody. Two frames are one step of either network.

Control needs nothing learned: an asked shift of pitch is added to the finished F0 before the mel is painted for it,
an asked gain to the finished log-mel.

Legend: B batch, P phones, T frames, S steps of two frames, C channels, M mel bands.

References
----------
Ren et al., FastSpeech 2, ICLR 2021. Lancucki, FastPitch, ICASSP 2021 (pitch by phone).
"""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor, nn

from tts.linguistic import FEATURE_SIZES
from tts.variance import Frames, Predictor, TimeConv

Kind = Literal["conv", "bilstm"]
STEP = 2  # frames
_FRAME_INPUTS = 5  # of one frame beside its phone: place, two distances, pitch line, energy line


@dataclass(frozen=True, kw_only=True)
class AcousticConfig:
    """Size of the network.

    Attributes
    ----------
    encoder, decoder : "conv" or "bilstm"
    channels : of encoder and decoder, even
    kernel : of convolutions, odd
    encoder_layers, decoder_layers : of the kind chosen
    num_speakers : voices told apart by an embedding
    dropout, predictor_dropout : in training
    """

    encoder: Kind = "bilstm"
    decoder: Kind = "conv"
    channels: int = 192
    kernel: int = 5
    encoder_layers: int = 1
    decoder_layers: int = 5
    num_speakers: int = 1
    dropout: float = 0.1
    predictor_dropout: float = 0.3

    def __post_init__(self):
        if self.channels < 4 or self.channels % 4:
            raise ValueError(f"channels must be a multiple of 4, got {self.channels}")
        if self.kernel < 1 or self.kernel % 2 == 0:
            raise ValueError(f"kernel must be odd and 1 or more, got {self.kernel}")
        for name in ("encoder_layers", "decoder_layers", "num_speakers"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be 1 or more, got {getattr(self, name)}")
        for name in ("dropout", "predictor_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 0 and less than 1, got {getattr(self, name)}")


@dataclass(frozen=True)
class PhonePredictions:
    """What the model says of phones; pitch and energy in units of their spread over the corpus.

    Attributes
    ----------
    log_duration : Tensor, float32, [B, P], natural logarithm of 1 + frames
    pause_logit : Tensor, float32, [B, P], whether the voice pauses, of rows where it may
    log_pause : Tensor, float32, [B, P], natural logarithm of 1 + frames if it does
    pitch, energy : Tensor, float32, [B, P]
    """

    log_duration: Tensor
    pause_logit: Tensor
    log_pause: Tensor
    pitch: Tensor
    energy: Tensor


@dataclass(frozen=True)
class Melody:
    """Pitch within phones.

    Attributes
    ----------
    f0 : Tensor, float32, [B, T], in units of its spread
    voiced_logit : Tensor, float32, [B, T]
    """

    f0: Tensor
    voiced_logit: Tensor


class Stack(nn.Module):
    """Layers over time, residual convolutions or BiLSTM, [B, T, C] -> [B, T, C]."""

    def __init__(self, kind: Kind, channels: int, kernel: int, layers: int, dropout: float):
        super().__init__()
        self.kind = kind
        match kind:
            case "conv":
                self.layers = nn.ModuleList(TimeConv(channels, kernel, dropout) for _ in range(layers))
            case "bilstm":
                self.layers = nn.ModuleList([TimeConv(channels, kernel, dropout) for _ in range(2)])
                self.lstm = nn.LSTM(
                    channels, channels // 2, layers, batch_first=True, bidirectional=True,
                    dropout=dropout if layers > 1 else 0.0,
                )  # fmt: skip
        self.norm = nn.LayerNorm(channels)

    def forward(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """Columns beyond `mask` [B, T] have no influence."""
        for layer in self.layers:
            hidden = layer(hidden, mask[..., None])
        if self.kind == "bilstm":
            lengths = mask.sum(1).cpu()
            packed = nn.utils.rnn.pack_padded_sequence(hidden, lengths, batch_first=True, enforce_sorted=False)
            found, _ = nn.utils.rnn.pad_packed_sequence(
                self.lstm(packed)[0], batch_first=True, total_length=mask.shape[1]
            )
            hidden = hidden + found
        return self.norm(hidden)


class AcousticModel(nn.Module):
    """Phones to mel and F0; see this module's first lines.

    Parameters
    ----------
    config : AcousticConfig
    num_mels : M
    """

    mel_mean: Tensor
    mel_spread: Tensor
    prosody: Tensor

    def __init__(self, config: AcousticConfig, num_mels: int):
        super().__init__()
        self.config, self.num_mels = config, num_mels
        width = config.channels
        self.embed = nn.ModuleList(nn.Embedding(size, width) for size in FEATURE_SIZES.values())
        for table in self.embed:
            assert isinstance(table, nn.Embedding)
            nn.init.normal_(table.weight, std=len(FEATURE_SIZES) ** -0.5)
        self.speaker = nn.Embedding(config.num_speakers, width)
        nn.init.zeros_(self.speaker.weight)
        self.encoder = Stack(config.encoder, width, config.kernel, config.encoder_layers, config.dropout)
        self.duration, self.pause = (Predictor(width, n, 3, config.predictor_dropout) for n in (1, 2))
        self.pitch, self.energy = (Predictor(width, 1, 3, config.predictor_dropout) for _ in range(2))
        self.melody_phones = nn.Linear(width, STEP * (width // 2))
        self.melody_frames = nn.Linear(STEP * _FRAME_INPUTS, width // 2)
        self.melody = Stack("conv", width // 2, config.kernel, 3, config.dropout)
        self.melody_out = nn.Linear(width // 2, 2 * STEP)
        self.mel_phones = nn.Linear(width, STEP * width)
        self.mel_frames = nn.Linear(STEP * (_FRAME_INPUTS + 2), width)
        self.decoder = Stack(config.decoder, width, config.kernel, config.decoder_layers, config.dropout)
        self.mel_out = nn.Linear(width, STEP * num_mels)
        self.register_buffer("mel_mean", torch.zeros(num_mels))
        self.register_buffer("mel_spread", torch.ones(num_mels))
        # Mean and spread of log F0, then of the level in dB.
        self.register_buffer("prosody", torch.tensor([5.0, 0.2, -30.0, 10.0]))

    def encode(self, features: Tensor, mask: Tensor, speaker: Tensor) -> Tensor:
        """Phones in context, int64 [B, P, features], bool [B, P], int64 [B] -> [B, P, C]."""
        hidden = self.speaker(speaker)[:, None]
        for column, table in enumerate(self.embed):
            hidden = hidden + table(features[..., column])
        return self.encoder(hidden, mask)

    def predict(self, hidden: Tensor, mask: Tensor) -> PhonePredictions:
        """Say how long, high and loud phones are, from `encode`'s [B, P, C]."""
        valid = mask[..., None]
        pause = self.pause(hidden, valid)
        return PhonePredictions(
            log_duration=self.duration(hidden, valid)[..., 0],
            pause_logit=pause[..., 0],
            log_pause=pause[..., 1],
            pitch=self.pitch(hidden, valid)[..., 0],
            energy=self.energy(hidden, valid)[..., 0],
        )

    def draw_melody(self, hidden: Tensor, frames: Frames, pitch: Tensor, energy: Tensor) -> Melody:
        """F0 and voicing of frames around the phones' pitches.

        Parameters
        ----------
        hidden : Tensor, float, [B, P, C]
        frames : of T frames, an even number
        pitch, energy : Tensor, float, [B, P], in units of their spread
        """
        line = frames.interpolate(pitch)
        mask = frames.mask[:, ::STEP]
        steps = self._steps(self.melody_phones(hidden), frames) + self.melody_frames(_inputs(frames, line, energy))
        found = self.melody_out(self.melody(steps, mask)).float()
        shape, voiced = found.unflatten(2, (STEP, 2)).flatten(1, 2).unbind(2)
        return Melody(line + shape, voiced)

    def paint(
        self, hidden: Tensor, frames: Frames, pitch: Tensor, energy: Tensor, f0: Tensor, voiced: Tensor
    ) -> Tensor:
        """Normalised mel for a melody, float32 [B, T, M].

        Parameters
        ----------
        hidden, frames, pitch, energy : as for `draw_melody`
        f0 : Tensor, float, [B, T], in units of its spread, drawn through where unvoiced
        voiced : Tensor, float, [B, T], 0 or 1
        """
        inputs = _inputs(frames, frames.interpolate(pitch), energy, f0, voiced)
        steps = self._steps(self.mel_phones(hidden), frames) + self.mel_frames(inputs)
        mel = self.mel_out(self.decoder(steps, frames.mask[:, ::STEP])).float()
        return mel.unflatten(2, (STEP, self.num_mels)).flatten(1, 2)

    def _steps(self, phones: Tensor, frames: Frames) -> Tensor:
        """Sum of what two frames take from their phones, [B, P, 2 C] -> [B, S, C]."""
        early, late = phones.chunk(STEP, dim=2)
        each = [frames.phone[:, place::STEP, None].expand(-1, -1, early.shape[2]) for place in range(STEP)]
        return early.gather(1, each[0]) + late.gather(1, each[1])


def _inputs(frames: Frames, line: Tensor, energy: Tensor, *more: Tensor) -> Tensor:
    """Numbers of frames beside their phones, two frames a step, [B, S, 2 n]."""
    columns = (
        frames.place,
        torch.log1p(frames.from_start.clamp(min=0.0)) / 3.0,
        torch.log1p(frames.from_end.clamp(min=0.0)) / 3.0,
        line,
        frames.interpolate(energy),
        *more,
    )
    return torch.stack(columns, dim=2).unflatten(1, (-1, STEP)).flatten(2)


def even(count: int) -> int:
    """Frames in whole steps."""
    return -(-count // STEP) * STEP
