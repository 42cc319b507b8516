"""Compiled programs on disk, found by content.

A file holds one program: a header, the object code and, packed, the text of the module it was made from. It is written to a temporary
name and renamed, so that a reader sees all of it or nothing, and it is checked against its length and checksum when it is read. A file that fails the check is
removed and reported by a ``CacheWarning``; the program is then compiled again.

``CELLGRAD_CACHE_DIR`` names the folder (default: ``cellgrad`` in ``XDG_CACHE_HOME`` or ``~/.cache``; empty: no cache), ``CELLGRAD_CACHE_LIMIT`` the bytes it
may take (default 1 GiB). Beyond that the programs that were not used for the longest time are removed.
"""
from __future__ import annotations

import contextlib
import itertools
import json
import os
import struct
import warnings
import zlib
from typing import Any, NamedTuple

try:
    from _blake2 import blake2b  # hashlib loads OpenSSL, which costs more than reading a program
except ImportError:
    from hashlib import blake2b

__all__ = ["CacheWarning", "Entry", "digest", "folder", "read", "remove", "write"]

_MAGIC = b"CELLGRAD1\n"
_LENGTHS = struct.Struct("<QQQ")  # header, object, packed text
_DIGEST = 32
_FIXED = len(_MAGIC) + _DIGEST + _LENGTHS.size
_SUFFIX = ".cgobj"
_DEFAULT_LIMIT = 1 << 30
_SCAN_EVERY = 256  # writes between two looks at the folder's size

_writes = 0
_names = itertools.count()
_complained = False


class CacheWarning(UserWarning):
    """A file of the cache was damaged, or the cache cannot be used."""


class Entry(NamedTuple):
    """One program: plain values about it, its object code and its module's text, packed."""

    header: dict[str, Any]
    object: bytes
    packed: bytes

    @property
    def text(self) -> str:
        return zlib.decompress(self.packed).decode()


def digest(*parts: str) -> str:
    """A name for everything that the parts say."""
    state = blake2b(digest_size=20)
    for part in parts:
        data = part.encode(errors="surrogatepass")
        state.update(struct.pack("<Q", len(data)))
        state.update(data)
    return state.hexdigest()


def folder() -> str | None:
    """Where programs are kept; ``None`` where there is no cache."""
    chosen = os.environ.get("CELLGRAD_CACHE_DIR")
    if chosen is not None:
        return chosen or None
    base = os.environ.get("XDG_CACHE_HOME") or os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "cellgrad")


def _limit() -> int:
    try:
        return int(os.environ.get("CELLGRAD_CACHE_LIMIT", _DEFAULT_LIMIT))
    except ValueError:
        _complain(f"CELLGRAD_CACHE_LIMIT is a number of bytes, not {os.environ['CELLGRAD_CACHE_LIMIT']!r}")
        return _DEFAULT_LIMIT


def _complain(message: str) -> None:
    """Says once per process why the cache is not used as it should be."""
    global _complained
    if not _complained:
        _complained = True
        warnings.warn(message, CacheWarning, stacklevel=3)


def _unpack(data: bytes) -> Entry | str:
    """The entry in a file's bytes, or what is wrong with them."""
    if len(data) < _FIXED:
        return "it is too short"
    if not data.startswith(_MAGIC):
        return "it is of another format"
    body = memoryview(data)[len(_MAGIC) + _DIGEST:]
    if blake2b(body, digest_size=_DIGEST).digest() != data[len(_MAGIC):len(_MAGIC) + _DIGEST]:
        return "its checksum does not match its content"
    lengths = _LENGTHS.unpack_from(body)
    if sum(lengths) != len(body) - _LENGTHS.size:
        return "its length is wrong"
    ends = [_LENGTHS.size, _LENGTHS.size + lengths[0], _LENGTHS.size + lengths[0] + lengths[1], len(body)]
    header, code, packed = (bytes(body[a:b]) for a, b in zip(ends, ends[1:]))
    return Entry(json.loads(header), code, packed)


def read(name: str) -> Entry | None:
    """The program of this name, ``None`` where there is none."""
    where = folder()
    if where is None:
        return None
    path = os.path.join(where, name + _SUFFIX)
    try:
        with open(path, "rb") as file:
            status = os.fstat(file.fileno())
            if status.st_uid not in (os.geteuid(), 0):
                _complain(f"{path} belongs to another user and is not run; set CELLGRAD_CACHE_DIR to a folder of your own")
                return None
            data = file.read()
    except FileNotFoundError:
        return None
    except OSError as error:
        _complain(f"the cache in {where} cannot be read ({error.strerror}); programs are compiled anew in each process")
        return None
    entry = _unpack(data)
    if isinstance(entry, str):
        remove(name, entry)
        return None
    with contextlib.suppress(OSError):
        os.utime(path)  # the time of last use
    return entry


def remove(name: str, reason: str) -> None:
    """Takes a damaged program out of the cache and says so."""
    where = folder()
    if where is None:
        return
    path = os.path.join(where, name + _SUFFIX)
    with contextlib.suppress(OSError):
        os.unlink(path)
    warnings.warn(f"removed a damaged file from the cache of compiled programs: {path}: {reason}; the program is compiled again", CacheWarning, stacklevel=2)


def write(name: str, entry: Entry) -> None:
    """Keeps a program. What goes wrong is said once and otherwise without effect."""
    where = folder()
    if where is None:
        return
    header = json.dumps(entry.header).encode()
    body = _LENGTHS.pack(len(header), len(entry.object), len(entry.packed)) + header + entry.object + entry.packed
    data = _MAGIC + blake2b(body, digest_size=_DIGEST).digest() + body
    temporary = os.path.join(where, f".new-{os.getpid()}-{next(_names)}-{name}{_SUFFIX}.tmp")
    try:
        os.makedirs(where, exist_ok=True, mode=0o700)
        with open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(data)
        os.replace(temporary, os.path.join(where, name + _SUFFIX))
    except OSError as error:
        with contextlib.suppress(OSError):
            os.unlink(temporary)
        _complain(f"the cache in {where} cannot be written ({error.strerror}); programs are compiled anew in each process")
        return
    global _writes
    if _writes % _SCAN_EVERY == 0:
        shrink(where, _limit())
    _writes += 1


def shrink(where: str, limit: int) -> None:
    """Removes what was not used for the longest time until the rest fits into ``limit`` bytes, and leftovers of writers that died."""
    found: list[tuple[float, int, str]] = []
    try:
        with os.scandir(where) as files:
            for file in files:
                with contextlib.suppress(OSError):
                    status = file.stat()
                    if file.name.endswith((_SUFFIX, _SUFFIX + ".tmp")):
                        found.append((status.st_mtime, status.st_size, file.path))
    except OSError:
        return
    found.sort()
    newest = found[-1][0] if found else 0.0
    total = sum(size for _, size, _ in found)
    target = limit * 4 // 5 if total > limit else total
    for used, size, path in found:
        unfinished = path.endswith(".tmp")  # some process may be writing it now
        if used < newest - 3600 if unfinished else total > target:
            with contextlib.suppress(OSError):
                os.unlink(path)
                total -= size
