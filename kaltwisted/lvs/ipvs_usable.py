"""Whether the kernel's IPVS can be used here, asked quickly and without changing anything."""

from __future__ import annotations

import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path

from kaltwisted.kernel.generic import families_request, open_generic, parse_family
from kaltwisted.kernel.messages import (
    NLM_F_ACK,
    NLM_F_DUMP,
    NLM_F_REQUEST,
    NLMSG_DONE,
    NLMSG_ERROR,
    MalformedError,
    Message,
    NetlinkError,
    Request,
    error_of,
    pack,
    split,
)
from kaltwisted.lvs import ipvs_messages as messages

MISSING = "this kernel has no IPVS: load its module (modprobe ip_vs) on the host"
_FORBIDDEN = "not permitted: IPVS needs root or CAP_NET_ADMIN"
_MODULES = Path("/lib/modules")


def why_not() -> str | None:
    """None where IPVS can be used, or could as soon as its module is loaded; else the reason and the remedy.

    Loads no module: the families are listed, since asking for one by its name
    would make the kernel load it.
    """
    try:
        with open_generic() as opened:
            families = dict(map(parse_family, _ask(opened, families_request(), NLM_F_DUMP)))
            family = families.get(messages.FAMILY_NAME)
            if family is not None:
                for _ in _ask(opened, Request(family, messages.get_info()), NLM_F_ACK):
                    pass
                return None
    except NetlinkError as error:
        return _FORBIDDEN if error.errno == errno.EPERM else f"IPVS does not answer: {error}"
    except (OSError, MalformedError) as error:
        return f"no generic netlink: {error}"
    if not _loadable():
        return MISSING
    return None if os.geteuid() == 0 else f"{MISSING}, or start as root"


def _ask(opened: socket.socket, request: Request, flags: int) -> Iterator[Message]:
    """Answers as they come; the kernel has them ready when ``send`` returns, so nothing is waited for."""
    opened.send(pack(request, NLM_F_REQUEST | flags, 1))
    while True:
        for message in split(opened.recv(65_536)):
            if message.type in (NLMSG_ERROR, NLMSG_DONE):
                error = error_of(message)
                if error is not None:
                    raise error
                return
            yield message


def _loadable() -> bool:
    """Whether the kernel's modules include ip_vs; what is built in would have answered."""
    try:
        index = (_MODULES / os.uname().release / "modules.dep").read_bytes()
    except OSError:
        return False
    return b"/ip_vs.ko" in index
