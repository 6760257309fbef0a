"""BFD sessions: fast word of whether a neighbour can be reached (RFC 5880, 5881, 5883).

Pure: ``packet``, ``variables``, ``machine``, ``session``, ``report``.  ``wire`` and
``service`` touch the world.
"""
