"""Pictures of estimates: what they show is what the results say, their texts do not touch, matplotlib comes late."""

import subprocess
import sys
from itertools import combinations
from types import SimpleNamespace

import matplotlib.pyplot as plt
import numpy as np
import pytest
import xarray as xr

from sltcourse.kit.style import COLORS
from sltcourse.llc.pictures import (
    MARKS,
    looks_of,
    plot_checkpoints,
    plot_llc_map,
    plot_llc_over_draws,
    plot_step_size,
    plot_trace,
)


@pytest.fixture(autouse=True)
def close():
    yield
    plt.close("all")


def result(llc=2.0, error=0.05, word="trust", nbeta=50.0, localization=1.0, lr=0.1, seed=0, diverged=None):
    """A stand-in with the attributes of an LLCResult."""
    random = np.random.default_rng(seed)
    loss = 0.7 + random.gamma(2, llc / 2 / nbeta if llc == llc and llc > 0 else 0.01, (4, 300))
    for chain in diverged or {}:
        loss[chain, 100:] = np.nan
    return SimpleNamespace(
        llc=llc, std_error=error, verdict=SimpleNamespace(word=word), loss_trace=loss, nbeta=nbeta, init_loss=0.7,
        burnin_trace=0.7 + 3 * random.random((4, 50)), localization=localization, diverged=diverged or {},
        settings={"lr": lr, "num_burnin_steps": 200, "num_steps_bw_draws": 2},
    )  # fmt: skip


def draws(seed=0):
    one = result(seed=seed)
    both = ("chain", "draw")
    return xr.Dataset(
        {"loss": (both, one.loss_trace)},
        {"burnin_loss": (("chain", "burnin"), one.burnin_trace), "first_bad": ("chain", [-1, -1, -1, 40])},
        dict(nbeta=50.0, init_loss=0.7, localization=1.0, num_burnin_steps=200, num_steps_bw_draws=2),
    )


def texts_apart(ax):
    """No two texts of the figure touch, none is cut off at its border, and the axes are named."""
    assert ax.get_xlabel() and ax.get_ylabel()
    figure = ax.figure
    figure.canvas.draw()
    renderer, frame = figure.canvas.get_renderer(), figure.bbox
    shown = []
    for one in figure.axes:
        legend = one.get_legend()
        for axis in (one.xaxis, one.yaxis):
            low, high = sorted(axis.get_view_interval())
            ticks = zip(axis.get_ticklocs(), axis.get_ticklabels(), strict=True)
            shown += [axis.label, *(label for at, label in ticks if low <= at <= high)]
        shown += [*one.texts, *(legend.get_texts() if legend else [])]
    boxes = [(t.get_text(), t.get_window_extent(renderer)) for t in shown if t.get_text() and t.get_visible()]
    for (a, box), (b, other) in combinations(boxes, 2):
        assert not (box.shrunk(0.98, 0.9).overlaps(other.shrunk(0.98, 0.9))), f"{a!r} and {b!r} overlap"
    for text, box in boxes:
        assert frame.x0 - 1 <= box.x0 and box.x1 <= frame.x1 + 1, f"{text!r} is cut off"
        assert frame.y0 - 1 <= box.y0 and box.y1 <= frame.y1 + 1, f"{text!r} is cut off"


def labels(ax):
    return [text.get_text() for text in ax.get_legend().get_texts()]


