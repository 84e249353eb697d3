import pytest

from tests.browser import lab


@pytest.fixture(scope="module")
def page():
    """A page of headless Chromium; without one the tests are skipped, and say what to install."""
    pytest.importorskip("playwright", reason="needs playwright: pip install -c constraints.txt -e '.[browser]'")
    if lab.chromium() is None:
        pytest.skip("needs Chromium: apt-get install chromium, or set CHROMIUM")
    with lab.browser() as page:
        yield page
