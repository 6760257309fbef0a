"""The main job, live, as ``make demo`` shows it: real servers, the real daemon, clients all the time."""
