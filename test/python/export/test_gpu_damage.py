"""Damaged and forged files for GPUs: refused when they are loaded, by the loader or by the driver, and never a crash."""
from __future__ import annotations

import hashlib

import numpy as np
import pytest
from needs import need

import cellgrad as ms
from cellgrad import Tensor, ops

# What the processes below begin with: seal() writes the digest that fits, tried() what loading says.
HEAD = """
import hashlib, json, random, struct
content = open(sys.argv[1], "rb").read()
header = json.loads(content[64:64 + struct.unpack_from("<Q", content, 24)[0]])
begin, length = header["sections"][0]["offset"], header["sections"][0]["bytes"]
code = content[begin:begin + length]
def seal(data):
    return data[:32] + hashlib.blake2b(data[:32] + data[64:], digest_size=32).digest() + data[64:]
def tried(code):
    try:
        cellgrad_program.load(seal(content[:begin] + bytes(code) + content[begin + length:]))
        return ""
    except (cellgrad_program.DamagedError, cellgrad_program.MachineError) as error:
        return str(error)
"""


@pytest.fixture
def run(with_sim):
    return lambda source, path, driver="sim", chip=None: with_sim(HEAD + source, path, driver=driver, chip=chip)


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """A program of several kernels as a file for each kind of image that can be made here."""
    folder, x = tmp_path_factory.mktemp("gpu"), Tensor(np.ones((8, 64), np.float32))
    fn = ms.jit(lambda x: (ops.softmax(x), (x @ x.T).sum()))
    fn.export(folder / "sim.cgp", x, target="gpu", chip="sim")
    fn.export(folder / "ptx.cgp", x, target="gpu", chip="sm_80")
    return folder


def test_the_header_counts_the_kernels(run, files):
    print_kernels = "print(header['programs'][0]['kernels'], cellgrad_program.load(content).header['programs'][0]['kernels'])"
    counts = run(print_kernels, files / "sim.cgp").split()
    assert int(counts[0]) > 1 and counts[0] == counts[1]
    content = (files / "sim.cgp").read_bytes()
    other = content.replace(b'"kernels":' + counts[0].encode(), b'"kernels":' + str(int(counts[0]) + 1).encode(), 1)
    assert len(other) == len(content) and other != content
    (files / "other.cgp").write_bytes(other[:32] + hashlib.blake2b(other[:32] + other[64:], digest_size=32).digest() + other[64:])
    assert f"it has {counts[0]} kernels, and the header says {int(counts[0]) + 1}" in run("print(tried(code))", files / "other.cgp")


def test_a_kernel_that_is_not_there_is_found_at_loading(run, files):
    """The names that the host's code asks for are changed, one at a time."""
    out = run("""
import re
for name in set(re.findall(rb"cg_sim\\.([a-z0-9_]+)\\0", code)):
    for place in re.finditer(rb"(?<=\\0)" + name + rb"(?=\\0)", code):
        broken = bytearray(code)
        broken[place.start()] = ord("S")
        print(tried(broken))
""", files / "sim.cgp")
    assert "does not run here: GPU 0" in out and "the program's device code has no kernel 'S" in out, out


def test_records_that_point_elsewhere(run, files):
    """Each relocation of the object gets addends that lead out of it, or is none, so that a pointer is null: what is read at loading is refused, and nothing crashes."""
    out = run("""
shoff, count = struct.unpack_from("<Q", code, 40)[0], struct.unpack_from("<H", code, 60)[0]
for i in range(count):
    kind, = struct.unpack_from("<I", code, shoff + 64 * i + 4)
    at, size = struct.unpack_from("<QQ", code, shoff + 64 * i + 24)
    if kind == 4:
        for entry in range(at, at + size, 24):
            for addend in (2**31 - 16, -2**31 + 16, 2**62, 4096 * 1000):
                broken = bytearray(code)
                struct.pack_into("<q", broken, entry + 16, addend)
                print(tried(broken))
            broken = bytearray(code)
            struct.pack_into("<I", broken, entry + 8, 0)
            print(tried(broken))
            for other in range(at, at + size, 24):    # two of them, as the lists of a record may be compared with each other
                if struct.unpack_from("<Q", code, other)[0] - struct.unpack_from("<Q", code, entry)[0] in (8, 16):
                    both = bytearray(broken)
                    struct.pack_into("<I", both, other + 8, 0)
                    print(tried(both))
""", files / "sim.cgp")
    for text in ("lies outside of it", "of no kind", "the code of its kernels"):
        assert text in out, text


