"""Seeded shoppers, plates and trackers with the truth: what tests, benchmarks and the bundled sample are made of.

Everything drawn comes from generators named by (seed, purpose), so that one more draw in one place changes nothing in
another, and is rounded to the sensors' own steps, so that the same seed gives the same bytes on any machine.
"""
