"""LJ38: 38 argon atoms, two funnels, two collective variables to tell them apart.

The worked example of ipi-mtd, made to be read and then adapted:

``structures``
    Builds the two lowest minima, ``octahedron.xyz`` and ``icosahedron.xyz``.
``coordination_histogram``
    A collective variable written in PyTorch alone; copy this one to start your own.
``soap_cv``
    A collective variable on top of featomic's descriptors.
``export``
    Turns both into model files that ipi-mtd, PLUMED, LAMMPS and chemiscope load.

Run each from the root of the checkout, for instance ``python -m lj38.export``.
"""

import warnings

# metatomic's models are TorchScript, of which torch says since 2.14, at every use, that it is
# deprecated. Whoever exports a model can do nothing about it.
warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is (deprecated|not supported)")

#: Depth of the Lennard-Jones well, in kcal/mol with the calorie of 4.184 J.
EPSILON_KCAL_MOL = 0.24
#: Distance at which two atoms have no interaction energy, in angstrom.
SIGMA_ANGSTROM = 3.4
#: Argon, whose parameters these are: symbol, atomic number and mass in dalton.
SYMBOL = "Ar"
ATOMIC_NUMBER = 18
MASS_DALTON = 39.95
