import inspect
import itertools
import re
from collections import Counter
from fractions import Fraction

import numpy as np
import pytest
import sympy as sp
from scipy.integrate import dblquad
from scipy.optimize import brentq, linprog

from sltcourse.lessons import programs as lesson
from sltcourse.lessons.programs import evidence, figures, make, models, ours, turing
from sltcourse.lessons.programs.guesses import guess
from sltcourse.lessons.programs.models import LAST, OR, SAME, TOGGLE, labelled, minimal, strings
from sltcourse.theory.corner import monomials_on_the_corner
from sltcourse.theory.volume import fit, splitting
from tests.exercises import exercise_tests

TWO = (0, 1)
THREE = (0, 1, 1)
TWO_STATES = [(flat[:2], flat[2:]) for flat in itertools.product((0, 1), repeat=4)]
_rng = np.random.default_rng(0)
SOME_OF_THREE = [tuple(tuple(map(int, row)) for row in _rng.integers(0, 3, (2, 3))) for _ in range(12)]


# ---- execution, failures, syndromes -----------------------------------------------------------------------------


def chance_by_paths(code, outputs, h, x, wanted):
    """E_x as a sum over all paths of states."""
    states, total = range(len(outputs)), 0.0
    for path in itertools.product(states, repeat=len(x)):
        chance, q = 1.0, 0
        for s, r in zip(x, path, strict=True):
            wrong = sum(h[s, q, other] for other in states if other != code[s][q])
            chance *= 1 - wrong if r == code[s][q] else h[s, q, r]
            q = r
        total += chance * (outputs[q] != wanted)
    return total


@pytest.mark.parametrize("code", SOME_OF_THREE[:4])
def test_the_execution_is_the_sum_over_all_paths(code):
    h = np.random.default_rng(1).uniform(0, 0.3, (2, 3, 3))
    flat = np.array([[h[e] for e in ours.entries(code)]])
    for x in [(), (1,), (0, 1, 1), (1, 0, 0, 1)]:
        for wanted in (0, 1):
            exact = chance_by_paths(code, THREE, h, x, wanted)
            assert ours.error(code, THREE, h, x, wanted) == pytest.approx(exact, abs=1e-12)
            assert models.errors(code, THREE, [(x, wanted)])(flat)[0, 0] == pytest.approx(exact, abs=1e-12)


def syndromes_by_algebra(code, outputs, data):
    """The minimal monomials of the polynomials E_x, expanded by sympy."""
    wrong, states = ours.entries(code), range(len(outputs))
    symbols = sp.symbols(f"h0:{len(wrong)}")
    h = dict(zip(wrong, symbols, strict=True))
    found = set()
    for x, wanted in data:
        p = [sp.Integer(q == 0) for q in states]
        for s in x:
            rows = [[h.get((s, q, r), 0) for r in states] for q in states]
            for q in states:
                rows[q][code[s][q]] = 1 - sum(rows[q])
            p = [sp.expand(sum(p[q] * rows[q][r] for q in states)) for r in states]
        E = sp.expand(sum(p[q] for q in states if outputs[q] != wanted))
        if E != 0:
            found |= set(sp.Poly(E, *symbols).monoms())
    return minimal(found)


@pytest.mark.parametrize("code", TWO_STATES)
def test_three_ways_to_the_syndromes_of_all_programs_with_two_states(code):
    for length in (1, 2, 3):
        data = labelled(code, TWO, strings(length))
        enumerated = minimal(set().union(*[ours.failures(code, TWO, x, y) for x, y in data]))
        assert models.syndromes(code, TWO, data) == enumerated == syndromes_by_algebra(code, TWO, data)


@pytest.mark.parametrize("code", SOME_OF_THREE[:4])
def test_three_ways_to_the_syndromes_of_some_programs_with_three(code):
    data = labelled(code, THREE, strings(3)[::3])
    enumerated = minimal(set().union(*[ours.failures(code, THREE, x, y) for x, y in data]))
    assert models.syndromes(code, THREE, data) == enumerated == syndromes_by_algebra(code, THREE, data)


