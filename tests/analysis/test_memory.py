import math

import numpy as np
import pytest

from ipi_mtd.analysis.memory import variance_of_the_sum

F = np.array([0.0, 3.0, 1.0, 7.0])


@pytest.mark.parametrize("gamma", [2.0, 6.0, 40.0])
def test_a_well_tempered_run_tends_to_the_power_of_its_bias_factor(gamma):
    kT = 0.3
    growth = gamma * kT * math.log(2.0)  # of the rows between half of the run and its end
    expected = gamma**2 / (2.0 * gamma - 1.0)
    assert variance_of_the_sum(-F, growth - F, kT) == pytest.approx(expected, rel=1e-12)


def test_a_sum_that_no_longer_grows_is_an_even_average():
    assert variance_of_the_sum(-F, -F, 0.3) == 1.0


def test_a_run_that_is_still_filling_remembers_next_to_nothing():
    doublings = 5000.0 / 0.3 / math.log(2.0)
    assert variance_of_the_sum(-F, 5000.0 - F, 0.3) == pytest.approx(doublings / 2, rel=1e-3)
