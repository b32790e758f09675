"""What tests start, and what they take for granted.

===============  ================================================================================
``ipi``          i-PI, drivers and launchers as processes: in a directory and at an address that
                 no other test has, and ended with the test
``example``      a run of the example with a real i-PI
``inputs``       the inputs of the example with some words replaced, and i-PI's for any cluster
``asking``       i-PI asked what its input means, in the process of the tests
``session``      a walker driven step by step, without a server
``plumed``       PLUMED, which follows a trace of positions, and its ``sum_hills``
``models``       metatomic models of CVs that are known
``energies``     metatomic models of an energy that is known
``differences``  derivatives of energies by central differences
``tables``       the rows of HILLS, COLVAR and of what i-PI prints
===============  ================================================================================

The fixtures ``site`` and ``new_site`` of ``tests/conftest.py`` hand out the directories; a test
that uses one of them, however far away, is marked ``server``.
"""
