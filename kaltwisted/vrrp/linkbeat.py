"""Asks once a second for the links of interfaces whose drivers do not tell them (``linkbeat_interfaces``)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from kaltwisted.config.model import Configuration, LinkbeatMethod
from kaltwisted.ports import Beat, ILinkbeat
from kaltwisted.vrrp.vmac import link_plan

POLL_S = 1.0


def polled(configuration: Configuration, interfaces: Iterable[str]) -> dict[str, LinkbeatMethod | None]:
    """Which of these interfaces are asked, and how; None: as it can be.  Those that we make need not be."""
    made = {each.name for each in link_plan(configuration.vrrp_instances).links}
    methods = {each.name: each.method for each in configuration.linkbeat_interfaces}
    every = configuration.global_defs.linkbeat_use_polling
    return {
        name: methods.get(name)
        for name in sorted(interfaces)
        if (every or name in methods) and name not in made
    }


def unpolled(configuration: Configuration, interfaces: Iterable[str]) -> Iterator[str]:
    """A line for each interface that is to be polled and is not."""
    made = {each.name for each in link_plan(configuration.vrrp_instances).links}
    for each in configuration.linkbeat_interfaces:
        if each.name in made:
            yield f"Turning off linkbeat for {each.name} since netlink works for vmacs/ipvlans"
        elif each.name not in interfaces:
            yield f"Turning off linkbeat for {each.name} since not used for tracking"


class Polling:
    """The links of the polled interfaces.

    :param linkbeat: None: there is no such way to ask, and nothing is polled.
    :param heard: gets ``(name, up)`` of each interface, once a second.
    """

    _log = Logger()

    def __init__(
        self, linkbeat: ILinkbeat | None, clock: IReactorTime, heard: Callable[[str, bool], object]
    ) -> None:
        self._linkbeat = linkbeat
        self._clock = clock
        self._heard = heard
        self._wanted: Mapping[str, LinkbeatMethod | None] = {}
        self._asking: Deferred[Any] | None = None
        self._next: IDelayedCall | None = None
        #: What each polled interface has answered last; one that has not yet is as netlink tells.
        self.beats: dict[str, Beat] = {}

    def poll(self, wanted: Mapping[str, LinkbeatMethod | None]) -> None:
        """Ask these from now on, and no others."""
        if wanted == self._wanted or self._linkbeat is None:
            return
        self.stop()
        self.beats = {name: each for name, each in self.beats.items() if name in wanted}
        self._wanted = wanted
        if wanted:
            self._log.info("Using MII-BMSR/ETHTOOL NIC polling thread(s)...")
            self._ask()

    def stop(self) -> None:
        """Ask no more."""
        if self._next is not None:
            self._next.cancel()
            self._next = None
        if self._asking is not None:
            asking, self._asking = self._asking, None
            asking.cancel()

    def _ask(self) -> None:
        assert self._linkbeat is not None
        self._next = None
        # What an interface was found to answer is not looked for again each second.
        methods = {name: self._method(name) for name in self._wanted}
        asking = self._asking = self._linkbeat.ask(methods)
        asking.addCallback(self._answered).addErrback(self._failed).addBoth(self._asked)

    def _method(self, name: str) -> LinkbeatMethod | None:
        beat = self.beats.get(name)
        return self._wanted[name] if beat is None or beat.method is None else beat.method

    def _answered(self, beats: Mapping[str, Beat]) -> None:
        for name, beat in beats.items():
            wanted, before = self._wanted[name], self._method(name)
            self.beats[name] = beat
            if wanted is not None and beat.method not in (None, before):
                self._log.warn(
                    "({name}): Configured linkbeat type {wanted} not supported, using {method}",
                    name=name,
                    wanted=wanted,
                    method=beat.method,
                )
            self._heard(name, beat.up)

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self._log.failure("Polling links", failure)

    def _asked(self, _: object) -> None:
        """The next time is a second after the answer, which a card may be long in giving."""
        if self._asking is None:
            return  # stopped
        self._asking = None
        self._next = self._clock.callLater(POLL_S, self._ask)
