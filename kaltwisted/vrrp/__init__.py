"""VRRP: who holds the virtual addresses.

``packet``, ``auth``, ``timers``, ``instance``, ``group``, ``track``, ``events``
and ``actions`` are pure: bytes, values and integers of microseconds, time as an
argument.  The other modules touch the world.
"""
