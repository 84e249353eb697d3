"""A progress bar for work that may take longer than two seconds."""

import os
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from tqdm import tqdm

Item = TypeVar("Item")


def progress(iterable: Iterable[Item] | None, description: str, total: float | None = None) -> "tqdm[Item]":
    """Iterate over ``iterable`` and show a bar once two seconds have passed; it vanishes at the end.

    ``description`` says what is being done; ``total`` is the number of steps where ``len`` does not tell.
    Use it as a context manager too, with an explicit ``update``: ``with progress(None, "…", total=10) as bar``.
    Nothing is shown, and so nothing is stored in a notebook, where the environment sets ``TQDM_DISABLE``.
    """
    from tqdm import tqdm

    silent = os.environ.get("TQDM_DISABLE", "") not in ("", "0")
    screen: Any = _Cell() if "ipykernel" in sys.modules else sys.stderr
    return tqdm(iterable, desc=description, total=total, delay=2, leave=False, disable=silent, file=screen, ncols=80)


class _Cell:
    """A file whose last line is shown in a notebook's output, in one place; an empty line empties it."""

    def __init__(self) -> None:
        self.handle: Any = None

    def write(self, text: str) -> None:
        from IPython.display import display

        text = text.strip()
        if self.handle is not None:
            self.handle.update({"text/plain": text}, raw=True)
        elif text:
            self.handle = display({"text/plain": text}, raw=True, display_id=True)

    def flush(self) -> None:
        """Do nothing: ``write`` shows each text at once and keeps none back. tqdm calls this after every line."""
