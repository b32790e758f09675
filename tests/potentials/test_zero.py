"""The potential that leaves the forces to others."""

import numpy as np
from numpy.testing import assert_array_equal

from ipi_mtd.potentials import NoPotential


def test_everything_is_zero_for_each_structure(cluster, crystal):
    results = NoPotential().evaluate([cluster, crystal])

    assert [result.energy for result in results] == [0, 0]
    for result in results:
        assert_array_equal(result.forces, np.zeros((27, 3)))
        assert_array_equal(result.virial, np.zeros((3, 3)))
