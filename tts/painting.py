"""Prosody of a sentence, with what was asked of it, to frames: mel and pitch, ready for the vocoder.

Legend: P phones, T frames, M mel bands, C channels.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from tts.acoustic import Acoustic
from tts.contract import mel_level
from tts.controls import Controls
from tts.finish import quieten, restore_detail
from tts.linguistic import PAUSE, SILENCE, Rows, rows_of
from tts.models import even
from tts.phonemes import SpokenWord
from tts.prosody import SentenceProsody
from tts.variance import Frames, regulate

#: Frames of the voice's own silence around a sentence, at most, which the decoder paints; longer silence is digital.
EDGE_FRAMES = 8
LOWEST_F0_HZ, HIGHEST_F0_HZ = 40.0, 1000.0
#: The decoder paints for pitches at most so many spreads from the voice's mean; the vocoder follows any.
_FARTHEST_PITCH = 2.5
_LEVEL_REACH = 1  # frames over which a change of level with the pitch or the rate is evened out
_EASING_ROUNDS = 4  # after which the means of phones are within a few per cent of what is asked
_DB_TO_LOG = math.log(10.0) / 20.0


@dataclass(frozen=True)
class Plain:
    """The same sentence at the predicted pitch and with one rate for all phones.

    Attributes
    ----------
    mel, f0_hz : Tensor, float32, [T', M] and [T']
    begin, end : Tensor, int64, [T], the frames of it that each frame of `Painted` stands for
    """

    mel: Tensor
    f0_hz: Tensor
    begin: Tensor
    end: Tensor


@dataclass(frozen=True)
class Painted:
    """One sentence's frames, as `Painter.finish` takes them.

    Attributes
    ----------
    mel : Tensor, float32, [T, M], log-mel without `gain`
    f0_hz : Tensor, float32, [T], 0 where unvoiced
    gain : Tensor, float32, [T], asked change of the log-mel
    durations : Tensor, int64, [P], frames of each row
    plain : whose level the frames keep; None where neither another pitch nor another rate of some phones is asked for
    num_held : frames whose pitch was asked lower or higher than `LOWEST_F0_HZ` and `HIGHEST_F0_HZ` and is held there
    """

    mel: Tensor
    f0_hz: Tensor
    gain: Tensor
    durations: Tensor
    plain: Plain | None
    num_held: int


@dataclass(frozen=True)
class Painter:
    """The acoustic model's second half: what to make of a sentence's prosody.

    Attributes
    ----------
    acoustic : with its model
    speaker : Tensor, int64, [1]
    level : of a vocoder: natural logarithm of the root mean square that some of a sentence's frames sound with, but for
        a constant: of log-mel [T, M], F0 in hertz [T], begin and end, [end - begin]
    """

    acoustic: Acoustic
    speaker: Tensor
    level: Callable[[Tensor, Tensor, int, int], Tensor]

    def encode(self, rows: Rows) -> tuple[Tensor, Tensor]:
        """Encoded phones [1, P, C] and the mask [1, P]."""
        mask = torch.ones(1, len(rows.phones), dtype=torch.bool)
        return self.acoustic.model.encode(rows.features[None], mask, self.speaker), mask

    @torch.inference_mode()
    def paint(
        self, sentence: SentenceProsody, controls: Controls, lead: int = EDGE_FRAMES, tail: int = EDGE_FRAMES
    ) -> Painted:
        """Mel and F0 of a sentence, with `lead` frames of silence in front and `tail` or one more behind."""
        rows = sentence_rows(sentence)
        table = self._table(sentence, rows, controls)
        hidden, _ = self.encode(rows)
        durations = self._durations(table, rows, lead, tail)
        frames = regulate(durations[None])
        shift = eased(table["semitones"] * (math.log(2.0) / 12.0), frames)
        plain = None
        if bool((table["rate"] != 1.0).any() or shift.any()):
            counts = self._durations(table | {"rate": torch.ones_like(table["rate"])}, rows, lead, tail)
            unchanged = regulate(counts[None])
            mel, asked_hz = self._draw(hidden, rows, table, unchanged)
            plain = Plain(mel, _held(asked_hz), *counterparts(durations, counts))
        gain = eased(table["gain_db"] * _DB_TO_LOG, frames)
        mel, asked_hz = self._draw(hidden, rows, table, frames, shift)
        f0_hz = _held(asked_hz)
        return Painted(mel, f0_hz, gain, durations, plain, int((f0_hz != asked_hz).sum()))

    def _durations(self, table: dict[str, Tensor], rows: Rows, lead: int, tail: int) -> Tensor:
        """Frames of each row, int64 [P], in whole steps of the model."""
        hop_s = self.acoustic.contract.hop_s
        durations = frame_counts(table["seconds"] / hop_s, table["rate"], ~(rows.is_pause | rows.is_silence))
        durations[0], durations[-1] = lead, tail
        durations[-1] += even(int(durations.sum())) - int(durations.sum())
        return durations

    def _draw(
        self, hidden: Tensor, rows: Rows, table: dict[str, Tensor], frames: Frames, shift: Tensor | float = 0.0
    ) -> tuple[Tensor, Tensor]:
        """Mel [T, M] and F0 in hertz [T] of frames, the logarithm of the pitch moved by `shift` [T]."""
        model = self.acoustic.model
        f0_mean, f0_spread, energy_mean, energy_spread = model.prosody.tolist()
        pitch = ((table["pitch_hz"].log() - f0_mean) / f0_spread)[None]
        energy = ((table["energy_db"] - energy_mean) / energy_spread)[None]
        melody = model.draw_melody(hidden, frames, pitch, energy)
        log_f0 = melody.f0[0] * f0_spread + f0_mean + shift
        gap = (rows.is_pause | rows.is_silence)[frames.phone[0]]
        voiced = (melody.voiced_logit[0] > 0) & ~gap
        # The decoder sees the asked pitch as far as the voice knows it.
        seen = ((log_f0 - f0_mean) / f0_spread).clamp(-_FARTHEST_PITCH, _FARTHEST_PITCH)[None]
        normal = model.paint(hidden, frames, pitch, energy, seen, voiced.float()[None])[0]
        mel = restore_detail(normal * model.mel_spread + model.mel_mean, model.mel_mean, self.acoustic.detail)
        return quieten(mel, mel_level(mel, self.acoustic.contract), ~gap), torch.where(voiced, log_f0.exp(), 0.0)

    @torch.inference_mode()
    def finish(self, painted: Painted, start: int, stop: int) -> Tensor:
        """Mel of some frames for the vocoder, [stop - start, M].

        A higher voice is also a louder or softer one, and so is a longer phone; what was not asked for is taken back.
        That costs far more than painting, so it is done for the frames that are about to be heard.
        """
        mel = painted.mel[start:stop] + painted.gain[start:stop, None]
        plain = painted.plain
        if plain is None:
            return mel
        first, last = max(0, start - _LEVEL_REACH), min(len(painted.mel), stop + _LEVEL_REACH)
        begin, end = plain.begin[first:last], plain.end[first:last]
        wanted = mean_level(self.level(plain.mel, plain.f0_hz, int(begin[0]), int(end[-1])), begin, end)
        louder = wanted - self.level(painted.mel, painted.f0_hz, first, last)
        return mel + _smoothed(louder, _LEVEL_REACH)[start - first : stop - first, None]

    def _table(self, sentence: SentenceProsody, rows: Rows, controls: Controls) -> dict[str, Tensor]:
        """What is asked of each row, float32 [P] each; pitch and level of gaps lie between their neighbours'.

        `rate` is what a row has of its own, and no part of `seconds` yet.
        """
        said = iter([phone for word in sentence.words for phone in word.phones])
        values = []
        for row, (phone, index) in enumerate(zip(rows.phones, rows.word_index, strict=True)):
            if phone == SILENCE:
                values.append((0.0, 1.0, math.nan, math.nan, controls.pitch, controls.energy))
            elif phone == PAUSE:
                pause_s = sentence.words[index].pause_s * controls.pause
                values.append((pause_s, 1.0, math.nan, math.nan, controls.pitch, controls.energy))
            else:
                one = next(said)
                changes = (one.pitch + controls.pitch, one.energy + controls.energy)
                values.append((one.duration_s / controls.rate, one.rate, one.pitch_hz, one.energy_db, *changes))
            assert values[row][0] >= 0.0  # `SentenceProsody.check` has seen to it
        columns = torch.tensor(values, dtype=torch.float32).unbind(1)  # whatever numbers of NumPy's were given
        names = ("seconds", "rate", "pitch_hz", "energy_db", "semitones", "gain_db")
        table = dict(zip(names, columns, strict=True))
        return table | {name: _filled(table[name]) for name in ("pitch_hz", "energy_db")}


def sentence_rows(sentence: SentenceProsody) -> Rows:
    """Rows of a sentence for the model."""
    return rows_of(
        [
            SpokenWord(word.text, tuple(phone.phone for phone in word.phones), word.start, word.end, word.mark)
            for word in sentence.words
        ]
    )


def whole_frames(frames: Tensor, spoken: Tensor) -> Tensor:
    """Round durations so that their sum stays, each phone at least one frame.

    Parameters
    ----------
    frames : Tensor, float, [P]
    spoken : Tensor, bool, [P], rows that may not vanish

    Examples
    --------
    >>> whole_frames(torch.tensor([2.4, 2.4, 0.0, 0.2, 5.0]), torch.tensor([True, True, False, True, True])).tolist()
    [2, 3, 0, 1, 4]
    """
    edges, at, total = [0], 0.0, 0.0
    for count, needed in zip(frames.tolist(), spoken.tolist(), strict=True):
        at += count
        total = max(edges[-1] + (1 if needed else 0), math.floor(at + 0.5) if count else edges[-1])
        edges.append(int(total))
    return torch.tensor(edges).diff()


def frame_counts(frames: Tensor, rate: Tensor, spoken: Tensor) -> Tensor:
    """Whole frames of each row, so that a pause or a rate of some changes no other.

    A rate is of the whole frames that a row has without it, since that is what one hears it changed from.

    Parameters
    ----------
    frames, rate : Tensor, float, [P], frames that are asked for, and how much faster a row is said than those
    spoken : Tensor, bool, [P], rows that are phones

    Examples
    --------
    >>> asked, spoken = torch.tensor([2.4, 2.4, 7.6, 2.4, 2.4]), torch.tensor([True, True, False, True, True])
    >>> frame_counts(asked, torch.ones(5), spoken).tolist()
    [2, 3, 8, 2, 3]
    >>> frame_counts(asked, torch.tensor([1.0, 1.0, 1.0, 0.5, 1.0]), spoken).tolist()
    [2, 3, 8, 4, 3]
    """
    counts = torch.where(spoken, whole_frames(torch.where(spoken, frames, 0.0), spoken), torch.round(frames).long())
    changed = (spoken & (rate != 1.0)).tolist()
    start = 0
    for row, now in enumerate([*changed, False]):
        if now and not (row and changed[row - 1]):
            start = row
        elif not now and row and changed[row - 1]:
            run = slice(start, row)
            counts[run] = whole_frames(counts[run] / rate[run], spoken[run])
    return counts


def eased(values: Tensor, frames: Frames) -> Tensor:
    """What is asked of phones, float [P], as a curve over frames [T] that begins and ends softly in those it changes.

    Phones that have what the first row has, the silence in front, keep just that; of the others the mean is as asked.
    """
    phone, own = frames.phone[0], values != values[0]
    rows, curve = values, values[phone]
    if not bool(own.any()):
        return curve
    count = torch.bincount(phone, minlength=len(values)).clamp(min=1)
    for number in range(_EASING_ROUNDS):
        if number:
            found = torch.zeros_like(values).index_add_(0, phone, curve) / count
            rows = torch.where(own, rows + values - found, values)
        curve = torch.where(own[phone], _smoothed(_smoothed(rows[phone], 1), 1), values[phone])
    return curve


def counterparts(durations: Tensor, others: Tensor) -> tuple[Tensor, Tensor]:
    """For each frame begin and end, int64 [T], of those at the same place of the same row if rows had other durations.

    Examples
    --------
    >>> begin, end = counterparts(torch.tensor([2, 4, 1]), torch.tensor([2, 2, 3]))
    >>> begin.tolist(), end.tolist()
    ([0, 1, 2, 2, 3, 3, 4], [1, 2, 3, 3, 4, 4, 7])
    """
    row = torch.repeat_interleave(torch.arange(len(durations)), durations)
    place = torch.arange(len(row)) - (durations.cumsum(0) - durations)[row]
    start, count, other = (others.cumsum(0) - others)[row], durations[row], others[row]
    return start + place * other // count, start - (place + 1) * -other // count


def mean_level(level: Tensor, begin: Tensor, end: Tensor) -> Tensor:
    """Level of the mean power of frames from each `begin` to each `end`, [T]; `level` starts with the first `begin`.

    >>> powers = torch.tensor([1.0, 2.0, 6.0])
    >>> mean_level(powers.log() / 2, torch.tensor([5, 6]), torch.tensor([6, 8])).exp().tolist()
    [1.0, 2.0]
    """
    power, count = (2.0 * level.double()).exp(), end - begin
    total = torch.zeros(len(begin), dtype=power.dtype)
    for step in range(int(count.max())):  # sums, not differences of them, which would lose what is quiet
        total += torch.where(step < count, power[torch.minimum(begin + step, end - 1) - begin[0]], 0.0)
    return (0.5 * (total / count).log()).float()


def _held(f0_hz: Tensor) -> Tensor:
    """Pitch within its range, [T] -> [T]; 0 where unvoiced."""
    return torch.where(f0_hz > 0, f0_hz.clamp(LOWEST_F0_HZ, HIGHEST_F0_HZ), 0.0)


def _filled(values: Tensor) -> Tensor:
    """Straight lines through rows that are nan."""
    array = values.numpy()
    known, places = np.isfinite(array), np.arange(len(array))
    return torch.from_numpy(np.interp(places, places[known], array[known])).float()


def _smoothed(values: Tensor, reach: int) -> Tensor:
    """Mean over the frames up to `reach` away, [T] -> [T]."""
    padded = functional.pad(values[None, None], (reach, reach), mode="replicate")
    return functional.avg_pool1d(padded, 2 * reach + 1, 1)[0, 0]
