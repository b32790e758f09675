"""Collective variables from metatomic models; nothing else here builds torch graphs.

::

    Structure --> model (through engine, in TorchScript) --> features of system or atoms
    features --> reductions --> s           and back: dV/ds --> features --> model --> dV/dR
"""