def test_a_program_that_is_wrong_has_no_lambda():
    with pytest.raises(ValueError, match="says 1 on 000"):
        models.syndromes(TOGGLE, TWO, [((0, 0, 0), 0)])


# ---- the theorem ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("code", TWO_STATES)
def test_near_its_corner_K_is_the_sum_of_the_syndromes_up_to_the_constants_of_the_proof(code):
    data = labelled(code, TWO, strings(3))
    alphas = np.array(models.syndromes(code, TWO, data))
    h = 10 ** np.random.default_rng(2).uniform(-9, -1, (4000, 4))
    K, total = models.loss(code, TWO, data)(h), np.prod(h[:, None, :] ** alphas, axis=2).sum(1)
    runs = max(len(ours.failures(code, TWO, x, y)) for x, y in data)
    ratio = K / total
    assert ratio.min() > 2.0**-3 / len(data) / len(alphas)
    assert ratio.max() < 2 * 2**3 * runs


def test_known_programs():
    inputs = [x for x, _ in SAME]
    for code, lam in ((OR, Fraction(5, 2)), (TOGGLE, Fraction(7, 2)), (LAST, Fraction(5, 2))):
        found = models.coefficient(code, TWO, labelled(code, TWO, inputs))
        assert (found.lam, found.m) == (lam, 1)
        assert ours.cheapest_guard(found.monomials)[0] == pytest.approx(float(lam))
    assert models.coefficient(OR, TWO, labelled(OR, TWO, strings(2))).lam == 4


def measured(code, data, flip=0.0, **effort):
    """Splitting on the loss of a noisy program itself, near its corner."""
    return fit(splitting(models.loss(code, TWO, data, flip), [(0, 0.3)] * 4, seed=0, **effort))


@pytest.mark.parametrize(("code", "flip", "lam"), [(OR, 0.0, 2.5), (OR, 0.1, 1.25)])
def test_splitting_of_the_loss_itself_measures_the_linear_program(code, flip, lam):
    found = measured(code, SAME, flip, eps=1e-10, particles=96)
    assert found.lam_given[0] == pytest.approx(lam, abs=4 * found.se_given[0]) and found.se_given[0] < 0.1


@pytest.mark.long
@pytest.mark.parametrize("code", TWO_STATES)
@pytest.mark.parametrize("name", list(figures.SETS)[1:4])
def test_splitting_measures_lambda_of_all_programs_with_two_states(code, name):
    data = labelled(code, TWO, figures.SETS[name])
    exact, found = models.coefficient(code, TWO, data), measured(code, data, eps=1e-14, particles=96)
    i = exact.m - 1
    assert found.lam_given[i] == pytest.approx(float(exact.lam), abs=4 * found.se_given[i])


def test_noisy_labels_halve_lambda():
    for code in TWO_STATES[::5]:
        data = labelled(code, TWO, strings(2))
        alphas = models.syndromes(code, TWO, data)
        doubled = monomials_on_the_corner([tuple(2 * a for a in alpha) for alpha in alphas])
        assert 2 * doubled.lam == models.coefficient(code, TWO, data).lam
    h = 10 ** np.random.default_rng(3).uniform(-6, -2, (1000, 4))
    ratio = models.loss(OR, TWO, SAME, 0.1)(h) / (models.errors(OR, TWO, SAME)(h) ** 2).mean(1)
    assert 0.5 * (0.8**2 / 0.09) == pytest.approx(ratio.mean(), rel=0.05), "half the Fisher information times E²"