def test_the_room_is_imported_without_matplotlib():
    pytest.importorskip("arviz_stats", reason="ArviZ 0.22, in its place, imports matplotlib itself")
    code = (
        "import sys; sys.modules['arviz_base'] = None; "  # which imports matplotlib itself, where it is installed
        "import sltcourse.llc, sltcourse.llc.pictures, sltcourse.llc.readings; print('matplotlib' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout.strip() == "False"


def test_trace():
    one = result()
    ax = plot_trace(one)
    texts_apart(ax)
    assert labels(ax) == ["4 chains", r"$\hat\lambda$ = 2 ± 0.05"]
    lines = [line for line in ax.get_lines() if len(line.get_xdata()) == 300]
    np.testing.assert_allclose(lines[2].get_ydata(), 50 * (one.loss_trace[2] - 0.7))
    burnin = next(line for line in ax.get_lines() if len(line.get_xdata()) == 50)
    assert burnin.get_xdata()[0] == -100  # 200 steps are the time of 100 draws
    assert ax.get_ylim()[1] < 1.2 * 50 * (one.loss_trace.max() - 0.7)  # a wild burn-in does not flatten the draws


def test_trace_of_draws_and_of_diverged_chains():
    ax = plot_trace(draws())
    texts_apart(ax)
    assert labels(ax)[0] == "3 chains" and labels(ax)[-1] == "1 diverged, left out"
    mean = 50 * (draws().loss.values[:3].mean() - 0.7)
    assert f"{mean:.3g} ± " in labels(ax)[1]
    assert labels(plot_trace(result(diverged={1: 100})))[0] == "3 chains"
    lost = plot_trace(result(np.nan, np.nan, "don't", diverged={0: 5, 1: 5, 2: 5, 3: 5}))
    assert labels(lost) == ["4 diverged, left out"]


def test_llc_over_draws_ends_at_the_estimate():
    for one in (result(), draws()):
        ax = plot_llc_over_draws(one)
        texts_apart(ax)
        running = next(line for line in ax.get_lines() if line.get_label() == "all together").get_ydata()
        good = one.loss_trace if hasattr(one, "loss_trace") else one.loss.values[:3]
        assert running[-1] == pytest.approx(50 * (good.mean() - 0.7))


def by_word(ax):
    """Verdict: (x, y, half the error bars) of the points with an error bar."""
    found = {}
    for container in ax.containers:
        line, _, (bars,) = container
        half = [(segment[1, 1] - segment[0, 1]) / 2 for segment in bars.get_segments()]
        found[container.get_label()] = [*zip(line.get_xdata(), line.get_ydata(), half, strict=True)], line
    return found


def test_step_size():
    words = ["trust", "trust", "doubtful", "don't"]
    results = [result(2 + k / 10, 0.1, word, lr=10.0 ** (k - 4)) for k, word in enumerate(words)]
    ax = plot_step_size(results, exact=1.99)
    texts_apart(ax)
    found = by_word(ax)
    assert [p[:2] for p in found["trust"][0]] == [(1e-4, 2.0), (1e-3, 2.1)]
    assert found["doubtful"][0] == [(0.01, 2.2, pytest.approx(0.1))]
    for word, (_, line) in found.items():
        color, marker, filled = MARKS[word]
        assert line.get_color() == COLORS[color] and line.get_marker() == marker
        assert line.get_markerfacecolor() == (COLORS[color] if filled else "white")
    assert len({(MARKS[w][1], MARKS[w][2]) for w in MARKS}) == 4  # told apart without colour
    seen = {tuple(sorted(looks_of(word, "blue").items())) for word in MARKS}
    assert len(seen) == 4 and looks_of("doubtful", "blue")["markerfacecolor"] == "white"
    assert ax.get_xscale() == "log" and "exact 1.99" in labels(ax)
    by_key = plot_step_size({0.1: draws(0), 0.2: draws(1)})
    assert len(by_word(by_key)["± one standard error"][0]) == 2
    with pytest.raises(TypeError, match="step size"):
        plot_step_size([draws(0), draws(1)])


def test_checkpoints():
    steps, words = [0, 10, 100, 1000, 20000], ["don't", "doubtful", "trust", "trust", "trust"]
    results = [result(k + 1.0, 0.2, word) for k, word in enumerate(words)]
    results.append(result(np.nan, np.nan, "don't", diverged={0: 1, 1: 1, 2: 1, 3: 1}))
    for logx in (False, True):
        ax = plot_checkpoints(results, [*steps, 500], logx=logx, exact=3.0)
        texts_apart(ax)
        assert [p[0] for p in by_word(ax)["trust"][0]] == [100, 1000, 20000]
        assert "1 without a number, left out" in labels(ax)
    assert ax.get_xticks().tolist() == [0, 1, 10, 100, 1000, 10000]
    with pytest.raises(ValueError, match="6 results and 5 steps"):
        plot_checkpoints(results, steps)


def test_map():
    results = [
        result(g / 10 + b, word=("trust", "doubtful", "don't")[k % 3], nbeta=float(b), localization=g)
        for k, (g, b) in enumerate((g, b) for g in (0.0, 1.0, 10.0, 100.0) for b in (10, 53, 300))
    ][:-1]
    ax = plot_llc_map(results)
    texts_apart(ax)
    assert ax.get_xlabel() == r"localization $\gamma$" and ax.get_ylabel() == r"$n\beta$"
    assert [t.get_text() for t in ax.get_xticklabels()] == ["0", "1", "10", "100"]
    assert [t.get_text() for t in ax.get_yticklabels()] == ["10", "53", "300"]
    cells = ax.get_images()[0].get_array()
    assert cells[1, 2] == 54 and cells.mask[2, 3]  # nβ = 53 and γ = 10; the last was not estimated
    assert sorted(labels(ax)) == ["don't", "doubtful", "trust"]
    same = plot_llc_map({(r.localization, r.nbeta): r for r in results})
    np.testing.assert_array_equal(same.get_images()[0].get_array(), cells)
    assert plot_llc_map([draws()]).get_legend() is None
    with pytest.raises(ValueError, match="no results"):
        plot_llc_map([])


def test_they_draw_where_they_are_told_to():
    _, axes = plt.subplots(1, 5)
    assert plot_trace(result(), ax=axes[0]) is axes[0]
    assert plot_llc_over_draws(result(), ax=axes[1]) is axes[1]
    assert plot_step_size([result()], ax=axes[2]) is axes[2]
    assert plot_checkpoints([result()], [1], ax=axes[3]) is axes[3]
    assert plot_llc_map([result()], ax=axes[4]) is axes[4]
    assert len(plt.get_fignums()) == 1
    with pytest.raises(TypeError, match="not ndarray"):
        plot_trace(np.zeros(3))
