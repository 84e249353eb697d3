"""The live figures of lesson 03."""

import numpy as np

from sltcourse.kit import style
from sltcourse.kit.live import LiveFigure, Menu, Slider
from sltcourse.lessons.volume_scaling.models import PLANE, square_grid
from sltcourse.theory.volume import normal_crossing, normal_crossing_log_volume

COLORS = style.COLORS


_EXTENT = (-1, 1, -1, 1)


def _share(V):
    return f"{V:.2g}" if V > 1e-3 else style.power(V)


def live_shrinking_set() -> LiveFigure:
    """Slide ε: the set K ≤ ε shrinks on the left, the point (ε, V) runs down its curve on the right."""
    eps = 10.0 ** (-np.arange(81) / 10)[::-1]
    volume = {name: V(eps) for name, (_, V, _, _) in PLANE.items()}
    slope = {name: np.gradient(np.log(v), np.log(eps)) for name, v in volume.items()}
    row = {e: i for i, e in enumerate(eps)}

    fig, (left, right) = style.figure(1, 2, height=4.2)
    left.set(xlim=(-1, 1), ylim=(-1, 1), xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="w₁", ylabel="w₂", aspect="equal")
    left.set_title("the set K(w) ≤ ε")
    left.grid(False)
    right.set(
        xscale="log",
        yscale="log",
        xlim=(1e-10, 1.7),
        ylim=(3e-9, 1.7),
        xticks=10.0 ** np.arange(-8, 1, 2),
        xlabel="ε",
        ylabel="V(ε)",
    )
    right.set_title("its share of the square")
    for name, v in volume.items():
        right.plot(eps, v, color=COLORS["muted"], lw=1.2)
        lam, m = PLANE[name][2:]
        right.text(7e-9, v[0], f"λ = {lam}" + (f"\nm = {m}" if m > 1 else ""), ha="right", va="center", fontsize=9)

    live = LiveFigure(
        fig,
        alt="Left: the part of the square where the loss is at most ε. Right: its share V(ε) on log–log axes, a line "
        "of slope λ; grey, the other losses. The regular loss falls fastest.",
        loss=Menu("K", list(PLANE), start="w₁² w₂²"),
        eps=Slider("ε", eps, start=0.01, format=style.power),
    )
    live.region(left, lambda loss: PLANE[loss][0], lambda eps: np.sqrt(eps), _EXTENT, COLORS["singular"], name="set")
    live.line(right, lambda loss: (eps, volume[loss]), name="curve", color=COLORS["singular"])
    live.points(
        right, lambda loss, eps: (eps, volume[loss][row[eps]]), name="now", color=COLORS["singular"], markersize=10
    )
    return live.caption(
        lambda loss, eps: (
            f"K = {loss} ≤ ε = {style.power(eps)} on a share V = {_share(volume[loss][row[eps]])} of the square. "
            f"The slope here is {slope[loss][row[eps]]:.3f}; λ = {PLANE[loss][2]}, m = {PLANE[loss][3]}."
        )
    )


def live_exponents() -> LiveFigure:
    """Slide k₁, k₂ and ε: the set |w₁|^2k₁ |w₂|^2k₂ ≤ ε, its exact volume, λ and m."""
    w1, w2 = square_grid(161)
    eps = 10.0 ** (-np.arange(61) / 5)[::-1]
    row = {e: i for i, e in enumerate(eps)}
    ks = np.arange(1, 5)
    volume = {(i, j): np.exp(normal_crossing_log_volume(eps, (i, j))) for i in ks for j in ks}

    fig, (left, right) = style.figure(1, 2, height=4.2)
    left.set(xlim=(-1, 1), ylim=(-1, 1), xticks=[-1, 0, 1], yticks=[-1, 0, 1], xlabel="w₁", ylabel="w₂", aspect="equal")
    left.grid(False)
    left.set_title("the set K(w) ≤ ε")
    right.set(xscale="log", yscale="log", xlim=(6e-13, 1.7), ylim=(1e-6, 1.7), xlabel="ε", ylabel="V(ε)")
    live = LiveFigure(
        fig,
        alt="Left: the cross-shaped set where w1^2k1 w2^2k2 is at most ε. Right: its exact volume and the power ε^λ. "
        "With equal exponents the volume lies above every parallel to ε^λ: the logarithm of m = 2.",
        k1=Slider("k₁", ks, start=1),
        k2=Slider("k₂", ks, start=2),
        eps=Slider("ε", eps, start=1e-4, format=style.power),
    )

    def power_law(k1, k2):
        return eps, eps ** (1 / (2 * max(k1, k2)))

    live.region(
        left, lambda k1, k2: np.abs(w1**k1 * w2**k2), lambda eps: np.sqrt(eps), _EXTENT, COLORS["singular"], name="set"
    )
    live.line(right, power_law, name="power", color=COLORS["theory"], ls="--", label="the power $ε^λ$")
    live.line(right, lambda k1, k2: (eps, volume[k1, k2]), name="curve", color=COLORS["singular"], label="V(ε), exact")
    live.points(
        right, lambda k1, k2, eps: (eps, volume[k1, k2][row[eps]]), name="now", color=COLORS["singular"], markersize=10
    )
    right.legend(loc="lower right")

    def sentence(k1, k2, eps):
        lam, m = normal_crossing((int(k1), int(k2)))
        loss = f"w₁{style.superscript(2 * k1)} w₂{style.superscript(2 * k2)}"
        return (
            f"K = {loss}: λ = min(1/{2 * k1}, 1/{2 * k2}) = {lam}, m = {m}. "
            f"V({style.power(eps)}) = {_share(volume[k1, k2][row[eps]])}."
        )

    return live.caption(sentence)
