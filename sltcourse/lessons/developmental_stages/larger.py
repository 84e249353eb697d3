"""A larger reader of the Python sources, for a GPU: ``python -m sltcourse.lessons.developmental_stages.larger``.

It has width 256, 8 heads a layer, a context of 512 and 10 000 steps (``models.LARGER``), measured as in lesson 10; the
results go to ``larger/python.npz``. Stopped, it goes on from there. Without a GPU it says so and
stops. ``larger rehearse`` runs the same code in seconds on any machine (``models.REHEARSAL``). No result of the lesson
comes from it.
"""

import sys
from pathlib import Path

import numpy as np

from sltcourse.lessons.developmental_stages.make import Part, make_python
from sltcourse.lessons.developmental_stages.models import LARGER, REHEARSAL
from sltcourse.llc import best_device


def main(arguments: list[str]) -> None:
    """Train and measure the larger reader, or rehearse it (``["rehearse"]``)."""
    if arguments not in ([], ["rehearse"]):
        sys.exit("usage: python -m sltcourse.lessons.developmental_stages.larger [rehearse]")
    device, rehearsal = best_device(), bool(arguments)
    if not rehearsal and device.type == "cpu":
        sys.exit("no GPU was found, and this size is meant for one: add the word rehearse for a short run")
    folder = Path("larger")
    folder.mkdir(exist_ok=True)
    file = folder / ("rehearsal.npz" if rehearsal else "python.npz")
    part = Part(file)
    found = make_python(part, 1, REHEARSAL if rehearsal else LARGER, str(device))
    np.savez_compressed(file, **found)  # type: ignore[arg-type]
    part.done()
    print(f"{file}, on {device}: the loss falls from {found['loss'][0]:.2f} to {found['loss'][-1]:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
