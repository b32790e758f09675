"""The example's structures and models, and how to evaluate them."""

from pathlib import Path

import ase.io
import metatomic.torch as mta
import pytest
import torch
from metatensor.torch import Labels, TensorBlock
from vesin.metatomic import NeighborList

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session", autouse=True)
def _one_thread():
    """38 atoms are too few for two threads, and other tests may run beside these."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="session")
def octahedron():
    """(38, 3) tensor, angstrom."""
    return torch.tensor(ase.io.read(ROOT / "lj38/octahedron.xyz").positions)


@pytest.fixture(scope="session")
def icosahedron():
    """(38, 3) tensor, angstrom."""
    return torch.tensor(ase.io.read(ROOT / "lj38/icosahedron.xyz").positions)


@pytest.fixture(scope="session")
def histogram(exported):
    return mta.load_atomistic_model(exported / "histo-cv.pt")


@pytest.fixture(scope="session")
def soap(exported):
    return mta.load_atomistic_model(exported / "soap-cv.pt", exported / "extensions")


@pytest.fixture(scope="session", params=["histogram", "soap"])
def model(request):
    """Each of the two exported models."""
    return request.getfixturevalue(request.param)


@pytest.fixture(scope="session")
def argon():
    """Makes a System of argon atoms, (n_atoms, 3) tensor in angstrom, with a model's pairs."""

    def make(model, positions, cell=None):
        system = mta.System(
            types=torch.full((len(positions),), 18, dtype=torch.int32),
            positions=positions,
            cell=torch.zeros((3, 3), dtype=torch.float64) if cell is None else cell,
            pbc=torch.full((3,), cell is not None),
        )
        for request in model.requested_neighbor_lists():
            system.add_neighbor_list(request, NeighborList(request, "angstrom").compute(system))
        return system

    return make


@pytest.fixture(scope="session")
def no_atoms():
    """Makes the System by which PLUMED learns the number of a model's properties."""

    def make(model):
        system = mta.System(
            types=torch.zeros(0, dtype=torch.int32),
            positions=torch.zeros((0, 3), dtype=torch.float64),
            cell=torch.zeros((3, 3), dtype=torch.float64),
            pbc=torch.zeros(3, dtype=torch.bool),
        )
        names = ["first_atom", "second_atom", "cell_shift_a", "cell_shift_b", "cell_shift_c"]
        pairs = TensorBlock(
            values=torch.zeros((0, 3, 1), dtype=torch.float64),
            samples=Labels(names, torch.zeros((0, 5), dtype=torch.int32)),
            components=[Labels.range("xyz", 3)],
            properties=Labels.range("distance", 1),
        )
        for request in model.requested_neighbor_lists():
            system.add_neighbor_list(request, pairs)
        return system

    return make


@pytest.fixture(scope="session")
def feature(argon):
    """Evaluates a model for Systems, or for positions of argon atoms: gives a TensorBlock."""

    def evaluate(model, *structures, sample_kind="system", selected=None, name="feature"):
        systems = [
            argon(model, given) if isinstance(given, torch.Tensor) else given
            for given in structures
        ]
        options = mta.ModelEvaluationOptions(
            length_unit="angstrom",
            outputs={name: mta.ModelOutput(sample_kind=sample_kind)},
            selected_atoms=selected and Labels(["system", "atom"], torch.tensor(selected)),
        )
        # metatomic 0.1.19 checks the samples of single atoms from an uninitialized index on.
        outputs = model(systems, options, check_consistency=sample_kind != "atom")
        assert list(outputs) == [name]
        return outputs[name].block()

    return evaluate
