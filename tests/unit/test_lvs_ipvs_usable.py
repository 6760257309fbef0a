"""why_not: whether IPVS can be used, in words."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.kernel.generic import generic_header
from kaltwisted.kernel.messages import Message, attribute, split
from kaltwisted.lvs import ipvs_usable
from kaltwisted.lvs.ipvs_usable import why_not
from kaltwisted.testing.netlink import acknowledgement, listing


def family(name: bytes, number: int) -> bytes:
    return generic_header(1, 2) + attribute(1, number.to_bytes(2, "little")) + attribute(2, name + b"\0")


class PlayedSocket:
    """A socket as why_not uses it: it blocks, so running dry is an error."""

    def __init__(self, families: list[bytes], info_errno: int = 0) -> None:
        self.families = families
        self.info_errno = info_errno
        self.waiting: list[bytes] = []

    def __enter__(self) -> PlayedSocket:
        return self

    def __exit__(self, *exception: object) -> None:
        self.waiting = []

    def send(self, data: bytes) -> None:
        (asked,) = split(data)
        self.waiting = self.answer(asked)

    def answer(self, asked: Message) -> list[bytes]:
        if asked.type == 16:
            return listing(asked, self.families)
        return [acknowledgement(asked, self.info_errno)]

    def recv(self, size: int) -> bytes:
        return self.waiting.pop(0)


class WhyNotTests(SynchronousTestCase):
    """Every reason has its words and its remedy."""

    def setUp(self) -> None:
        self.modules = Path(self.mktemp())
        self.patch(ipvs_usable, "_MODULES", self.modules)
        self.patch(os, "geteuid", lambda: 0)

    def answer(self, *families: bytes, info_errno: int = 0) -> str | None:
        self.play(lambda: PlayedSocket(list(families), info_errno))
        return why_not()

    def play(self, open_generic: Callable[[], PlayedSocket]) -> None:
        self.patch(ipvs_usable, "open_generic", open_generic)

    def provide_module(self) -> None:
        folder = self.modules / os.uname().release
        folder.mkdir(parents=True)
        (folder / "modules.dep").write_text("kernel/net/netfilter/ipvs/ip_vs.ko: kernel/lib/libcrc32c.ko\n")

    def test_present_and_permitted(self) -> None:
        self.assertIsNone(self.answer(family(b"nlctrl", 16), family(b"IPVS", 31)))

    def test_not_permitted(self) -> None:
        answer = self.answer(family(b"IPVS", 31), info_errno=errno.EPERM)
        self.assertEqual(answer, "not permitted: IPVS needs root or CAP_NET_ADMIN")

    def test_something_else_is_wrong(self) -> None:
        answer = self.answer(family(b"IPVS", 31), info_errno=errno.EOPNOTSUPP)
        self.assertIn("Operation not supported", answer or "")

    def test_no_module_at_all(self) -> None:
        answer = self.answer(family(b"nlctrl", 16))
        self.assertEqual(answer, "this kernel has no IPVS: load its module (modprobe ip_vs) on the host")

    def test_a_module_that_start_will_load(self) -> None:
        self.provide_module()
        self.assertIsNone(self.answer(family(b"nlctrl", 16)))

    def test_a_module_that_only_root_can_load(self) -> None:
        self.provide_module()
        self.patch(os, "geteuid", lambda: 1000)
        self.assertIn("or start as root", self.answer(family(b"nlctrl", 16)) or "")

    def test_no_netlink_and_nonsense_are_answers_too(self) -> None:
        def refuse() -> PlayedSocket:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported")

        self.play(refuse)
        self.assertIn("Address family not supported", why_not() or "")
        self.assertIn("no generic netlink", self.answer(b"\1\2\0\0nonsense") or "")

    def test_this_very_kernel_gives_an_answer(self) -> None:
        answer = why_not()
        self.assertTrue(answer is None or len(answer) > 20)