def test_the_staircase_and_the_longer_strings_of_the_text():
    eaten = [(0, 0), (1, 1), (0, 1), (1, 0), (0, 0, 0), (1, 0, 1)]
    steps = [models.coefficient(OR, TWO, labelled(OR, TWO, eaten[: k + 1])).lam for k in range(6)]
    assert steps == [1, Fraction(5, 2), 3, 4, 4, 4]
    always = ((2, 1, 1), (1, 1, 2))
    longer = [models.coefficient(always, THREE, labelled(always, THREE, strings(k))).lam for k in (2, 3, 4, 5)]
    assert longer == [5, Fraction(14, 3), Fraction(9, 2), Fraction(22, 5)]


# ---- Turing machines --------------------------------------------------------------------------------------------


def turing_failures(code):
    """The exponents of all 12³ runs of a machine on each input that end in the wrong state."""
    rows = list(itertools.product((0, 1), (0, 1), (0, 1, 2)))
    found = set()
    for x in turing.INPUTS:
        for taken in itertools.product(rows, repeat=turing.STEPS):
            tape, head, q, alpha = dict(enumerate(x)), 0, 0, np.zeros(16, int)
            for write, state, move in taken:
                i = 2 * tape.get(head, 0) + q
                right = code[i]
                alpha[4 * i] += write != right[0]
                alpha[4 * i + 1] += state != right[1]
                others = [m for m in (0, 1, 2) if m != right[2]]
                if move != right[2]:
                    alpha[4 * i + 2 + others.index(move)] += 1
                tape[head], q, head = write, state, head + move - 1
            if q != (x[0] | x[1]):
                found.add(tuple(map(int, alpha)))
    return found


def test_the_syndromes_of_a_turing_machine_are_those_of_all_its_runs():
    assert turing.turing_syndromes(turing.MACHINE_A) == minimal(turing_failures(turing.MACHINE_A))
    assert len(turing.machines_for_or()) == 810


def relaxed_error(code, h, x, naive):
    """E_x of a noisy machine with wrong entries ``h`` (16,), or of its naive relaxation, in floating point."""
    table = np.zeros((4, 3, 3))  # row, part, value
    for i, right in enumerate(code):
        for part, values in enumerate((2, 2, 3)):
            wrong = [v for v in range(values) if v != right[part]]
            table[i, part, wrong] = h[4 * i + part : 4 * i + part + len(wrong)]
            table[i, part, right[part]] = 1 - table[i, part].sum()
    wanted = x[0] | x[1]
    if not naive:
        runs = {(0, 3, (0, 0, 0, *x, 0, 0)): 1.0}
        for _ in range(turing.STEPS):
            after = Counter()
            for (q, head, tape), chance in runs.items():
                row = table[2 * tape[head] + q]
                for w, r, m in itertools.product((0, 1), (0, 1), (0, 1, 2)):
                    key = (r, head + m - 1, (*tape[:head], w, *tape[head + 1 :]))
                    after[key] += chance * row[0, w] * row[1, r] * row[2, m]
            runs = after
        return sum(chance for (q, *_), chance in runs.items() if q != wanted)
    squares = {u: np.eye(2)[x[u] if u in (0, 1) else 0] for u in range(-9, 10)}
    state = np.array([1.0, 0.0])
    for _ in range(turing.STEPS):
        rows = np.outer(squares[0], state).ravel()
        write, state, move = ((rows @ table[:, part])[:n] for part, n in enumerate((2, 2, 3)))
        kept = {**squares, 0: write}
        squares = {u: sum(move[v] * kept[u + v - 1] for v in range(3)) for u in kept if {u - 1, u + 1} <= kept.keys()}
    return state[1 - wanted]


