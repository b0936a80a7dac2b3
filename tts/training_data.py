"""Recordings as the acoustic model is trained on them."""

import hashlib
import logging
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor
from tqdm import tqdm

from speech.corpus import Utterance
from speech.errors import CorpusError
from speech.files import unique_names
from tts.contract import AudioContract
from tts.linguistic import SILENCE
from tts.losses import Batch, collate
from tts.models import AcousticModel
from tts.targets import Targets, measure_targets, read_alignment
from tts.vocoder_data import VoiceData, prepare_voice_data

logger = logging.getLogger(__name__)
_OFTEN = 3  # times that a word was said in one way before the voice has a habit
_MOST_LEFT_OUT = 0.2  # of the recordings


@dataclass(frozen=True)
class Recordings:
    """Recordings of one or more voices.

    Attributes
    ----------
    voice : mel and pitch of all recordings
    rows : which of them each of `targets` is
    targets : of the recordings that can be used
    words : each one's words with the phones that were said
    texts : what is said, by which prompts are told apart
    speaker_ids : number of each one's voice
    speakers : names of voices
    contract : AudioContract of the frames
    """

    voice: VoiceData
    rows: tuple[int, ...]
    targets: tuple[Targets, ...]
    words: tuple[tuple[tuple[str, tuple[str, ...]], ...], ...]
    texts: tuple[str, ...]
    speaker_ids: tuple[int, ...]
    speakers: tuple[str, ...]
    contract: AudioContract

    def num_frames(self, index: int) -> int:
        """Frames of a recording that count."""
        return self.targets[index].last - self.targets[index].first

    def frames(self, index: int) -> tuple[Tensor, Tensor]:
        """Mel [T, M] and F0 in hertz [T] of a recording."""
        one, start = self.targets[index], int(self.voice.starts[self.rows[index]])
        part = slice(start + one.first, start + one.last)
        return torch.tensor(self.voice.mel[part]).float(), torch.tensor(self.voice.f0_hz[part])

    def batch(self, indices: Sequence[int], model: AcousticModel) -> Batch:
        """Batch of recordings, normalised by the statistics of `model`."""
        return collate(
            [self.targets[index] for index in indices],
            [self.frames(index) for index in indices],
            [self.speaker_ids[index] for index in indices],
            model,
        )

    def split(self, held_out: int) -> tuple[list[int], list[int]]:
        """Recordings to train on, and one of `held_out` prompts to watch; takes of a prompt stay together."""
        parts: tuple[list[int], list[int]] = ([], [])
        for index, text in enumerate(self.texts):
            number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
            parts[number % held_out == 0].append(index)
        if not parts[0] or not parts[1]:
            raise CorpusError("too few recordings to keep some aside; lower data.held_out or record more")
        return parts

    def measure_statistics(self, model: AcousticModel) -> None:
        """Set mean and spread of mel, log F0 and level from all recordings."""
        mel = torch.tensor(self.voice.mel[::7]).float()
        f0_hz = torch.tensor(self.voice.f0_hz)
        log_f0 = f0_hz[f0_hz > 0].log()
        level = torch.cat([one.energy_db for one in self.targets])
        if len(log_f0) < 2:
            raise CorpusError("the recordings have no pitch; are they speech?")
        model.mel_mean.copy_(mel.mean(0))
        model.mel_spread.copy_(mel.std(0).clamp(min=0.1))
        model.prosody.copy_(torch.stack([log_f0.mean(), log_f0.std(), level.mean(), level.std().clamp(min=1.0)]))

    def habits(self) -> dict[str, tuple[str, ...]]:
        """The usual pronunciation of words that are said in several ways."""
        counts: defaultdict[str, Counter] = defaultdict(Counter)
        for words in self.words:
            for word, phones in words:
                counts[word][phones] += 1
        return {
            word: found.most_common(1)[0][0]
            for word, found in counts.items()
            if len(found) > 1 and found.most_common(1)[0][1] >= _OFTEN and word != "the"
        }


def alignment_names(rows: Sequence[tuple[int, Utterance]]) -> list[str]:
    """What `speech align` calls the files of a manifest's numbered rows: the stem, and the row if others share it.

    Rows without text have no file, whose name no other row's is.
    """
    spoken = [(number, utterance.audio_filepath.stem) for number, utterance in rows if utterance.text.strip()]
    numbers = [number for number, _ in spoken]
    names = dict(zip(numbers, unique_names([stem for _, stem in spoken], numbers), strict=True))
    return [names.get(number, f"{utterance.audio_filepath.stem}_{number}") for number, utterance in rows]


def open_recordings(
    utterances: Sequence[Utterance], alignments: Sequence[Path], frames_dir: Path, contract: AudioContract
) -> Recordings:
    """Frames and targets of all recordings; those without an alignment to be trusted are named and left out.

    Parameters
    ----------
    utterances, alignments : recordings, and the JSON file of each
    frames_dir : where mel and pitch are kept once computed
    contract : AudioContract of the frames

    Raises
    ------
    CorpusError
        There is no folder of alignments, or more than a fifth of the recordings cannot be used.
    """
    for folder in dict.fromkeys(path.parent for path in alignments):
        if not folder.is_dir():
            raise CorpusError(f"{folder}: no such folder of alignments; run `speech align` first")
    voice = prepare_voice_data(utterances, contract, frames_dir)
    speakers = sorted({utterance.speaker or "voice" for utterance in utterances})
    rows, targets, words, problems = [], [], [], []
    for row, utterance in enumerate(tqdm(utterances, desc="targets", unit="utt", mininterval=1.0)):
        start, count = int(voice.starts[row]), int(voice.lengths[row])
        samples = voice.samples[start * contract.hop_samples : (start + count) * contract.hop_samples]
        try:
            alignment = read_alignment(alignments[row], utterance.text)
            one = measure_targets(
                alignments[row].stem, alignment, utterance.text, voice.f0_hz[start : start + count], samples, contract
            )
        except CorpusError as error:
            problems.append(error)
            logger.warning("left out: %s", error)
            continue
        rows.append(row)
        targets.append(one)
        words.append(_said(one, alignment))
    if len(rows) < (1.0 - _MOST_LEFT_OUT) * len(utterances):
        raise CorpusError(f"only {len(rows)} of {len(utterances)} recordings can be used; left out: {problems[0]}")
    return Recordings(
        voice, tuple(rows), tuple(targets), tuple(words),
        tuple(utterances[row].text for row in rows),
        tuple(speakers.index(utterances[row].speaker or "voice") for row in rows),
        tuple(speakers), contract,
    )  # fmt: skip


def _said(targets: Targets, alignment: dict) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Words and the phones they were said with."""
    phones: defaultdict[int, list[str]] = defaultdict(list)
    for phone, word in zip(targets.rows.phones, targets.rows.word_index, strict=True):
        if phone not in (SILENCE, "SP"):
            phones[word].append(phone)
    spelled = [row["word"].lower() for row in alignment["words"]]
    if len(spelled) != len(phones):  # a word without phones was dropped
        return ()
    return tuple((spelled[index], tuple(found)) for index, found in sorted(phones.items()))
