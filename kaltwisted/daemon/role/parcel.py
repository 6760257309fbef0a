"""Configurations on their way from the supervisor to a role, through a file that has no name.

Pickled: both ends are one program at one moment, and the socket between them
is nobody else's.  What the other side has already goes as a number: a reload
of ten thousand servers of which one has changed sends that one.
"""

from __future__ import annotations

import io
import os
import pickle
from collections.abc import Iterator, Mapping
from typing import Any

from kaltwisted.config.model import Configuration, Position


def pack(value: object, known: Configuration | None = None) -> bytes:
    """``value``, with no more than a reference for each part of ``known``."""
    packed = io.BytesIO()
    _Packer(packed, known).dump(value)
    return packed.getvalue()


def unpack(packed: bytes, known: Configuration | None = None) -> Any:
    """What was packed, with our own objects for the parts of ``known``, which must equal the packer's."""
    return _Unpacker(io.BytesIO(packed), known).load()


def in_memory(data: bytes) -> int:
    """A descriptor to read ``data`` from, of a file that only who is handed the descriptor can read.

    :raises OSError: there is no memory for it.
    """
    descriptor = os.memfd_create("kaltwisted", os.MFD_CLOEXEC)
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(data)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def read_all(descriptor: int) -> bytes:
    """All of a file in memory; the descriptor is closed.

    From its beginning: two processes with a descriptor of it share their place in it.
    """
    os.lseek(descriptor, 0, os.SEEK_SET)
    with open(descriptor, "rb") as file:
        return file.read()


def _parts(configuration: Configuration | None) -> Iterator[object]:
    """What is worth a reference, in an order that equal configurations share."""
    if configuration is None:
        return
    yield configuration.global_defs
    for service in configuration.virtual_servers:
        yield service
        yield from service.real_servers
    yield from configuration.vrrp_scripts
    yield from configuration.vrrp_instances
    yield from configuration.vrrp_sync_groups
    yield from configuration.vrrp_track_processes
    yield from configuration.track_files
    yield from configuration.virtual_server_groups
    yield from configuration.bfd_instances


# What pickle makes None of.
_NOTHING = (type(None), ())


class _Packer(pickle.Pickler):
    def __init__(self, file: io.BytesIO, known: Configuration | None) -> None:
        super().__init__(file, pickle.HIGHEST_PROTOCOL)
        self._numbers: Mapping[int, int] = {id(part): number for number, part in enumerate(_parts(known))}

    def persistent_id(self, value: object) -> int | None:
        return self._numbers.get(id(value))

    def reducer_override(self, value: object) -> Any:
        """Leave out the places in the file: a role has no use for them, and thousands of servers two each."""
        return _NOTHING if isinstance(value, Position) else NotImplemented


class _Unpacker(pickle.Unpickler):
    def __init__(self, file: io.BytesIO, known: Configuration | None) -> None:
        super().__init__(file)
        self._parts = tuple(_parts(known))

    def persistent_load(self, number: int) -> object:
        return self._parts[number]
