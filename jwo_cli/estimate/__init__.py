"""Pure functions on arrays: geometry, weight, tracking, fusion. No I/O, no clock, no randomness."""
