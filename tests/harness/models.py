"""Small models of collective variables with known values, and how to export them."""

# ruff: noqa: UP006, UP035, UP045 - metatomic wants these very annotations on `forward`
import warnings
from pathlib import Path
from typing import Dict, List, Optional

import torch
from metatensor.torch import Labels, TensorBlock, TensorMap
from metatomic.torch import (
    AtomisticModel,
    ModelCapabilities,
    ModelMetadata,
    ModelOutput,
    NeighborListOptions,
    System,
)

_files: Dict[str, bytes] = {}
"""What was exported in this process, by the words of the request: scripting takes a while."""


def export(
    path: Path,
    module: torch.nn.Module,
    *,
    outputs: Dict[str, str],
    unit: str = "angstrom",
    dtype: str = "float64",
    devices: Optional[List[str]] = None,
    types: Optional[List[int]] = None,
    output_unit: str = "",
    interaction_range: float = 10.0,
) -> Path:
    """Save a module as a metatomic model; `outputs` are names and sample kinds."""
    asked = (outputs, unit, dtype, devices, types, output_unit, interaction_range)
    request = f"{in_words(module)} {asked}"
    if request in _files:
        path.write_bytes(_files[request])
        return path
    capabilities = ModelCapabilities(
        length_unit=unit,
        outputs={
            name: ModelOutput(unit=output_unit, sample_kind=kind) for name, kind in outputs.items()
        },
        atomic_types=types or [18],
        interaction_range=interaction_range,
        supported_devices=devices or ["cpu"],
        dtype=dtype,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of old names and missing units, which are what we want
        AtomisticModel(module.eval(), ModelMetadata(), capabilities).save(path)
    _files[request] = path.read_bytes()
    return path


def in_words(module: torch.nn.Module) -> str:
    """All that a module is: its class, and numbers, words and neighbor lists."""
    assert not module.state_dict(), "its parameters would have to be told apart too"
    attributes = {k: v for k, v in vars(module).items() if not k.startswith("_")}
    values = {
        name: list(map(str, value)) if isinstance(value, list) else str(value)
        for name, value in attributes.items()
        if name != "training"
    }
    kind = type(module)
    words = f"{kind.__module__}.{kind.__qualname__} {values}"
    assert " at 0x" not in words, words
    return words


def labelled(values: torch.Tensor, samples: Labels) -> TensorMap:
    """Rows of features as metatomic wants them."""
    properties = Labels(
        "property", torch.arange(values.shape[1], device=values.device).reshape(-1, 1)
    )
    components: List[Labels] = []
    block = TensorBlock(values, samples, components, properties)
    keys = Labels("_", torch.zeros((1, 1), dtype=torch.int32, device=values.device))
    return TensorMap(keys, [block])


class PairSums(torch.nn.Module):
    """Sums over the neighbors of each atom, a column for each neighbor list, and one of the cell.

    The sum of f(r/cutoff) = (1 - (r/cutoff)^2)^3, which takes no notice of pairs beyond the cutoff,
    each term weighted with 1 + z/10 where z is the direction of the pair; the last column is
    the volume of the cell times half of the first one.

    Parameters
    ----------
    lists : the neighbor lists
    shuffle : whether the samples come in another order than the systems and the atoms
    """

    def __init__(self, lists: List[NeighborListOptions], shuffle: bool = False):
        super().__init__()
        # copied, because an export stamps the unit of its model on them
        self.lists = [
            NeighborListOptions(cutoff=o.cutoff, full_list=o.full_list, strict=o.strict)
            for o in lists
        ]
        self.shuffle = shuffle

    def requested_neighbor_lists(self) -> List[NeighborListOptions]:
        return self.lists

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],
        selected_atoms: Optional[Labels],
    ) -> Dict[str, TensorMap]:
        device = systems[0].device
        values: List[torch.Tensor] = []
        rows: List[torch.Tensor] = []
        for i, system in enumerate(systems):
            atoms = torch.arange(len(system), device=device)
            if selected_atoms is not None:
                here = selected_atoms.column("system") == i
                atoms = torch.sort(selected_atoms.column("atom")[here].to(torch.int64))[0]
            if self.shuffle:
                atoms = torch.roll(atoms.flip(0), 3)
            values.append(self.of_atoms(system)[atoms])
            rows.append(torch.stack([torch.full_like(atoms, i), atoms], dim=1))
        if self.shuffle:
            values.reverse()
            rows.reverse()
        results: Dict[str, TensorMap] = {}
        for name, output in outputs.items():
            if output.sample_kind == "atom":
                samples = Labels(["system", "atom"], torch.cat(rows))
                results[name] = labelled(torch.cat(values), samples)
            else:
                sums = torch.stack([value.sum(dim=0) for value in values])
                whole = torch.stack([row[0, :1] for row in rows])
                results[name] = labelled(sums, Labels("system", whole))
        return results

    def of_atoms(self, system: System) -> torch.Tensor:
        """An (n_atoms, n_lists + 1) tensor."""
        device = system.device
        columns: List[torch.Tensor] = []
        for options in self.lists:
            pairs = system.get_neighbor_list(options)
            r_ij = pairs.values.squeeze(2)
            y = torch.clamp(1 - (r_ij * r_ij).sum(dim=1) / options.cutoff**2, min=0.0)
            f = y**3
            weighted = f * (1 + 0.1 * r_ij[:, 2] / options.cutoff)
            column = torch.zeros(len(system), dtype=f.dtype, device=device)
            column = column.index_add(0, pairs.samples.column("first_atom"), weighted)
            if not options.full_list:  # the same pair, seen from the other side
                reverse = f * (1 - 0.1 * r_ij[:, 2] / options.cutoff)
                column = column.index_add(0, pairs.samples.column("second_atom"), reverse)
            columns.append(column)
        columns.append(0.5 * torch.det(system.cell) * columns[0])
        return torch.stack(columns, dim=1)


