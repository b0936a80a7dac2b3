"""Corpus readers on small copies of the official layouts, on the real data, and downloads from a local server."""

import hashlib
import http.server
import io
import logging
import tarfile
import threading
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from speech.cli import main
from speech.corpus import Utterance, read_manifest
from speech.errors import CorpusError
from speech.prepare import ARCHIVES, CORPORA, cmu_arctic, download, prepare
from speech.prepare.archives import Archive, fetch_archive

DATA = Path(__file__).parents[2] / "../shared/data"
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the real recordings (../shared/data) are not here")


def sound(path: Path, duration_s: float = 0.5) -> Path:
    """Save silence of a given length; the suffix chooses the encoding."""
    path.parent.mkdir(parents=True, exist_ok=True)
    options = {"format": "OGG", "subtype": "OPUS"} if path.suffix == ".opus" else {}
    sf.write(path, np.zeros(round(duration_s * 16000)), 16000, **options)
    return path


def text(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def prepared(corpus: str, root: Path, **options) -> dict[str, list[Utterance]]:
    """Prepare below `root` and read the manifests back."""
    manifests = prepare(corpus, root, root / "manifests", num_workers=2, **options)
    assert all(path == root / "manifests" / f"{split}.jsonl" for split, path in manifests.items())
    return {split: read_manifest(path, check_audio=True) for split, path in manifests.items()}


def summary(utterances: list[Utterance]) -> list[tuple[str, str, str | None]]:
    return [(u.audio_filepath.name, u.text, u.speaker) for u in utterances]


# One layout each


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".opus", ".wav"])
def test_librispeech(tmp_path, suffix):
    for part, speaker in (("dev-clean", "84"), ("train-clean-100", "19")):
        folder = tmp_path / "LibriSpeech" / part / speaker / "121"
        for number in range(2):
            sound(folder / f"{speaker}-121-000{number}{suffix}", 0.5 + number)
        text(folder / f"{speaker}-121.trans.txt", f"{speaker}-121-0000 GO DO", f"{speaker}-121-0001 A MAN'S WORLD")
    splits = prepared("librispeech", tmp_path)
    assert list(splits) == ["dev-clean", "train-clean-100"]
    assert summary(splits["dev-clean"]) == [
        (f"84-121-0000{suffix}", "GO DO", "librispeech-84"),
        (f"84-121-0001{suffix}", "A MAN'S WORLD", "librispeech-84"),
    ]
    assert splits["dev-clean"][1].duration == pytest.approx(1.5, abs=0.08)
    assert {(u.lang, u.corpus) for u in splits["dev-clean"]} == {("en", "librispeech")}


def test_common_voice(tmp_path):
    folder = tmp_path / "cv-corpus-17" / "en"
    for number in range(5):
        sound(folder / "clips" / f"common_voice_en_{number}.mp3")
    header = "client_id\tpath\tsentence\taccent"
    text(folder / "train.tsv", header, 'a1\tcommon_voice_en_0.mp3\tSay "hi".\t', "b2\tcommon_voice_en_1.mp3\tGo.\tus")
    text(folder / "test.tsv", header, "c3\tcommon_voice_en_2\tNo suffix.\t")
    other = "client_id\tpath\tsentence\tlabel_log_prob"
    text(folder / "other.tsv", other, "\tcommon_voice_en_3.wav\tOh.\t-0.5", "\tcommon_voice_en_4.mp3\tAh.\t0.01")
    splits = prepared("common_voice", tmp_path / "cv-corpus-17")
    assert list(splits) == ["train", "test", "other"]
    assert summary(splits["train"])[0] == ("common_voice_en_0.mp3", 'Say "hi".', "common_voice-a1")
    assert summary(splits["other"])[0] == ("common_voice_en_3.mp3", "Oh.", None)
    assert [u.confidence for u in splits["other"]] == [pytest.approx(np.exp(-0.5), abs=1e-4), 1.0]
    assert {u.confidence for u in splits["train"]} == {None}
    assert {u.lang for u in splits["test"]} == {"en"}


