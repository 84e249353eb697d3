"""Steps of the samplers against their formulas, in NumPy, with the same random numbers."""

from functools import lru_cache
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from sltcourse.llc import HMC, MALA, SGNHT, LocalPosterior, RMSPropSGLD, WhitenedSGLD
from sltcourse.llc.samplers import metropolis
from sltcourse.llc.samplers.whitened import FARTHEST, LOST, NUDGE, PROBE_RATE, safe_radius

CHAINS, D, NBETA, SPRING, PRIOR = 3, 2, 5.0, 3.0, 0.5
CENTER = np.array([0.5, -1.0])


def loss_of(w):
    return 1 + w[..., 0] ** 2 / 2 + w[..., 1] ** 4 / 4


def slope_of(w):
    return np.stack([w[..., 0], w[..., 1] ** 3], -1)


def potential(w):
    return NBETA * loss_of(w) + SPRING / 2 * ((w - CENTER) ** 2).sum(-1) + PRIOR / 2 * (w**2).sum(-1)


def force_of(w):
    return NBETA * slope_of(w) + SPRING * (w - CENTER) + PRIOR * w


@lru_cache
def posterior():
    return LocalPosterior(loss_of, at=torch.tensor(CENTER), nbeta=NBETA, localization=SPRING, prior_precision=PRIOR)


def started(sampler, seed=0):
    """Target, generator, the sampler's state with its chains moved off w*, and where they are."""
    target = posterior().target(torch.zeros(CHAINS, dtype=torch.long))
    generator = torch.Generator().manual_seed(seed)
    state = sampler.init(target, generator)
    assert state.w.tolist() == [CENTER.tolist()] * CHAINS
    state.w.copy_(torch.tensor([[0.3, 0.7], [-0.4, -0.9], [1.1, 0.2]]))
    return target, generator, state, state.w.numpy().copy()


def drawn(generator, *shapes):
    """What ``generator``, which stays as it was, gives next: uniform for (chains, 1), normal for (chains, d)."""
    copy = torch.Generator()
    copy.set_state(generator.get_state())
    make = {1: torch.Tensor.uniform_, D: torch.Tensor.normal_}
    return [make[columns](torch.empty(CHAINS, columns).double(), generator=copy).numpy() for columns in shapes]


def same(found, wanted, rtol=1e-9):
    np.testing.assert_allclose(np.asarray(found), wanted, rtol=rtol, atol=1e-12)


def test_two_steps_of_sgnht():
    sampler = SGNHT(lr=0.04, friction=0.1)
    target, generator, state, w = started(sampler)
    (p,) = drawn(torch.Generator().manual_seed(0), D)
    same(state.momentum, p)
    friction, h = np.full((CHAINS, 1), 0.1), 0.2
    for _ in range(2):
        (noise,) = drawn(generator, D)
        loss, force = sampler.step(
            state, target, (), torch.empty(CHAINS, D).double().normal_(generator=generator), True
        )
        same(loss, loss_of(w))
        same(force, force_of(w))
        p = (1 - friction) * p - h * force_of(w) + np.sqrt(0.2) * noise
        w = w + h * p
        friction = friction + h**2 * ((p**2).mean(1, keepdims=True) - 1)
        same(state.momentum, p)
        same(state.w, w)
        same(state.friction, friction)


def test_steps_of_rmsprop_learn_in_burn_in_only():
    sampler = RMSPropSGLD(lr=0.02, decay=0.9, eps=0.3)
    target, generator, state, w = started(sampler)
    second, weight = 0, 0
    for adapt in (True, True, False):
        (noise,) = drawn(generator, D)
        loss, force = sampler.step(
            state, target, (), torch.empty(CHAINS, D).double().normal_(generator=generator), adapt
        )
        if adapt:
            second, weight = 0.9 * second + 0.1 * slope_of(w) ** 2, 0.9 * weight + 0.1
        step = 0.02 / (np.sqrt(second / weight) + 0.3)
        same(loss, loss_of(w))
        same(force, force_of(w))
        same(sampler.step_size(state, target), step, rtol=1e-7)  # the sum of its weights is in float32
        w = w - step / 2 * force_of(w) + np.sqrt(step) * noise
        same(state.w, w, rtol=1e-7)
        w = state.w.numpy().copy()
    bias = (NBETA * slope_of(w) * force_of(w) * step).sum(1) / 8
    same(sampler.step_bias(state, target, state.w - target.center, torch.tensor(force_of(w))), bias, rtol=1e-7)


def at_its_place(state, target):
    """The state of an exact sampler as it is where its chains were moved to."""
    state.loss, grad = target.full_loss_and_grad(state.w)
    state.force = target.force(state.w, grad)
    state.energy = target.potential(state.w, state.loss)
    same(state.energy[:, 0], potential(state.w.numpy()))


