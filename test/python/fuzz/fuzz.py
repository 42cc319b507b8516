"""Runs random programs: ``fuzz.py --seconds 20 [--seed N] [--first K] [--count N] [--straight] [--folder DIR]``.

Prints the seed first. A program that fails is kept in the folder, cut down as far as it still fails in the same way; its file runs again
with ``fuzz.py --file FILE``.
"""
from __future__ import annotations

import argparse
import collections
import copy
import re
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
import checks
from programs import Program, Statement, Writer


def kind(error: BaseException) -> str:
    """What makes two failures the same one: class and text without numbers and names of variables."""
    text = str(error).strip().splitlines()
    return type(error).__name__ + ": " + re.sub(r"[-+]?\d[\d.e+-]*|'\w+'", "_", text[0] if text else "")[:120]


def attempt(program: Program, path: Path) -> tuple[set[str], BaseException | None]:
    path.write_text(program.source())
    try:
        return checks.check(path, program.seed + program.number), None
    except Exception as error:
        return set(), error


def smaller(program: Program) -> Iterator[Program]:
    """The program without one statement, or with a block's body in its place."""
    def places(statements: list[Statement], way: tuple) -> Iterator[tuple]:
        for i, s in enumerate(statements):
            yield (*way, i)
            if s.body is not None:
                yield from places(s.body, (*way, i, "body"))
            if s.rest:
                yield from places(s.rest, (*way, i, "rest"))

    for part in ("body", "construct"):
        for way in list(places(getattr(program, part), ())):
            for keep in (False, True):
                made = copy.deepcopy(program)
                statements = getattr(made, part)
                for step in way[:-1]:
                    statements = getattr(statements, step) if isinstance(step, str) else statements[step]
                victim = statements[way[-1]]
                if keep and not victim.body:
                    continue
                statements[way[-1]: way[-1] + 1] = victim.body if keep else []
                yield made


def minimise(program: Program, path: Path, wanted: str, seconds: float) -> Program:
    end = time.monotonic() + seconds
    progress = True
    while progress and time.monotonic() < end:
        progress = False
        for candidate in smaller(program):
            if time.monotonic() > end:
                break
            _, error = attempt(candidate, path.with_name(path.stem + "_try.py"))
            if error is not None and kind(error) == wanted:
                program, progress = candidate, True
                break
    path.with_name(path.stem + "_try.py").unlink(missing_ok=True)
    path.write_text(program.source())
    return program


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--seed", type=int, default=None, help="default: from the clock")
    parser.add_argument("--first", type=int, default=0, help="number of the first program")
    parser.add_argument("--count", type=int, default=1 << 30, help="at most so many programs")
    parser.add_argument("--straight", action="store_true", help="no control flow")
    parser.add_argument("--minimise", type=float, default=30, help="seconds to cut a failing program down")
    parser.add_argument("--keep-going", action="store_true", help="do not stop at the first failure; report each kind once")
    parser.add_argument("--folder", type=Path, default=None, help="where failing programs are kept")
    parser.add_argument("--file", type=Path, help="check one kept program")
    args = parser.parse_args()
    if args.file:
        seed, number = map(int, re.findall(r"seed (\d+), program (\d+)", args.file.read_text())[0])
        print("checked:", ", ".join(sorted(checks.check(args.file, seed + number))))
        return 0
    seed = int(time.time()) % 1_000_000 if args.seed is None else args.seed
    folder = args.folder or Path(tempfile.mkdtemp(prefix="cellgrad-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"seed {seed}, programs in {folder}", flush=True)
    start, counts, failures = time.monotonic(), collections.Counter(), collections.Counter()
    number = args.first
    while number < args.first + args.count and (number == args.first or time.monotonic() - start < args.seconds):
        path = folder / f"fuzz_{seed}_{number}.py"
        program = Writer(seed, number, control=not args.straight).program()
        done, error = attempt(program, path)
        counts.update(done)
        if error is None:
            path.unlink()
        else:
            known = kind(error)
            failures[known] += 1
            if failures[known] == 1:
                minimise(program, path, known, args.minimise)
                print(f"FAILED {path}\n{type(error).__name__}: {error}\n{path.read_text()}", flush=True)
                if not args.keep_going:
                    break
            else:
                path.unlink()
        number += 1
    ran = number - args.first
    print(f"{ran} programs, {sum(failures.values())} failed; " + ", ".join(f"{what} {k}" for what, k in sorted(counts.items())))
    for what, k in failures.most_common():
        print(f"  {k} x {what}")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
