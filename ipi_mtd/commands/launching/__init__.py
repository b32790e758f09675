"""Starting i-PI and the driver, watching both, and saying what came of it."""
