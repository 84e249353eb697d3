"""Data and precomputed results, kept in ``assets/`` with the command that made each.

``assets/manifest.json`` lists every file with its SHA-256, the command that remakes it, the date and the
device. A lesson asks for a file by name and gets it verified, wherever the package is installed.
"""

import datetime
import hashlib
import json
from pathlib import Path

_PACKAGE = Path(__file__).resolve().parents[1]


def folder():
    """The folder of assets: beside the package in a checkout, inside it once installed."""
    for place in (_PACKAGE.parent / "assets", _PACKAGE / "assets"):
        if (place / "manifest.json").is_file():
            return place
    raise FileNotFoundError("the course's assets are missing: install sltcourse again, or clone the repository anew")


def _manifest(place):
    return json.loads((place / "manifest.json").read_text(encoding="utf-8"))


def _sha256(file):
    return hashlib.sha256(file.read_bytes()).hexdigest()


def path(name, place=None):
    """The verified file ``name`` ("<lesson>/<file>"); ``place`` is another folder of assets than the course's.

    Raises KeyError for a name that is not in the manifest, FileNotFoundError for a missing file and ValueError
    for an altered one; each says the command that remakes it.
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


def record(name, command, device, place=None):
    """Enter a file just made into the manifest: its hash, the command that made it, today's date, the device."""
    place = folder() if place is None else Path(place)
    entries = _manifest(place) if (place / "manifest.json").is_file() else {}
    entries[name] = {
        "sha256": _sha256(place / name),
        "command": command,
        "device": device,
        "date": datetime.date.today().isoformat(),
    }
    text = json.dumps(dict(sorted(entries.items())), indent=1, ensure_ascii=False) + "\n"
    (place / "manifest.json").write_text(text, encoding="utf-8")
