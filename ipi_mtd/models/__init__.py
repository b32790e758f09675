"""Exported metatomic models: finding, checking and loading them, and their devices."""