@pytest.mark.parametrize("naive", [False, True], ids=["machine", "relaxation"])
def test_the_order_at_which_a_machine_fails_along_one_and_two_entries_is_that_of_its_syndromes(naive):
    code = turing.MACHINE_A
    alphas = np.array((turing.naive_syndromes if naive else turing.turing_syndromes)(code))
    for support in [*itertools.combinations(range(16), 1), *list(itertools.combinations(range(16), 2))[::4]]:
        sizes = []
        for eps in (1e-3, 1e-4):
            h = np.zeros(16)
            h[list(support)] = eps
            sizes.append(sum(relaxed_error(code, h, x, naive) for x in turing.INPUTS))
        inside = [alpha.sum() for alpha in alphas if not np.delete(alpha, support).any()]
        if not inside:
            assert sizes[1] == pytest.approx(0, abs=1e-15)
        else:
            assert np.log10(sizes[0] / sizes[1]) == pytest.approx(min(inside), abs=0.02), support


def test_the_relaxation_is_not_the_machine():
    machine, naive = (monomials_on_the_corner(f(turing.MACHINE_A)) for f in
                      (turing.turing_syndromes, turing.naive_syndromes))  # fmt: skip
    assert (machine.lam, machine.m, naive.lam, naive.m) == (6, 2, 6, 1)


# ---- the kept machines ------------------------------------------------------------------------------------------


def test_the_kept_counts():
    kept = lesson.kept_machines()
    counts = Counter((k.says, k.lam) for k in kept["automata"])
    assert len(kept["automata"]) == 729
    assert counts["0111", Fraction(6)] == counts["0110", Fraction(7)] == 72 and counts["0111", Fraction(17, 2)] == 16
    assert Counter((k.lam, k.m) for k in kept["automata"] if k.says == "1111") == {(5, 1): 72, (5, 2): 32}
    assert Counter((k.lam, k.m) for k in kept["turing"] if k.lam <= 6) == {(6, 1): 216, (6, 2): 216}
    assert len(kept["turing"]) == 810 and max(k.lam for k in kept["turing"]) == 15


def check_automata(rows):
    for row in rows:
        q = [int(c) for c in row.code]
        code = (tuple(q[:3]), tuple(q[3:]))
        data = labelled(code, make.OUTPUTS, strings(2))
        assert row.says == "".join(str(y) for _, y in data)
        alphas = np.array(list(set().union(*[ours.failures(code, make.OUTPUTS, x, y) for x, y in data])))
        guard = linprog(np.ones(12), A_ub=-alphas, b_ub=-np.ones(len(alphas))).fun
        assert float(row.lam) == pytest.approx(guard, abs=1e-9), row.code


def check_turing(rows):
    for row in rows:
        d = [int(c) for c in row.code]
        code = tuple(tuple(d[i : i + 3]) for i in range(0, 12, 3))
        found = monomials_on_the_corner(turing.turing_syndromes(code))
        assert (row.lam, row.m) == (found.lam, found.m), row.code


def test_a_sample_of_the_kept_machines_is_made_again():
    kept = lesson.kept_machines()
    check_automata(kept["automata"][::40])
    check_turing(kept["turing"][::200])


@pytest.mark.long
def test_all_kept_machines_are_made_again():
    kept = lesson.kept_machines()
    check_automata(kept["automata"])
    check_turing(kept["turing"][::3])


@pytest.fixture(scope="module")
def belief():
    return lesson.live_belief()


# ---- the posteriors ---------------------------------------------------------------------------------------------


def likelihood(b, a, plain, telling):
    on = a * (1 - a + b)
    return (1 - on) ** plain * ((1 - on) * a + on * b) ** telling


@pytest.mark.parametrize(("plain", "telling"), [(0, 0), (3, 1), (5, 0), (2, 2)])
def test_the_lamp_is_integrated_exactly(plain, telling):
    a, b = sp.symbols("a b")
    poly = sp.expand(likelihood(b, a, plain, telling))
    half = sp.Rational(1, 2)
    Z = sp.integrate(poly, (a, 0, 1), (b, 0, 1))
    found = evidence.lamp(plain, telling)
    assert found.log_Z == pytest.approx(float(sp.log(Z)), abs=1e-10)
    rule = sp.integrate(poly, (a, half, 1), (b, 0, half)) / Z
    shortcut = sp.integrate(poly, (a, 0, half), (b, 0, 1)) / Z
    assert found.weight @ found.rule == pytest.approx(float(rule), abs=1e-10)
    assert found.weight @ found.shortcut == pytest.approx(float(shortcut), abs=1e-10)


