"""The kept table of machines with their λ and m; ``make.py`` remakes it."""

from fractions import Fraction
from functools import cache
from typing import NamedTuple

from sltcourse.kit import assets


class Kept(NamedTuple):
    """A machine: its code as digits, what it says on 00, 01, 10, 11, λ and m."""

    code: str
    says: str
    lam: Fraction
    m: int


@cache
def kept_machines() -> dict[str, list[Kept]]:
    """All 729 automata with three states ("automata") and all 810 Turing machines for OR ("turing")."""
    rows = assets.table("programs/machines.json")
    return {
        "automata": [Kept(code, says, Fraction(lam), m) for code, says, lam, m in rows["automata"]],
        "turing": [Kept(code, "0111", Fraction(lam), m) for code, lam, m in rows["turing"]],
    }
