"""Damaged, cut and forged files are errors: never a crash, and nothing of them runs."""
from __future__ import annotations

import hashlib
import json
import random
import struct

import numpy as np
import pytest
from needs import need

import cellgrad as ms
import cellgrad_program
from cellgrad import Parameter, Tensor

PREAMBLE, DIGEST = 32, 32
DAMAGED = (cellgrad_program.DamagedError, cellgrad_program.MachineError)


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    w = Parameter(Tensor(np.arange(64, dtype=np.float32)), name="w")
    path = tmp_path_factory.mktemp("file") / "f.cgp"
    ms.export_programs(path, {"f": (lambda x: (x * w).sum(), Tensor(np.ones(64, np.float32)))}, mlir=True)
    return path.read_bytes()


def sealed(data: bytes) -> bytes:
    """The content with the digest that fits it, as someone who forges a file would write it."""
    head, body = data[:PREAMBLE], data[PREAMBLE + DIGEST:]
    head = head[:16] + struct.pack("<Q", len(data)) + head[24:]
    return head + hashlib.blake2b(head + body, digest_size=DIGEST).digest() + body


def with_header(content: bytes, change) -> bytes:
    """A forged file whose header was changed."""
    length, = struct.unpack_from("<Q", content, 24)
    begin = PREAMBLE + DIGEST
    header = json.loads(content[begin:begin + length])
    header = change(header) or header
    text = json.dumps(header, separators=(",", ":")).encode()
    assert len(text) <= length
    return sealed(content[:begin] + text.ljust(length) + content[begin + length:])


def refused(data: bytes, match: str | None = None, kind=DAMAGED) -> None:
    with pytest.raises(kind, match=match):
        cellgrad_program.load(data)


def test_every_byte_is_covered(content):
    """Each region bit by bit at random places, and each byte of the preamble."""
    pick = random.Random(1)
    sections = json.loads(content[64:64 + struct.unpack_from("<Q", content, 24)[0]])["sections"]
    places = list(range(64)) + [pick.randrange(64, sections[0]["offset"]) for _ in range(100)]
    for section in sections:
        places += [section["offset"] + pick.randrange(section["bytes"]) for _ in range(60)]
    places += [len(content) - 1]
    for place in places:
        broken = bytearray(content)
        broken[place] ^= 1 << pick.randrange(8)
        refused(bytes(broken), kind=cellgrad_program.DamagedError)


def test_truncations_and_additions(content):
    pick = random.Random(2)
    for length in [0, 1, 7, 8, 31, 32, 63, 64, 65, len(content) - 1, *(pick.randrange(len(content)) for _ in range(60))]:
        refused(content[:length], "no program file|should have|digest")
        if length >= 64:  # with a length and digest that fit
            refused(sealed(content[:length]))
    refused(content + b"\0", "should have")


def test_forged_headers_are_read_with_care(content):
    """Random bytes of the header with a digest that fits: read or refused, but never a crash. What is read is not run."""
    pick = random.Random(3)
    length, = struct.unpack_from("<Q", content, 24)
    text = content[64:64 + length].rstrip()
    read = 0
    for _ in range(600):
        broken = bytearray(content)
        for _ in range(pick.choice((1, 1, 2, 8))):
            broken[64 + pick.randrange(len(text))] = pick.choice(b'0123456789{}[]",:-abc\\u\x00\xff')
        try:
            cellgrad_program.load(sealed(bytes(broken)))
            read += 1
        except DAMAGED:
            pass
    assert read < 600


def test_forged_objects_are_read_with_care(content):
    """The same for object code, whose offsets the loader checks."""
    pick = random.Random(4)
    section = json.loads(content[64:64 + struct.unpack_from("<Q", content, 24)[0]])["sections"][0]
    begin, length = section["offset"], section["bytes"]
    for place in [*range(64), *(length - 1 - pick.randrange(min(length, 1024)) for _ in range(200)), *(pick.randrange(length) for _ in range(100))]:
        broken = bytearray(content)
        broken[begin + place] = pick.randrange(256)
        try:
            cellgrad_program.load(sealed(bytes(broken)))
        except DAMAGED:
            pass


