"""The phone of every frame of a corpus: found from a flat start or by a model, kept in a file, read as targets.

A file of alignments holds one int16 a feature frame, numbers into `speech.phones.PHONES`, and says in its header which
utterances it belongs to and at what step; it is read by memory mapping. Utterances that could not be aligned have none.

Legend: T feature frames, V output frames, K units.
"""

import json
import logging
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save
from torch import Tensor
from tqdm import tqdm

from speech.alignment import SILENCE, AlignmentGraph, align
from speech.checkpoint import LoadedModel, write_atomically
from speech.corpus import Utterance
from speech.errors import CorpusError
from speech.flat_start import STATES_PER_PHONE, cepstra, train_mixtures
from speech.frontend import FrontendConfig
from speech.lexicon import Lexicon, PronunciationError
from speech.phones import PHONE_IDS, PHONES, Transcript, pronounce_transcript
from speech.store import FeatureStore
from speech.units import Units, build_units

logger = logging.getLogger(__name__)
FORMAT = "speech-alignments-1"
UNKNOWN = -1  #: label of a frame that teaches nothing
#: Units of the mixtures: phones without stress, which has too few examples of each at the start.
_PLAIN = build_units("phone", framewise=True).symbols


@dataclass(frozen=True)
class FrameAlignments:
    """Phones of the frames of utterances.

    Attributes
    ----------
    frame_step_s : seconds between two frames
    source : what made them
    labels : by utterance (see `utterance_key`), int16 [T], numbers into `PHONES`
    """

    frame_step_s: float
    source: str
    labels: dict[str, NDArray[np.int16]]

    def save(self, path: Path) -> None:
        """Write the file, atomically."""
        header = {
            "format": FORMAT,
            "frame_step_s": self.frame_step_s,
            "source": self.source,
            "phones": PHONES,
            "utterances": list(self.labels),
        }
        found = list(self.labels.values())
        tensors: dict[str, NDArray] = {
            "labels": np.concatenate(found) if found else np.zeros(0, dtype=np.int16),
            "lengths": np.array([len(labels) for labels in found], dtype=np.int64),
        }
        data = save(tensors, metadata={"alignments": json.dumps(header)})
        write_atomically(path, lambda file: file.write(data))

    @classmethod
    def load(cls, path: Path) -> "FrameAlignments":
        """Read a file.

        Raises
        ------
        CorpusError
            The file is missing, damaged, or of another version.
        """
        try:
            with safe_open(path, framework="numpy") as file:
                header = json.loads((file.metadata() or {}).get("alignments", "null"))
                labels, lengths = file.get_tensor("labels"), file.get_tensor("lengths")
        except (SafetensorError, OSError, ValueError) as error:
            raise CorpusError(f"{path}: cannot be read as alignments ({error}); remove it to make them anew") from error
        if not isinstance(header, dict) or header.get("format") != FORMAT or header["phones"] != list(PHONES):
            raise CorpusError(f"{path}: not alignments of format {FORMAT}; remove it to make them anew")
        parts = np.split(labels, np.cumsum(lengths)[:-1]) if len(lengths) else []
        return cls(header["frame_step_s"], header["source"], dict(zip(header["utterances"], parts, strict=True)))

    def of(self, utterances: Sequence[Utterance], lengths: Sequence[int]) -> list[NDArray[np.int16] | None]:
        """Labels of each utterance, None where there are none; a difference of a few frames at the end is evened out.

        Says how many readable utterances have none, since they teach the framewise heads nothing.

        Raises
        ------
        CorpusError
            No utterance has an alignment.
        """
        found: list[NDArray[np.int16] | None] = []
        for utterance, length in zip(utterances, lengths, strict=True):
            labels = self.labels.get(utterance_key(utterance))
            if labels is None or not len(labels) or abs(len(labels) - length) > 5:
                found.append(None)
            else:
                found.append(labels[np.minimum(np.arange(length), len(labels) - 1)])
        if not any(labels is not None for labels in found):
            raise CorpusError(f"alignments by {self.source}: none is of an utterance of the training manifests")
        left = [u for u, length, labels in zip(utterances, lengths, found, strict=True) if length and labels is None]
        if left:
            logger.warning(
                "alignments by %s: %d of %d utterances have none, so framewise heads learn nothing of them; first: "
                "%s (%r)",
                self.source, len(left), len(utterances), left[0].audio_filepath, left[0].text,
            )  # fmt: skip
        return found


def utterance_key(utterance: Utterance) -> str:
    """What tells an utterance from all others: its part of a file, and its words."""
    return f"{utterance.audio_filepath}|{utterance.offset:.3f}|{utterance.duration:.3f}|{utterance.text}"


def pronounce_utterances(utterances: Iterable[Utterance], lexicon: Lexicon) -> list[Transcript | None]:
    """Pronunciations of each transcript, None for those with words that have none, which are named in the log."""
    found: list[Transcript | None] = []
    for utterance in utterances:
        try:
            found.append(pronounce_transcript(utterance.text, lexicon))
        except PronunciationError as error:
            logger.warning("%s: not aligned: %s", utterance.audio_filepath, error)
            found.append(None)
    return found


def path_labels(graph: AlignmentGraph, transcript: Transcript, states: NDArray[np.int64]) -> NDArray[np.int16]:
    """Phone numbers [T] of the states on a path, with the stress that the chosen pronunciation has."""
    names = np.empty(len(graph), dtype=np.int16)
    for state in range(len(graph)):
        word = graph.words[state]
        if word == SILENCE:
            names[state] = 0
        else:
            names[state] = PHONE_IDS[transcript.pronunciations[word][graph.variants[state]][graph.phones[state]]]
    return names[states]