def test_the_evidences_of_the_lamp_fall_like_its_lambdas_and_have_the_constants_of_the_text():
    found = evidence.lamp(1e6, 0)
    assert np.exp(found.log_evidence(found.rule)) * 1e12 == pytest.approx(1, rel=1e-5)
    assert np.exp(found.log_evidence(found.shortcut)) * 1e6 == pytest.approx(np.log(2), rel=1e-5)
    assert models.coefficient(TOGGLE, TWO, [((0, 0), 0)]).lam == 2
    assert models.coefficient(OR, TWO, [((0, 0), 0)]).lam == 1


def test_the_coarse_nodes_of_the_picture_are_fine_enough(belief):
    live = belief
    for n, share in [(1.0, 0.0), (100, 0.01), (1e5, 0.001)]:
        exact = evidence.lamp(n * (1 - share), n * share)
        shown = live.at(n=n, share=share)
        assert shown["rule now"][1] == pytest.approx(exact.weight @ exact.rule, abs=1e-4)
        assert shown["posterior"].max() == 1 and shown["posterior"].shape == (40, 40)


def or_by_product_rule(same, telling):
    """The share of OR by a product rule in all four dimensions, exact for small numbers of examples."""
    u, w = np.polynomial.legendre.leggauss(10)
    halves = {0: ((u + 1) / 4, w / 4), 1: ((u + 3) / 4, w / 4)}
    mass = {}
    for side in (0, 1):
        (a, wa), (b, wb), (c, wc) = halves[0], halves[side], halves[1]
        d, wd = (u + 1) / 2, w / 2
        a, b, c, d = (v.reshape([-1 if i == k else 1 for i in range(4)]) for k, v in enumerate((a, b, c, d)))
        weight = np.einsum("i,j,k,l->ijkl", wa, wb, wc, wd)
        p = (1 - a * (1 - a + b)) ** same * (c * (1 - c) + c * d) ** same * ((1 - c) * a + c * b) ** telling
        mass[side] = (weight * p).sum()
    return mass[1] / (mass[0] + mass[1])


@pytest.mark.parametrize(("same", "telling"), [(0, 0), (2, 0), (3, 2), (4, 1)])
def test_or_against_last_is_integrated_exactly(same, telling):
    assert evidence.or_against_last(same, telling) == pytest.approx(or_by_product_rule(same, telling), abs=1e-5)


def test_the_limits_of_or_against_last():
    assert evidence.or_against_last(1e6, 0) == pytest.approx(np.log(4 / 3) / np.log(2), abs=1e-5)
    assert evidence.or_against_last(1e6, 1) == pytest.approx((0.5 - np.log(4 / 3)) / (1 - np.log(2)), abs=1e-5)
    with pytest.raises(ValueError, match="not negative"):
        evidence.or_against_last(-1, 0)
    with pytest.raises(ValueError, match="not negative"):
        evidence.lamp(1, -1)


def test_the_answer_of_a_belief_to_a_datum_is_a_covariance():
    at = evidence.lamp(100, 1)
    P = at.weight @ at.rule
    covariance = at.weight @ (at.rule * at.log_p) - P * (at.weight @ at.log_p)
    probability = [(lambda p: p.weight @ p.rule)(evidence.lamp(100, k)) for k in (0.999, 1.001)]
    assert (probability[1] - probability[0]) / 0.002 == pytest.approx(covariance, rel=1e-4)


def test_quadrature_of_scipy_agrees_with_the_text():
    Z, Z_rule = dblquad(likelihood, 0, 1, 0, 1, args=(10, 0))[0], dblquad(likelihood, 0.5, 1, 0, 0.5, args=(10, 0))[0]
    assert Z_rule / Z == pytest.approx(0.1349, abs=1e-4)