@pytest.mark.parametrize("change, match", [
    (lambda h: h["sections"][0].update(offset=1), "lies outside"),
    (lambda h: h["sections"][0].update(offset=0), "lies outside"),
    (lambda h: h["sections"][0].update(offset=-64), "described badly"),
    (lambda h: h["sections"][-1].update(bytes=2**62), "lies outside"),
    (lambda h: h["sections"].reverse(), "lies outside"),
    (lambda h: h["programs"][0].update(object=9), "no code"),
    (lambda h: h["programs"][0].update(object=-1), "no code"),
    (lambda h: h["programs"][0].update(object=2), "no code"),
    (lambda h: h["programs"][0].update(arena=2**40), "scratch memory"),
    (lambda h: h["programs"][0]["inputs"][1].update(state=1), "no state"),
    (lambda h: h["programs"][0]["outputs"].append({"alias": 2}), "tied to no input"),
    (lambda h: h["programs"][0]["outputs"].extend([{"alias": 1}, {"alias": 1}]), "tied to no input"),
    (lambda h: h["programs"].append(h["programs"][0]), "two programs"),
    (lambda h: h["programs"].clear(), "no programs"),
    (lambda h: h["state"][0].update(offset=10**6), "outside of the file"),
    (lambda h: h["state"][0].update(offset=-1), "outside of the file"),
    (lambda h: h["state"][0].update(shape=[2**62, 2**62]), "impossible"),
    (lambda h: h["state"][0].update(shape=[-1]), "impossible"),
    (lambda h: h["state"][0].update(dtype="text"), "'text' is unknown"),
    (lambda h: h["programs"][0]["inputs"][0].update(shape="64"), "described badly"),
    (lambda h: h.update(runtime_abi=99), "needs version 99"),
    (lambda h: h["target"].update(arch="riscv64"), "for riscv64 on linux"),
    (lambda h: h["target"]["features"].append("avx99"), "lacks avx99"),
    (lambda h: h["target"].update(device={"chip": "sm_90"}), "device is described badly"),
    (lambda h: h["target"].update(device={"kind": "abacus", "chip": "a", "image": "b"}), "kind 'abacus'"),
    (lambda h: h["target"].update(device={"kind": "cuda", "chip": "sm_90", "image": "ptx"}), "for a GPU|no kernels"),
    (lambda h: h.pop("target"), "no target"),
    (lambda h: [1], "no map"),
])
def test_forged_fields(content, change, match):
    def lean(header):  # makes room for longer values
        for section in header["sections"]:
            section["kind"] = "m" if section["kind"] == "mlir" else section["kind"]
        header["producer"], header["target"]["features"] = {}, ["sse2"]
        return change(header)

    refused(with_header(content, lean), match)


def test_json_that_is_none():
    """Texts that a strict reader refuses; Python's own takes some of them."""
    head = b"\x89CGPROG\n" + struct.pack("<II", 1, 0)
    for text in [b"", b"{", b"[", b'{"a":1,"a":2}', b"[1,]", b"{}x", b'{"a"}', b'"\\ud800"', b'"\\u0000"', b'"\\x"', b'"a', b"01", b"-", b"1e", b"NaN", b"tru", b"[" * 100000,
                 b"99999999999999999999", b'"\x01"', b"{1:2}"]:
        data = head + struct.pack("<QQ", 0, len(text)) + bytes(32) + text
        refused(sealed(data), "header has")


def test_headers_of_very_many_values(content):
    """Each takes memory, far more than its text: a small file could ask for gigabytes."""
    text = b'{"x":[' + b"0," * 1_000_001 + b"0]}"
    text += b" " * (-(96 + len(text)) % 64 + 32)
    preamble = content[:8] + struct.pack("<IIQQ", 1, 0, 0, len(text))
    refused(sealed(preamble + bytes(DIGEST) + text), match="too many values")


def test_functions_that_programs_may_not_call(content):
    """An object that asks for a function that is no part of the runtime is refused at loading."""
    section = json.loads(content[64:64 + struct.unpack_from("<Q", content, 24)[0]])["sections"][0]
    code = content[section["offset"]:section["offset"] + section["bytes"]]
    import shutil
    import subprocess
    import tempfile

    compiler = shutil.which("cc")
    need(compiler, "no C compiler")
    with tempfile.TemporaryDirectory() as folder:
        source = "long cg_arena_size = 0; int system(const char *); void cg_entry(void **a, void *b) { system(\"true\"); }"
        subprocess.run([compiler, "-c", "-fPIC", "-xc", "-", "-o", folder + "/f.o"], input=source.encode(), check=True)
        with open(folder + "/f.o", "rb") as file:
            forged = file.read()
    assert len(forged) < len(code) + 4096

    def change(header):
        header["sections"] = [{"kind": "object", "offset": len(content) + -len(content) % 64, "bytes": len(forged)}]
        header["programs"] = [{**header["programs"][0], "inputs": [], "outputs": [], "object": 0, "arena": 0}]
        header["state"] = []

    refused(with_header(content + bytes(-len(content) % 64) + forged, change), "no function 'system' in the runtime")


def test_other_files(tmp_path, content):
    with pytest.raises(OSError, match="No such file"):
        cellgrad_program.load(tmp_path / "none.cgp")
    with pytest.raises(OSError, match="not a regular file"):
        cellgrad_program.load(tmp_path)
    with pytest.raises(OSError, match="not a regular file"):
        cellgrad_program.load("/dev/zero")
    (tmp_path / "text").write_text("hello " * 100)
    with pytest.raises(cellgrad_program.DamagedError, match="text: this is no program file"):
        cellgrad_program.load(tmp_path / "text")
    newer = content[:8] + struct.pack("<I", 2) + content[12:]
    refused(newer, "format version 2, and this loader reads version 1")


def test_the_expected_digest(content):
    digest = cellgrad_program.load(content).digest
    assert cellgrad_program.load(content, digest=digest).digest == digest == content[32:64].hex()
    for other in ("0" * 64, digest[:-1], digest.upper(), ""):
        with pytest.raises(cellgrad_program.UntrustedError, match="not the expected"):
            cellgrad_program.load(content, digest=other)
