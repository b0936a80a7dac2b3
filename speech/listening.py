"""From waveforms to what a search reads: log probabilities of a model's heads in all views, side by side.

Legend: V output frames, K columns: all views of the first head, then of the next.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from speech.checkpoint import LoadedModel
from speech.decoding import default_head
from speech.errors import ConfigError
from speech.tempo import Pace, Tempo
from speech.threads import in_threads
from speech.views import rested, shifted, shifts_of

# A unit may be emitted a little before or after its sound: so near to a sound nothing counts as steady.
STEADY_GUARD_S = 0.3


class Listener:
    """A loaded model that hears.

    Parameters
    ----------
    loaded : LoadedModel
    heads : names of the outputs that are read
    num_views : see `speech.views`
    device : torch.device
    source : str
        What errors call the model.

    Attributes
    ----------
    tempo : Tempo
    sample_rate_hz : int
        Of waveforms.
    frames_per_step : int
        Output frames of each step of the model.
    """

    def __init__(self, loaded: LoadedModel, heads: tuple[str, ...], num_views: int, device: torch.device, source: str):
        self.model = loaded.model.to(device).eval()
        self.heads = heads
        self.device = device
        ends = np.cumsum([0, *(len(loaded.units[head]) for head in heads for _ in range(num_views))])
        self._rests, self._num_outputs = ends[:-1], int(ends[-1])  # columns of the blank or silence
        self._shifts = shifts_of(num_views, loaded.model.config.subsampling_factor)
        self.sample_rate_hz = loaded.frontend.config.sample_rate_hz
        self.tempo = Tempo(loaded, source)
        for pace in (self.tempo.own, *self.tempo.paces):
            pace.frontend.to(device).eval()
        self._rate_head = default_head(loaded)
        self.frames_per_step = loaded.model.config.output_frames

    def pace(self, waveform: np.ndarray) -> Pace:
        """In which steps a recording, float32 [N], is best heard, found out by hearing it in the model's own."""
        own = self.tempo.own
        if not own.frontend.num_frames(len(waveform)):
            return own
        with torch.inference_mode():
            [(logits, lengths)] = self._hear_each([self._features([waveform], [own])])
            log_probs = logits[self._rate_head][0, : int(lengths[0])].float().log_softmax(dim=1).cpu().numpy()
        return self.tempo.pace(log_probs)

    def log_probs(self, waveforms: Sequence[np.ndarray], paces: Sequence[Pace]) -> list[np.ndarray]:
        """Log probabilities of each waveform, as a `speech.decoding.Reader` takes them, float32 [V, K]."""
        with torch.inference_mode():
            features, frames = self._features(waveforms, paces)
            counts = self.model.output_lengths(frames).tolist()
            views = [shifted(features, frames, shift) for shift in self._shifts]
            logits, lengths = self._heard(*(torch.cat(parts) for parts in zip(*views, strict=True)))
            outputs = [
                rested(view.float().log_softmax(dim=2), view_lengths, max(counts))
                for head in self.heads
                for view, view_lengths in zip(
                    logits[head].split(len(waveforms)), lengths.split(len(waveforms)), strict=True
                )
            ]
            log_probs = torch.cat(outputs, dim=2).cpu().numpy()
        return [log_probs[row, :count].copy() for row, count in enumerate(counts)]

    def _heard(self, features: Tensor, frames: Tensor) -> tuple[dict[str, Tensor], Tensor]:
        """Logits of rows by head, and their lengths, as the model gives them; on a CPU each thread hears some rows."""
        shares = torch.get_num_threads() if self.device.type == "cpu" else 1
        parts = self._hear_each(list(zip(features.chunk(shares), frames.chunk(shares), strict=True)))
        heads = {head: torch.cat([logits[head] for logits, _ in parts]) for head in self.heads}
        return heads, torch.cat([lengths for _, lengths in parts])

    def _hear_each(self, parts: list[tuple[Tensor, Tensor]]) -> list[tuple[dict[str, Tensor], Tensor]]:
        """Logits and lengths of each part; on a GPU in the caller's thread, whose stream is its own."""
        return in_threads(self._hear, parts) if self.device.type == "cpu" else [self._hear(part) for part in parts]

    def _hear(self, rows: tuple[Tensor, Tensor]) -> tuple[dict[str, Tensor], Tensor]:
        with torch.inference_mode():
            return self.model(*rows)

    def _features(self, waveforms: Sequence[np.ndarray], paces: Sequence[Pace]) -> tuple[Tensor, Tensor]:
        """Features of each waveform in its pace, float32 [B, T, F], and their lengths, int64 [B]."""
        found: dict[int, Tensor] = {}
        for pace in dict.fromkeys(paces):
            rows = [row for row, own in enumerate(paces) if own is pace]
            lengths = torch.tensor([len(waveforms[row]) for row in rows])
            padded = torch.zeros(len(rows), int(lengths.max()))
            for place, row in enumerate(rows):
                padded[place, : lengths[place]] = torch.from_numpy(np.ascontiguousarray(waveforms[row]))
            features, frames = pace.frontend(padded.to(self.device), lengths.to(self.device))
            found |= {row: features[place, : frames[place]] for place, row in enumerate(rows)}
        ordered = [found[row] for row in range(len(waveforms))]
        return pad_sequence(ordered, batch_first=True), torch.tensor([len(row) for row in ordered], device=self.device)

    def silence(self, num_samples: int, pace: Pace) -> np.ndarray:
        """Log probabilities of a window in which nothing is said, [V, K]."""
        frames = torch.tensor([pace.frontend.num_frames(num_samples)])
        num_frames = int(self.model.output_lengths(frames)) if frames > 0 else 0
        log_probs = np.full((num_frames, self._num_outputs), -np.inf, np.float32)
        log_probs[:, self._rests] = 0.0
        return log_probs

    def blank_out(self, log_probs: np.ndarray, steady, num_samples: int, pace: Pace) -> None:
        """Make frames [V, K] inside steady stretches surely blank, in place."""
        step = pace.frame_step_s * self.sample_rate_hz
        guard = STEADY_GUARD_S * self.sample_rate_hz
        for first, end in steady:
            start_frame = 0 if first == 0 else int(np.ceil((first + guard) / step))
            end_frame = len(log_probs) if end == num_samples else int((end - guard) / step)
            log_probs[start_frame:end_frame] = -np.inf
            log_probs[start_frame:end_frame, self._rests] = 0.0


def listening_device(name: str) -> torch.device:
    """A processor or a CUDA device that is there; ConfigError if the name is of no such."""
    try:
        device = torch.device(name)
    except RuntimeError as error:
        raise ConfigError(f"device {name!r} is unknown; use cpu, cuda or cuda:0") from error
    if device.type not in ("cpu", "cuda"):
        raise ConfigError(f"device {name!r} is not supported; use cpu, cuda or cuda:0")
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise ConfigError(f"device {name!r}: there are {torch.cuda.device_count()} CUDA devices here; use cpu")
    return device
