"""Where cameras look, what plates weigh and how far clocks are apart: pure functions on numpy arrays.

Observations (board corners in pixels, plateaus in grams, events in nanoseconds) come in, estimates with their
uncertainty and a verdict go out. Finding corners in images is the sensors' work.
"""
