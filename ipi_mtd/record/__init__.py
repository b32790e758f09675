"""What a run leaves: HILLS, COLVAR and the journal, each line exactly once.

A `RunDirectory` keeps the files in step with the `Journal`; ``recognition`` says which step the
positions of a new connection are; ``tables`` and ``column`` make the lines. Only this room opens
the files of a run for writing.
"""
