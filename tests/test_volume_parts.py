"""The parts that splitting and fit are made of, against arithmetic and against NumPy's least squares."""

import numpy as np
import pytest

from sltcourse.theory.moves import Moves, StepSizes, _parabola
from sltcourse.theory.volume_fit import _Data, _excess, _integrated, _lawless, _wider

# ---- moves -----------------------------------------------------------------------------------------------------------


def test_a_step_is_noted_for_its_population_its_kind_and_its_size():
    steps = StepSizes([np.inf, 1.0], populations=2, chains=2)
    size = np.array([-18.0, -17.9, -0.2, 5.0])  # the first two in one bin, the others in the last but one and the last
    taken = np.array([True, False, True, True])
    steps.record(0, size, taken)
    steps.record(1, size, taken, tried=np.array([False, True, True, False]))
    tried, accepted = np.zeros((2, 2, 2, 38))
    tried[0, 0, 0], accepted[0, 0, 0] = 2, 1
    tried[0, 1, [35, 37]] = accepted[0, 1, [35, 37]] = 1
    tried[1, 0, 0] = 1
    tried[1, 1, 35] = accepted[1, 1, 35] = 1
    np.testing.assert_array_equal(steps.tried, tried)
    np.testing.assert_array_equal(steps.taken, accepted)
    steps.record(np.array([0, 1, 0, 1]), size, taken)  # a kind for each chain
    np.testing.assert_array_equal(steps.tried.sum(2), [[3, 3], [2, 2]])


def recorded(rates, widest=np.inf, each=100):
    """Step sizes after ``each`` trials in every bin, of which the share ``rates`` (38,) was taken."""
    steps = StepSizes([widest], populations=1, chains=1)
    steps.tried[0, 0], steps.taken[0, 0] = each, each * np.asarray(rates)
    steps.adapt()
    return steps


def test_steps_reach_from_where_nearly_all_are_taken_to_where_nearly_none_is():
    """Bins of half a decade from 1e-18 on: the bin k begins at 10^(k/2 − 18)."""
    rates = np.r_[np.ones(20), np.full(6, 0.5), np.zeros(12)]
    steps = recorded(rates)
    assert steps.low.item() == -8 - 0.25 and steps.high.item() == -5 + 0.25
    np.testing.assert_allclose([steps.tried[0, 0, 0], steps.taken[0, 0, 0], steps.taken[0, 0, 25]], [30, 30, 15])
    steps = recorded(rates, widest=1.0)
    assert steps.low.item() == -4.75 - 1 and steps.high.item() == -4.75
    assert recorded(np.ones(38)).high.item() == 0.3, "no step is much larger than the box"
    assert recorded(np.ones(38)).low.item() == -0.7, "a decade at least"
    steps = recorded(np.zeros(38))
    assert steps.high.item() == -3 and steps.low.item() == -18, "nothing was taken: the upper end comes down"
    unknown = recorded(rates, each=7)
    assert (unknown.low.item(), unknown.high.item()) == (-4, -3), "too few to know"
    few = recorded(rates, each=8)  # none of 8 may still be one of 20
    assert (few.low.item(), few.high.item()) == (-8.25, 0.3)


@pytest.mark.parametrize(("share", "high"), [(0.03, -9.75), (0.05, -4.75)])
def test_a_step_is_worth_trying_where_more_than_4_of_100_are_taken(share, high):
    assert recorded(np.r_[np.ones(16), np.full(10, share), np.zeros(12)]).high.item() == high


@pytest.mark.parametrize(("share", "low"), [(0.88, -10.25), (0.92, -8.25)])
def test_a_step_is_too_small_where_more_than_9_of_10_are_taken(share, low):
    assert recorded(np.r_[np.ones(16), np.full(4, share), np.full(6, 0.5), np.zeros(12)]).low.item() == low


