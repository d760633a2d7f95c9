"""Simulation: samples drawn from a problem, and the risks of learners on them."""
