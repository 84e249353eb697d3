"""Is all that the course needs installed, and can its files be read?"""

from importlib import metadata

from packaging.version import Version

from sltcourse.kit import assets

NEEDED = dict(
    package.split(">=")
    for package in (
        "anywidget>=0.9.21 arviz-stats>=0.6 filelock>=3.16 ipython>=7.34 ipywidgets>=7.7.1 matplotlib>=3.10 "
        "numpy>=2.0 scipy>=1.14 sympy>=1.13 torch>=2.6 tqdm>=4.66 xarray>=2024.6"
    ).split()
)  # the package's own requirements; a test compares them


def _version(package):
    for name in (package, package.removesuffix("-stats")):  # Colab's arviz 0.22 holds what arviz-stats does
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue


def everything_here(needed: dict[str, str] | None = None) -> str:
    """Sentences to print: all is there, or what is missing and what to do about it.

    ``needed``: {package: lowest version}, the course's own requirements if not given.
    """
    problems = []
    for package, lowest in (NEEDED if needed is None else needed).items():
        found = _version(package)
        if found is None:
            problems.append(f"{package} is not installed: run  %pip install {package}  in a cell, restart the kernel.")
            continue
        if Version(found) < Version(lowest):
            problems.append(f"{package} is too old: run  %pip install -U {package}  in a cell, restart the kernel.")
    try:
        assets.path("two_mysteries/network.npz")
    except (KeyError, OSError, ValueError) as error:
        problems.append(f"A file of the course cannot be read: {error.args[0]}.")
    return "\n".join(problems) or "Everything the course needs is here."
