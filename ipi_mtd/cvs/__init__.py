"""Collective variables from metatomic models; nothing else here builds torch graphs.

::

    structures --> tensors on the device (host, device) --> model (engine, in TorchScript)
        --> features of system or atoms (samples, features) --> reductions --> s
    dV/ds --> one backward pass --> derivatives of positions, pairs and cell (host, device)
        --> dV/dR and strain

A batch of structures is one call of each model; between forward and backward only s and dV/ds
leave the device.
"""
