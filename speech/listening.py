"""From waveforms to what a search reads: log probabilities of a model's heads in all views, side by side.

Legend: V output frames, K columns: all views of the first head, then of the next.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from speech.checkpoint import LoadedModel
from speech.decoding import default_head
from speech.errors import ConfigError
from speech.tempo import Pace, Tempo
from speech.threads import in_threads
from speech.views import shifted, shifts_of

Part = TypeVar("Part")
Result = TypeVar("Result")

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
        return self._each(self._own_pace, [waveform])[0] if own.frontend.num_frames(len(waveform)) else own

    def _own_pace(self, waveform: np.ndarray) -> Pace:
        [(log_probs,)] = self._hear([self._features((waveform, self.tempo.own))], (self._rate_head,))
        return self.tempo.pace(log_probs)

    def log_probs(self, waveforms: Sequence[np.ndarray], paces: Sequence[Pace]) -> list[np.ndarray]:
        """Log probabilities of each waveform, as a `speech.decoding.Reader` takes them, float32 [V, K].

        On a CPU threads share the rows, which are all waveforms in the first view, then in the next.
        """
        features = self._each(self._features, list(zip(waveforms, paces, strict=True)))
        rows = [shifted(one, shift) for shift in self._shifts for one in features]
        size = -(-len(rows) // (torch.get_num_threads() if self.device.type == "cpu" else 1))
        parts = [rows[first : first + size] for first in range(0, len(rows), size)]
        heard = [row for part in self._each(partial(self._hear, heads=self.heads), parts) for row in part]
        counts = self.model.output_lengths(torch.tensor([len(one) for one in features])).tolist()
        return [self._side_by_side(heard[number :: len(counts)], count) for number, count in enumerate(counts)]

    def _each(self, work: Callable[[Part], Result], parts: Sequence[Part]) -> list[Result]:
        """`work` on each part; on a GPU in the caller's thread, whose stream is its own."""
        return in_threads(work, parts) if self.device.type == "cpu" else [work(part) for part in parts]

    def _features(self, part: tuple[np.ndarray, Pace]) -> Tensor:
        """Features of a waveform in a pace, float32 [T, F]."""
        waveform, pace = part
        return pace.frontend.of_waveform(waveform)

    def _hear(self, rows: Sequence[Tensor], heads: Sequence[str]) -> list[tuple[np.ndarray, ...]]:
        """Log probabilities of rows of features [T, F] by each head, float32 [V, K]."""
        with torch.inference_mode():
            lengths = torch.tensor([len(row) for row in rows])
            logits, lengths = self.model(pad_sequence(list(rows), batch_first=True), lengths)
            outputs = [logits[head].float().log_softmax(dim=2).cpu().numpy() for head in heads]
        return [tuple(one[row, :count] for one in outputs) for row, count in enumerate(lengths.tolist())]

    def _side_by_side(self, views: Sequence[tuple[np.ndarray, ...]], num_frames: int) -> np.ndarray:
        """Log probabilities [V, K] of what each view heard by each head; what one has no frames for is at rest."""
        log_probs = self._rest(num_frames)
        outputs = [own[head] for head in range(len(self.heads)) for own in views]
        for first, output in zip(self._rests, outputs, strict=True):
            log_probs[: len(output), first : first + output.shape[1]] = output
        return log_probs

    def _rest(self, num_frames: int) -> np.ndarray:
        """Log probabilities [V, K] of frames that are surely no speech."""
        log_probs = np.full((num_frames, self._num_outputs), -np.inf, np.float32)
        log_probs[:, self._rests] = 0.0
        return log_probs

    def silence(self, num_samples: int, pace: Pace) -> np.ndarray:
        """Log probabilities of a window in which nothing is said, [V, K]."""
        frames = torch.tensor([pace.frontend.num_frames(num_samples)])
        return self._rest(int(self.model.output_lengths(frames)) if frames > 0 else 0)

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