def test_common_voice_names_bad_rows(tmp_path):
    sound(tmp_path / "clips/a.mp3")
    table = text(tmp_path / "train.tsv", "client_id\tpath\tsentence", "x\ta.mp3")
    with pytest.raises(CorpusError, match=r"train\.tsv, row 2: 2 of 3 columns"):
        prepared("common_voice", tmp_path)
    text(table, "path\tsentence", "a.mp3\tHi")
    with pytest.raises(CorpusError, match=r"train\.tsv: has no column client_id"):
        prepared("common_voice", tmp_path)
    text(table, "client_id\tpath\tsentence\tlabel_log_prob", "x\ta.mp3\tHi\tsure")
    with pytest.raises(CorpusError, match=r'row 2: "label_log_prob" must be a number, got sure'):
        prepared("common_voice", tmp_path)
    with pytest.raises(CorpusError, match="needs one language with .tsv tables, found none"):
        prepared("common_voice", tmp_path / "clips")


def test_speechocean762(tmp_path):
    for split, speaker in (("train", "0001"), ("test", "0003")):
        sound(tmp_path / f"WAVE/SPEAKER{speaker}/0{speaker}0011.opus")
        text(tmp_path / split / "wav.scp", f"0{speaker}0011\tWAVE/SPEAKER{speaker}/0{speaker}0011.WAV")
        text(tmp_path / split / "text", f"0{speaker}0011\tMARK IS GOING")
        text(tmp_path / split / "utt2spk", f"0{speaker}0011\t{speaker}")
    splits = prepared("speechocean762", tmp_path)
    assert list(splits) == ["train", "test"]
    assert summary(splits["test"]) == [("000030011.opus", "MARK IS GOING", "speechocean762-0003")]
    text(tmp_path / "test" / "text", "000030011")
    with pytest.raises(CorpusError, match=r"test/text, row 1: must be an id"):
        prepared("speechocean762", tmp_path)
    text(tmp_path / "test" / "text", "x Y")
    with pytest.raises(CorpusError, match="000030011 is not in text"):
        prepared("speechocean762", tmp_path)


def arctic_voice(folder: Path, prompts: list[str]) -> Path:
    for prompt in prompts:
        sound(folder / "wav" / f"{prompt}.wav")
    text(folder / "etc/txt.done.data", *(f'( {prompt} "Author, \\"etc.\\"" )' for prompt in prompts))
    return folder


def test_cmu_arctic_splits_by_prompt(tmp_path):
    prompts = ["arctic_a0450", "arctic_b0439", "arctic_b0440", "arctic_b0539"]
    slt = arctic_voice(tmp_path / "cmu_us_slt_arctic", prompts)
    arctic_voice(tmp_path / "cmu_us_bdl_arctic", prompts)
    splits = prepared("cmu_arctic", slt)
    assert [name for name, _, _ in summary(splits["train"])] == ["arctic_a0450.wav", "arctic_b0439.wav"]
    assert summary(splits["test"])[0] == ("arctic_b0440.wav", 'Author, "etc."', "cmu_arctic-slt")
    both = prepared("cmu_arctic", tmp_path)
    assert {u.speaker for u in both["test"]} == {"cmu_arctic-slt", "cmu_arctic-bdl"}
    text(slt / "etc/txt.done.data", "arctic_a0001 Hello")
    with pytest.raises(CorpusError, match=r"txt\.done\.data, row 1: must be"):
        prepared("cmu_arctic", slt)


def test_test_prompts_are_one_hundred():
    names = [f"arctic_{letter}{number:04d}" for letter in "ab" for number in range(1, 600)]
    tested = [name for name in names if cmu_arctic.is_test_prompt(name)]
    assert (len(tested), tested[0], tested[-1]) == (100, "arctic_b0440", "arctic_b0539")
    assert not cmu_arctic.is_test_prompt("LJ001-0440")
    assert not cmu_arctic.is_test_prompt("arctic_b04401")


def test_ljspeech(tmp_path):
    for stem in ("LJ001-0001", "LJ001-0002"):
        sound(tmp_path / "wavs" / f"{stem}.flac")
    text(tmp_path / "metadata.csv", "LJ001-0001|In 1900, etc.|In nineteen hundred, etc.", 'LJ001-0002|"Quoted|"Quoted')
    splits = prepared("ljspeech", tmp_path)
    assert summary(splits["train"]) == [
        ("LJ001-0001.flac", "In nineteen hundred, etc.", "ljspeech"),
        ("LJ001-0002.flac", '"Quoted', "ljspeech"),
    ]
    text(tmp_path / "metadata.csv", "LJ001-0001|")
    with pytest.raises(CorpusError, match=r"metadata\.csv, row 1: must be id"):
        prepared("ljspeech", tmp_path)