def mala(w, log_lr, numbers):
    share, noise, _ = numbers
    h = np.exp(log_lr) * share**2
    new = w - h / 2 * force_of(w) + np.sqrt(h) * noise
    back = new - h / 2 * force_of(new)
    change = potential(w) - potential(new) + ((new - w + h / 2 * force_of(w)) ** 2 / (2 * h)).sum(1)
    return new, change - ((w - back) ** 2 / (2 * h)).sum(1)


def hmc(w, log_lr, numbers):
    share, p, _ = numbers
    h = np.exp(log_lr / 2) * (1 + share) / 2
    new, before = w, potential(w) + (p**2).sum(1) / 2
    for _ in range(3):
        p = p - h / 2 * force_of(new)
        new = new + h * p
        p = p - h / 2 * force_of(new)
    return new, before - potential(new) - (p**2).sum(1) / 2


@pytest.mark.parametrize(
    ("sampler", "by_hand", "wanted"), [(MALA(lr=1.5), mala, 0.574), (HMC(lr=0.2, num_leapfrog=3), hmc, 0.8)]
)
def test_the_exact_samplers_take_a_proposal_with_its_probability_and_tune_their_step(sampler, by_hand, wanted):
    target, generator, state, w = started(sampler)
    at_its_place(state, target)
    log_lr, taken = np.full((CHAINS, 1), np.log(sampler.lr)), []
    for t in range(8):
        numbers = drawn(generator, 1, D, 1)
        loss, force = sampler.move(state, target, generator, adapt=t < 6)
        same(loss, loss_of(w))
        same(force, force_of(w))
        new, change = by_hand(w, log_lr, numbers)
        chance = np.exp(np.minimum(change, 0))[:, None]
        same(state.accepted, chance)
        take = numbers[2] < chance
        taken += take.ravel().tolist()
        w = np.where(take, new, w)
        same(state.w, w)
        same(state.loss, loss_of(w))
        same(state.force, force_of(w))
        same(state.energy[:, 0], potential(w))
        if t < 6:
            log_lr = log_lr + (chance - wanted) * 2 / (t + 1) ** 0.6
        same(state.log_lr, log_lr)
    assert 0 < sum(taken) < len(taken), "some are taken, some refused"


def test_a_proposal_with_no_finite_potential_is_refused():
    sampler = HMC(lr=1e4)
    target, generator, state, w = started(sampler)
    at_its_place(state, target)
    for _ in range(3):
        sampler.move(state, target, generator, adapt=False)
    assert state.accepted.tolist() == [[0.0]] * CHAINS
    same(state.w, w)


def test_the_exact_samplers_start_at_w_star():
    target, _, _, _ = started(HMC())
    state = metropolis.start(target, 0.25)
    same(state.loss, loss_of(np.tile(CENTER, (CHAINS, 1))))
    same(state.force, force_of(np.tile(CENTER, (CHAINS, 1))))
    same(state.energy, potential(np.tile(CENTER, (CHAINS, 1)))[:, None])
    same(state.log_lr, np.full((CHAINS, 1), np.log(0.25)))
    assert state.tuned == 0 and state.accepted.tolist() == [[0.0]] * CHAINS


# ---- WhitenedSGLD ----------------------------------------------------------------------------------------------------


def whitened(seed=0):
    sampler = WhitenedSGLD(lr=0.9, decay=0.95, stable=0.6)
    target, generator, state, w = started(sampler, seed)
    state.curvature.copy_(torch.tensor([[4.0, 9.0]]))
    state.variance.copy_(torch.tensor([[1.0, 16.0]]))
    state.sharpness.fill_(16.0)
    return sampler, target, generator, state, w


def shape_of(curvature, variance, scale):
    """ε·G, what the minibatch adds to a variance, and ε·G·h/4, of each coordinate."""
    variance, stiff = np.minimum(variance, curvature), SPRING + PRIOR
    step = scale / (curvature + stiff)
    return step, step * variance / 4, step * (curvature - variance + stiff) / 4


@pytest.mark.parametrize("adapted", [0, 40, 1000])
def test_a_whitened_step(adapted):
    sampler, target, generator, state, w = whitened()
    state.adapted.fill_(adapted)
    before, (noise,) = state.before.numpy().copy(), drawn(generator, D)
    loss, force = sampler.step(state, target, (), torch.tensor(noise), True)
    rate = max(1 / (10 + adapted / 10), 0.05)
    curvature = np.array([4.0, 9.0]) * (1 - rate) + rate * ((NBETA * slope_of(w)) ** 2).mean(0)
    same(state.curvature[0], curvature)
    same(state.variance[0], [1.0, 16.0])
    step, shaken, share = shape_of(curvature, np.array([1.0, 16.0]), 0.6 / 2)
    left = np.maximum(1 - shaken / (1 - share), 0)
    farthest = FARTHEST / np.sqrt(curvature + SPRING + PRIOR)
    same(loss, loss_of(w))
    same(force, force_of(w))
    drift = np.clip(step / 2 * force_of(w), -farthest, farthest)
    same(state.w, w - drift + np.sqrt(step * left / 4) * (before + noise))
    same(state.before, noise)
    assert state.adapted == adapted + 1


