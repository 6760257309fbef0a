"""Chaos: two directors that are killed, reloaded and cut off by a seeded script, and what then holds.

`script.py` writes the script, from a seed and nothing else; `chaos.py` plays it on a LAN of
namespaces (`world.py`); `verdict.py` compares what is there with what `plan.py` and the links say.
"""
