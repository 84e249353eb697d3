"""What stands behind each notebook, one folder a lesson. In the course's order:

00  two_mysteries         double descent, labels by heart, a network that adds on a circle
01  fisher_information    singular or regular, decided exactly; ten families
02  broken_statistics     six promises of classical statistics at a singular point
03  volume_scaling        V(ε) ≈ c ε^λ (−log ε)^(m−1)
04  learning_coefficient  λ and m, exactly
05  generalization        G(n) ≈ λ/n; WAIC, WBIC
06  free_energy           F_n ≈ nL_n + λ log n; phase transitions
07  llc_estimation        the sampler, its error and R-hat, written; a network of digits, from start to decision
08  superposition         the toy model of superposition
09  modular_addition      a network that groks: spectrum, ablation, λ̂ at a scale, exact ranks
10  developmental_stages  what a small transformer learns first, each stage with its exact price
11  susceptibilities      how a posterior answers when the data change; λ as a susceptibility
12  programs              λ of a program: a guard against all ways to fail; rule against shortcut

In each folder, ``figures.py`` draws the live figures, ``guesses.py`` holds the guesses with their answers, and
``checks.py`` words the replies to the exercises. Where there is something to hold, ``ours.py`` has our versions of what
the learner writes, ``models.py`` computes what is shown, ``drawings.py`` draws the static pictures, ``kept.py`` reads
the kept results and ``make.py`` makes them again. ``__init__.py`` lists what the notebook uses.
"""