def test_no_gradient_moves_a_coordinate_by_more_than_five_widths():
    sampler, target, _, state, w = whitened()
    state.w[0] = 40.0
    w[0] = 40.0
    state.before.zero_()
    sampler.step(state, target, (), torch.zeros(CHAINS, D).double(), False)
    same(w[0] - state.w[0].numpy(), 5 / np.sqrt(np.array([4.0, 9.0]) + SPRING + PRIOR))


def test_a_chain_is_lost_where_its_virial_is_large_or_no_number():
    for size, lost in ((0.999, False), (1.001, True), (np.nan, True)):
        sampler, target, _, state, _ = whitened()
        state.before.zero_()
        state.w[0, 1] = CENTER[1]
        # (w − w*)·∇U = LOST (d + 10), all of it in the first coordinate
        linear, square = (NBETA + PRIOR) * CENTER[0], NBETA + SPRING + PRIOR
        away = (np.sqrt(linear**2 + 4 * square * LOST * 12 * size) - linear) / (2 * square)
        state.w[0, 0] = CENTER[0] + away
        state.adapted.fill_(0)
        state.curvature.fill_(1e12)
        sampler.step(state, target, (), torch.zeros(CHAINS, D).double(), True)
        assert (abs(state.w[0, 0].item() - CENTER[0]) < 0.1) == lost


def test_what_a_whitened_step_leaves_of_the_minibatchs_bias():
    sampler, target, _, state, w = whitened()
    step, shaken, share = shape_of(np.array([4.0, 9.0]), np.array([1.0, 16.0]), 0.3)
    same(sampler.step_size(state, target)[0], step)
    sharpest = min(0.3 * 2 / 4, 0.9)
    taken = shaken / (1 - share)
    left = shaken / (1 - np.maximum(share, sharpest)) - taken
    away = w - CENTER
    wanted = 0.5 * (left + taken * (SPRING + PRIOR) * away**2).sum(1)
    same(sampler.step_bias(state, target, torch.tensor(away), torch.tensor(force_of(w))), wanted)


def test_a_probe_learns_the_sharpest_direction():
    sampler, target, _, state, w = whitened()
    direction = state.direction.numpy().copy()
    state.probed.fill_(1)
    sampler.probe(state, target, ())
    root = 1 / np.sqrt(np.array([4.0, 9.0]) + SPRING + PRIOR)
    unit = direction / np.linalg.norm(direction, axis=1, keepdims=True)
    moved = w + NUDGE * root * unit
    change = root * (NBETA * (slope_of(moved) - slope_of(w)) + NUDGE * root * unit * (SPRING + PRIOR)) / NUDGE
    found = ((unit * change).sum(1) ** 4).mean()
    same(state.sharpness, [[(16 + found) / 2]])  # the second of two
    same(state.direction, change)
    same(state.variance[0], [0.5, 8.0])
    same(state.w, w)
    assert state.probed == 2
    state.probed.fill_(10**9)
    sampler.probe(state, target, ())
    same(state.variance[0], np.array([0.5, 8.0]) * (1 - PROBE_RATE))  # the latest probe has no less a share


def test_calm_halves_the_step_where_it_is_told_to():
    sampler, _, _, state, _ = whitened()
    sampler.calm(state, torch.tensor([[False]]))
    assert state.most.item() == 0.9
    sampler.calm(state, torch.tensor([[True]]))
    assert state.most.item() == pytest.approx(0.15) == pytest.approx(float(sampler._scale(state)))


@pytest.mark.parametrize(("curvature", "halvings"), [(1.0, 0), (1e6, None)])
def test_the_safe_radius_costs_at_most_half_of_d(curvature, halvings):
    """The largest power of a half that does; the geometric mean over the chains of a pool."""
    generator, center = torch.Generator().manual_seed(1), torch.zeros(CHAINS, D).double()
    (direction,) = drawn(generator, D)
    seen = SimpleNamespace(
        draw_batch=lambda: (), center=center, nbeta=2.0, mean_over_chains=lambda x: x.mean(0, keepdim=True),
        loss=lambda w, batch: 7 + curvature * (w**2).sum(1) / 4 / D,
    )  # fmt: skip
    radius = float(safe_radius(seen, generator))
    cost = curvature * (direction**2).sum(1) / 2 / D
    wanted = 0.5 ** np.maximum(0, np.ceil(np.log2(cost / (D / 2)) / 2))
    assert radius == pytest.approx(np.exp(np.log(wanted).mean()))
    assert halvings is None or radius == 1
