"""How many of the mutants the tests kill, module by module."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from mutation.equivalents import Equivalent
from mutation.mutants import Mutant

NEEDED = 0.9
"""The share of the mutants that are not equivalent which the tests have to kill, in each module."""


@dataclass(frozen=True)
class Score:
    """What became of the mutants of a module.

    Attributes:
      killed: a test failed, or the change made the tests run on without an end.
      equivalent: survived, and listed as such.
      survivors: survived, and not listed; those whose end is unclear too.
    """

    module: str
    killed: int
    equivalent: int
    survivors: tuple[Mutant, ...]

    @property
    def share(self) -> float:
        """Killed, of the mutants that are not equivalent; 1 where there is none."""
        judged = self.killed + len(self.survivors)
        return self.killed / judged if judged else 1.0


def score(module: str, mutants: Iterable[Mutant], equivalents: Sequence[Equivalent]) -> Score:
    killed, equivalent, survivors = 0, 0, []
    for mutant in mutants:
        if mutant.status in ("killed", "timeout"):
            killed += 1
        elif any(each.covers(mutant) for each in equivalents):
            equivalent += 1
        else:
            survivors.append(mutant)
    return Score(module, killed, equivalent, tuple(survivors))


def table(scores: Sequence[Score]) -> str:
    """A line for each module, and one for all."""
    width = max(len(each.module) for each in scores)
    lines = [f"{'module':{width}}  mutants  killed  survived  equivalent  score"]
    for each in [*scores, _total(scores)]:
        survived = len(each.survivors)
        lines.append(
            f"{each.module:{width}}  {each.killed + survived + each.equivalent:7}  {each.killed:6}"
            f"  {survived:8}  {each.equivalent:10}  {each.share:5.1%}"
        )
    return "\n".join(lines)


def _total(scores: Sequence[Score]) -> Score:
    survivors = tuple(mutant for each in scores for mutant in each.survivors)
    return Score(
        "all", sum(each.killed for each in scores), sum(each.equivalent for each in scores), survivors
    )


def told(survivors: Iterable[Mutant]) -> str:
    """Each survivor as a change of a line; the same change in several places once, with their number."""
    lines = []
    for mutant, times in Counter(survivors).items():
        mark = "" if mutant.status == "survived" else f" ({mutant.status})"
        count = f" ({times} times)" if times > 1 else ""
        where = f"{mutant.module}: {mutant.function}{mark}{count}"
        lines.append(f"{where}\n  - {mutant.was}\n  + {mutant.becomes}")
    return "\n".join(lines)
