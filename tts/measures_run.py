"""All measures over the utterances of a manifest, for recordings, copy synthesis and a voice."""

import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any, Literal, Protocol

import numpy as np
import torch

from speech import audio
from speech.checkpoint import write_atomically
from speech.corpus import Utterance
from speech.errors import SpeechError
from speech.files import unique_names
from speech.scoring import ErrorCounts, score
from speech.text import normalize_text
from tts.contract import FrameAnalyzer
from tts.measures import AcousticErrors, compare, pooled
from tts.measures_peers import Opinion, PeerRecognizer, opinion, opinion_model
from tts.measures_timing import TimingErrors, compare_durations, compare_pauses
from tts.sound import Audio
from tts.vocoder import Vocoder

log = logging.getLogger(__name__)
System = Literal["natural", "copy", "voice"]
Measure = Literal["spectrum", "words", "opinion", "timing"]
SYSTEMS: tuple[System, ...] = ("natural", "copy", "voice")
MEASURES: tuple[Measure, ...] = ("spectrum", "words", "opinion", "timing")
_LISTS = ("spectrum", "words", "opinions", "timing")  # fields of `Scores`


class Aligner(Protocol):
    """Times of phones and words in a recording: as `speech.aligner.Aligner`."""

    def align(self, waveform: np.ndarray, text: str, *, sample_rate: int) -> Any:
        """Align `text`."""


@dataclass
class Scores:
    """Measures of one system, an entry an utterance.

    Attributes
    ----------
    spectrum : against the recording; none for the recordings themselves
    words : of the independent recogniser
    opinions : of DNSMOS
    timing : against the alignment of the recording: of a voice's own phones and words; of the recordings, the second
        reading of the same text, so that a voice's errors can be told from what differs from reading to reading; all
        zero where there is none
    """

    spectrum: list[AcousticErrors] = field(default_factory=list)
    words: list[ErrorCounts] = field(default_factory=list)
    opinions: list[Opinion] = field(default_factory=list)
    timing: list[TimingErrors] = field(default_factory=list)

    def extend(self, more: "Scores") -> None:
        """Take over the entries of further utterances."""
        for name in _LISTS:
            getattr(self, name).extend(getattr(more, name))

    def summary(self) -> dict[str, float]:
        """Means and pooled rates, by name."""
        found: dict[str, float] = {}
        if self.spectrum:
            total = pooled(self.spectrum)
            found |= {"mcd_db": total.mcd_db, "log_f0_rmse": total.log_f0_rmse, "voicing_error": total.voicing_error}
        if self.words:
            counts = sum(self.words, ErrorCounts(0, 0))
            found |= {"word_error": counts.rate, "word_errors": counts.errors, "words": counts.total}
        if self.opinions:
            for name in ("overall", "speech", "background"):
                found[f"dnsmos_{name}"] = float(np.mean([getattr(row, name) for row in self.opinions]))
        timing = sum(self.timing, TimingErrors())
        if timing.num_phones:
            found |= {"duration_mae_s": timing.duration_mae_s, "pause_f1": timing.pause_f1}
            found |= {"pause_f1_100ms": timing.long_pause_f1}
            found |= {"pause_mae_s": timing.pause_mae_s, "pauses": timing.pauses_right + timing.pauses_missed}
        return found


def first_readings(utterances: Sequence[Utterance]) -> list[Utterance]:
    """The first reading of each text, in order."""
    found: dict[str, Utterance] = {}
    for utterance in utterances:
        found.setdefault(utterance.text, utterance)
    return list(found.values())


def second_readings(utterances: Sequence[Utterance]) -> dict[str, Utterance]:
    """The second reading of each text that was read again by the same speaker, by its text."""
    firsts = {utterance.text: utterance for utterance in first_readings(utterances)}
    again = [u for u in utterances if u is not firsts[u.text] and u.speaker == firsts[u.text].speaker]
    return {utterance.text: utterance for utterance in first_readings(again)}


def evaluate_speech(
    utterances: Sequence[Utterance],
    systems: Sequence[System],
    measures: Sequence[Measure],
    vocoder: Vocoder,
    say: Callable[[str], Audio] | None = None,
    aligner: Aligner | None = None,
    keep: Path | None = None,
    again: Mapping[str, Utterance] = MappingProxyType({}),
    progress: Callable[[Utterance, SpeechError | None], None] | None = None,
) -> dict[System, Scores]:
    """Measure systems on the same utterances.

    Parameters
    ----------
    utterances : recordings and their texts
    systems : "natural" the recordings, "copy" the vocoder on their own frames, "voice" `say` on their texts
    measures : "spectrum", "words", "opinion", "timing"
    vocoder : Vocoder, whose contract also defines the frames of "spectrum"
    say : the voice, needed for "voice"
    aligner : needed for "timing"
    keep : folder in which each system's sounds are written as STEM.SYSTEM.wav; recordings that share a stem have their
        place in `utterances`, from 1, behind it
    again : second readings by text, whose "timing" is that of "natural"
    progress : told each utterance that is done, or the error for which it is left out of all scores; without it the
        first error is raised

    Raises
    ------
    SpeechError
        Something needed is missing, or a recording cannot be read or is silent (names it).
    """
    if "voice" in systems and say is None:
        raise SpeechError('the system "voice" needs a voice')
    if "timing" in measures and aligner is None:
        raise SpeechError('the measure "timing" needs an aligner')
    if "opinion" in measures:
        opinion_model()
    recognizer = PeerRecognizer() if "words" in measures else None
    analyzer = FrameAnalyzer(vocoder.contract)
    bench = _Bench(tuple(systems), tuple(measures), vocoder, analyzer, say, aligner, recognizer)
    scores: dict[System, Scores] = {system: Scores() for system in systems}
    names = unique_names([utterance.audio_filepath.stem for utterance in utterances], range(1, len(utterances) + 1))
    for name, utterance in zip(names, utterances, strict=True):
        try:
            found = bench.measure(utterance, again.get(utterance.text))
        except SpeechError as error:
            if progress is None:
                raise
            progress(utterance, error)
            continue
        for system, (sound, row) in found.items():
            scores[system].extend(row)
            if keep is not None:
                keep.mkdir(parents=True, exist_ok=True)
                audio.write(keep / f"{name}.{system}.wav", sound, vocoder.contract.sample_rate_hz)
        if progress is not None:
            progress(utterance, None)
    return scores


