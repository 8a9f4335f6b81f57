"""Readers of area data, aggregation, and what a release is made of."""