@pytest.mark.parametrize("kind", ["sim", "ptx"])
def test_forged_objects_are_read_with_care(run, files, kind, driver):
    """Bytes at random, most of them in the tables of the host's object and of the image within it."""
    out = run("""
pick = random.Random(5)
images = [i for i in range(1, length - 4) if code[i:i + 4] == b"\\x7fELF"]
places = [length - 1 - pick.randrange(min(length, 4096)) for _ in range(300)] + [pick.randrange(length) for _ in range(200)]
places += [at + pick.randrange(64) for at in images for _ in range(150)]
texts = set()
for place in places:
    broken = bytearray(code)
    broken[place] = pick.randrange(256)
    texts.add(tried(broken))
print(len(texts))
""", files / f"{kind}.cgp", driver, "sm_80" if kind == "ptx" else None)
    assert int(out) > 5


def test_an_image_whose_first_section_is_endless(run, files):
    """The one that is none: a driver that goes by the tables alone takes its size for the image's."""
    assert "the code of its kernels is no x86_64-elf" in run("""
image = code.index(b"\\x7fELF", 1)
tables, = struct.unpack_from("<Q", code, image + 40)
broken = bytearray(code)
struct.pack_into("<Q", broken, image + tables + 32, 2**62)
print(tried(broken))
""", files / "sim.cgp")


def test_code_that_is_of_another_kind(run, files, driver):
    """A file whose header and kernels differ in what they say, and an image that ends too early."""
    out = run("""
text = code.index(b".version")
end = code.index(b"\\0", text)
print(tried(code[:end - 5] + b"\\0" + code[end - 4:]))
print(tried(code[:end] + b" " + code[end + 1:]))
for head in (b"\\x7fELF", b"P\\xedU\\xba", b"\\x01"):                  # other formats that a driver knows by their first bytes
    print(tried(code[:text] + head + code[text + len(head):]))
print(tried(code.replace(b"sm_80\\0", b"sm_90\\0")))
print(tried(code.replace(b"ptx\\0", b"abc\\0")))
""", files / "ptx.cgp", driver, "sm_80").splitlines()
    assert len(out) == 7 and all("no ptx" in line for line in out[:5]), out
    assert "ptx for sm_90, and the header says ptx for sm_80" in out[5] and "abc for sm_80, and the header says ptx" in out[6], out


def test_what_the_driver_says_is_told_at_loading(run, files, driver):
    """PTX reaches a driver that does not take it: an error of the load with the driver's log."""
    out = run("print(tried(code))", files / "ptx.cgp", driver, "sm_90")
    assert "does not run here: GPU 0" in out and "does not take the program's device code (ptx for sm_80" in out
    assert "this is no x86-64 ELF object" in out  # the log


def test_machine_code_whose_tables_lead_out_of_it(run, tmp_path, driver):
    """Drivers get an address and no length: the tables of a cubin are looked at before."""
    from cellgrad._compiler import cuda_tools

    need(cuda_tools.find("ptxas"), "ptxas is not installed (pip install nvidia-cuda-nvcc)")
    x = Tensor(np.ones(64, np.float32))
    ms.jit(lambda x: ops.tanh(x)).export(tmp_path / "f.cgp", x, target="gpu", chip="sm_80", image="cubin")
    out = run("""
print(tried(code))
image = code.index(b"\\x7fELF", 1)
tables, = struct.unpack_from("<Q", code, image + 40)
for at, form, value in ((40, "<Q", 2**40), (60, "<H", 60000), (18, "<H", 62), (tables + 64 * 2 + 32, "<Q", 2**40), (32, "<Q", 2**63), (58, "<H", 1), (60, "<H", 0), (62, "<H", 60000),
                        (62, "<H", 0), (tables + 64 * 2 + 40, "<I", 60000), (tables + 64 * 3, "<I", 2**31)):
    broken = bytearray(code)
    struct.pack_into(form, broken, image + at, value)
    print(tried(broken))
count, = struct.unpack_from("<H", code, image + 60)
for i in range(count):
    name, kind, flags, address, at, size, link, info, align, entry = struct.unpack_from("<IIQQQQIIQQ", code, image + tables + 64 * i)
    changes = {3: [(at + size - 1, "<B", 65)], 2: [(at + 24, "<I", 2**31), (at + 30, "<H", 60000), (tables + 64 * i + 56, "<Q", 23), (tables + 64 * i + 40, "<I", i)],
               4: [(tables + 64 * i + 44, "<I", 60000)], 9: [(tables + 64 * i + 44, "<I", 60000)]}.get(kind, [])
    for place, form, value in changes:
        broken = bytearray(code)
        struct.pack_into(form, broken, image + place, value)
        print(tried(broken))
""", tmp_path / "f.cgp", driver, "sm_80").strip()
    first, *others = [line for line in out.splitlines() if "program '" in line]
    assert "does not take the program's device code (cubin" in first
    assert len(others) > 15 and all("the code of its kernels is no cubin" in text for text in others), out