def test_ljspeech_layout_with_arctic_prompts_splits_by_prompt(tmp_path):
    root = tmp_path / "Kathleen"
    stems = ["arctic_a0001_1592748574", "arctic_b0440_15927", "arctic_b0440_15928"]
    for stem in stems:
        sound(root / "wavs" / f"{stem}.opus")
    text(root / "metadata.csv", *(f"{stem}|Text." for stem in stems))
    splits = prepared("ljspeech", root)
    assert [u.audio_filepath.stem for u in splits["test"]] == stems[1:]
    assert {(u.speaker, u.corpus) for u in splits["test"]} == {("kathleen", "kathleen")}


def test_fsdd(tmp_path):
    for name in ("0_jackson_4", "0_jackson_5", "9_theo_12", "7_theo_0"):
        sound(tmp_path / f"recordings/{name}.wav")
    splits = prepared("fsdd", tmp_path)
    assert summary(splits["test"]) == [
        ("0_jackson_4.wav", "zero", "fsdd-jackson"),
        ("7_theo_0.wav", "seven", "fsdd-theo"),
    ]
    assert [u.text for u in splits["train"]] == ["zero", "nine"]
    sound(tmp_path / "recordings/ten_theo_0.wav")
    with pytest.raises(CorpusError, match="must be named"):
        prepared("fsdd", tmp_path)


def test_timit(tmp_path):
    folder = tmp_path / "TIMIT/TRAIN/DR1/FCJF0"
    sound(folder / "SA1.WAV")
    sound(folder / "SA1.WAV.wav")
    text(folder / "SA1.TXT", "0 46797 She had your dark suit in greasy wash water all year.")
    sample = tmp_path / "TIMIT/TEST/dr2-mabc1"
    sound(sample / "sx7.flac")
    text(sample / "sx7.wrd", "2260 4149 she", "4149 6080 had")
    splits = prepared("timit", tmp_path)
    assert summary(splits["train"]) == [
        ("SA1.WAV", "She had your dark suit in greasy wash water all year.", "timit-fcjf0")
    ]
    assert summary(splits["test"]) == [("sx7.flac", "she had", "timit-mabc1")]
    (sample / "sx7.wrd").unlink()
    with pytest.raises(CorpusError, match="neither a .txt nor a .wrd"):
        prepared("timit", tmp_path)


def test_folder(tmp_path):
    root = tmp_path / "notes"
    sound(root / "b.wav")
    text(root / "b.txt", "Two  words,", "two lines.")
    sound(root / "anna/a.mp3")
    text(root / "anna/a.txt", "hello")
    text(root / "readme.txt", "not a transcript")
    assert summary(prepared("folder", root)["all"]) == [
        ("b.wav", "Two words, two lines.", None),
        ("a.mp3", "hello", "notes-anna"),
    ]
    sound(root / "c.wav")
    with pytest.raises(CorpusError, match=r"c\.wav: has no transcript; write it to c\.txt"):
        prepared("folder", root)


def test_folder_with_endings_in_capitals(tmp_path):
    sound(tmp_path / "a.wav").rename(tmp_path / "CAPS.WAV")
    text(tmp_path / "CAPS.TXT", "hello")
    assert summary(prepared("folder", tmp_path)["all"]) == [("CAPS.WAV", "hello", None)]


def test_folder_with_an_empty_text(tmp_path):
    for name in ("a", "b"):
        sound(tmp_path / f"{name}.wav")
        text(tmp_path / f"{name}.txt", "hello" if name == "a" else " ")
    with pytest.raises(CorpusError, match=r"1 of 2 .*b\.txt: is empty; write down what is said in b\.wav"):
        prepared("folder", tmp_path)
    assert summary(prepared("folder", tmp_path, skip_bad=True)["all"]) == [("a.wav", "hello", None)]


@pytest.mark.parametrize(("others", "told"), [(["b"], r"b.txt has"), (["b", "c", "d"], r"b.txt and 2 more have")])
def test_folder_with_texts_without_recordings(tmp_path, caplog, others, told):
    sound(tmp_path / "a.wav")
    for name in ("a", *others):
        text(tmp_path / f"{name}.txt", "hello")
    prepared("folder", tmp_path)
    (message,) = [record.getMessage() for record in caplog.records]
    assert message == f"{tmp_path / told} no recording of that name beside it; left out"


