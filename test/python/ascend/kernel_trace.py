"""A reading of planned kernels that shares nothing with the compiler: runs the text of a kernel step by step and orders its ops by vector clocks.

``races(text, **arguments)`` says what goes wrong when the kernel runs with these numbers: accesses of two pipes to the same bytes that no flag and no
barrier orders, waits for flags that are never set, flags that are set again too early or stay up. It understands what the tests write: 1-D buffers, loops, branches, index arithmetic.
"""
from __future__ import annotations

import re
from collections import defaultdict

PIPE = {"load": "mte2", "nd2nz": "mte2", "store": "mte3", "fixpipe": "fix", "mmad": "m", "l1_to_l0a": "mte1", "l1_to_l0b": "mte1"}
PIPES = ("s", "v", "m", "mte1", "mte2", "mte3", "fix")
ARITH = {"addi": lambda a, b: a + b, "subi": lambda a, b: a - b, "muli": lambda a, b: a * b, "divui": lambda a, b: a // b, "remui": lambda a, b: a % b}


def blocks(text: str) -> list:
    """The lines of the kernel as a tree: a line that opens regions is (line, [region, ...])."""
    root: list = []
    stack = [root]
    for line in map(str.strip, text.split("func.func", 1)[1].split("\n")[1:]):
        if line.startswith("return"):
            break
        if line == "} else {":
            stack.pop()
            stack[-1][-1][1].append([])
            stack.append(stack[-1][-1][1][-1])
        elif line.startswith("}"):
            stack.pop()
        elif line.endswith("{"):
            stack[-1].append((line, [[]]))
            stack.append(stack[-1][-1][1][0])
        elif line:
            stack[-1].append((line, []))
    return root


def type_bytes(type_: str) -> int:
    dims = type_.split(",")[0].split("x")
    size = {"f32": 4, "f16": 2, "i32": 4}[dims[-1]]
    for dim in dims[:-1]:
        size *= int(dim)
    return size


class Run:
    def __init__(self, arguments: dict[str, int]):
        self.values: dict[str, object] = dict(arguments)
        self.clock = {p: dict.fromkeys(PIPES, 0) for p in PIPES}
        self.flags: dict[tuple, list] = defaultdict(list)
        self.waited: dict[tuple, int] = defaultdict(int)
        self.seen: dict[str, list] = defaultdict(list)
        self.problems: list[str] = []

    def number(self, name: str) -> int:
        return int(name) if re.fullmatch(r"-?\d+", name) else self.values[name]

    def merge(self, pipe: str, other: dict[str, int]) -> None:
        for q, time in other.items():
            self.clock[pipe][q] = max(self.clock[pipe][q], time)

    def touch(self, pipe: str, reads: list, writes: list, line: str) -> None:
        for places, write in ((reads, False), (writes, True)):
            for space, begin, end in places:
                for other, time, first, last, wrote in self.seen[space]:
                    if other not in (pipe, "s") and (write or wrote) and first < end and begin < last and self.clock[pipe][other] < time:
                        self.problems.append(f"race of {other} and {pipe} at {line}")
                        return
        self.clock[pipe][pipe] += 1
        for places, write in ((reads, False), (writes, True)):
            for space, begin, end in places:
                self.seen[space].append((pipe, self.clock[pipe][pipe], begin, end, write))

    def buffer(self, name: str, type_: str) -> tuple:
        if name not in self.values:  # an argument in global memory
            self.values[name] = (name, 0, type_bytes(type_))
        return self.values[name]

    def step(self, line: str, regions: list) -> None:
        if m := re.match(r"scf.for (%\w+) = (%\w+) to (%\w+) step (%\w+)", line):
            for i in range(self.number(m[2]), self.number(m[3]), self.number(m[4])):
                self.values[m[1]] = i
                self.run(regions[0])
        elif m := re.match(r"scf.if (%\w+)", line):
            if self.number(m[1]):
                self.run(regions[0])
            elif len(regions) > 1:
                self.run(regions[1])
        elif m := re.match(r"(%\w+) = arith.constant (-?\d+) : index", line):
            self.values[m[1]] = int(m[2])
        elif m := re.match(r"(%\w+) = arith.cmpi eq, (%\w+), (%\w+)", line):
            self.values[m[1]] = self.number(m[2]) == self.number(m[3])
        elif m := re.match(r"(%\w+) = arith.(\w+) (%\w+), (%\w+) : index", line):
            self.values[m[1]] = ARITH[m[2]](self.number(m[3]), self.number(m[4]))
        elif m := re.match(r"(%\w+) = ascend.address \[([\d, ]+)\](?: slot (%\w+))? : memref<(.*), #ascend.space<(\w+)>>", line):
            offsets = [int(x) for x in m[2].split(",")]
            offset = offsets[self.number(m[3]) % len(offsets) if m[3] else 0]
            self.values[m[1]] = (m[5], offset, offset + type_bytes(m[4]))
        elif m := re.match(r"(%\w+) = memref.subview (%\w+)\[([%\w]+)\] \[(\d+)\] \[1\] : memref<(\w+), ", line):
            space, begin, _ = self.buffer(m[2], m[5])
            unit = type_bytes("1x" + m[5].split("x")[-1])
            begin += self.number(m[3]) * unit
            self.values[m[1]] = (space, begin, begin + int(m[4]) * unit)
        elif m := re.match(r"ascend.(set|wait)_flag <(\w+), (\w+)> \[([\d, ]+)\](?: slot (%\w+))?", line):
            ids = [int(x) for x in m[4].split(",")]
            key = m[2], m[3], ids[self.number(m[5]) % len(ids) if m[5] else 0]
            queue = self.flags[key]
            if m[1] == "set":
                if queue or self.clock[m[2]][m[3]] < self.waited[key]:
                    self.problems.append(f"set while the last wait may not be over: {line}")
                queue.append(dict(self.clock[m[2]]))
            elif not queue:
                self.problems.append(f"waits for ever: {line}")
            else:
                self.merge(m[3], queue.pop(0))
                self.clock[m[3]][m[3]] += 1
                self.waited[key] = self.clock[m[3]][m[3]]
                for pipe in PIPES if m[3] == "s" else ():
                    self.merge(pipe, self.clock["s"])
        elif line.startswith("ascend.barrier <all>"):
            everything = {q: self.clock[q][q] for q in PIPES}
            for pipe in PIPES:
                self.merge(pipe, everything)
        elif m := re.match(r"(%\w+) = memref.load (%\w+)\[(%\w+)\] : memref<(\w+), ", line):
            space, begin, _ = self.buffer(m[2], m[4])
            self.touch("s", [(space, begin + 4 * self.number(m[3]), begin + 4 * self.number(m[3]) + 4)], [], line)
        elif m := re.match(r"ascend.(\w+)(?: <\w+>)?.* ins\((.*?)\) outs\((.*?)\)", line):
            def places(group: str) -> list:
                names, types = group.split(" : ", 1)
                inner = re.findall(r"memref<(\w+)", types)
                return [self.buffer(n, t) for n, t in zip([n.strip() for n in names.split(",")], inner)] if inner else []

            self.touch(PIPE.get(m[1], "v"), places(m[2]), places(m[3]), line)
        elif not re.match(r"%\w+ = arith.constant", line):
            raise ValueError(f"kernel_trace does not know: {line}")

    def run(self, region: list) -> None:
        for line, regions in region:
            if self.problems:
                return
            self.step(line, regions)


def races(text: str, **arguments: int) -> list[str]:
    run = Run({"%" + name: value for name, value in arguments.items()})
    run.run(blocks(text))
    if not run.problems:
        run.problems += [f"flag {key} stays up" for key, queue in run.flags.items() if queue]
    return run.problems


FLAG = re.compile(r"ascend.(set|wait)_flag <(\w+), (\w+)> \[([\d, ]+)\]")


def flags(text: str) -> list[list[int]]:
    """The flags of one kernel, each as the numbers of its lines: a set and its wait, or all ops of one that steps of a loop hand on."""
    lines = text.split("\n")
    found: list[tuple[int, str, tuple, set]] = []  # line, set or wait, pipes, numbers
    for i, line in enumerate(lines):
        if m := FLAG.search(line):
            found.append((i, m[1], (m[2], m[3]), {int(x) for x in m[4].split(",")}))
    groups: list[tuple[tuple, set, list]] = []
    for i, kind, pipes, ids in found:
        hits = [g for g in groups if g[0] == pipes and g[1] & ids]
        merged = (pipes, set(ids).union(*(g[1] for g in hits)), sorted([(i, kind)] + [x for g in hits for x in g[2]]))
        groups = [g for g in groups if g not in hits] + [merged]
    result = []
    for _, _, ops in groups:
        depth = [len(lines[i]) - len(lines[i].lstrip()) for i, _ in ops]
        pairs = [(ops[k], ops[k + 1]) for k in range(0, len(ops) - 1, 2)]
        if len(ops) % 2 == 0 and all(a[1] == "set" and b[1] == "wait" for a, b in pairs) and all(depth[k] == depth[k + 1] for k in range(0, len(ops), 2)):
            result += [[a[0], b[0]] for a, b in pairs]
        else:
            result.append([i for i, _ in ops])
    barriers = [[i] for i, line in enumerate(lines) if "ascend.barrier" in line]
    return result + barriers


def without(text: str, drop: list[int]) -> str:
    return "\n".join(line for i, line in enumerate(text.split("\n")) if i not in drop)
