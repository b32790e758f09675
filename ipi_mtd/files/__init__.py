"""Formats, bytes to numbers and back: HILLS, COLVAR, free energies, the journal."""
