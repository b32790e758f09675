"""What a user types: ``cli`` has the commands, and nothing else prints or exits.

``run``, ``check``, ``launch`` and ``fes`` do the work; `launching` has what watches two processes.
"""