# ---- responses --------------------------------------------------------------------------------------------------


def test_the_lanes_have_single_mistakes_only_and_their_strings_respond_in_blocks():
    data = labelled(lesson.LANES, lesson.LANE_OUTPUTS, strings(3))
    alphas = np.array(models.syndromes(lesson.LANES, lesson.LANE_OUTPUTS, data))
    assert alphas.shape == (40, 40) and (alphas.sum(1) == 1).all()
    E = models.errors(lesson.LANES, lesson.LANE_OUTPUTS, data)
    c = np.round(E(1e-7 * np.eye(40)) / 1e-7).T
    limit = (c / c.mean(0)) @ (c / c.mean(0)).T
    assert (limit[:4, 4:] == 0).all() and (limit[:4, :4] > 0).all() and (limit[4:, 4:] > 0).all()
    assert limit[2, 2] == pytest.approx(limit[3, 3])
    single = [[ours.failures(lesson.LANES, lesson.LANE_OUTPUTS, x, y)] for x, y in data[:2]]
    for row, (found,) in zip(c, single, strict=False):
        used = {int(np.argmax(alpha)) for alpha in found if sum(alpha) == 1}
        assert used == set(np.flatnonzero(row))


# ---- the figures ------------------------------------------------------------------------------------------------


def test_the_board_shows_what_the_theorem_says_for_every_code():
    live = lesson.live_code()
    for c in itertools.product((0, 1), repeat=4):
        code = (c[:2], c[2:])
        for name, inputs in figures.SETS.items():
            shown = live.at(c00=c[0], c01=c[1], c10=c[2], c11=c[3], shown=name)
            exact = models.coefficient(code, TWO, labelled(code, TWO, inputs))
            assert f"λ = {exact.lam}, m = {exact.m}." in shown["caption"]
            dots = len(shown["once"][0]) + len(shown["more"][0])
            assert dots == np.count_nonzero(np.array(exact.monomials))
            guards = [shown[f"u {k}"][1] - 0.1 for k in range(4)]
            assert sum(guards) == pytest.approx(float(exact.lam))
    assert "λ = 3/2" in live.at(c00=1, c01=1, shown="00")["caption"], "what the text asks to find is there"


def test_a_program_of_ones_own_and_what_is_none():
    live = lesson.live_program(((0, 1, 2), (1, 2, 1)), THREE)
    assert len(live.controls["change"].texts) == 13
    assert "λ = 6, m = 1" in live.at()["caption"]
    assert live.at(length=1)["run 0"][2].startswith("0:   0 → 0,   says 0")
    for code, outputs, words in [
        (((0, 1), (1, 1)), (0, 1, 1), "3 entries each"),
        (((0, 1), (1, 2)), (0, 1), "0 to 1"),
        (((0, 1), (1, 1)), (1, 1), "cannot fail"),
        (((0,), (0,)), (0,), "2 or 3 states"),
    ]:
        with pytest.raises(ValueError, match=words):
            lesson.live_program(code, outputs)


def test_all_tables_fit_into_the_browser(belief):
    for live in (lesson.live_code(), belief, lesson.live_program(OR, TWO)):
        whole, tables = live.encode()
        assert not [part for part in whole["parts"] if "ask" in part] and len(tables) < 1_000_000


def test_the_pictures_that_stand_still():
    fig = lesson.draw_machines(lesson.kept_machines())
    assert "OR 6 (72), 8.5 (16)" in fig.get_label() and "from 6, which 432" in fig.get_label()
    limit = np.diag([3.0, 2.0, 3.0, 2.0])
    assert "those between the blocks are 0" in lesson.draw_blocks(limit, limit + 0.1, ["a", "b", "c", "d"]).get_label()


