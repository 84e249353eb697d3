"""λ̂ of one regression network by independent draws: ``python -m sltcourse.lessons.developmental_stages.tried``.

It trains the network of M = 4 for 800 steps and prints λ̂ at nβ = 100, γ = 10 000, with its error and what 400 draws are
worth: the numbers of lesson 10's last section. 20 seconds of one CPU core.
"""

import numpy as np
import torch

from sltcourse.lessons.developmental_stages import models
from sltcourse.llc import Importance, LocalPosterior, llc, sample


def main() -> None:
    """Train, draw, print."""
    torch.set_num_threads(1)
    model = models.train_regressor(models.new_regressor(), 4, range(800))
    x, y = (torch.from_numpy(a).float() for a in models.examples(256, 4, np.random.default_rng(123)))
    posterior = LocalPosterior(model, (x, y, y), models.squared_error, nbeta=100.0, localization=10_000.0)
    draws = sample(posterior, Importance(), num_chains=4, num_draws=100, seed=0)
    value, error = llc(draws)
    print(f"λ̂ = {value:.3f} ± {error:.3f}, 400 draws are worth {draws.attrs['ess']:.0f}")


if __name__ == "__main__":
    main()
