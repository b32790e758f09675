"""What holds for both collective variables, checked on the exported files."""

import pytest
import torch
from metatensor.torch import equal_block
from scipy.spatial.transform import Rotation


def rattled(positions, seed=3, scale=0.1):
    """A copy with every atom displaced: no symmetry, no two distances alike."""
    generator = torch.Generator().manual_seed(seed)
    noise = torch.randn(positions.shape, generator=generator, dtype=positions.dtype)
    return positions + scale * noise


def test_derivatives_are_central_differences(model, feature, octahedron):
    positions = rattled(octahedron).requires_grad_()
    direction = rattled(torch.zeros_like(octahedron), seed=4, scale=1.0)

    values = feature(model, positions).values[0]

    h = 1e-5
    with torch.no_grad():
        forward = feature(model, positions + h * direction).values[0]
        backward = feature(model, positions - h * direction).values[0]
    for i in range(2):
        (gradient,) = torch.autograd.grad(values[i], positions, retain_graph=True)
        expected = ((forward[i] - backward[i]) / (2 * h)).item()
        assert (gradient * direction).sum().item() == pytest.approx(expected, rel=1e-6)


def test_the_forces_of_a_collective_variable_add_up_to_zero(model, feature, icosahedron):
    positions = rattled(icosahedron).requires_grad_()

    (gradient,) = torch.autograd.grad(feature(model, positions).values.sum(), positions)

    assert gradient.abs().max() > 1e-3
    assert gradient.sum(dim=0).abs().max() < 1e-12


def test_values_do_not_change_when_the_cluster_is_rotated(model, feature, octahedron):
    positions = rattled(octahedron)
    rotation = torch.tensor(Rotation.random(random_state=5).as_matrix())

    expected = feature(model, positions).values

    torch.testing.assert_close(
        feature(model, positions @ rotation).values, expected, rtol=1e-9, atol=0
    )


def test_values_do_not_change_when_the_cluster_is_moved(model, feature, octahedron):
    positions = rattled(octahedron)
    shift = torch.tensor([1.0, -20.0, 300.0], dtype=torch.float64)

    expected = feature(model, positions).values

    torch.testing.assert_close(
        feature(model, positions + shift).values, expected, rtol=1e-9, atol=0
    )


def test_values_do_not_change_when_atoms_are_exchanged(model, feature, octahedron):
    positions = rattled(octahedron)
    order = torch.randperm(38, generator=torch.Generator().manual_seed(6))

    expected = feature(model, positions).values

    torch.testing.assert_close(
        feature(model, positions[order]).values, expected, rtol=1e-12, atol=0
    )


def test_several_systems_in_one_call_are_as_one_by_one(model, feature, octahedron, icosahedron):
    smaller = rattled(icosahedron)[:20]

    block = feature(model, octahedron, smaller, icosahedron)

    assert block.samples.names == ["system"]
    assert block.samples.values.tolist() == [[0], [1], [2]]
    singly = [feature(model, p).values for p in (octahedron, smaller, icosahedron)]
    torch.testing.assert_close(block.values, torch.cat(singly), rtol=1e-12, atol=0)


def test_derivatives_of_several_systems_in_one_call_do_not_mix(
    model, feature, octahedron, icosahedron
):
    first, second = rattled(octahedron).requires_grad_(), rattled(icosahedron).requires_grad_()

    values = feature(model, first, second).values
    together = torch.autograd.grad(values[:, 0].sum(), (first, second))

    for positions, gradient in zip((first, second), together, strict=True):
        (alone,) = torch.autograd.grad(feature(model, positions).values[0, 0], positions)
        torch.testing.assert_close(gradient, alone, rtol=1e-10, atol=1e-14)


def test_a_system_without_atoms_has_an_empty_output_of_the_right_width(model, feature, no_atoms):
    block = feature(model, no_atoms(model))

    assert block.values.shape == (0, 2)
    assert block.values.dtype == torch.float64
    assert block.samples.names == ["system"]
    assert len(block.properties) == 2


def test_a_system_without_atoms_leaves_the_others_their_numbers(
    model, feature, no_atoms, octahedron
):
    block = feature(model, no_atoms(model), octahedron)

    assert block.samples.values.tolist() == [[1]]
    torch.testing.assert_close(block.values, feature(model, octahedron).values)


def test_atoms_without_neighbors_have_values_and_zero_derivatives(model, feature):
    positions = torch.tensor([[0.0, 0, 0], [100, 0, 0]], dtype=torch.float64, requires_grad=True)

    values = feature(model, positions).values
    (gradient,) = torch.autograd.grad(values.sum(), positions)

    assert torch.isfinite(values).all()
    assert gradient.abs().max() == 0


def test_systems_without_selected_atoms_are_left_out(model, feature, octahedron, icosahedron):
    block = feature(model, octahedron, icosahedron, selected=[[1, 3], [1, 8]])

    assert block.samples.values.tolist() == [[1]]
    alone = feature(model, icosahedron, selected=[[0, 3], [0, 8]])
    torch.testing.assert_close(block.values, alone.values)


@pytest.mark.filterwarnings("ignore:.*'features' output name is deprecated:UserWarning")
def test_the_old_name_features_gives_the_same(model, feature, octahedron):
    old = feature(model, octahedron, name="features")

    assert equal_block(old, feature(model, octahedron))