def test_sizes_are_drawn_over_the_range_and_a_fifth_of_them_smaller():
    steps = StepSizes([1.0, 1.0], populations=2, chains=20_000)
    steps.low[:], steps.high[:] = [[-2.0, -7.0]] * 2, [[-1.0, -4.0]] * 2
    size = steps.draw(1, np.random.default_rng(0))
    for drawn, low, high in ((size[:20_000], -2.0, -1.0), (size[20_000:], -7.0, -4.0)):
        assert drawn.max() == pytest.approx(high, abs=0.01) and low - 4 <= drawn.min() < low - 3.5
        assert drawn.mean() == pytest.approx((low + high) / 2 - 0.2 * 2, abs=0.03)


def bowl(w):
    return ((w - [0.3, -0.2]) ** 2 * [4.0, 25.0]).sum(1)


def placed(w, level=0.5):
    """Moves of the bowl in the box [−1, 1]², for the chains ``w`` (2, n)."""
    moves = Moves(bowl, -np.ones((2, 1)), np.ones((2, 1)), 1, w.shape[1], np.random.default_rng(0))
    moves.w, moves.loss, moves.level = w, bowl(w.T), level
    return moves


def test_what_leaves_the_box_or_the_level_or_is_not_allowed_is_not_taken():
    w = np.array([[0.3, 0.3, 0.3, 0.3], [-0.2, -0.2, -0.2, -0.2]])
    moves = placed(w, level=4 * 0.7**2)
    proposal = np.array([[1.0, 1.001, 0.3, 0.2], [-0.2, -0.2, 0.2, -0.2]])  # the first on the edge of both
    taken = moves._accept(proposal, np.array([True, True, True, False]))
    assert taken.tolist() == [True, False, False, False]
    np.testing.assert_array_equal(w, [[1.0, 0.3, 0.3, 0.3], [-0.2] * 4])
    np.testing.assert_allclose(moves.loss, [4 * 0.7**2, 0, 0, 0], atol=1e-15)
    assert moves._accept(proposal).tolist() == [True, False, False, True]


def test_the_parabola_through_three_points():
    t = np.array([-0.4, 0.1, 2.0])[:, None]
    centre, curvature, least = _parabola(tuple(t), tuple(3 * (t - 0.7) ** 2 - 5))
    np.testing.assert_allclose([centre, curvature, least], [[0.7], [3.0], [-5.0]])
    assert np.isnan(_parabola(tuple(t), tuple(-(t**2)))[1]).all()


def test_the_valley_on_a_line():
    """{4 (x − 0.3)² + 25 (y + 0.2)² ≤ 1/2} along x at y = −0.3, along y at x = 0.5, and where the line misses it."""
    points = np.array([[-0.9, 0.5, 0.9], [-0.3, 0.6, 0.9]])
    moves = placed(points.copy())
    centre, radius = moves._line_valley(points, np.array([0, 1, 0]))
    np.testing.assert_allclose(centre[:2], [0.3, -0.2], atol=1e-6)
    np.testing.assert_allclose(radius, [(0.25 / 4) ** 0.5, (0.34 / 25) ** 0.5, 0.0], rtol=1e-5)
    np.testing.assert_array_equal(points, [[-0.9, 0.5, 0.9], [-0.3, 0.6, 0.9]])
    assert [x.shape for x in moves._line_valley(np.zeros((2, 0)), np.zeros(0, int))] == [(0,), (0,)]


# ---- fit -------------------------------------------------------------------------------------------------------------


@pytest.fixture
def data():
    rng = np.random.default_rng(1)
    eps = np.geomspace(1e-2, 1e-9, 25)
    log_V = 0.5 * np.log(eps) + np.log(3 - np.log(eps)) + 0.01 * rng.normal(size=25)
    return _Data(eps, log_V, np.diff(log_V), rng.uniform(0.02, 0.05, 24), rng.uniform(0, 0.3, 24), 8, "")


def test_the_units_of_a_fit(data):
    assert data.time[0] == 0 and data.time[-1] == pytest.approx(7 * np.log(10))
    assert data.log_start == pytest.approx(np.log(1e-2))
    scale = (data.log_V[0] - data.log_V[-1]) / (7 * np.log(10))
    assert data.scale == pytest.approx(scale) == pytest.approx(data.slope(1))
    # of a gamma law with m = 2: (1 + x) e^−x = 0.1 at x = 3.8897
    assert data.slope(2) == pytest.approx(scale + 1 / (4.8897 / scale + 3.5 * np.log(10)), rel=1e-4)


