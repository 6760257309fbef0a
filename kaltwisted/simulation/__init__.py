"""Rehearsal: the real state machines of several directors on a simulated LAN, in simulated time."""
