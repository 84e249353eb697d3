"""A progress bar for work that may take longer than two seconds."""

import os


def progress(iterable, description, total=None):
    """Iterate over ``iterable`` and show a bar once two seconds have passed; it vanishes at the end.

    ``description`` says what is being done; ``total`` is the number of steps where ``len`` does not tell.
    Use it as a context manager too, with an explicit ``update``: ``with progress(None, "…", total=10) as bar``.
    Nothing is shown, and so nothing is stored in a notebook, where the environment sets ``TQDM_DISABLE``.
    """
    from tqdm.auto import tqdm

    silent = os.environ.get("TQDM_DISABLE", "") not in ("", "0")
    return tqdm(iterable, desc=description, total=total, delay=2, leave=False, disable=silent)
