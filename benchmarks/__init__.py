"""Benchmarks: each a ratio to a floor measured in the same run, so that machines can be compared."""
