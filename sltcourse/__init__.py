"""Singular learning theory, lesson by lesson.

What stands behind each notebook has its name, in ``lessons``. Four packages serve them all: ``theory`` (exact
mathematics), ``llc`` (estimation), ``zoo`` (trained networks) and ``kit`` (what a lesson looks and feels like).
Importing this package loads none of them.
"""

__version__ = "0.1.0"