class FirstDistance(torch.nn.Module):
    """The distance between the first and the last atom, in the unit and dtype of the model.

    Other kinds do something wrong: "detached" is not connected to the positions, "half" is so only
    to the first atom, "rounded" has steps, "raising" is an error, "empty" has no samples, "float32"
    is not the dtype, "counting" depends on the calls, "infinite" is not finite, "broken" has a
    derivative that is not finite, "once" has a graph that cannot be followed back, "shifted" has
    values of the systems after those that there are.
    """

    def __init__(self, kind: str = "plain", scale: float = 1.0):
        super().__init__()
        self.kind = kind
        self.scale = scale
        self.n_calls = 0

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],
        selected_atoms: Optional[Labels],  # noqa: ARG002
    ) -> Dict[str, TensorMap]:
        self.n_calls += 1
        values = [self.of_system(system.positions) for system in systems]
        n_rows = len(systems)
        if self.kind == "empty":
            n_rows = 0
        device = values[0].device
        rows = torch.arange(n_rows, dtype=torch.int32, device=device).reshape(-1, 1)
        if self.kind == "shifted":
            rows = rows + 1
        results: Dict[str, TensorMap] = {}
        for name in outputs.keys():  # noqa: SIM118 - TorchScript
            results[name] = labelled(torch.cat(values)[:n_rows], Labels("system", rows))
        return results

    def of_system(self, positions: torch.Tensor) -> torch.Tensor:
        """A (1, 1) tensor."""
        value = self.scale * torch.linalg.vector_norm(positions[0] - positions[-1]).reshape(1, 1)
        if self.kind == "half":
            r = positions[0] - positions[-1].detach()
            value = self.scale * torch.linalg.vector_norm(r).reshape(1, 1)
        if self.kind == "rounded":
            value = torch.round(value)
        if self.kind == "detached":
            value = value.detach()
        if self.kind == "raising":
            raise ValueError("these atoms are too cold")
        if self.kind == "float32":
            value = value.to(torch.float32)
        if self.kind == "infinite":
            value = value / 0.0
        if self.kind == "broken":
            value = value + torch.sqrt(positions[0] - positions[0]).sum()
        if self.kind == "once":
            root = value * 1.0
            value = root * root
            root.add_(1.0)  # the derivative of the square needs it as it was
            value = value + root
        if self.kind == "counting":
            value = value * self.n_calls
        return value


