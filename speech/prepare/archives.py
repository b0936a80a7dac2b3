"""Fetching corpora from their public archives: only when called, resumable, checked, unpacked once.

A download that breaks off leaves `<archive>.partial`, and the next call goes on from there where the server allows it.
A file `.<archive>.unpacked` marks what is complete, so that calling again costs nothing.
"""

import hashlib
import http.client
import logging
import os
import tarfile
import urllib.error
import urllib.request
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

from tqdm import tqdm

from speech.errors import CorpusError

_LOG = logging.getLogger(__name__)
_CHUNK_BYTES = 1 << 20
_TIMEOUT_S = 60.0

# SHA-256 of the archives, as torchaudio 2.11 checks them.
_LIBRISPEECH_SHA256 = {
    "dev-clean": "76f87d090650617fca0cac8f88b9416e0ebf80350acb97b343a85fa903728ab3",
    "dev-other": "12661c48e8c3fe1de2c1caa4c3e135193bfb1811584f11f569dd12645aa84365",
    "test-clean": "39fde525e59672dc6d1551919b1478f724438a95aa55f874b576be21967e6c23",
    "test-other": "d09c181bba5cf717b3dee7d4d592af11a3ee3a09e08ae025c5506f6ebe961c29",
    "train-clean-100": "d4ddd1d5a6ab303066f14971d768ee43278a5f2a0aa43dc716b0e64ecbbbf6e2",
    "train-clean-360": "146a56496217e96c14334a160df97fffedd6e0a04e66b9c5af0d40be3c792ecf",
    "train-other-500": "ddb22f27f96ec163645d53215559df6aa36515f26e01dd70798188350adcb6d2",
}
_ARCTIC_SHA256 = {
    "aew": "645cb33c0f0b2ce41384fdd8d3db2c3f5fc15c1e688baeb74d2e08cab18ab406",
    "ahw": "024664adeb892809d646a3efd043625b46b5bfa3e6189b3500b2d0d59dfab06c",
    "aup": "2c55bc3050caa996758869126ad10cf42e1441212111db034b3a45189c18b6fc",
    "awb": "d74a950c9739a65f7bfc4dfa6187f2730fa03de5b8eb3f2da97a51b74df64d3c",
    "axb": "dd65c3d2907d1ee52f86e44f578319159e60f4bf722a9142be01161d84e330ff",
    "bdl": "26b91aaf48b2799b2956792b4632c2f926cd0542f402b5452d5adecb60942904",
    "clb": "3f16dc3f3b97955ea22623efb33b444341013fc660677b2e170efdcc959fa7c6",
    "eey": "8a0ee4e5acbd4b2f61a4fb947c1730ab3adcc9dc50b195981d99391d29928e8a",
    "fem": "3fcff629412b57233589cdb058f730594a62c4f3a75c20de14afe06621ef45e2",
    "gka": "dc82e7967cbd5eddbed33074b0699128dbd4482b41711916d58103707e38c67f",
    "jmk": "3a37c0e1dfc91e734fdbc88b562d9e2ebca621772402cdc693bbc9b09b211d73",
    "ksp": "8029cafce8296f9bed3022c44ef1e7953332b6bf6943c14b929f468122532717",
    "ljm": "b23993765cbf2b9e7bbc3c85b6c56eaf292ac81ee4bb887b638a24d104f921a0",
    "lnh": "4faf34d71aa7112813252fb20c5433e2fdd9a9de55a00701ffcbf05f24a5991a",
    "rms": "c6dc11235629c58441c071a7ba8a2d067903dfefbaabc4056d87da35b72ecda4",
    "rxr": "1fa4271c393e5998d200e56c102ff46fcfea169aaa2148ad9e9469616fbfdd9b",
    "slp": "54345ed55e45c23d419e9a823eef427f1cc93c83a710735ec667d068c916abf1",
    "slt": "7c173297916acf3cc7fcab2713be4c60b27312316765a90934651d367226b4ea",
}
_LJSPEECH_SHA256 = "be1a30453f28eb8dd26af4101ae40cbf2c50413b1bb21936cbcdc6fae3de8aa5"


@dataclass(frozen=True)
class Archive:
    """One file to fetch; `folder` is what `prepare` is given afterwards, below the download root."""

    url: str
    folder: str
    sha256: str | None = None


ARCHIVES: Mapping[str, Mapping[str, Archive]] = MappingProxyType(
    {
        "librispeech": {
            part: Archive(f"https://www.openslr.org/resources/12/{part}.tar.gz", "LibriSpeech", checksum)
            for part, checksum in _LIBRISPEECH_SHA256.items()
        },
        "ljspeech": {
            "all": Archive(
                "https://data.keithito.com/data/speech/LJSpeech-1.1.tar.bz2", "LJSpeech-1.1", _LJSPEECH_SHA256
            )
        },
        "cmu_arctic": {
            voice: Archive(f"http://festvox.org/cmu_arctic/packed/cmu_us_{voice}_arctic.tar.bz2", ".", checksum)
            for voice, checksum in _ARCTIC_SHA256.items()
        },
        "speechocean762": {
            "all": Archive("https://www.openslr.org/resources/101/speechocean762.tar.gz", "speechocean762")
        },
        "fsdd": {  # made by GitHub on request, so its bytes, and a checksum, are not guaranteed
            "all": Archive(
                "https://github.com/Jakobovski/free-spoken-digit-dataset/archive/refs/tags/v1.0.10.tar.gz",
                "free-spoken-digit-dataset-1.0.10",
            )
        },
    }
)


