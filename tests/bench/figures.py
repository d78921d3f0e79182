"""One line of what was measured, beside what was wanted."""

import sys
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Figure:
    """`measured` in `unit`; `goal`: the most it may be, or the least where `more_is_better`. Without one it is only told."""

    what: str
    measured: float
    unit: str
    goal: float | None = None
    more_is_better: bool = False

    @property
    def met(self) -> bool:
        if self.goal is None:
            return True
        return self.measured >= self.goal if self.more_is_better else self.measured <= self.goal

    @property
    def line(self) -> tuple[str, str, str, str]:
        if self.goal is None:
            return self.what, _number(self.measured), self.unit, ""
        sign = ">=" if self.more_is_better else "<="
        return (
            self.what,
            _number(self.measured),
            self.unit,
            f"{sign} {_number(self.goal)}{'' if self.met else '  missed'}",
        )


def table(figures: Iterable[Figure]) -> str:
    """The figures one below the other, in columns."""
    lines = [("", "measured", "", "goal"), *(figure.line for figure in figures)]
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "\n".join(
        f"{what:<{widths[0]}}  {measured:>{widths[1]}} {unit:<{widths[2]}}  {goal}".rstrip()
        for what, measured, unit, goal in lines
    )


def say(words: object) -> None:
    """At once, because the next measurement takes a minute."""
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _number(value: float) -> str:
    """Three digits that mean something: 0.0812, 6.05, 82, 3,120."""
    size = abs(value)
    return f"{value:,.0f}" if size >= 20 else f"{value:.2f}" if size >= 1 else f"{value:.3f}"