@pytest.mark.parametrize("m, cut", [(1, 0), (2, 0), (3, 7)])
def test_the_likelihood_of_a_fit_is_that_of_least_squares(data, m, cut):
    """λ and b, with b ~ N(0, 1) as one more observation; Student's t with 4 (populations − 1) known beforehand."""
    offsets, gaps, size = np.array([2.0, 5.0, 9.0]), np.array([0.2, 0.7]), 0.3
    found = _integrated(data, m, offsets, (gaps, size), cut)
    lawless, price = _lawless(data, cut)
    for i, a in enumerate(offsets):
        for j, delta in enumerate(gaps):
            law = np.stack([-data.time, size * np.exp(-delta * data.time)], 1)
            rows = np.vstack([(np.diff(law, axis=0) / data.sigma[:, None])[cut:], [0, 1]])
            rest = (data.increment - (m - 1) * np.diff(np.log(a + data.time))) / data.sigma
            wanted = np.r_[rest[cut:], 0]
            best = np.linalg.lstsq(rows, wanted, rcond=None)[0]
            misfit = ((wanted - rows @ best) ** 2).sum() + lawless + data.spare.sum()
            normal = rows.T @ rows
            log_likelihood = -52 / 2 * np.log1p(misfit / 28) - np.linalg.slogdet(normal)[1] / 2 - price
            variance = (28 + misfit) / 52 * np.linalg.inv(normal)[0, 0]
            here = [x[i, j] for x in found]
            np.testing.assert_allclose(here, [log_likelihood, best[0], variance, best[1]], rtol=1e-6)


def test_the_lawless_part_of_a_curve_costs_its_parabola(data):
    assert _lawless(data, 0) == (0.0, 0.0)
    time, cut = data.time[:11], 10
    columns = np.diff(np.stack([time, time**2, time**3], 1), axis=0) / data.sigma[:cut, None]
    observed = data.increment[:cut] / data.sigma[:cut]
    _, misfit, rank, _ = np.linalg.lstsq(columns / np.abs(columns).max(0), observed, rcond=None)
    assert rank == 3
    assert _lawless(data, cut) == (pytest.approx(misfit.item()), pytest.approx(1.5 * np.log(10) + 4))
    assert _lawless(data, 2)[0] == pytest.approx(0, abs=1e-12)  # two increments, as many coefficients
    assert _lawless(data, 2)[1] == pytest.approx(np.log(2) + 4)


def test_how_much_more_the_populations_vary_than_their_shares():
    """Four quarters of two levels, five populations: the first varies 10 times as much, the others as they should."""
    deviation = np.tile(np.array([-2.0, -1.0, 0.0, 1.0, 2.0])[:, None], (1, 8))  # a variance of 2.5
    variance = np.array([0.25, 0.25] + [2.5] * 6)
    np.testing.assert_allclose(_excess(deviation, variance), [8.0] * 2 + [3.25] * 6)  # 0.8 · 10; (10 + 1 + 1 + 1)/4


def test_errors_are_wider_where_chains_are_kin():
    wider, said = _wider(np.full(12, 0.06))
    np.testing.assert_allclose(wider, np.full(11, 2.0))
    assert said == pytest.approx(0.06)
    wider, said = _wider(np.array([np.nan, *[0.03] * 11]))
    np.testing.assert_allclose(wider, np.full(11, 1.25))
    kinship = np.r_[np.full(20, 0.0), np.full(9, 0.18), np.full(20, 0.0)]
    wider, said = _wider(kinship)
    assert said == pytest.approx(0.18) and wider.max() == pytest.approx(1 + 9) and len(wider) == 48
    assert wider[23] == wider.max(), "in the middle of them"
    np.testing.assert_allclose(wider[0], 1 + (kinship.mean() / 0.06) ** 2)
    wider, said = _wider(-np.full(12, 0.06))
    np.testing.assert_allclose(wider, np.ones(11))
    wider, said = _wider(np.full(5, np.nan))
    assert wider.tolist() == [1.0] * 4 and said == 0.0
    assert len(_wider(np.full(1, np.nan))[0]) == 1
