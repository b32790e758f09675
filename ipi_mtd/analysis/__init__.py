"""What a run says: the free energy, its error bar, its states, pictures.

::

    HILLS --files--> Hills --sum_hills--> -F(s) --states--+--> FreeEnergy --> fes.dat, picture
                       |                                  |
                       +--sum_hills after each block--error_bar
"""
