"""api.sharing: who asks while a question is under way."""

from __future__ import annotations

from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from kaltwisted.api.sharing import Shared


class SharedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.under_way: list[Deferred[str]] = []
        self.shared: Shared[str] = Shared(self.ask)

    def ask(self) -> Deferred[str]:
        self.under_way.append(Deferred())
        return self.under_way[-1]

    def test_who_asks_meanwhile_shares_the_next_answer(self) -> None:
        first, *others = [self.shared.answer() for _ in range(100)]
        self.assertEqual(len(self.under_way), 1)
        self.under_way[0].callback("one")
        self.assertEqual(self.successResultOf(first), "one")
        self.assertEqual(len(self.under_way), 2)
        self.under_way[1].callback("two")
        self.assertEqual([self.successResultOf(each) for each in others], ["two"] * 99)
        self.assertEqual(len(self.under_way), 2)

    def test_a_failure_is_everybodys_and_the_next_one_asks_again(self) -> None:
        first = self.shared.answer()
        self.under_way[0].errback(ValueError())
        self.failureResultOf(first, ValueError)
        second = self.shared.answer()
        self.under_way[1].callback("again")
        self.assertEqual(self.successResultOf(second), "again")

    def test_who_leaves_leaves_the_others_theirs(self) -> None:
        first, second, third = (self.shared.answer() for _ in range(3))
        for each in (first, second):
            each.cancel()
            self.failureResultOf(each, CancelledError)
        self.under_way[0].callback("one")
        self.under_way[1].callback("two")
        self.assertEqual(self.successResultOf(third), "two")
