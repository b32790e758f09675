"""The SOAP collective variables."""

import pytest
import torch

from lj38.export import soap_model
from lj38.soap_cv import SoapCV


@pytest.fixture(scope="module")
def per_atom():
    """The model as someone exports it who wants a value for each atom."""
    return soap_model(sample_kind="atom")


def test_the_two_minima_have_the_known_values(soap, feature, octahedron, icosahedron):
    values = feature(soap, octahedron, icosahedron).values

    known = [[0.335595739, 0.940308490], [0.209255065, 0.757283238]]
    expected = torch.tensor(known, dtype=torch.float64)
    torch.testing.assert_close(values, expected, rtol=0, atol=1e-9)


def test_there_is_one_collective_variable_for_each_angular_momentum(soap, feature, octahedron):
    block = feature(soap, octahedron)

    assert block.properties.names == ["l"]
    assert block.properties.values.tolist() == [[4], [6]]


def test_the_value_of_the_system_is_the_mean_of_its_atoms(
    soap, per_atom, feature, octahedron, icosahedron
):
    block = feature(per_atom, octahedron, icosahedron, sample_kind="atom")

    assert block.samples.names == ["system", "atom"]
    assert block.values.shape == (76, 2)
    systems = block.samples.column("system")
    means = [block.values[systems == i].mean(dim=0) for i in (0, 1)]
    torch.testing.assert_close(torch.stack(means), feature(soap, octahedron, icosahedron).values)


def test_selected_atoms_have_the_values_they_have_among_all(per_atom, feature, octahedron):
    everything = feature(per_atom, octahedron, sample_kind="atom")

    block = feature(per_atom, octahedron, sample_kind="atom", selected=[[0, 2], [0, 11], [0, 30]])

    assert block.samples.values.tolist() == [[0, 2], [0, 11], [0, 30]]
    rows = [everything.samples.position(sample) for sample in block.samples]
    torch.testing.assert_close(block.values, everything.values[rows])


def test_the_value_of_the_system_is_the_mean_of_the_selected_atoms(
    soap, per_atom, feature, octahedron
):
    selected = [[0, 2], [0, 11], [0, 30]]

    of_system = feature(soap, octahedron, selected=selected)

    of_atoms = feature(per_atom, octahedron, sample_kind="atom", selected=selected)
    torch.testing.assert_close(of_system.values[0], of_atoms.values.mean(dim=0))


def test_derivatives_of_one_atoms_value_are_central_differences(per_atom, feature, icosahedron):
    generator = torch.Generator().manual_seed(8)
    direction = torch.randn((38, 3), generator=generator, dtype=torch.float64)
    positions = icosahedron.clone().requires_grad_()
    one_atom = {"sample_kind": "atom", "selected": [[0, 5]]}

    value = feature(per_atom, positions, **one_atom).values[0, 0]
    (gradient,) = torch.autograd.grad(value, positions)

    h = 1e-5
    forward = feature(per_atom, icosahedron + h * direction, **one_atom).values[0, 0]
    backward = feature(per_atom, icosahedron - h * direction, **one_atom).values[0, 0]
    expected = ((forward - backward) / (2 * h)).item()
    assert (gradient * direction).sum().item() == pytest.approx(expected, rel=1e-6)


def test_atoms_of_no_system_have_an_empty_output_of_the_right_width(per_atom, feature, no_atoms):
    block = feature(per_atom, no_atoms(per_atom), sample_kind="atom")

    assert block.samples.names == ["system", "atom"]
    assert block.values.shape == (0, 2)


def test_no_output_is_computed_that_is_not_asked_for():
    assert SoapCV()([], {}, None) == {}


def test_the_file_offers_the_only_device_of_featomic(soap):
    assert soap.capabilities().supported_devices == ["cpu"]
    assert soap.capabilities().dtype == "float64"
