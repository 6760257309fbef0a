"""What the roles need, and giving up the rest where nothing can be given up."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.daemon.role import capabilities
from kaltwisted.daemon.role.libc import call, prctl


class Capabilities(SynchronousTestCase):
    def refuse(self, *_: Any) -> int:
        raise OSError(errno.EPERM, "Operation not permitted")

    def test_names_are_the_kernel_s(self) -> None:
        for name, number in (
            ("CAP_CHOWN", 0),
            ("CAP_KILL", 5),
            ("CAP_NET_ADMIN", 12),
            ("CAP_SYS_NICE", 23),
            ("CAP_CHECKPOINT_RESTORE", 40),
        ):
            self.assertEqual(capabilities._NUMBERS[name], number)
        self.assertLessEqual(capabilities.VRRP | capabilities.CHECKER, set(capabilities._NUMBERS))

    def test_held_is_what_the_kernel_says(self) -> None:
        lines = Path("/proc/thread-self/status").read_text().splitlines()
        (line,) = (line for line in lines if line.startswith("CapEff"))
        self.assertEqual(len(capabilities.held()), int(line.split()[1], 16).bit_count())

    def test_a_refusal_is_told_in_words(self) -> None:
        self.patch(capabilities, "call", self.refuse)
        words = capabilities.keep_only(capabilities.VRRP)
        self.assertEqual(words, "Capabilities cannot be given up: Operation not permitted")
        self.assertEqual(capabilities.held(), frozenset())

    def test_threads_that_run_already_are_told_of(self) -> None:
        self.patch(capabilities, "call", lambda *_: 0)
        self.patch(capabilities, "_threads", lambda: 3)
        self.assertIn("2 threads", str(capabilities.keep_only(())))


class TheLibrary(SynchronousTestCase):
    def test_what_it_does_not_have_is_an_error_as_any(self) -> None:
        with self.assertRaises(OSError) as caught:
            call("no_such_function_anywhere")
        self.assertEqual(caught.exception.errno, errno.ENOSYS)

    def test_errors_come_with_their_number(self) -> None:
        with self.assertRaises(OSError) as caught:
            prctl(-1)
        self.assertEqual(caught.exception.errno, errno.EINVAL)
        self.assertEqual(caught.exception.strerror, os.strerror(errno.EINVAL))