def download(corpus: str, root: str | os.PathLike[str], parts: Iterable[str] = ()) -> Path:
    """Fetch and unpack a corpus.

    Parameters
    ----------
    corpus : str
        A key of `ARCHIVES`.
    root : path
        Folder to download and unpack into; made when missing.
    parts : str, any number
        Parts of a corpus that has several (LibriSpeech's subsets, CMU ARCTIC's voices); must be named there, since they
        are large.

    Returns
    -------
    Path
        The folder to give to `prepare`.

    Raises
    ------
    CorpusError
        No archive is known, an unknown part, a broken connection, a wrong checksum, or an archive that does not unpack.
    """
    if corpus not in ARCHIVES:
        raise CorpusError(
            f'"{corpus}" cannot be downloaded by this command; known: {", ".join(ARCHIVES)}; get it from its publisher'
        )
    known = ARCHIVES[corpus]
    names = list(parts) or (list(known) if len(known) == 1 else [])
    unknown = [name for name in names if name not in known]
    if unknown or not names:
        what = f'has no part "{unknown[0]}"' if unknown else "has several parts, name some"
        raise CorpusError(f"{corpus} {what}; known: {', '.join(known)}")
    for name in names:
        fetch_archive(known[name], Path(root))
    return Path(root) / known[names[0]].folder


def fetch_archive(archive: Archive, root: Path) -> None:
    """Download, check and unpack one archive below `root`, unless that was done before."""
    path = root / archive.url.rsplit("/", 1)[-1]
    marker = root / f".{path.name}.unpacked"
    if marker.exists():
        _LOG.info("%s is already unpacked in %s", path.name, root)
        return
    try:
        root.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _fetch(archive.url, path)
        _check_sha256(path, archive)
        _unpack(path, root)
        marker.touch()
        path.unlink()
    except OSError as error:
        raise CorpusError(f"{root}: {archive.url} cannot be stored or unpacked ({error})") from error


def _fetch(url: str, path: Path) -> None:
    """Download to `path` by way of `<path>.partial`, continuing one that is there."""
    partial = path.with_name(path.name + ".partial")
    have = partial.stat().st_size if partial.exists() else 0
    request = urllib.request.Request(url, headers={"Range": f"bytes={have}-"} if have else {})
    _LOG.info("downloading %s to %s", url, path.parent)
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_S) as response:
            continues = have > 0 and response.status == 206  # 200: the server sends all of it again
            _store(response, partial, have if continues else 0)
    except urllib.error.HTTPError as error:
        if error.code != 416:  # 416: nothing follows what we have, so it was complete
            raise CorpusError(f"{url}: the server answers {error.code} {error.reason}") from error
    except urllib.error.URLError as error:
        raise CorpusError(f"{url}: cannot be reached ({error.reason}); call again when the network is there") from error
    except (http.client.HTTPException, TimeoutError, ConnectionError) as error:
        raise CorpusError(f"{url}: the download broke off ({error}); call again to continue") from error
    os.replace(partial, path)


def _store(response, partial: Path, have: int) -> None:  # type: ignore[no-untyped-def]
    """Write the answer's body behind the `have` bytes that are there, with progress."""
    expected = int(response.headers.get("Content-Length") or 0)
    received = 0
    with (
        open(partial, "ab" if have else "wb") as file,
        tqdm(
            total=have + expected or None, initial=have, unit="B", unit_scale=True, desc=partial.stem, disable=None
        ) as bar,
    ):
        while chunk := response.read(_CHUNK_BYTES):
            file.write(chunk)
            received += len(chunk)
            bar.update(len(chunk))
    if received < expected:
        raise ConnectionError(f"{received} of {expected} bytes came")


def _check_sha256(path: Path, archive: Archive) -> None:
    """Delete and refuse a file that is not the one published."""
    if archive.sha256 is None:
        return
    with open(path, "rb") as file:
        got = hashlib.file_digest(file, "sha256").hexdigest()
    if got != archive.sha256:
        path.unlink()
        raise CorpusError(
            f"{archive.url}: the SHA-256 is {got}, not {archive.sha256}; the file was deleted, call again"
        )


def _unpack(path: Path, root: Path) -> None:
    """Unpack a tar archive, refusing members that point outside `root`."""
    try:
        with tarfile.open(path) as archive:
            archive.extractall(root, filter="data")
    except (tarfile.TarError, EOFError, zlib.error) as error:
        path.unlink()
        raise CorpusError(f"{path}: does not unpack ({error}); it was deleted, call again") from error