def flat_start(
    utterances: Sequence[Utterance], store: FeatureStore, frame_step_s: float, *, hours: float, lexicon: Lexicon
) -> FrameAlignments:
    """Align a corpus of which only the words are known; see `speech.flat_start`.

    Parameters
    ----------
    utterances, store : the corpus and its log-mel features
    hours : of speech, evenly spread over the corpus, that the mixtures are fitted to
    """
    transcripts = {i: t for i, t in enumerate(pronounce_utterances(utterances, lexicon)) if t is not None}
    usable = [i for i in transcripts if store.lengths[i] > 0]
    share = min(1.0, hours * 3600 / (frame_step_s * float(store.lengths[usable].sum())))
    picked = [usable[int(k / share)] for k in range(int(len(usable) * share))]

    def graph_of(transcript: Transcript) -> AlignmentGraph:
        return transcript.graph(_PLAIN, states_per_phone=STATES_PER_PHONE, silence_states=STATES_PER_PHONE)

    graphs = [graph_of(transcripts[i]) for i in picked]
    mixtures = train_mixtures([cepstra(store[i]) for i in picked], graphs, len(_PLAIN))

    def label(index: int) -> NDArray[np.int16] | None:
        graph = graph_of(transcripts[index])
        return _aligned(lambda: mixtures.scores(cepstra(store[index])), graph, transcripts[index], utterances[index])

    found = _collect(usable, label, utterances, "alignments")
    return FrameAlignments(frame_step_s, f"flat start on {hours:g} h", found)


def align_with_model(
    loaded: LoadedModel,
    head: str,
    utterances: Sequence[Utterance],
    store: FeatureStore,
    *,
    lexicon: Lexicon,
    prior_scale: float,
    source: str,
) -> FrameAlignments:
    """Align a corpus by a framewise head of a model, on features that stand in a store."""
    transcripts = {i: t for i, t in enumerate(pronounce_utterances(utterances, lexicon)) if t is not None}
    usable = [i for i in transcripts if store.lengths[i] > 0]

    def label(index: int) -> NDArray[np.int16] | None:
        features, lengths = store.batch([index])
        graph = transcripts[index].graph(loaded.units[head].symbols)
        return _aligned(
            lambda: frame_scores(loaded, head, features, lengths, prior_scale)[0].numpy(),
            graph,
            transcripts[index],
            utterances[index],
        )

    loaded.model.eval()
    found = _collect(usable, label, utterances, "realignment")
    return FrameAlignments(loaded.frontend.config.hop_s, source, found)


@torch.inference_mode()
def frame_scores(loaded: LoadedModel, head: str, features: Tensor, lengths: Tensor, prior_scale: float) -> list[Tensor]:
    """Scores of a framewise head at every feature frame: log posterior less scaled log prior; float32 [T, K] each."""
    prior = loaded.model.log_prior(head)
    logits, _ = loaded.model(features.to(prior.device), lengths)
    scores = (logits[head].float().log_softmax(dim=-1) - prior_scale * prior).cpu()
    return [
        row[output_frames_of(int(length), loaded.model.config.output_step, row.shape[0])]
        for row, length in zip(scores, lengths, strict=True)
    ]


def output_frames_of(num_frames: int, output_step: float, num_outputs: int) -> Tensor:
    """The output frame that covers each of `num_frames` feature frames, int64 [T]."""
    return ((torch.arange(num_frames) + 0.5) / output_step).floor().long().clamp(max=num_outputs - 1)


def feature_frames_of(num_outputs: int, output_step: float) -> Tensor:
    """The feature frame in the middle of each of `num_outputs` output frames, int64 [V]."""
    return ((torch.arange(num_outputs) + 0.5) * output_step).floor().long()


def between_frames(
    scores: NDArray[np.float32], coarse: FrontendConfig, fine: FrontendConfig, num_frames: int
) -> NDArray[np.float32]:
    """Scores of coarse frames [T, K] at the centres of `num_frames` fine ones, by straight lines; the ends go on."""
    first_s = fine.offset_s + fine.step_s / 2 - (coarse.offset_s + coarse.step_s / 2)  # between the first centres
    position = np.clip((np.arange(num_frames) * fine.step_s + first_s) / coarse.step_s, 0, len(scores) - 1)
    before = position.astype(np.int64)
    after = np.minimum(before + 1, len(scores) - 1)
    share = (position - before).astype(np.float32)[:, None]
    return scores[before] * (1 - share) + scores[after] * share


def unit_ids(units: Units) -> NDArray[np.int64]:
    """Unit of a framewise head for each number into `PHONES`."""
    return np.array([units.ids[p] if p in units.ids else units.ids[p.rstrip("012")] for p in PHONES])


def _aligned(scores, graph: AlignmentGraph, transcript: Transcript, utterance: Utterance) -> NDArray[np.int16] | None:
    try:
        return path_labels(graph, transcript, align(scores(), graph).states)
    except ValueError as error:
        logger.warning("%s: not aligned: %s", utterance.audio_filepath, error)
        return None


def _collect(
    indices: Sequence[int], label, utterances: Sequence[Utterance], title: str
) -> dict[str, NDArray[np.int16]]:
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # the search releases the interpreter's lock
        results: Iterator = tqdm(pool.map(label, indices), total=len(indices), desc=title, unit="utt", mininterval=1.0)
        return {
            utterance_key(utterances[i]): found for i, found in zip(indices, results, strict=True) if found is not None
        }
