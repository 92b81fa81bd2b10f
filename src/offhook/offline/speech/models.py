"""Where the recognition model lies: in its package, in our cache, or fetched once by pip. Runs no model.

Three files make Moonshine base-en: encoder, decoder, tokenizer. They come in the Linux wheel of `moonshine-cpp`;
on every other platform the same wheel is fetched by the ordinary pip client and only those files are taken out.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from offhook.offline.speech.fold import fold

Progress = Callable[[str], None]

PACKAGE: Final = "moonshine-cpp==0.1.4"
INSTALL: Final = 'pip install "offhook[offline]"'
WHEEL_SHA256: Final = "f7afc662bdd3ef98815ee3b940438b456e77d5a77cea5396ed9c572785412ebd"
#: Source file → SHA-256 of it. The publisher's files; a wheel that holds others is refused.
SOURCES: Final = {
    "encoder_model.ort": "9d1a19e044cbf89a207723d1adb667de89a5671a1e3e611b8ebe721b2c31219c",
    "decoder_model_merged.ort": "370e0c1f161d68dc1c2264c1a82024fb123380da3b73f47f05531d1e8d3308c3",
    "tokenizer.bin": "04670d78994d030185c3dd843c60591788fed0a56cc6750747bd326825f13ca9",
}
#: Where the wheel keeps them, below whatever folder its builder put in front.
_IN_WHEEL: Final = "models/base-en/"
#: Of the folded files. Another version of the folding gets another folder, and old processes keep theirs.
_FOLDED: Final = "moonshine-base-en-1"
_COMPLETE: Final = "complete"
_FETCH_S: Final = 600.0


class ModelMissing(Exception):
    """A model is not on this machine and could not be brought here. The text says what to do; safe to show."""


def cache_folder() -> Path:
    """Return our folder in the user's cache, or one in the temporary folder where that cannot be written."""
    if chosen := os.environ.get("OFFHOOK_CACHE"):
        wanted = Path(chosen)
    elif sys.platform == "win32":
        wanted = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local") / "offhook" / "cache"
    elif sys.platform == "darwin":
        wanted = Path.home() / "Library" / "Caches" / "offhook"
    else:
        wanted = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "offhook"
    try:
        wanted.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=wanted):
            return wanted
    except OSError:
        # Only our own user may read or plant models in the shared temporary folder.
        fallback = Path(tempfile.gettempdir()) / f"offhook-cache-{os.getuid() if hasattr(os, 'getuid') else 'user'}"
        fallback.mkdir(mode=0o700, exist_ok=True)
        if hasattr(os, "getuid") and fallback.stat().st_uid != os.getuid():
            raise ModelMissing("the cache folder cannot be written; set OFFHOOK_CACHE to one that can") from None
        return fallback


def moonshine_folder(progress: Progress) -> Path:
    """Return the folder with the folded Moonshine files, preparing them first where needed (about 1 s, once).

    Raises `ModelMissing` where the files are not here and cannot be fetched.
    """
    cache = cache_folder()
    folded = cache / _FOLDED
    if _is_complete(folded):
        return folded
    source = _packaged() or _fetched(cache, progress)
    progress("preparing the recognition model (once)")
    return _prepared(source, folded)


def _is_complete(folder: Path) -> bool:
    try:
        expected = dict(line.split(" ", 1) for line in (folder / _COMPLETE).read_text("utf-8").splitlines())
        return bool(expected) and all((folder / n).stat().st_size == int(size) for n, size in expected.items())
    except (OSError, ValueError):
        return False


def _packaged() -> Path | None:
    found = importlib.util.find_spec("moonshine_cpp")
    if found is None or found.origin is None:
        return None
    folder = Path(found.origin).parent / "models" / "base-en"
    return folder if all((folder / name).is_file() for name in SOURCES) else None


def _prepared(source: Path, folded: Path) -> Path:
    """Fold into a folder of our own, then move it into place: several processes may race, the first one wins."""
    for name, expected in SOURCES.items():
        if sha256_of(source / name) != expected:
            raise ModelMissing(f"the recognition model's {name} is not the published file; reinstall: {INSTALL}")
    work = Path(tempfile.mkdtemp(prefix=f"{_FOLDED}.", dir=folded.parent))
    try:
        for name in SOURCES:
            if name.endswith(".ort"):
                fold(source / name, work / name.replace(".ort", ".onnx"))
            else:
                shutil.copyfile(source / name, work / name)
        sizes = "\n".join(f"{f.name} {f.stat().st_size}" for f in sorted(work.iterdir()))
        (work / _COMPLETE).write_text(sizes, "utf-8")
        return _moved(work, folded)
    finally:
        if work.exists() and not _is_complete(work):
            shutil.rmtree(work, ignore_errors=True)


def _moved(work: Path, folded: Path) -> Path:
    if folded.exists() and not _is_complete(folded):
        shutil.rmtree(folded, ignore_errors=True)
    try:
        work.rename(folded)
    except OSError:
        if not _is_complete(folded):
            return work  # complete, only not where the next process looks
        shutil.rmtree(work, ignore_errors=True)
    return folded


def _fetched(cache: Path, progress: Progress) -> Path:
    """Bring the wheel with pip and take the model out of it. The pip flags make it the same wheel everywhere."""
    folder = cache / "moonshine-base-en-source"
    if all((folder / n).is_file() and sha256_of(folder / n) == h for n, h in SOURCES.items()):
        return folder
    progress("fetching the recognition model (55 MB, once)")
    with tempfile.TemporaryDirectory(prefix="fetch.", dir=cache) as work:
        wheel = _downloaded(Path(work))
        if sha256_of(wheel) != WHEEL_SHA256:
            raise ModelMissing("the fetched recognition model is not the published one; nothing was kept")
        unpacked = Path(work) / "unpacked"
        unpacked.mkdir()
        with zipfile.ZipFile(wheel) as archive:
            for name in SOURCES:
                inside = next(n for n in archive.namelist() if n.endswith(_IN_WHEEL + name))
                with archive.open(inside) as member, (unpacked / name).open("wb") as file:
                    shutil.copyfileobj(member, file)
        return _kept(unpacked, folder)


def _kept(unpacked: Path, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    for name in SOURCES:
        (unpacked / name).replace(folder / name)
    return folder


def _downloaded(into: Path) -> Path:
    flags = ["--no-deps", "--only-binary=:all:", "--platform", "manylinux2014_x86_64", "-d", str(into), PACKAGE]
    for tool in _pip_clients():
        try:
            subprocess.run(  # noqa: S603  # every word of the command is ours
                [*tool, *flags], check=True, capture_output=True, timeout=_FETCH_S, stdin=subprocess.DEVNULL
            )
        except (OSError, subprocess.SubprocessError):
            continue
        if wheels := list(into.glob("*.whl")):
            return wheels[0]
    raise ModelMissing(
        "the recognition model is not installed and could not be fetched; "
        f"with a network, run: {INSTALL}, then `offhook agent` once"
    )


def _pip_clients() -> Iterator[list[str]]:
    """Yield ways to run pip: this environment's own, the one Python carries, one that uv brings."""
    yield [sys.executable, "-m", "pip", "download"]
    if (carried := importlib.util.find_spec("ensurepip")) is not None and carried.origin is not None:
        for wheel in sorted(Path(carried.origin).parent.glob("_bundled/pip-*.whl")):
            yield [sys.executable, str(wheel / "pip"), "download"]
    if uv := os.environ.get("UV") or shutil.which("uv"):
        yield [uv, "run", "--no-project", "--with", "pip", "python", "-m", "pip", "download"]


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
