"""The daemon: options, log, pid file, and the wiring that knows every room."""
