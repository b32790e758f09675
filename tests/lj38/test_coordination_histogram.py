"""The histogram of coordination numbers."""

from math import exp

import metatomic.torch as mta
import pytest
import torch

from lj38.coordination_histogram import CoordinationHistogram
from lj38.export import capabilities


def test_the_two_minima_have_the_known_values(histogram, feature, octahedron, icosahedron):
    values = feature(histogram, octahedron, icosahedron).values

    known = [[22.964572, 0.345826], [16.343357, 10.372844]]
    expected = torch.tensor(known, dtype=torch.float64)
    torch.testing.assert_close(values, expected, rtol=0, atol=1e-6)


def model_of(module):
    return mta.AtomisticModel(module.eval(), mta.ModelMetadata(), capabilities(["cpu"]))


# Between r1 = 4.4 and r0 = 5.5 angstrom the switching function falls from 1 to 0; in the middle
# it is 1/2, and a quarter of the way 1 - 3/16 + 2/64 = 27/32.
@pytest.mark.parametrize(
    ("distance", "coordination"),
    [(1.0, 1), (4.4, 1), (4.675, 27 / 32), (4.95, 1 / 2), (5.225, 5 / 32), (5.5, 0), (9.0, 0)],
)
def test_a_neighbor_counts_according_to_its_distance(feature, distance, coordination):
    model = model_of(CoordinationHistogram(cutoff=5.5, bins=[0, 1]))
    dimer = torch.tensor([[0.0, 0.0, 0.0], [distance, 0.0, 0.0]], dtype=torch.float64)

    values = feature(model, dimer).values[0]

    in_bins = [2 * exp(-2 * (coordination - k) ** 2) for k in (0, 1)]
    assert values.tolist() == pytest.approx(in_bins, rel=1e-12)


def test_there_are_as_many_collective_variables_as_bins(feature, octahedron):
    model = model_of(CoordinationHistogram(bins=[4, 6, 8, 12]))

    block = feature(model, octahedron)

    assert block.properties.names == ["coordination"]
    assert block.properties.values.tolist() == [[4], [6], [8], [12]]
    assert block.values[0, 1:3].tolist() == pytest.approx([22.964572, 0.345826], abs=1e-6)


def test_periodic_images_are_neighbors(histogram, feature, argon):
    # A simple cubic crystal: 6 neighbors at 4 angstrom, the next 12 at 5.66, out of reach.
    atom = torch.zeros((1, 3), dtype=torch.float64)
    crystal = argon(histogram, atom, cell=4.0 * torch.eye(3, dtype=torch.float64))

    values = feature(histogram, crystal).values[0]

    assert values.tolist() == pytest.approx([1.0, exp(-8)], rel=1e-12)


def test_selected_atoms_add_up_to_the_whole(histogram, feature, icosahedron):
    one_by_one = [
        feature(histogram, icosahedron, selected=[[0, atom]]).values for atom in range(38)
    ]

    whole = feature(histogram, icosahedron).values
    torch.testing.assert_close(torch.cat(one_by_one).sum(dim=0), whole[0])


def test_values_of_single_atoms_are_refused():
    module = CoordinationHistogram()

    with pytest.raises(ValueError, match="a property of the system, not of its atoms"):
        module([], {"feature": mta.ModelOutput(sample_kind="atom")}, None)


def test_no_output_is_computed_that_is_not_asked_for():
    assert CoordinationHistogram()([], {}, None) == {}


def test_the_file_offers_the_devices_with_float64(histogram):
    assert histogram.capabilities().supported_devices == ["cpu", "cuda"]
    assert histogram.capabilities().dtype == "float64"
    assert histogram.capabilities().length_unit == "angstrom"
