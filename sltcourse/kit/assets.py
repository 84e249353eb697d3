"""Data and precomputed results, kept in ``assets/`` with the command that made each.

``assets/manifest.json`` lists every file with its SHA-256, the command that remakes it, the date and the
device. A lesson asks for a file by name and gets it verified, wherever the package is installed.
"""

import datetime
import hashlib
import json
import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sltcourse.kit import files

if TYPE_CHECKING:
    import numpy as np

_PACKAGE = Path(__file__).resolve().parents[1]
_PATIENCE = 60.0  # seconds for another process to finish writing


def folder() -> Path:
    """The folder of assets: inside the package once installed, beside it in a checkout.

    Raises FileNotFoundError, with what to do, where there is none.
    """
    for place in (_PACKAGE / "assets", _PACKAGE.parent / "assets"):
        if (place / "manifest.json").is_file():
            return place
    raise FileNotFoundError("the course's assets are missing: install sltcourse again, or clone the repository anew")


def _manifest(place: Path) -> dict[str, dict[str, str]]:
    file = place / "manifest.json"
    try:
        entries: dict[str, dict[str, str]] = json.loads(file.read_text(encoding="utf-8"))
        if not all(isinstance(entry["sha256"] + entry["command"], str) for entry in entries.values()):
            raise TypeError
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ValueError(
            f"the list of assets {file} is damaged: bring it back with git checkout -- assets/{file.name}, "
            "or install sltcourse again"
        ) from None
    return entries


def _sha256(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def path(name: str, place: str | os.PathLike[str] | None = None) -> Path:
    """The verified file ``name`` ("<lesson>/<file>"); ``place`` is another folder of assets than the course's.

    Raises KeyError for a name that is not in the manifest, FileNotFoundError for a missing file and ValueError
    for an altered one, each with the command that remakes it, and ValueError for a damaged manifest.
    """
    place = folder() if place is None else Path(place)
    entries = _manifest(place)
    if name not in entries:
        raise KeyError(f"no asset is named {name!r}; there are {sorted(entries)}")
    file, entry = place / name, entries[name]
    if not file.is_file():
        raise FileNotFoundError(f"the asset {name} is missing; remake it with: {entry['command']}")
    if _sha256(file) != entry["sha256"]:
        raise ValueError(f"the asset {name} was altered (its SHA-256 differs); remake it with: {entry['command']}")
    return file


def arrays(name: str) -> "dict[str, np.ndarray]":
    """The arrays of a verified .npz file, by name; ``name`` and errors as ``path``."""
    import numpy as np

    with np.load(path(name)) as file:
        return {key: file[key] for key in file.files}


def table(name: str) -> Any:
    """What a verified .json file holds; ``name`` and errors as ``path``."""
    return json.loads(path(name).read_text(encoding="utf-8"))


def record(name: str, command: str, device: str, place: str | os.PathLike[str] | None = None) -> None:
    """Enter a file just made into the manifest: its hash, the command that made it, today's date, the device.

    The manifest is replaced as a whole, by one process at a time: none loses another's entry, and a crash leaves
    the old one. Raises FileNotFoundError when the file is not there, ValueError when the manifest is damaged,
    OSError when it cannot be written, TimeoutError when another process holds it for a minute.
    """
    place = folder() if place is None else Path(place)
    made = {
        "sha256": _sha256(place / name),
        "command": command,
        "device": device,
        "date": datetime.date.today().isoformat(),
    }
    manifest = place / "manifest.json"
    # The lock stands outside the folder, which holds nothing but assets.
    key = hashlib.sha256(str(manifest.resolve()).encode()).hexdigest()[:16]
    with files.locked(Path(tempfile.gettempdir(), f"sltcourse-{key}.lock"), _PATIENCE):
        entries = _manifest(place) if manifest.is_file() else {}
        entries[name] = made
        files.write(manifest, json.dumps(dict(sorted(entries.items())), indent=1, ensure_ascii=False) + "\n")