@pytest.mark.parametrize(
    ("corpus", "suffix", "files"),
    [
        ("librispeech", "flac", {"dev/84/121/84-121.trans.txt": "84-121-0000 GO"}),
        ("common_voice", "mp3", {"train.tsv": "client_id\tpath\tsentence\nx\tlost.mp3\tGo", "clips/x": ""}),
    ],
)
def test_missing_recordings_are_called_as_in_the_corpus(tmp_path, corpus, suffix, files):
    for name, content in files.items():
        text(tmp_path / name, content)
    with pytest.raises(CorpusError, match=rf"(84-121-0000|lost)\.{suffix}: there is no such file"):
        prepare(corpus, tmp_path, tmp_path / "out")


# What all readers share


@pytest.mark.parametrize("corpus", CORPORA)
def test_every_reader_says_what_a_wrong_folder_lacks(tmp_path, corpus):
    with pytest.raises(CorpusError, match=str(tmp_path)):
        prepare(corpus, tmp_path, tmp_path / "out")
    with pytest.raises(CorpusError, match="none: there is no such folder"):
        prepare(corpus, tmp_path / "none", tmp_path / "out")


def test_unknown_corpus(tmp_path):
    with pytest.raises(CorpusError, match="num_workers must be at least 1"):
        prepare("folder", tmp_path, tmp_path, num_workers=0)
    with pytest.raises(CorpusError, match='there is no corpus "libri"; known: librispeech, common_voice'):
        prepare("libri", tmp_path, tmp_path)


def test_bad_recordings_are_named_or_left_out(tmp_path, caplog):
    for number in range(3):
        text(tmp_path / f"{number}.txt", "hello")
        sound(tmp_path / f"{number}.wav")
    (tmp_path / "1.wav").write_bytes(b"text")
    with pytest.raises(CorpusError, match=r"1 of 3 recordings cannot be used, the first: .*1\.wav: is not audio"):
        prepared("folder", tmp_path)
    with caplog.at_level(logging.WARNING):
        assert len(prepared("folder", tmp_path, skip_bad=True)["all"]) == 2
    assert "1.wav" in caplog.text
    for number in range(3):
        (tmp_path / f"{number}.wav").write_bytes(b"text")
    with pytest.raises(CorpusError, match=r'no usable utterances found, read as corpus "folder"'):
        prepared("folder", tmp_path, skip_bad=True)


