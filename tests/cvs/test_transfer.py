"""The two ways to a model and back carry the same numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ipi_mtd.cvs.device import Device
from ipi_mtd.cvs.host import Host
from ipi_mtd.cvs.inputs import Geometry
from ipi_mtd.structures.neighbors import NeighborList

CELLS = [np.zeros((3, 3)), np.diag([6.0, 7.0, 0.0]), np.diag([6.0, 7.0, 8.0])]


@pytest.fixture
def batch() -> list[Geometry]:
    """Three structures of six atoms, each with a half and a full neighbor list."""
    rng = np.random.default_rng(1)
    geometries = []
    for cell in CELLS:
        positions = rng.uniform(0.0, 6.0, (6, 3))
        found = [
            NeighborList(cutoff, full_list=full).compute(positions, cell)
            for cutoff, full in ((4.0, False), (3.0, True))
        ]
        pairs, vectors = zip(*found, strict=True)
        geometries.append(Geometry(positions, cell, pairs, vectors))
    return geometries


@pytest.fixture(params=[torch.float64, torch.float32], ids=["float64", "float32"])
def device(request: pytest.FixtureRequest) -> Device:
    """What a device would be given, on the CPU."""
    return Device(torch.device("cpu"), request.param)


def test_both_give_the_model_the_same_tensors(batch, device):
    here, there = Host().load(batch), device.load(batch)

    for name in ("positions", "cells", "pbcs", "pairs", "vectors"):
        for ours, theirs in zip(getattr(here, name), getattr(there, name), strict=True):
            assert ours.requires_grad == theirs.requires_grad
            assert torch.equal(ours.to(theirs.dtype), theirs)


def test_both_bring_back_the_same_gradients(batch, device):
    here, there = Host(), device
    inputs, copies = here.load(batch), there.load(batch)
    rng = np.random.default_rng(2)
    slopes = [torch.from_numpy(rng.normal(size=leaf.shape)) for leaf in inputs.leaves()]
    slopes[1] = slopes[4] = None  # on which the model does not depend
    single = [slope if slope is None else slope.to(copies.rows.dtype) for slope in slopes]

    expected = here.unload(inputs, slopes, torch.float64)

    assert expected.shape == (3, 6 + 3, 3)
    assert expected.any(axis=(1, 2)).all()
    tolerance = 1e3 * torch.finfo(copies.rows.dtype).eps
    found = there.unload(copies, single, torch.float64)
    assert found == pytest.approx(expected, abs=tolerance)
