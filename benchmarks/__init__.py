"""Benchmarks: every measure is a ratio of two things that ran side by side (docs/performance.md)."""
