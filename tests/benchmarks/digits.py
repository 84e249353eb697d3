"""assets/llc_estimation/digits.npz: 1797 handwritten digits of 8 × 8 pixels, as scikit-learn has them.

``pip install scikit-learn``, then ``python -m tests.benchmarks.digits``.

The test set of Alpaydin and Kaynak (1998, doi:10.24432/C50P49; UCI Machine Learning Repository, CC BY 4.0).
``images`` (1797, 8, 8), whole numbers from 0 to 16; ``labels`` (1797,).
"""

import numpy as np

from sltcourse.kit import assets


def main() -> None:
    from sklearn.datasets import load_digits

    data, name = load_digits(), "llc_estimation/digits.npz"
    images, labels = data.images.astype(np.uint8), data.target.astype(np.uint8)
    np.savez_compressed(assets.folder() / name, images=images, labels=labels)
    assets.record(name, "python -m tests.benchmarks.digits", "cpu")


if __name__ == "__main__":
    main()
