"""Coefficients of the polynomials in passes/ExpandMath/Coefficients.h (run: python tools/gen/minimax.py > passes/ExpandMath/Coefficients.h).

Each entry is the minimax approximation sum(c[i] * x**i) of a function on an interval under a weight, found by the Remez exchange in 60 digits. The
coefficients are rounded one after the other, lowest degree first, and the rest is fitted again after each, so that the rounding of one is made good by those
that follow. The comment behind a name gives the weighted error that is left. Needs mpmath; takes a few minutes, so its output is kept in the repository.
"""
import sys
from dataclasses import dataclass
from collections.abc import Callable

import mpmath as mp

mp.mp.dps = 60


@dataclass
class Entry:
    name: str
    function: Callable  # what the polynomial stands for
    low: object
    high: object
    degree: int
    weight: Callable  # error counts as weight(x) * (p(x) - function(x))
    bits: int = 24  # of a coefficient: 24 or 53


def evaluate(coefficients, x):
    total = mp.mpf(0)
    for c in reversed(coefficients):
        total = total * x + c
    return total


def remez(function, weight, low, high, first, count):
    """Weighted minimax coefficients of x**first ... x**(first+count-1); (coefficients, error)."""
    n = count + 1
    mid, half = (low + high) / 2, (high - low) / 2
    nodes = [mid - half * mp.cos(mp.pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    grid = [mid - half * mp.cos(mp.pi * i / (24 * n)) for i in range(24 * n + 1)]
    values = [(x, function(x), weight(x)) for x in grid]
    coefficients, error = [], mp.mpf(0)
    for _ in range(30):
        a, b = mp.matrix(n, n), mp.matrix(n, 1)
        for row, x in enumerate(nodes):
            for k in range(count):
                a[row, k] = x ** (first + k)
            a[row, count] = (-1) ** row / weight(x)
            b[row] = function(x)
        solution = mp.lu_solve(a, b)
        coefficients, level = [solution[k] for k in range(count)], abs(solution[count])
        errors = [(w * (evaluate(coefficients, x) * x**first - f), x) for x, f, w in values]
        runs = []  # the largest error of each run of equal sign
        for e, x in errors:
            if runs and (runs[-1][0] > 0) == (e > 0):
                if abs(e) > abs(runs[-1][0]):
                    runs[-1] = (e, x)
            else:
                runs.append((e, x))
        error = max(abs(e) for e, _ in runs)
        while len(runs) > n:
            if len(runs) == n + 1:
                runs.pop(0 if abs(runs[0][0]) < abs(runs[-1][0]) else -1)
            else:
                i = min(range(len(runs)), key=lambda i: abs(runs[i][0]))
                runs.pop(i)
                if 0 < i < len(runs):
                    runs.pop(i if abs(runs[i][0]) < abs(runs[i - 1][0]) else i - 1)
        if len(runs) < n or error < level * mp.mpf("1.02"):
            break
        nodes = [x for _, x in runs]
    return coefficients, error


def rounded(x, bits):
    with mp.workprec(bits):
        return +x


def fit(entry):
    low, high = mp.mpf(entry.low), mp.mpf(entry.high)
    done = []
    error = mp.mpf(0)
    for i in range(entry.degree + 1):
        rest = lambda x: entry.function(x) - evaluate(done, x)
        coefficients, error = remez(rest, entry.weight, low, high, i, entry.degree + 1 - i)
        done.append(rounded(coefficients[0], entry.bits))
    grid = [low + (high - low) * i / 500 for i in range(1, 500)]
    error = max(abs(entry.weight(x) * (evaluate(done, x) - entry.function(x))) for x in grid)
    return done, error


def even(function, series0):
    """g(z) of an even or odd function, with the limit at zero."""
    return lambda z: series0 if z == 0 else function(mp.sqrt(z), z)


def taylor(function, terms):
    """A function with a removable singularity at 0: `terms` of its series near 0, the formula elsewhere."""
    def both(x):
        if abs(x) < mp.mpf("1e-6"):
            return evaluate(terms, x)
        return function(x)
    return both


H = mp.log(2) / 2 * mp.mpf("1.001")
exp_tail = taylor(lambda r: (mp.exp(r) - 1 - r) / r**2, [mp.mpf(1) / mp.factorial(k + 2) for k in range(9)])
expm1_weight = lambda r: abs(r**2 / mp.expm1(r)) if abs(r) > mp.mpf("1e-9") else mp.mpf("1e-9")
log_tail = taylor(lambda r: (mp.log1p(r) - r + r**2 / 2) / r**3, [mp.mpf((-1) ** k) / (k + 3) for k in range(9)])
log_weight = lambda r: abs(r**3 / mp.log1p(r)) if abs(r) > mp.mpf("1e-5") else mp.mpf("1e-10")
atanh_tail = taylor(lambda z: (mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z * 2, [mp.mpf(2) / (2 * k + 3) for k in range(9)])
atanh_rest = taylor(lambda z: ((mp.atanh(mp.sqrt(z)) / mp.sqrt(z) - 1) / z * 2 - mp.mpf(2) / 3) / z, [mp.mpf(2) / (2 * k + 5) for k in range(9)])
sin_tail = taylor(lambda z: (mp.sin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, [mp.mpf((-1) ** (k + 1)) / mp.factorial(2 * k + 3) for k in range(9)])
cos_tail = taylor(lambda z: (mp.cos(mp.sqrt(z)) - 1 + z / 2) / z**2, [mp.mpf((-1) ** k) / mp.factorial(2 * k + 4) for k in range(9)])
atan_tail = taylor(lambda z: (mp.atan(mp.sqrt(z)) / mp.sqrt(z) - 1) / z, [mp.mpf((-1) ** (k + 1)) / (2 * k + 3) for k in range(9)])
asin_tail = taylor(lambda z: (mp.asin(mp.sqrt(z)) / mp.sqrt(z) - 1) / z,
                   [mp.binomial(2 * k + 2, k + 1) / mp.mpf(4) ** (k + 1) / (2 * k + 3) for k in range(9)])
erf_tail = taylor(lambda z: mp.erf(mp.sqrt(z)) / mp.sqrt(z), [2 / mp.sqrt(mp.pi) * (-1) ** k / mp.factorial(k) / (2 * k + 1) for k in range(9)])
one = lambda x: mp.mpf(1)
small = lambda z: max(z, mp.mpf("1e-9"))
log_erfc = lambda x: mp.log(mp.erfc(x))
SQRT = mp.sqrt(2)
EIGHTH = (mp.pi / 4) ** 2 * mp.mpf("1.001")
NARROW = mp.mpf("0.9275")

ENTRIES = [
    Entry("kExpF32", exp_tail, -H, H, 4, lambda r: max(r**2, mp.mpf("1e-12")) / mp.exp(r)),
    Entry("kExpm1F32", exp_tail, -H, H, 5, expm1_weight),
    Entry("kLogF32", log_tail, 1 / SQRT - 1, SQRT - 1, 7, log_weight),
    Entry("kSinF32", sin_tail, 0, 1, 3, small),
    Entry("kCosF32", cos_tail, 0, 1, 3, lambda z: small(z) ** 2),
    Entry("kAtanF32", atan_tail, 0, 1, 8, small),
    Entry("kAsinF32", asin_tail, 0, mp.mpf("0.2501"), 4, small),
    Entry("kErfF32", lambda z: erf_tail(z) - 1, 0, NARROW**2, 6, one),
    Entry("kErfcF32", log_erfc, NARROW, mp.mpf("3.95"), 6, lambda x: mp.erfc(x)),
    Entry("kAtanhPow", atanh_tail, 0, (3 - 2 * SQRT) ** 2, 3, small, 53),
    Entry("kExpF64", exp_tail, -H, H, 10, expm1_weight, 53),
    Entry("kErfF64", lambda z: erf_tail(z) - 1, 0, 1, 12, one, 53),
    Entry("kErfcF64", log_erfc, 1, 6, 17, lambda x: mp.erfc(x), 53),
    Entry("kAtanhF64", atanh_tail, 0, (3 - 2 * SQRT) ** 2, 6, small, 53),
    Entry("kAtanhPowF64", atanh_rest, 0, (3 - 2 * SQRT) ** 2, 7, one, 53),
    Entry("kSinF64", sin_tail, 0, EIGHTH, 5, small, 53),
    Entry("kCosF64", cos_tail, 0, EIGHTH, 5, lambda z: small(z) ** 2, 53),
    Entry("kAtanF64", atan_tail, 0, mp.mpf("0.1716"), 9, small, 53),
    Entry("kAsinF64", asin_tail, 0, mp.mpf("0.2501"), 11, small, 53),
]


def main():
    wanted = sys.argv[1:]
    print("//===- Coefficients.h - minimax polynomials, made by tools/gen/minimax.py ---===//")
    print("#ifndef CELL_PASSES_EXPANDMATH_COEFFICIENTS_H\n#define CELL_PASSES_EXPANDMATH_COEFFICIENTS_H\n\nnamespace mlir::cell::coefficients {")
    for entry in ENTRIES:
        if wanted and entry.name not in wanted:
            continue
        coefficients, error = fit(entry)
        numbers = ", ".join(float(c).hex() for c in coefficients)
        print(f"constexpr double {entry.name}[] = {{{numbers}}}; // error 2^{float(mp.log(error, 2)):.1f}", flush=True)
    print("} // namespace mlir::cell::coefficients\n\n#endif // CELL_PASSES_EXPANDMATH_COEFFICIENTS_H")


if __name__ == "__main__":
    main()
