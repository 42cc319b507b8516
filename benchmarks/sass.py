"""Machine code of NVIDIA GPUs as nvdisasm prints it: instructions by class, loops, and how long an iteration of a loop takes at least."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass

# Classes by the first part of an instruction's name; what is not listed is "other".
CLASSES = {
    "tensor": "HMMA HGMMA IMMA DMMA QGMMA",
    "fma": "FFMA FMUL FADD FMUL32I FADD32I FFMA32I",
    "half": "HFMA2 HADD2 HMUL2 HMNMX2 HSETP2 HSET2",
    "double": "DFMA DADD DMUL DSETP",
    "special": "MUFU",
    "convert": "F2F F2FP F2I I2F I2FP F2IP FRND",
    "compare": "FSETP FMNMX FSEL FCHK FSET",
    "integer": "IADD3 IMAD LOP3 SHF LEA ISETP IMNMX VIMNMX SEL PRMT IABS PLOP3 IADD POPC FLO BFE LOP SGXT BMSK ISCADD VIADD VIADDMNMX UIADD3 UIMAD ULOP3 USHF ULEA UISETP USEL UPRMT UPLOP3 P2R R2P",
    "move": "MOV MOV32I UMOV CS2R S2R S2UR R2UR LDC ULDC LDCU",
    "shuffle": "SHFL VOTE VOTEU REDUX MATCH",
    "global load": "LDG LD",
    "global store": "STG ST RED ATOM ATOMG",
    "copy": "LDGSTS UBLKCP UTMALDG UTMASTG",
    "shared load": "LDS LDSM",
    "shared store": "STS ATOMS STSM",
    "local": "LDL STL",
    "control": "BRA BAR EXIT BSSY BSYNC WARPSYNC DEPBAR LDGDEPBAR CALL RET NOP SYNCS WARPGROUP YIELD BREAK NANOSLEEP ERRBAR MEMBAR FENCE",
}
CLASS_OF = {name: kind for kind, names in CLASSES.items() for name in names.split()}

# Results per cycle of a multiprocessor of compute capability 9.0: CUDA programming guide, "Throughput of Native Arithmetic Instructions". A warp's instruction
# takes 32 / rate cycles of its unit. Addition, comparison and logic of integers, and comparisons of floats, share a unit; products of integers are the multiplier's.
RATES = {"fma": 128, "half": 128, "double": 64, "special": 16, "convert": 64, "compare": 64, "integer": 64, "shuffle": 32}
UNITS = {"compare": "integer", "convert": "integer", "half": "fma"}
SCHEDULERS = 4  # of a multiprocessor: each issues one instruction of a warp per cycle
SHARED_RATE = 128  # bytes per cycle of a multiprocessor: 32 banks of 4 (programming guide)


@dataclass(frozen=True)
class Instruction:
    address: int
    name: str  # with its modifiers: "LDG.E.128.CONSTANT"
    text: str
    target: str = ""  # label that it may go to

    @property
    def opcode(self) -> str:
        return self.name.split(".")[0]

    @property
    def kind(self) -> str:
        return "fma" if self.name == "HFMA2.MMA" and "-RZ, RZ" in self.text else CLASS_OF.get(self.opcode, "other")

    @property
    def bytes(self) -> int:
        """Of one lane's access of memory."""
        if self.opcode == "LDSM":
            return 4 * int((re.search(r"\.(\d)$", self.name) or [0, "1"])[1])
        parts = self.name.split(".")[1:]
        return next((size for part, size in {"128": 16, "64": 8, "U16": 2, "S16": 2, "U8": 1, "S8": 1, "16": 2, "8": 1}.items() if part in parts), 4)