@dataclass(frozen=True)
class _Bench:
    """What one utterance after the other is measured with; see `evaluate_speech`."""

    systems: tuple[System, ...]
    measures: tuple[Measure, ...]
    vocoder: Vocoder
    analyzer: FrameAnalyzer
    say: Callable[[str], Audio] | None
    aligner: Aligner | None
    recognizer: PeerRecognizer | None

    def measure(self, utterance: Utterance, read_again: Utterance | None) -> dict[System, tuple[np.ndarray, Scores]]:
        """Sound and measures of each system on one utterance; SpeechError if they cannot all be had."""
        rate = self.vocoder.contract.sample_rate_hz
        recording = _read(utterance, rate)
        real = second = None
        if "natural" not in self.systems:
            read_again = None
        if self.aligner is not None and "timing" in self.measures and ("voice" in self.systems or read_again):
            real = self.aligner.align(recording, utterance.text, sample_rate=rate)
            if read_again is not None:
                second = self.aligner.align(_read(read_again, rate), utterance.text, sample_rate=rate)
        found: dict[System, tuple[np.ndarray, Scores]] = {}
        for system in self.systems:
            spoken: Any = None  # what has phones and words, to be compared with those of the recording
            match system:
                case "natural":
                    sound, spoken = recording, second
                case "copy":
                    frames = self.analyzer(torch.from_numpy(np.ascontiguousarray(recording))[None])
                    sound = self.vocoder(frames.mel, frames.f0_hz)[0].numpy()
                case "voice":
                    assert self.say is not None
                    spoken = said = self.say(utterance.text)
                    sound = audio.resample(said.samples, said.sample_rate, rate)
            row = Scores()
            if "spectrum" in self.measures and system != "natural":
                row.spectrum.append(_spectrum(utterance, recording, sound, self.vocoder))
            if self.recognizer is not None:
                reference = normalize_text(utterance.text).split()
                heard = normalize_text(self.recognizer.transcribe(sound, rate)).split()
                row.words.append(score(reference, heard))
            if "opinion" in self.measures:
                row.opinions.append(opinion(sound, rate))
            if "timing" in self.measures and system != "copy":
                row.timing.append(TimingErrors() if spoken is None else _timing(real, spoken))
            found[system] = sound, row
        return found


def _read(utterance: Utterance, rate: int) -> np.ndarray:
    """Samples of a row of a manifest."""
    samples, _ = audio.read(
        utterance.audio_filepath, sample_rate_hz=rate, offset_s=utterance.offset, duration_s=utterance.duration
    )
    return samples


def _spectrum(utterance: Utterance, recording: np.ndarray, sound: np.ndarray, vocoder: Vocoder) -> AcousticErrors:
    """Errors of a sound against a recording, which an error names."""
    try:
        return compare(recording, sound, vocoder.contract)
    except ValueError as error:
        raise SpeechError(f"{utterance.audio_filepath}: {error}; leave its row out of the manifest") from error


def _timing(real: Any, spoken: Any) -> TimingErrors:
    """Durations and pauses of one utterance; pauses only where both sides have the same words."""
    found = compare_durations(real.phones, spoken.phones)
    try:
        return found + compare_pauses(real.words, spoken.words)
    except ValueError as error:
        log.warning("pauses not compared: %s", error)
        return found


def table(scores: dict[System, Scores]) -> str:
    """Systems as columns, measures as rows, and the ratios that say how near to natural they are."""
    summaries = {system: row.summary() for system, row in scores.items()}
    names = list(dict.fromkeys(name for summary in summaries.values() for name in summary))
    lines = [f"{'':20}" + "".join(f"{system:>12}" for system in summaries)]
    for name in names:
        cells = (f"{summary[name]:12.4g}" if name in summary else f"{'-':>12}" for summary in summaries.values())
        lines.append(f"{name:20}" + "".join(cells))
    natural = summaries.get("natural", {})
    for name in ("word_error", "dnsmos_overall"):
        if natural.get(name):
            cells = (f"{summary[name] / natural[name]:12.4g}" for summary in summaries.values())
            lines.append(f"{name + ' / nat.':20}" + "".join(cells))
    return "\n".join(lines) + "\n"


def write_report(path: Path, utterances: Sequence[Utterance], scores: dict[System, Scores]) -> None:
    """Summaries, and every utterance's figures, as JSON."""
    rows = []
    for index, utterance in enumerate(utterances):
        row: dict[str, Any] = {"audio": utterance.audio_filepath.name, "text": utterance.text}
        for system, found in scores.items():
            lists = {name: getattr(found, name) for name in _LISTS}
            row[system] = {name: asdict(values[index]) for name, values in lists.items() if values}
        rows.append(row)
    report = {"summary": {system: found.summary() for system, found in scores.items()}, "utterances": rows}
    write_atomically(path, lambda file: file.write(json.dumps(report, indent=1).encode()))
