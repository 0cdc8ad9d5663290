"""Measurements that decide: `make bench` runs them and writes RESULTS.md with the machine beside them."""
