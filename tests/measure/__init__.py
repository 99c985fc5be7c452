"""Benchmarks: `make bench` prints figures and their ratios to a floor measured in the same run."""
