"""The vocoder of a voice: mel and pitch in, a waveform out, whole or in chunks.

Both ways run the same code: a whole utterance is one chunk. Noise comes from a seeded generator that is
drawn in order, so chunks sound as the whole does, up to the rounding of float32 (measured: below 1e-5 of full scale).

Legend: B batch, T frames, M mel bands, N = T * hop samples.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from speech.checkpoint import building, read_packed, write_packed
from speech.config import from_dict, to_dict
from speech.packing import Precision, unpack
from tts.contract import AudioContract, contract_from_header, finite
from tts.vocoder_model import EARLY_SAMPLES, Filters, VocoderConfig, VocoderNet, loudness_of, render
from tts.vocoder_source import LEAD, PitchState, pulse_train

FORMAT = "vocoder-1"
SHIPPED = Path(__file__).parent / "weights" / "vocoder_kathleen.safetensors"


@dataclass
class Vocoder:
    """A trained vocoder.

    Attributes
    ----------
    net : VocoderNet in evaluation mode
    card : data, licence, recipe, seed, measured results

    Examples
    --------
    >>> vocoder = Vocoder(VocoderNet(VocoderConfig(channels=8, blocks=1), AudioContract()).eval())
    >>> mel, f0_hz = torch.full((1, 50, 80), -6.0), torch.full((1, 50), 200.0)
    >>> vocoder(mel, f0_hz).shape
    torch.Size([1, 12800])
    >>> sum(len(samples) for samples in vocoder.stream([(mel[0, :20], f0_hz[0, :20]), (mel[0, 20:], f0_hz[0, 20:])]))
    12800
    """

    net: VocoderNet
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def contract(self) -> AudioContract:
        """The frames that it takes."""
        return self.net.contract

    @classmethod
    def load(cls, path: str | Path | None = None) -> "Vocoder":
        """Read a model written by `save`; the one that comes with the package without `path`.

        Raises
        ------
        CheckpointError
            The file is missing, damaged, of another format, or its weights are not finite or do not fit its
            configuration.
        """
        path = Path(path or SHIPPED)
        header, tensors = read_packed(path, FORMAT, "vocoder")
        contract = contract_from_header(header, path)
        with building(path):
            net = VocoderNet(from_dict(VocoderConfig, header["config"], "config.", str(path)), contract)
            net.load_state_dict(finite(unpack(tensors), path))
        return cls(net.requires_grad_(False).eval(), header.get("card", {}))

    def save(self, path: str | Path, precision: Precision = "float16") -> None:
        """Write to one safetensors file, atomically.

        Raises
        ------
        CheckpointError
            The file cannot be written; what stood at `path` before is untouched.
        """
        header = {
            "config": to_dict(self.net.config),
            "contract": to_dict(self.contract),
            "card": self.card,
        }
        write_packed(path, FORMAT, header, self.net.state_dict(), precision)

    def __call__(self, mel: Tensor, f0_hz: Tensor, *, seed: int = 0) -> Tensor:
        """Synthesize a batch.

        Parameters
        ----------
        mel : Tensor, float, [B, T, M], as the contract defines it
        f0_hz : Tensor, float, [B, T], 0 where unvoiced
        seed : of the noise, the same for each row

        Returns
        -------
        Tensor, float32, [B, T * hop_samples] : not clipped

        Raises
        ------
        ValueError
            Shapes disagree, or a value is not finite.
        """
        if mel.dim() != 3 or f0_hz.shape != mel.shape[:2]:
            raise ValueError(f"mel must be [B, T, M] and f0_hz [B, T], got {tuple(mel.shape)} and {tuple(f0_hz.shape)}")
        rows = [torch.cat(list(self.stream([row], seed=seed))) for row in zip(mel, f0_hz, strict=True)]
        return torch.stack(rows) if rows else mel.new_zeros(0, mel.shape[1] * self.contract.hop_samples)

    @torch.no_grad()
    def level(self, mel: Tensor, f0_hz: Tensor, start: int = 0, stop: int | None = None) -> Tensor:
        """Natural logarithm of the root mean square that some of an utterance's frames sound with.

        A voice that is high has few harmonics, which may miss what is loud in the mel, or meet it.

        Parameters
        ----------
        mel : Tensor, float, [T, M], log-mel of the utterance
        f0_hz : Tensor, float, [T], 0 where unvoiced
        start, stop : first of the frames and the one behind the last; all by default

        Returns
        -------
        Tensor, float, [stop - start]
        """
        stop, reach = len(mel) if stop is None else stop, self.net.config.reach_frames
        first = max(0, start - reach)
        mel, f0_hz = mel[None, first : stop + reach], f0_hz[None, first : stop + reach]
        return loudness_of(self.net(mel, f0_hz), f0_hz, self.contract)[0, start - first : stop - first]

    def stream(self, chunks: Iterable[tuple[Tensor, Tensor]], *, seed: int = 0) -> Iterator[Tensor]:
        """Synthesize one utterance while its frames arrive.

        Sound comes `net.config.reach_frames + 1` frames after its own frame, since filters depend on that many to come.

        Parameters
        ----------
        chunks : of (mel [t, M], f0_hz [t]), any number of frames each
        seed : of the noise

        Yields
        ------
        Tensor, float32, [n] : together T * hop_samples samples
        """
        synthesis = _Synthesis(self.net, seed)
        for mel, f0_hz in chunks:
            yield synthesis.push(mel, f0_hz)
        yield synthesis.finish()


class _Synthesis:
    """One utterance on its way through the vocoder: frames go in, finished samples come out.

    Windows are two hops long and centred on frames, so one more stands at either end of the utterance, for which
    the filters of the first and the last frame serve once more.
    """

    def __init__(self, net: VocoderNet, seed: int):
        self.net, self.contract, self.random = net, net.contract, np.random.default_rng(seed)
        hop = net.contract.hop_samples
        # Frames that matter still; `first` is the number of the first of them.
        self.mel, self.f0_hz, self.first = torch.zeros(0, net.contract.num_mels), torch.zeros(0), 0
        self.excited = self.rendered = 0  # frames with an excitation, frames gone through their filters
        self.pitch = PitchState()
        # Excitation from the start of the next window on; pulses reach `LEAD` beyond it.
        self.pulses, self.phase = torch.zeros(hop + hop // 2 + LEAD), torch.zeros(hop + hop // 2)
        self.noise = self._draw(hop + hop // 2)
        self.tail = torch.zeros(0)  # what the windows rendered so far add to samples to come
        self.ahead = hop + hop // 2 + EARLY_SAMPLES  # samples still to come in front of the utterance's first
        self.left = 0  # samples of the frames seen that have not been returned

    def _draw(self, count: int) -> Tensor:
        return torch.from_numpy(self.random.standard_normal(count, np.float32))

    @torch.no_grad()
    def push(self, mel: Tensor, f0_hz: Tensor) -> Tensor:
        """Take frames, return the samples that are finished, [n]."""
        self._check(mel, f0_hz)
        self.mel, self.f0_hz = torch.cat([self.mel, mel.float()]), torch.cat([self.f0_hz, f0_hz.float()])
        self.left += len(mel) * self.contract.hop_samples
        known = self.first + len(self.mel)
        self._excite(known - 1)
        return self._advance(known - self.net.config.reach_frames - 1, ended=False)

    @torch.no_grad()
    def finish(self) -> Tensor:
        """The samples that were held back, [n]."""
        known, hop = self.first + len(self.mel), self.contract.hop_samples
        if known == 0:
            return torch.zeros(0)
        self._excite(known)
        beyond = hop + hop // 2
        self.pulses, self.phase = functional.pad(self.pulses, (0, beyond)), functional.pad(self.phase, (0, beyond))
        self.noise = torch.cat([self.noise, self._draw(beyond)])
        return self._advance(known, ended=True)

    def _excite(self, stop: int) -> None:
        """Extend pulses and noise to frame `stop`."""
        if stop <= self.excited:
            return
        start = self.excited - self.first
        f0_hz = self.f0_hz[start : stop - self.first].numpy()
        after = self.f0_hz[stop - self.first : stop - self.first + 1]
        pulses, phase = pulse_train(f0_hz, self.contract, self.pitch, float(after[0]) if len(after) else 0.0)
        end = len(self.phase)
        self.pulses = functional.pad(self.pulses, (0, len(phase)))
        self.pulses[end - LEAD :] += torch.from_numpy(pulses)
        self.phase = torch.cat([self.phase, torch.from_numpy(phase)])
        self.noise = torch.cat([self.noise, self._draw(len(phase))])
        self.excited = stop

    def _advance(self, stop: int, *, ended: bool) -> Tensor:
        """Render the frames up to `stop`, whose neighbours are all known."""
        if stop <= self.rendered and not ended:
            return torch.zeros(0)
        hop, reach = self.contract.hop_samples, self.net.config.reach_frames
        filters = self.net(self.mel[None], self.f0_hz[None])
        places = list(range(self.rendered - self.first, stop - self.first))
        places = [0] * (self.rendered == 0) + places + [len(self.mel) - 1] * ended
        chosen = Filters(*(getattr(filters, field.name)[:, places] for field in fields(Filters)))
        count = (len(places) + 1) * hop
        pulses, noise, phase = (signal[None, :count] for signal in (self.pulses, self.noise, self.phase))
        sound = render(chosen, pulses, noise, phase, self.contract)[0]
        sound[: len(self.tail)] += self.tail
        done = len(places) * hop
        self.pulses, self.noise, self.phase = self.pulses[done:], self.noise[done:], self.phase[done:]
        self.tail, self.rendered = sound[done:], stop
        drop = max(0, stop - reach - self.first)
        self.mel, self.f0_hz, self.first = self.mel[drop:], self.f0_hz[drop:], self.first + drop
        finished = sound if ended else sound[:done]
        skipped = min(self.ahead, len(finished))
        self.ahead -= skipped
        samples = finished[skipped:][: self.left]
        self.left -= len(samples)
        return samples

    def _check(self, mel: Tensor, f0_hz: Tensor) -> None:
        if mel.dim() != 2 or mel.shape[1] != self.contract.num_mels or f0_hz.shape != mel.shape[:1]:
            raise ValueError(
                f"a chunk needs mel [t, {self.contract.num_mels}] and f0_hz [t],"
                f" got {tuple(mel.shape)} and {tuple(f0_hz.shape)}"
            )
        if not (torch.isfinite(mel).all() and torch.isfinite(f0_hz).all() and (f0_hz >= 0).all()):
            raise ValueError("mel and f0_hz must be finite and f0_hz at least 0 (0: unvoiced)")
