"""What a rule of the judge is: codes with their meaning, and a function over one call. Holds no rule."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from offhook.lab.judge.finding import Finding
from offhook.lab.judge.history import History
from offhook.lab.judge.patience import Patience
from offhook.lab.judge.probed import Probed


@dataclass(frozen=True, slots=True)
class Case:
    """Everything a rule may look at."""

    history: History
    patience: Patience
    probed: Probed


@dataclass(frozen=True, slots=True)
class Rule:
    """``codes``: each code the rule may find, with what is wrong and what to do, for the docs."""

    codes: Mapping[str, str]
    run: Callable[[Case], Iterable[Finding]]
