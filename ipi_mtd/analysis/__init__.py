"""What a run says: the free energy, its error bar, pictures.

HILLS --files--> Hills --sum_hills--> -F(s) ---+--> FreeEnergy --> fes.dat, picture
                   |                           |
                   +--block_error, memory------+
"""
