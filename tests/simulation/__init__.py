"""A network in trouble: see world.py. `python -m tests.simulation --help`."""
