"""`make mutants`: change the code a little, many times, and see whether the tests notice."""

import argparse
import dataclasses
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from mutation import sandbox
from mutation.equivalents import equivalents, outdated
from mutation.mutants import Mutant, read
from mutation.sandbox import ROOT, Area, MutmutFailed
from mutation.score import NEEDED, score, table, told

FOLDER = ROOT / "build" / "mutants"


def main(arguments: Sequence[str] | None = None) -> int:
    """0 where the tests kill enough mutants of each module, 1 where they do not, 2 where mutmut failed."""
    options = _parser().parse_args(arguments)
    known, scores, stale, broken = equivalents(), [], [], []
    for area in chosen(sandbox.areas(), options.what):
        started = time.monotonic()
        try:
            mutants = _judged(area, sample=options.sample, jobs=options.jobs)
        except MutmutFailed as error:
            tests = " ".join((*area.tests, *area.arguments))
            broken.append(f"{area.name}: mutmut failed. Do the tests pass by themselves? {tests}\n{error}")
            continue
        scores += [
            score(module, [each for each in mutants if each.module == module], known)
            for module in area.modules
        ]
        if options.sample is None:
            stale += outdated(known, mutants)
        minutes = (time.monotonic() - started) / 60
        print(f"{area.name}: {len(mutants)} mutants in {minutes:.1f} minutes", flush=True)
    for each in scores:
        if each.survivors:
            print(f"\n{told(each.survivors)}")
    for entry in stale:
        print(f"\nequivalent.toml: no mutant of {entry.module} fits this any more: {entry.was}")
    for line in broken:
        print(f"\n{line}", file=sys.stderr)
    if scores:
        print(f"\n{table(scores)}")
    if broken or not scores:
        return 2
    return int(any(each.share < NEEDED for each in scores))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make mutants", description=__doc__)
    parser.add_argument("what", nargs="*", help="areas of areas.toml, or modules in them; all by default")
    parser.add_argument(
        "--sample", type=int, metavar="N", help="at most N mutants of each module, always the same"
    )
    parser.add_argument(
        "--jobs", type=int, metavar="N", default=os.cpu_count(), help="mutants at once (default: the cores)"
    )
    return parser


def chosen(areas: Sequence[Area], what: Sequence[str]) -> list[Area]:
    """The areas that are asked for, by their names or by their modules; all where nothing is.

    Raises:
      SystemExit: something else is asked for.
    """
    unknown = set(what) - {name for area in areas for name in (area.name, *area.modules)}
    if unknown:
        sys.exit(
            f"{', '.join(sorted(unknown))}: neither an area nor a module of tests/mutation/areas.toml;"
            f" areas are {', '.join(area.name for area in areas)}"
        )
    found = []
    for area in areas:
        modules = tuple(module for module in area.modules if module in what)
        if not what or area.name in what:
            found.append(area)
        elif modules:
            found.append(dataclasses.replace(area, modules=modules))
    return found


def _judged(area: Area, *, sample: int | None, jobs: int) -> list[Mutant]:
    folder: Path = FOLDER / area.name
    sandbox.prepare(area, folder)
    sandbox.run(folder, area.modules, sample=sample, jobs=jobs)
    return [mutant for module in area.modules for mutant in read(folder, module)]


if __name__ == "__main__":
    sys.exit(main())
