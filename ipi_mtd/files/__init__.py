"""What a run leaves behind: HILLS, COLVAR and the journal."""
