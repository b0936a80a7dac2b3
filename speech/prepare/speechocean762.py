"""speechocean762 (OpenSLR 101): English sentences by 250 Mandarin speakers, half of them children.

Layout: Kaldi data folders `train/` and `test/` with `wav.scp` (id, path below `root`), `text` (id, transcript) and
`utt2spk` (id, speaker). The two splits share no speaker.
"""

from collections.abc import Iterator
from pathlib import Path

from speech.errors import CorpusError
from speech.prepare.rows import Row, find_audio, index_audio, read_lines


def rows(root: Path) -> Iterator[Row]:
    """List the utterances of both splits."""
    indices: dict[Path, dict[str, Path]] = {}
    for split in ("train", "test"):
        folder = root / split
        texts, speakers = _read_table(folder / "text"), _read_table(folder / "utt2spk")
        for name, listed in _read_table(folder / "wav.scp").items():
            known = name in texts and name in speakers
            wave = root / listed
            if wave.parent not in indices:
                indices[wave.parent] = index_audio(wave.parent)
            yield Row(
                audio_filepath=find_audio(indices[wave.parent], wave.stem, wave.parent),
                text=texts.get(name, ""),
                split=split,
                speaker=f"speechocean762-{speakers.get(name)}",
                corpus="speechocean762",
                problem="" if known else f"{folder / 'wav.scp'}: {name} is not in text and utt2spk.",
            )


def _read_table(path: Path) -> dict[str, str]:
    """Read a Kaldi table: an id, white space, the rest of the line."""
    table = {}
    for row, line in enumerate(read_lines(path), start=1):
        fields = line.split(maxsplit=1)
        if len(fields) != 2 or fields[0] in table:
            raise CorpusError(f"{path}, row {row}: must be an id of its own and a value")
        table[fields[0]] = fields[1].strip()
    return table
