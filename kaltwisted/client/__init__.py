"""Commands that ask a running daemon: ``kaltwisted status``, ``explain``, ``events``.  No Twisted in here."""