@dataclass(frozen=True)
class Code:
    """Instructions in a row: a kernel, or a loop of one."""

    instructions: tuple[Instruction, ...]

    def __len__(self) -> int:
        return len(self.instructions)

    def of(self, *names: str) -> list[Instruction]:
        """Those of classes, or with opcodes."""
        return [i for i in self.instructions if i.kind in names or i.opcode in names]

    def kinds(self) -> Counter:
        return Counter(i.kind for i in self.instructions)

    def wide_share(self) -> float:
        """The part of all accesses of global memory, copies to shared memory included, that move 16 bytes a lane; 1 where there are none."""
        accesses = self.of("global load", "global store", "LDGSTS")
        return sum(i.bytes == 16 for i in accesses) / len(accesses) if accesses else 1.0

    def global_bytes(self) -> int:
        """That a thread moves between global memory and the multiprocessor."""
        return sum(i.bytes for i in self.of("global load", "global store", "LDGSTS"))

    def cycles(self, tensor: float = 0) -> dict[str, float]:
        """Cycles of a multiprocessor that one warp takes of each unit at least; `tensor` is the multiply-adds per cycle of the tensor cores. Of HGMMA, which four warps
        do together, it is a quarter."""
        taken: Counter = Counter({"issue": len(self) / SCHEDULERS})
        for i in self.instructions:
            kind = "fma" if i.opcode in ("IMAD", "FSEL") else i.kind
            if kind in RATES:
                taken[UNITS.get(kind, kind)] += 32 / (RATES["integer"] if i.opcode == "IMAD" else RATES[kind])
            elif kind in ("shared load", "shared store", "copy"):
                taken["shared"] += 1 if i.opcode == "LDS" else 32 * i.bytes / SHARED_RATE  # lanes may read the same address
            elif kind == "tensor" and tensor:
                taken["tensor"] += multiply_adds(i) / tensor
                taken["shared"] += factor_bytes(i) / 4 / SHARED_RATE
        return dict(taken)


def multiply_adds(instruction: Instruction) -> int:
    """That a warp's instruction does."""
    if instruction.opcode in ("FFMA", "DFMA"):
        return 32
    if found := re.match(r"HGMMA\.(\d+)x(\d+)x(\d+)", instruction.name):
        return int(found[1]) * int(found[2]) * int(found[3]) // 4  # of the four warps that do it together
    if found := re.match(r"HMMA\.(16)(8)(\d+)\.", instruction.name):
        return 16 * 8 * int(found[3])
    return 0


def factor_bytes(instruction: Instruction) -> int:
    """That HGMMA reads of its factors in shared memory: m x k of the first one, unless that is in registers, and k x n of the second one, of 2 bytes (tf32: 4) each."""
    if not (found := re.match(r"HGMMA\.(\d+)x(\d+)x(\d+)", instruction.name)):
        return 0
    m, n, k = map(int, found.groups())
    in_registers = re.search(r"HGMMA\S+ +R\d+, R\d+, gdesc", instruction.text)  # else one descriptor for both factors
    return (n * k + (0 if in_registers else m * k)) * (4 if "TF32" in instruction.name else 2)


def kernels(text: str) -> dict[str, Code]:
    """The kernels of a disassembly by name, each with its labels resolved."""
    found = {}
    for part in re.split(r"^\.text\.", text, flags=re.M)[1:]:
        name, body = part.split(":", 1)
        found[name] = Code(tuple(_instructions(body.split("\n//-----")[0])))
    return found


def _instructions(body: str) -> list[Instruction]:
    result: list[Instruction] = []
    places: dict[str, int] = {}
    pending: list[str] = []
    for line in body.splitlines():
        if label := re.match(r"\s*(\.L_\w+):", line):
            pending.append(label[1])
        elif code := re.match(r"\s*/\*([0-9a-f]{4,})\*/\s+(?:@!?U?P\w+\s+)?([A-Z][\w.]*)(.*?);", line):
            target = re.search(r"`\((\.L_\w+)\)", code[3])
            result.append(Instruction(int(code[1], 16), code[2], code[0].strip(), target[1] if target and code[2].startswith("BRA") else ""))
            places.update((label, result[-1].address) for label in pending)
            pending = []
    return [Instruction(i.address, i.name, i.text, str(places[i.target]) if i.target in places else "") for i in result]


def loops(code: Code) -> list[Code]:
    """The innermost loops: what lies between a jump backwards and its target."""
    spans = sorted({(int(i.target), i.address) for i in code.instructions if i.target and int(i.target) < i.address})
    inner = [s for s in spans if not any(o != s and o[0] >= s[0] and o[1] <= s[1] for o in spans)]
    return [Code(tuple(i for i in code.instructions if first <= i.address <= last)) for first, last in inner]


def main_loop(code: Code) -> Code:
    """The innermost loop with the most arithmetic and accesses of memory, else the whole kernel."""
    weight = lambda loop: sum(multiply_adds(i) for i in loop.instructions) + 32 * loop.global_bytes()
    found = [loop for loop in loops(code) if weight(loop)]
    return max(found, key=weight) if found else code