def test_the_guesses_are_what_is_computed():
    kept = lesson.kept_machines()
    assert guess.smallest.answer == str(min(k.lam for k in kept["turing"]))
    crossing = brentq(
        lambda log_n: (lambda p: p.weight @ p.rule)(evidence.lamp(0.99 * np.exp(log_n), 0.01 * np.exp(log_n))) - 0.5,
        np.log(50), np.log(200),
    )  # fmt: skip
    assert np.exp(crossing) == pytest.approx(float(guess.change.answer), rel=0.01)
    assert "0.415" in guess.tie.because


def test_no_start_state_gives_a_guess_away(belief):
    assert "95" not in repr(belief) and belief.controls["share"].start == 0


# ---- the exercises ----------------------------------------------------------------------------------------------


def changed(function, old, new):
    """The source of a function of ours with one thing changed, as a learner might write it."""
    source = inspect.getsource(function)
    assert old in source
    names = {"np": np, "linprog": linprog, "entries": ours.entries}
    exec(re.sub(r"(\w+): (?:Sequence\[\w+\]|Code|Word|np\.ndarray|int)(?=[,)])", r"\1", source).replace(
        "wanted: int", "wanted").replace(old, new).replace(" -> float:", ":").replace(" -> set[Word]:", ":").replace(
        " -> tuple[float, np.ndarray]:", ":"), names)  # fmt: skip
    return names[function.__name__]


ERROR, FAILURES, GUARD = ours.error, ours.failures, ours.cheapest_guard
WRONG = [
    ("error", (lambda *a: 1 - ERROR(*a),), "the chance of the right answer"),
    ("error", (lambda code, outputs, h, x, y: ERROR(code, outputs, h, x[::-1], y),), "read from its end"),
    ("error", (changed(ERROR, "            M[s, q, code[s][q]] = 0\n", ""),), "set it to 0 before"),
    ("error", (changed(ERROR, "p @ M[s]", "M[s] @ p"),), "In the case"),
    ("failures", (changed(FAILURES, "!= wanted", "== wanted"),), "end well"),
    ("failures", (changed(FAILURES, "alpha[k] + 1", "1"),), "how often, not whether"),
    ("failures", (lambda *a: {x for x in FAILURES(*a) if sum(x) == 1},), "one mistake"),
    ("failures", (changed(FAILURES, "longer.add((code[s][q], alpha))", "pass"),), "In the case"),
    ("failures", (lambda *a: 3,), "a set of tuples"),
    ("cheapest_guard", (changed(GUARD, "A_ub=-A, b_ub=-np", "A_ub=A, b_ub=np"),), "not guarded"),
    ("cheapest_guard", (lambda s: (len(s[0]), np.ones(len(s[0]))),), "there is one that costs"),
    ("cheapest_guard", (lambda s: GUARD(s)[0],), "two results"),
    ("cheapest_guard", (lambda s: (1, GUARD(s)[1]),), "your u costs"),
    ("cheapest_guard", (lambda s: (1, np.ones(len(s))),), "for each of the"),
    ("cheapest_guard", (lambda s: (1, -np.ones(len(s[0]))),), "not negative"),
    ("telling", (2,), "difference of the λ"),
    ("telling", (0.5,), "not half of it"),
    ("telling", (0,), "not paid for"),
    ("votes", (3,), "A pair may cost 1"),
    ("votes", (2,), "fractions are cheaper"),
    ("votes", (1,), "fail together"),
    ("votes", (0.5,), "read three times"),
]
RIGHT = [
    ("error", (ERROR,)),
    ("failures", (FAILURES,)),
    ("failures", (lambda *a: list(FAILURES(*a)),)),
    ("cheapest_guard", (GUARD,)),
    ("telling", (1,)),
    ("votes", (Fraction(3, 2),)),
    ("votes", (1.5,)),
]

test_right, test_wrong, test_untouched = exercise_tests(lesson.check, RIGHT, WRONG)
