"""Packaged profiles: TOML, not code."""
