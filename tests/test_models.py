"""The catalogue: every λ from the ideal alone, every loss and every density against the ideal."""

import numpy as np
import pytest
import sympy as sp

from sltcourse.theory.closed_forms import deep_linear_network, reduced_rank_regression, tanh_network
from sltcourse.theory.models import CATALOGUE, MODELS, families
from sltcourse.theory.models.grids import GRIDS, normal_rule, product_rule
from sltcourse.theory.models.record import squares
from sltcourse.theory.newton import search_coordinates

WITH_IDEAL = [name for name, model in MODELS.items() if model.ideal]
BY_FORMULA = {  # what the Newton polyhedron leaves open
    "two tanh units": tanh_network(2),
    "reduced rank regression": reduced_rank_regression(2, 2, 2, 0),
    "wide reduced rank regression": reduced_rank_regression(3, 2, 2, 0),
    "deep linear network": deep_linear_network((1, 2, 2, 1), 0),
}


@pytest.mark.parametrize("name", MODELS)
def test_a_record_is_complete(name):
    model = MODELS[name]
    assert model.name == name and model.latex and model.source.endswith(".")
    assert model.d == len(model.point) and 1 <= model.m <= model.d
    assert (model.K is None) == (model.box is None) and (model.box is None or len(model.box) == model.d)
    assert model.K or model.density, "there is something to compute"
    for f in model.ideal:
        assert f.free_symbols <= set(model.variables)
        assert sp.simplify(f.subs(dict(zip(model.variables, model.point, strict=True)))) == 0


@pytest.mark.parametrize("name", sorted(set(WITH_IDEAL) - set(BY_FORMULA)))
def test_the_ideal_leads_to_lambda(name):
    """The generators alone, given to the exact tools, lead to the same λ and m."""
    model = MODELS[name]
    ideal, variables, point = list(model.ideal), list(model.variables), model.point
    if name == "Boltzmann machine of three spins":  # tanh is a change of coordinates
        t = sp.symbols("t1:4", real=True)
        ideal = [f.subs({sp.tanh(w): x for w, x in zip(variables, t, strict=True)}) for f in ideal]
        variables, point = list(t), (sp.Rational(3, 5), sp.Rational(3, 5), 0)
    found = search_coordinates(ideal, variables, point)
    assert found.exact
    assert (found.value, found.multiplicity) == (model.lam, model.m)


@pytest.mark.parametrize("name", BY_FORMULA)
def test_the_formula_gives_lambda(name):
    assert (MODELS[name].lam, MODELS[name].m) == BY_FORMULA[name]


def near(model, count=2000):
    """Points around a model's point at distances 10⁻⁵ to 0.1, and Σ f_i² there."""
    rng = np.random.default_rng(0)
    scales = 10.0 ** rng.uniform(-5, -1, (count, model.d))
    w = np.array(model.point, float) + scales * rng.choice([-1, 1], scales.shape)
    return w, np.sum([np.broadcast_to(sp.lambdify(model.variables, f)(*w.T), count) ** 2 for f in model.ideal], axis=0)


@pytest.mark.parametrize("name", [name for name in WITH_IDEAL if name in CATALOGUE])
def test_a_loss_lies_between_two_multiples_of_its_ideal(name):
    model = CATALOGUE[name]
    w, total = near(model)
    inside = (w[:, 0] >= 0) | (model.box[0][0] < 0)
    ratio = model.K(w[inside]) / total[inside]
    assert ratio.max() / ratio.min() < 40


@pytest.mark.parametrize("name", [name for name, model in MODELS.items() if model.density and not model.K])
def test_a_density_lies_between_two_multiples_of_its_ideal(name):
    """χ² = Σ (p − q)²/q over the outcomes (or the squared distance of regression functions), in place of K."""
    model = MODELS[name]
    density = model.density()
    assert [str(v) for v in density.parameters] == [str(v) for v in model.variables]
    w, total = near(model, 300)
    at = {str(v): c for v, c in zip(model.variables, model.point, strict=True)}
    parameters = list(density.parameters)
    truth = {v: at[str(v)] for v in parameters}
    rows = [{}]
    given = {**density.inputs} if density.inputs else density.variables
    for x, values in given.items():
        values = values if values.is_finite_set else range(int(values.inf), 40)
        rows = [{**row, x: value} for row in rows for value in values]
    if density.inputs:  # regression with unit noise: the means, read off where the outputs are 0
        outputs = [sp.simplify((sp.diff(density.pdf, y) / density.pdf).subs(y, 0)) for y in density.variables]
        what, weigh = [f.subs(row) for row in rows for f in outputs], False
    else:
        what, weigh = [density.pdf.subs(row) for row in rows], True
    values = sp.lambdify(parameters, what)
    at_truth = np.array([float(sp.N(f.subs(truth))) for f in what])
    keep = at_truth > 0 if weigh else np.ones(len(what), bool)
    with np.errstate(all="ignore"):
        gaps = np.array([np.array(values(*row), float) - at_truth for row in w])[:, keep]
    chi2 = (gaps**2 / (at_truth[keep] if weigh else 1)).sum(1)
    seen = chi2 > 1e-22  # above what the difference loses to rounding
    ratio = chi2[seen] / total[seen]
    assert seen.sum() > 100 and ratio.max() / ratio.min() < 200, ratio.max() / ratio.min()


def test_every_family_is_in_the_catalogue():
    listed = [str(model.density().pdf) for model in MODELS.values() if model.density]
    assert sorted(listed) == sorted(str(make().density.pdf) for make in families.FAMILIES)


def test_squares_are_what_sympy_says_they_are():
    x, y = sp.symbols("x y", real=True)
    ideal = (x**7 - y**3, (x - y) * (x + y) ** 5 / 3, x * y**2)
    w = np.random.default_rng(0).uniform(-2, 2, (50, 2))
    exact = [float(sum(f.subs({x: a, y: b}) ** 2 for f in ideal)) for a, b in w]
    assert squares((x, y), ideal)(w) == pytest.approx(exact, rel=1e-12)
    tiny = np.array([[1.0, 1.0 + 1e-15]])
    assert squares((x, y), (ideal[1],))(tiny)[0] == pytest.approx((1.110223e-15 * 2**5 / 3) ** 2, rel=1e-5)


def test_the_rules_of_the_grids():
    nodes, weights = normal_rule(6, 2)
    assert weights.sum() == pytest.approx(1) and weights @ (nodes[:, 0] ** 2 * nodes[:, 1] ** 4) == pytest.approx(3)
    (x, y), weights = product_rule((np.array([0.0, 1.0]), np.array([1.0, 3.0])), (np.array([2.0, 4.0]), np.ones(2)))
    assert weights.sum() == pytest.approx(1) and weights @ (x * y) == pytest.approx(0.75 * 3)
    for name in ("tanh unit", "normal mixture"):
        grid = GRIDS[name]()
        assert (grid.d, grid.lam, grid.m) == (MODELS[name].d, float(MODELS[name].lam), MODELS[name].m)