def test_recordings_without_a_transcript_are_left_out_if_asked(tmp_path, caplog, capsys):
    for number in range(4):
        text(tmp_path / f"{number}.txt", "hello")
        sound(tmp_path / f"{number}.wav")
    (tmp_path / "1.txt").unlink()
    (tmp_path / "2.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(CorpusError, match=r"^2 of 4 recordings cannot be used, the first: .*1\.wav: has no"):
        prepared("folder", tmp_path)
    assert main(["prepare", "folder", str(tmp_path), "--output-dir", str(tmp_path / "manifests")]) == 2
    assert capsys.readouterr().err.endswith("; --skip-bad leaves them out\n")
    with caplog.at_level(logging.WARNING):
        assert [u.audio_filepath.stem for u in prepared("folder", tmp_path, skip_bad=True)["all"]] == ["0", "3"]
    assert "1.wav: has no transcript" in caplog.text
    assert "2.txt: is not text in UTF-8" in caplog.text


def test_a_corpus_that_cannot_be_prepared_leaves_no_empty_folder(tmp_path, capsys):
    (tmp_path / "corpus").mkdir()
    assert main(["prepare", "fsdd", str(tmp_path / "corpus"), "--output-dir", str(tmp_path / "new" / "manifests")]) == 2
    assert "recordings: there is no such folder" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["corpus"]


def test_rows_without_a_transcript_are_left_out_of_every_corpus(tmp_path):
    folder = tmp_path / "librispeech" / "dev-clean" / "84" / "121"
    for number in range(2):
        sound(folder / f"84-121-000{number}.flac")
    text(folder / "84-121.trans.txt", "84-121-0000 GO DO", "84-121-0001")
    for number in (1, 2):
        sound(tmp_path / "timit" / "DR1" / "FCJF0" / f"SA{number}.WAV")
    text(tmp_path / "timit" / "DR1" / "FCJF0" / "SA1.TXT", "0 8000 She had.")
    for name in ("a", "b"):
        sound(tmp_path / "speechocean762" / "WAVE" / f"{name}.WAV")
    for split in ("train", "test"):
        text(tmp_path / "speechocean762" / split / "wav.scp", "a WAVE/a.WAV", "b WAVE/b.WAV")
        text(tmp_path / "speechocean762" / split / "text", "a HELLO")
        text(tmp_path / "speechocean762" / split / "utt2spk", "a 1", "b 1")
    for corpus in ("librispeech", "timit", "speechocean762"):
        with pytest.raises(CorpusError, match="recordings cannot be used"):
            prepared(corpus, tmp_path / corpus)
        assert all(len(rows) == 1 for rows in prepared(corpus, tmp_path / corpus, skip_bad=True).values())


def test_one_part_named_from_inside_it(tmp_path, monkeypatch):
    folder = tmp_path / "dev-clean" / "84" / "121"
    sound(folder / "84-121-0000.flac")
    text(folder / "84-121.trans.txt", "84-121-0000 GO DO")
    monkeypatch.chdir(tmp_path / "dev-clean")
    assert list(prepared("librispeech", Path())) == ["dev-clean"]


def test_missing_recordings_are_named(tmp_path):
    text(tmp_path / "metadata.csv", "LJ001-0001|Hello")
    (tmp_path / "wavs").mkdir()
    with pytest.raises(CorpusError, match=r"LJ001-0001\.wav: there is no such file"):
        prepared("ljspeech", tmp_path)


def test_wav_is_preferred_to_a_compressed_twin(tmp_path):
    text(tmp_path / "a.txt", "hello")
    for suffix in (".mp3", ".wav", ".flac"):
        sound(tmp_path / f"a{suffix}")
    assert [u.audio_filepath.suffix for u in prepared("folder", tmp_path)["all"]] == [".wav"]


# The real data


@needs_data
@pytest.mark.parametrize(
    ("corpus", "folder", "expected"),
    [
        ("librispeech", "LibriSpeech", {"dev-clean": 150, "test-other": 100, "train-clean-100": 1268}),
        ("common_voice", "cv-corpus", {"train": 1216, "dev": 173, "test": 96, "other": 5360}),
        ("speechocean762", "speechocean762", {"train": 2500, "test": 640}),
        ("cmu_arctic", "cmu_us_slt_arctic", {"train": 1032, "test": 100}),
        ("ljspeech", "kathleen", {"train": 1489, "test": 131}),
        ("ljspeech", "LJSpeech-mini", {"train": 142}),
        ("timit", "timit_sample", {"all": 160}),
        ("fsdd", "free-spoken-digit-dataset", {"test": 300, "train": 2700}),
    ],
)
def test_real_layouts(corpus, folder, expected):
    rows = list(CORPORA[corpus](DATA / folder))
    assert Counter(row.split for row in rows) == expected
    assert all(row.text and row.audio_filepath.is_file() for row in rows)
    assert all(row.speaker or row.split == "other" for row in rows)


@needs_data
def test_real_durations(tmp_path):
    manifests = prepare("timit", DATA / "timit_sample", tmp_path)
    utterances = read_manifest(manifests["all"], check_audio=True)
    assert sum(u.duration for u in utterances) / 3600 == pytest.approx(0.136, abs=0.001)


# Downloads


def tar_of(name: str, content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        member = tarfile.TarInfo(name)
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


CONTENT = tar_of("Corpus/readme", np.random.default_rng(0).bytes(50_000))


@pytest.fixture
def local_archive(tmp_path) -> Archive:
    (tmp_path / "server").mkdir()
    path = tmp_path / "server/corpus.tar.gz"
    path.write_bytes(CONTENT)
    return Archive(path.as_uri(), "Corpus", hashlib.sha256(CONTENT).hexdigest())


def test_download_from_a_file(tmp_path, local_archive, monkeypatch):
    root = tmp_path / "data"
    monkeypatch.setattr("speech.prepare.archives.ARCHIVES", {"toy": {"all": local_archive}})
    assert download("toy", root) == root / "Corpus"
    assert (root / "Corpus/readme").stat().st_size == 50_000
    assert sorted(path.name for path in root.iterdir()) == [".corpus.tar.gz.unpacked", "Corpus"]
    Path(tmp_path / "server/corpus.tar.gz").unlink()
    assert download("toy", root) == root / "Corpus"  # nothing is fetched again


def test_download_asks_for_parts(tmp_path):
    with pytest.raises(CorpusError, match="librispeech has several parts, name some; known: dev-clean"):
        download("librispeech", tmp_path)
    with pytest.raises(CorpusError, match='has no part "train"'):
        download("librispeech", tmp_path, ["train"])
    with pytest.raises(CorpusError, match='"timit" cannot be downloaded'):
        download("timit", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_every_archive_has_a_reader():
    assert set(ARCHIVES) <= set(CORPORA)
    assert all(a.sha256 is None or len(a.sha256) == 64 for parts in ARCHIVES.values() for a in parts.values())


def test_wrong_checksum(tmp_path, local_archive):
    wrong = Archive(local_archive.url, "Corpus", "0" * 64)
    with pytest.raises(CorpusError, match="the SHA-256 is"):
        fetch_archive(wrong, tmp_path / "data")
    assert list((tmp_path / "data").iterdir()) == []


def test_damaged_archive(tmp_path, local_archive):
    (tmp_path / "server/corpus.tar.gz").write_bytes(CONTENT[:20_000])
    with pytest.raises(CorpusError, match="does not unpack"):
        fetch_archive(Archive(local_archive.url, "Corpus"), tmp_path / "data")
    (tmp_path / "server/corpus.tar.gz").write_bytes(b"<html>Not found</html>")
    with pytest.raises(CorpusError, match="does not unpack"):
        fetch_archive(Archive(local_archive.url, "Corpus"), tmp_path / "data")
    (tmp_path / "server/corpus.tar.gz").write_bytes(tar_of("../../escaped", b"x"))
    with pytest.raises(CorpusError, match="does not unpack"):
        fetch_archive(Archive(local_archive.url, "Corpus"), tmp_path / "data")
    assert not (tmp_path / "escaped").exists()


def test_missing_archive(tmp_path):
    with pytest.raises(CorpusError, match=r"none\.tar\.gz: cannot be reached \(.*call again when the network is there"):
        fetch_archive(Archive((tmp_path / "none.tar.gz").as_uri(), "Corpus"), tmp_path / "data")


class Handler(http.server.BaseHTTPRequestHandler):
    """Serve CONTENT, in part when asked; break off once after 20,000 bytes, which may be part of a longer chunk."""

    requested: list[str | None]
    breaks_off = True
    chunked = False

    def do_GET(self) -> None:
        asked = self.headers["Range"]
        type(self).requested.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked else 0
        if start >= len(CONTENT):
            self.send_error(416)
            return
        self.send_response(206 if asked else 200)
        if type(self).chunked and type(self).breaks_off:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            self.wfile.write(b"%x\r\n" % len(CONTENT))
        else:
            self.send_header("Content-Length", str(len(CONTENT) - start))
            self.end_headers()
        stop = 20_000 if type(self).breaks_off else len(CONTENT)
        type(self).breaks_off = False
        self.wfile.write(CONTENT[start:stop])

    def log_message(self, *_) -> None:
        pass


@pytest.fixture
def server():
    Handler.requested, Handler.breaks_off, Handler.chunked = [], True, False
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield f"http://127.0.0.1:{running.server_port}/corpus.tar.gz"
        running.shutdown()
        thread.join()


def test_a_broken_download_goes_on(tmp_path, server):
    archive = Archive(server, "Corpus", hashlib.sha256(CONTENT).hexdigest())
    with pytest.raises(CorpusError, match="the download broke off .*call again to continue"):
        fetch_archive(archive, tmp_path)
    assert (tmp_path / "corpus.tar.gz.partial").stat().st_size == 20_000
    fetch_archive(archive, tmp_path)
    assert Handler.requested == [None, "bytes=20000-"]
    assert (tmp_path / "Corpus/readme").exists()


def test_a_download_of_unknown_size_that_breaks_off_is_told(tmp_path, server):
    Handler.chunked = True
    archive = Archive(server, "Corpus", hashlib.sha256(CONTENT).hexdigest())
    with pytest.raises(CorpusError, match="the download broke off .*call again to continue"):
        fetch_archive(archive, tmp_path)
    fetch_archive(archive, tmp_path)
    assert (tmp_path / "Corpus/readme").exists()


def test_a_complete_partial_file_is_taken(tmp_path, server):
    (tmp_path / "corpus.tar.gz.partial").write_bytes(CONTENT)
    fetch_archive(Archive(server, "Corpus", hashlib.sha256(CONTENT).hexdigest()), tmp_path)
    assert (tmp_path / "Corpus/readme").exists()
