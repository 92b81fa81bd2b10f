"""Packs the offhook that runs this into a wheel, from its own files. Needs no network and builds nothing.

An installed offhook knows its files from RECORD; one that runs from its source tree (an editable install) takes those
of the tree. Either way the same offhook gives the same wheel. Source: PyPA, "Binary distribution format".
"""

from __future__ import annotations

import base64
import hashlib
import stat
import zipfile
from collections.abc import Mapping
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path
from typing import Final

import offhook
from offhook.errors import SetupError

NAME: Final = "offhook"
#: The pins of everything offhook needs. In a wheel it lies among the project's files; in the source tree at its root.
PINS: Final = "offhook/setup/project/files/requirements.txt"
_PACKAGE: Final = Path(offhook.__file__).parent
_WHEEL: Final = "Wheel-Version: 1.0\nGenerator: offhook init\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
#: Of the installed metadata, what belongs to offhook itself; the rest tells how it was installed here.
_METADATA: Final = ("METADATA", "entry_points.txt")
_EPOCH: Final = (1980, 1, 1, 0, 0, 0)


def wheel_name() -> str:
    """Return the file name of the wheel."""
    return f"{NAME}-{_installed().version}-py3-none-any.whl"


def build_wheel(folder: Path) -> Path:
    """Write the wheel into ``folder`` and return its path. Raises SetupError where files of offhook are missing."""
    target = folder / wheel_name()
    part = target.with_suffix(".part")
    with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(contents().items()):
            entry = zipfile.ZipInfo(name, _EPOCH)
            entry.compress_type, entry.create_system = zipfile.ZIP_DEFLATED, 3
            entry.external_attr = (stat.S_IFREG | 0o644) << 16
            archive.writestr(entry, content)
    part.replace(target)
    return target


def contents() -> dict[str, bytes]:
    """Return every file of the wheel: the package, its metadata, and RECORD."""
    installed = _installed()
    files = {PINS: pins(), **_package(installed)}
    info = f"{NAME}-{installed.version}.dist-info"
    for name in _METADATA:
        text = installed.read_text(name)
        if text is None:
            raise SetupError(f"offhook's own {name} is missing here", "install offhook again")
        files[f"{info}/{name}"] = text.encode()
    for file in installed.files or ():
        if "licenses" in file.parts and file.parts[0].endswith(".dist-info"):
            files[f"{info}/{'/'.join(file.parts[1:])}"] = _read(Path(str(installed.locate_file(file))))
    files[f"{info}/WHEEL"] = _WHEEL.encode()
    files[f"{info}/RECORD"] = _record(files, f"{info}/RECORD")
    return files


def pins() -> bytes:
    """Return the pinned, hashed requirements of this very offhook."""
    packed = _PACKAGE.parent / PINS
    tree = _PACKAGE.parents[1] / "requirements.txt"
    return _read(packed if packed.is_file() else tree).replace(b"\r\n", b"\n")


def _package(installed: Distribution) -> dict[str, bytes]:
    listed = [file for file in installed.files or () if file.parts[0] == NAME]
    if any(file.as_posix() == f"{NAME}/__init__.py" for file in listed):  # an editable install lists hardly any
        found = {file.as_posix(): Path(str(installed.locate_file(file))) for file in listed}
    else:
        found = {f"{NAME}/{file.relative_to(_PACKAGE).as_posix()}": file for file in _PACKAGE.rglob("*")}
    return {
        name: _read(file)
        for name, file in found.items()
        if "__pycache__" not in name and file.suffix != ".pyc" and "/." not in name and not file.is_dir()
    }


def _record(files: Mapping[str, bytes], itself: str) -> bytes:
    """Return RECORD: each file with its hash and size; a name with a comma would need quotes, and none has one."""
    lines = []
    for name, content in sorted(files.items()):
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(content)}")
    return "\n".join([*lines, f"{itself},,", ""]).encode()


def _installed() -> Distribution:
    try:
        return distribution(NAME)
    except PackageNotFoundError:
        raise SetupError("offhook is not installed here", "install it: python -m pip install uv; uv sync") from None


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise SetupError(
            f"offhook's own file {file.name} cannot be read ({error.strerror})", "install it again"
        ) from None