class WithInputs(FirstDistance):
    """A model that asks for more than positions, cell and types."""

    def requested_inputs(self) -> Dict[str, ModelOutput]:
        return {
            "charge": ModelOutput(unit="e", sample_kind="atom"),
            "mass": ModelOutput(unit="u", sample_kind="atom"),
        }


class Distances(torch.nn.Module):
    """The distances between some pairs of atoms, in angstrom: what PLUMED's DISTANCE gives."""

    def __init__(self, first: List[int], second: List[int], cutoff: float):
        super().__init__()
        self.first = first
        self.second = second
        self.pairs = NeighborListOptions(cutoff=cutoff, full_list=False, strict=True)

    def requested_neighbor_lists(self) -> List[NeighborListOptions]:
        return [self.pairs]

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],  # noqa: ARG002
        selected_atoms: Optional[Labels],  # noqa: ARG002
    ) -> Dict[str, TensorMap]:
        neighbors = systems[0].get_neighbor_list(self.pairs)
        i = neighbors.samples.column("first_atom")
        j = neighbors.samples.column("second_atom")
        r = torch.linalg.vector_norm(neighbors.values.squeeze(2), dim=1)
        distances = []
        for a, b in zip(self.first, self.second):  # noqa: B905 - TorchScript has no strict
            is_pair = torch.logical_or((i == a) & (j == b), (i == b) & (j == a))
            distances.append(r[is_pair].min())
        whole = Labels("system", torch.zeros((1, 1), dtype=torch.int32, device=r.device))
        return {"feature": labelled(torch.stack(distances).unsqueeze(0), whole)}


class Constant(torch.nn.Module):
    """An output that does not depend on the positions."""

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],
        selected_atoms: Optional[Labels],  # noqa: ARG002
    ) -> Dict[str, TensorMap]:
        results: Dict[str, TensorMap] = {}
        for name in outputs.keys():  # noqa: SIM118 - TorchScript
            samples = Labels("system", torch.arange(len(systems)).reshape(-1, 1))
            values = torch.ones((len(systems), 1), dtype=torch.float64)
            results[name] = labelled(values, samples)
        return results


class Forces(torch.nn.Module):
    """Squared slopes of an energy, with respect to positions and to the vectors of the pairs."""

    def __init__(self, cutoff: float):
        super().__init__()
        self.pairs = NeighborListOptions(cutoff=cutoff, full_list=False, strict=False)

    def requested_neighbor_lists(self) -> List[NeighborListOptions]:
        return [self.pairs]

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],  # noqa: ARG002
        selected_atoms: Optional[Labels],  # noqa: ARG002
    ) -> Dict[str, TensorMap]:
        values: List[torch.Tensor] = []
        for system in systems:
            vectors = system.get_neighbor_list(self.pairs).values
            r_ij = vectors.squeeze(2)
            y = torch.clamp(1 - (r_ij * r_ij).sum(dim=1) / self.pairs.cutoff**2, min=0.0)
            energy = (y**4).sum() + 0.01 * (system.positions**2).sum()
            value = torch.zeros((1, 1), dtype=energy.dtype)
            for slope in torch.autograd.grad(
                [energy], [system.positions, vectors], create_graph=True
            ):
                assert slope is not None
                value = value + (slope * slope).sum()
            values.append(value)
        rows = torch.arange(len(systems), dtype=torch.int32).reshape(-1, 1)
        return {"feature": labelled(torch.cat(values), Labels("system", rows))}
