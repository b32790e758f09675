"""A metatomic model as a source of features: a batch of structures in, one call of the model."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from ipi_mtd.arrays import IntArray
from ipi_mtd.cvs.consistency import Reference
from ipi_mtd.cvs.device import Device
from ipi_mtd.cvs.engine import Engine
from ipi_mtd.cvs.features import Features, WayBack
from ipi_mtd.cvs.host import Host
from ipi_mtd.cvs.inputs import Geometry
from ipi_mtd.cvs.requirements import (
    pick_sample_kind,
    require_no_inputs,
    require_types,
)
from ipi_mtd.cvs.samples import Samples
from ipi_mtd.errors import UserError
from ipi_mtd.models.loading import (
    declared_name,
    last_line,
    load_model,
    pick_device,
    pick_dtype,
    pick_output,
    sha256,
)
from ipi_mtd.models.torchscript import torchscript
from ipi_mtd.structures.neighbors import Neighborhood
from ipi_mtd.structures.structure import Structure


class FeatureModel:
    """An exported metatomic model with an output named ``feature``.

    It remembers nothing of the structures it has seen. A model that states no length unit is given
    angstrom: metatomic then converts nothing, so that such a model computes in the unit of
    whichever engine calls it, and this is the unit of metatomic's engines for ASE and i-PI.

    Parameters
    ----------
    path : path of the exported model
    types : (n_atoms,) array
        Atomic types of the whole system, as the model counts them.
    extensions : path, optional
        Directory of the TorchScript extensions that were collected at export.
    device : str
        A device as torch names it: cpu, cuda, cuda:1, mps.
    variant : str, optional
        For an output ``feature/<variant>``.
    atoms : (n,) array, optional
        Indices of the atoms that the model is given, all by default. The model knows nothing of
        the others.
    selected_atoms : (n,) array, optional
        Indices, among those the model is given, of the atoms to evaluate the output for.
    length_unit : str
        For a model that does not say in which unit it wants lengths.
    check_consistency : bool
        At every call, let metatomic evaluate as well, with all its checks, and compare; see
        :meth:`verify`.

    Raises
    ------
    UserError
        If the model cannot be loaded or cannot be used as a collective variable; see
        :mod:`ipi_mtd.models.loading` and :mod:`ipi_mtd.cvs.requirements`.
    """

    def __init__(
        self,
        path: Path,
        types: IntArray,
        *,
        extensions: Path | None = None,
        device: str = "cpu",
        variant: str | None = None,
        atoms: IntArray | None = None,
        selected_atoms: IntArray | None = None,
        length_unit: str = "angstrom",
        check_consistency: bool = False,
    ) -> None:
        import metatomic.torch

        self.path = path
        wrapper = load_model(path, extensions)
        self.sha256 = sha256(path)
        capabilities = wrapper.capabilities()
        self.output = pick_output(capabilities.outputs, variant, path)
        self.sample_kind = pick_sample_kind(capabilities.outputs[self.output], self.output, path)
        self.device = pick_device(device, capabilities.supported_devices, path)
        dtype = pick_dtype(capabilities.dtype, self.device, path)
        require_no_inputs(wrapper, path)
        given = types if atoms is None else types[atoms]
        require_types(given, capabilities.atomic_types, path)

        self._atoms = atoms
        self._bohr: float = metatomic.torch.unit_conversion_factor(
            "bohr", capabilities.length_unit or length_unit
        )
        self._types = torch.from_numpy(given.astype(np.int32)).to(self.device)
        self._samples = Samples(self.sample_kind, len(given), selected_atoms, self.device)
        here = self.device.type == "cpu" and dtype == torch.float64
        transfer = Host() if here else Device(self.device, dtype)
        self._transfer = transfer
        wrapper = wrapper.to(self.device)
        requests = wrapper.requested_neighbor_lists()
        self._neighbor_lists = [
            ((self, k), request.cutoff, request.full_list) for k, request in enumerate(requests)
        ]
        self.check_consistency = check_consistency
        self._reference = Reference(
            wrapper, self.output, self.sample_kind, capabilities.length_unit, self._types, dtype
        )
        engine = Engine(
            wrapper.module,
            requests,
            declared_name(capabilities.outputs, self.output),
            self.sample_kind,
            self._samples.place,
            check_consistency,
        ).eval()
        with torchscript():
            compiled = torch.jit.script(engine)
        self._engine = compiled.forward  # past the hooks that a module looks for when it is called
        self._way_back = WayBack(path, self.output, transfer, self._bohr, atoms, len(types))

    def evaluate(
        self,
        structures: Sequence[Structure],
        neighborhoods: Sequence[Neighborhood] | None = None,
    ) -> Features:
        """The features of a batch of structures.

        Parameters
        ----------
        structures : at least one, all with the atoms that the model was made for
        neighborhoods : for each structure the neighbor lists of its trajectory, optional

        Raises
        ------
        UserError
            If the model raises an error, if its output is not as declared or cannot be
            differentiated, or if `check_consistency` finds something.
        """
        geometries = self._geometries(structures, neighborhoods)
        features = self._evaluate(geometries)
        if self.check_consistency:
            self._compare(geometries, features)
        return features

    def verify(self, structure: Structure) -> None:
        """Let metatomic itself evaluate a structure, with all its checks, and compare.

        Raises
        ------
        UserError
            If metatomic finds the model inconsistent, or its values are not ours.
        """
        geometries = self._geometries([structure], None)
        self._compare(geometries, self._evaluate(geometries))

    def _geometries(
        self, structures: Sequence[Structure], neighborhoods: Sequence[Neighborhood] | None
    ) -> list[Geometry]:
        if neighborhoods is None:
            neighborhoods = [Neighborhood() for _ in structures]
        return [
            self._geometry(structure, neighborhood)
            for structure, neighborhood in zip(structures, neighborhoods, strict=True)
        ]

    def _geometry(self, structure: Structure, neighborhood: Neighborhood) -> Geometry:
        given = structure.positions if self._atoms is None else structure.positions[self._atoms]
        positions = given * self._bohr
        cell = structure.cell * self._bohr
        pairs, vectors = [], []
        for key, cutoff, full_list in self._neighbor_lists:
            neighbor_list = neighborhood.list_of(key, cutoff, full_list=full_list)
            found, between = neighbor_list.compute(positions, cell)
            pairs.append(found)
            vectors.append(between)
        return Geometry(positions, cell, pairs, vectors)

    def _evaluate(self, geometries: Sequence[Geometry]) -> Features:
        inputs = self._transfer.load(geometries)
        samples, selected = self._samples.of_batch(len(geometries))
        try:
            # TorchScript would optimize for the shapes of the first structures it sees, so that
            # the last bits depend on them; on a CPU this makes nothing faster.
            with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
                values, as_asked = self._engine(
                    self._types,
                    inputs.positions,
                    inputs.cells,
                    inputs.pbcs,
                    inputs.pairs,
                    inputs.vectors,
                    selected,
                    samples,
                )
        except Exception as error:
            raise UserError(f"{self.path}: the model failed: {last_line(error)}") from error
        if not as_asked:
            raise UserError(
                f"{self.path}: the samples of the output '{self.output}' are not those it was "
                f"asked for: {self._samples}, of each structure"
            )
        if not values.requires_grad:
            raise UserError(
                f"{self.path}: the output '{self.output}' does not depend on the positions in a "
                "way that torch can differentiate, so it cannot be biased"
            )
        if values.dtype != torch.float64 and self.device.type != "mps":
            values = values.double()  # what is made of the features is not worse than they are
        n_samples = self._samples.n_per_structure
        if n_samples > 1 or values.dim() != 2:
            values = values.reshape(len(geometries), -1)
        return Features(self._way_back, values, n_samples, inputs)

    def _compare(self, geometries: Sequence[Geometry], features: Features) -> None:
        samples, selected = self._samples.of_batch(len(geometries))
        try:
            self._reference.compare(
                features.values.reshape(len(samples), -1),
                samples.tolist(),
                [(geometry.positions, geometry.cell) for geometry in geometries],
                selected,
            )
        except UserError as error:
            raise UserError(f"{self.path}: {error}") from error
