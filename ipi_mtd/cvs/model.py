"""A metatomic model as a source of features: values, and their gradient pulled back."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import torch

from ipi_mtd.arrays import FloatArray, IntArray, is_finite
from ipi_mtd.cvs.engine import Engine
from ipi_mtd.errors import UserError
from ipi_mtd.models.loading import load_model, pick_device, pick_output, sha256
from ipi_mtd.models.torchscript import torchscript
from ipi_mtd.structures.neighbors import NeighborList
from ipi_mtd.structures.structure import Structure

IndexArray: TypeAlias = npt.NDArray[np.intp]


class Features:
    """The features of one structure, with the graph that leads back to the positions.

    Attributes
    ----------
    values : (n_samples, n_properties) array
        Rows in the order of the atoms (or of the selected atoms), one row for a model that gives
        one sample for the system.
    """

    def __init__(
        self,
        model: FeatureModel,
        outputs: torch.Tensor,
        order: IndexArray | None,
        positions: torch.Tensor,
        cell: torch.Tensor,
    ) -> None:
        self._model = model
        self._outputs = outputs
        self._order = order
        self._positions = positions
        self._cell = cell
        values = _numpy(outputs)
        self.values: FloatArray = values if order is None else values[order]

    def pull_back(self, seed: FloatArray) -> tuple[FloatArray, FloatArray]:
        """The gradient of a function of the features, in one backward pass.

        Parameters
        ----------
        seed : (n_samples, n_properties) array
            Derivative of the function with respect to the features.

        Returns
        -------
        gradient : (n_atoms, 3) array
            Derivative with respect to the positions of all atoms, per bohr.
        strain_gradient : (3, 3) array
            Derivative with respect to a strain of positions and cell.

        Raises
        ------
        UserError
            If the model cannot be differentiated, or the derivative is not finite.
        """
        if self._order is not None:
            unordered = np.empty_like(seed)
            unordered[self._order] = seed
            seed = unordered
        inputs = [self._positions]
        if self._cell.requires_grad:
            inputs.append(self._cell)
        try:
            gradients: tuple[torch.Tensor | None, ...] = torch.autograd.grad(
                self._outputs, inputs, self._model.tensor(seed), allow_unused=True
            )
        except RuntimeError as error:
            raise UserError(
                f"{self._model.path}: the model cannot be differentiated: {last_line(error)}"
            ) from error
        arrays = [
            np.zeros(tuple(tensor.shape)) if gradient is None else _numpy(gradient)
            for tensor, gradient in zip(inputs, gradients, strict=True)
        ]
        # The strain acts on positions and lattice vectors alike; together they are all that the
        # features depend on.
        strain_gradient = _numpy(self._positions).T @ arrays[0]
        if len(arrays) == 2:
            strain_gradient += _numpy(self._cell).T @ arrays[1]
        # every element of the gradients is in it, and what is not finite stays so
        if not is_finite(strain_gradient):
            raise UserError(f"{self._model.path}: the gradient has a value that is not finite")
        return self._model.scatter(arrays[0]), strain_gradient


class FeatureModel:
    """An exported metatomic model with an output named ``feature``.

    A model that states no length unit is given angstrom: metatomic then converts nothing, so that
    such a model computes in the unit of whichever engine calls it, and this is the unit of
    metatomic's engines for ASE and i-PI.

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
        :mod:`ipi_mtd.models.loading`.
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
        self._wrapper = load_model(path, extensions)
        self.sha256 = sha256(path)
        capabilities = self._wrapper.capabilities()
        self.output = pick_output(capabilities.outputs, variant, path)
        self.sample_kind: str = capabilities.outputs[self.output].sample_kind
        if self.sample_kind not in ("system", "atom"):
            raise UserError(
                f"{path}: the output '{self.output}' has a value for each {self.sample_kind}; it "
                "must be for each system or each atom"
            )
        self.device = pick_device(device, capabilities.supported_devices, path)
        self._dtype = {"float32": torch.float32, "float64": torch.float64}[capabilities.dtype]
        if self.device.type == "mps" and self._dtype == torch.float64:
            raise UserError(f"{path}: the model is float64, which the device 'mps' does not have")
        self._length_unit: str = capabilities.length_unit
        self._bohr: float = metatomic.torch.unit_conversion_factor(
            "bohr", self._length_unit or length_unit
        )
        self._check_requested_inputs()

        self._n_atoms = len(types)
        self._atoms = atoms
        given = types if atoms is None else types[atoms]
        self._check_types(given, capabilities.atomic_types)
        self._on_cpu = self.device.type == "cpu" and self._dtype == torch.float64
        self._no_cell = (
            self.tensor(np.zeros((3, 3))),
            torch.zeros(3, dtype=torch.bool, device=self.device),
        )
        self._types = torch.from_numpy(given.astype(np.int32)).to(self.device)
        self._selected_atoms = selected_atoms
        self._selected = None if selected_atoms is None else self._labels(selected_atoms)
        self.check_consistency = check_consistency

        self._wrapper = self._wrapper.to(self.device)
        requests = self._wrapper.requested_neighbor_lists()
        self._neighbor_lists = [
            NeighborList(request.cutoff, full_list=request.full_list) for request in requests
        ]
        # metatomic answers to the old and to the new name of the output, the module to its own
        declared = self._wrapper._model_capabilities_outputs_names
        base, slash, of = self.output.partition("/")
        other = {"feature": "features", "features": "feature"}[base] + slash + of
        engine = Engine(
            self._wrapper.module,
            requests,
            self.output if self.output in declared else other,
            self.sample_kind,
            self.device,
            check_consistency,
        ).eval()
        with torchscript():
            compiled = torch.jit.script(engine)
        self._engine = compiled.forward  # past the hooks that a module looks for when it is called

    def evaluate(self, structure: Structure) -> Features:
        """The features of one structure.

        Raises
        ------
        UserError
            If the model raises an error, if its output is not as declared or cannot be
            differentiated, or if `check_consistency` finds something.
        """
        features = self._evaluate(structure)
        if self.check_consistency:
            self._compare(structure, features.values)
        return features

    def verify(self, structure: Structure) -> None:
        """Let metatomic itself evaluate a structure, with all its checks, and compare.

        Raises
        ------
        UserError
            If metatomic finds the model inconsistent, or its values are not ours.
        """
        self._compare(structure, self._evaluate(structure).values)

    def _evaluate(self, structure: Structure) -> Features:
        given = structure.positions if self._atoms is None else structure.positions[self._atoms]
        positions = given * self._bohr
        cell = structure.cell * self._bohr
        pairs, vectors = [], []
        for neighbor_list in self._neighbor_lists:
            found, between = neighbor_list.compute(positions, cell)
            pairs.append(torch.from_numpy(found).to(self.device))
            vectors.append(self.tensor(between[:, :, None]))
        R = self.tensor(positions).requires_grad_(True)
        h, periodic = self._no_cell
        if cell.any():
            h = self.tensor(cell).requires_grad_(True)
            periodic = torch.from_numpy(structure.pbc).to(self.device)
        try:
            # TorchScript would optimise for the shapes of the first structures it sees, so that
            # the last bits depend on them; on a CPU this makes nothing faster.
            with torch.jit.optimized_execution(False):  # type: ignore[attr-defined]
                values, atoms = self._engine(
                    self._types, R, h, periodic, pairs, vectors, self._selected
                )
        except Exception as error:
            raise UserError(f"{self.path}: the model failed: {last_line(error)}") from error
        if not values.requires_grad:
            raise UserError(
                f"{self.path}: the output '{self.output}' does not depend on the positions in a "
                "way that torch can differentiate, so it cannot be biased"
            )
        if values.dim() != 2:
            values = values.reshape(len(values), -1)
        features = Features(self, values, self._order(len(values), atoms), R, h)
        if not is_finite(features.values):
            raise UserError(
                f"{self.path}: the output '{self.output}' has a value that is not finite"
            )
        return features

    def _compare(self, structure: Structure, ours: FloatArray) -> None:
        block = self._by_metatomic(structure)
        theirs = _numpy(block.values).reshape(len(block.values), -1)
        if self.sample_kind == "atom":
            theirs = theirs[self._order(len(theirs), block.samples.column("atom"))]
        precision = 1e-9 if self._dtype == torch.float64 else 1e-4
        if not np.allclose(ours, theirs, rtol=precision, atol=precision):
            raise UserError(
                f"{self.path}: evaluates differently in metatomic's own wrapper, by up to "
                f"{np.abs(ours - theirs).max():.3g}"
            )

    def _by_metatomic(self, structure: Structure) -> Any:
        """What metatomic's own wrapper makes of a structure, with its own neighbor lists."""
        from metatomic.torch import ModelEvaluationOptions, ModelOutput, System
        from vesin.metatomic import NeighborList as MetatomicNeighborList

        given = structure.positions if self._atoms is None else structure.positions[self._atoms]
        system = System(
            self._types,
            torch.from_numpy(given * self._bohr).to(self.device, self._dtype),
            torch.from_numpy(structure.cell * self._bohr).to(self.device, self._dtype),
            torch.from_numpy(structure.pbc).to(self.device),
        )
        unit = self._length_unit
        for request in self._wrapper.requested_neighbor_lists():
            neighbors = MetatomicNeighborList(request, unit, skin=0.0).compute(system)
            system.add_neighbor_list(request, neighbors)
        options = ModelEvaluationOptions(
            length_unit=unit,
            outputs={self.output: ModelOutput(sample_kind=self.sample_kind)},
            selected_atoms=self._selected,
        )
        try:
            try:
                outputs = self._wrapper([system], options, True)
            except Exception as error:
                # metatomic 0.1.19 and before compare the samples of atoms with an uninitialised
                # list; ours have been compared with the atoms asked for by `_order`
                if self.sample_kind == "system" or "invalid samples entries" not in str(error):
                    raise
                outputs = self._wrapper([system], options, False)
            return outputs[self.output].block()
        except Exception as error:
            raise UserError(f"{self.path}: metatomic finds: {last_line(error)}") from error

    def tensor(self, array: FloatArray) -> torch.Tensor:
        """An array as the model wants it; it shares its memory where that is possible."""
        tensor = torch.from_numpy(array)
        # on a CPU in float64 `to` would do nothing, but take its time for it
        return tensor if self._on_cpu else tensor.to(self.device, self._dtype)

    def scatter(self, gradient: FloatArray) -> FloatArray:
        """Spread the gradient of the model's atoms over all atoms.

        Parameters
        ----------
        gradient : (n_model_atoms, 3) array, per length unit of the model

        Returns
        -------
        gradient : (n_atoms, 3) array, per bohr
        """
        if self._atoms is None:
            return gradient * self._bohr
        scattered = np.zeros((self._n_atoms, 3))
        scattered[self._atoms] = gradient * self._bohr
        return scattered

    def _order(self, n_samples: int, atoms: torch.Tensor | None) -> IndexArray | None:
        """Where the sample of each atom is: models may return them in any order."""
        if atoms is None:
            if n_samples != 1:
                raise UserError(
                    f"{self.path}: the output '{self.output}' should have one sample, for the "
                    f"system, but has {n_samples}"
                )
            return None
        found = atoms.cpu().numpy()
        wanted = self._selected_atoms
        if wanted is None:
            wanted = np.arange(len(self._types), dtype=np.int32)
        if sorted(found.tolist()) != sorted(wanted.tolist()):
            raise UserError(
                f"{self.path}: the samples of the output are not those of the {len(wanted)} atoms "
                "it was asked for"
            )
        rank = np.argsort(wanted).argsort()
        return found.argsort()[rank]

    def _check_requested_inputs(self) -> None:
        inputs = self._wrapper.requested_inputs(use_new_names=True)
        if inputs:
            raise UserError(
                f"{self.path}: the model asks for inputs that i-PI cannot give: "
                f"{', '.join(sorted(inputs))}"
            )

    def _check_types(self, types: IntArray, known: list[int]) -> None:
        unknown = sorted(set(types.tolist()) - set(known))
        if unknown:
            raise UserError(
                f"{self.path}: the model does not know the atomic types {unknown} of the "
                f"structure, only {sorted(known)}"
            )

    def _labels(self, atoms: IntArray) -> Any:
        from metatensor.torch import Labels

        rows = np.column_stack([np.zeros_like(atoms), atoms]).astype(np.int32)
        return Labels(["system", "atom"], torch.from_numpy(rows).to(self.device))


def last_line(error: Exception) -> str:
    """What a model's own error says, without TorchScript's traceback in front of it."""
    lines = [line for line in str(error).strip().splitlines() if line.strip()]
    return lines[-1].strip() if lines else type(error).__name__


def _numpy(tensor: torch.Tensor) -> FloatArray:
    tensor = tensor.detach()
    if not (tensor.is_cpu and tensor.dtype == torch.float64):
        tensor = tensor.to("cpu", torch.float64)
    array: FloatArray = tensor.numpy()
    return array
