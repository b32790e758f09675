"""A collective variable on top of featomic's descriptors: bond order, the smooth way."""

# ruff: noqa: UP006, UP035, UP045 - metatomic wants these very annotations on `forward`
from typing import Dict, List, Optional, Sequence

import metatensor.torch as mts
import torch
from featomic.torch import SphericalExpansion
from metatensor.torch import Labels, TensorBlock, TensorMap
from metatomic.torch import ModelOutput, System


class SoapCV(torch.nn.Module):
    r"""How much of each angular momentum there is in the neighborhoods of the atoms.

    featomic expands the density of neighbors around each atom, a sum of Gaussians, in radial
    functions and spherical harmonics with coefficients :math:`c^i_{nlm}`. For each of some
    :math:`l` this computes

    .. math::
        s_l = \frac{1}{N} \sum_i \sum_{nm} \left(c^i_{nlm}\right)^2,

    invariant under rotations like the Steinhardt parameters :math:`Q_4` and :math:`Q_6` [1]_,
    but built from the smooth densities of SOAP [2]_, so that no bond is ever made or broken.

    Parameters
    ----------
    cutoff : float, angstrom
        The radius of the neighborhoods.
    angular : sequence of int
        The angular momenta :math:`l`, one collective variable each.

    Notes
    -----
    For systems of a single element. featomic computes on the CPU only: of systems on another
    device it makes a copy on the CPU, warns about it, and copies the coefficients back. That
    is a detour, not a gain, which is why the exported model offers no other device.

    References
    ----------
    .. [1] P. J. Steinhardt, D. R. Nelson and M. Ronchetti, "Bond-orientational order in liquids
       and glasses", Phys. Rev. B 28, 784 (1983), doi:10.1103/PhysRevB.28.784
    .. [2] A. P. Bartók, R. Kondor and G. Csányi, "On representing chemical environments",
       Phys. Rev. B 87, 184115 (2013), doi:10.1103/PhysRevB.87.184115
    """

    def __init__(self, cutoff: float = 5.5, angular: Sequence[int] = (4, 6)):
        super().__init__()
        # It asks the engine for the pairs it needs itself; metatomic finds that request.
        self.expansion = SphericalExpansion(
            cutoff={"radius": cutoff, "smoothing": {"type": "ShiftedCosine", "width": 1.5}},
            density={"type": "Gaussian", "width": 1.0},
            basis={
                "type": "TensorProduct",
                "max_angular": max(angular),
                "radial": {"type": "Gto", "max_radial": 3},
            },
        )
        self.angular = list(angular)

        # What is the same in each call is made once, here.
        l_column = torch.tensor(angular).reshape(-1, 1)  # (n_l, 1)
        self.keys = Labels("_", torch.tensor([[0]]))
        self.wanted = Labels("o3_lambda", l_column)
        self.properties = Labels("l", l_column)

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],
        selected_atoms: Optional[Labels],
    ) -> Dict[str, TensorMap]:
        """Compute the average over the atoms of each system, or the value of each atom.

        Parameters
        ----------
        systems : list of System, angstrom
        outputs : dict
            Only ``"feature"`` is known; its ``sample_kind`` is ``"system"`` or ``"atom"``.
        selected_atoms : Labels, optional
            The ``system`` and ``atom`` of the atoms to look at; all of them if not given. Their
            neighbors may be any atoms.

        Returns
        -------
        outputs : dict
            ``"feature"``: a single block of (n_systems, n_l) or (n_atoms, n_l) values. There is
            no row for a system that has no atoms, or none of the selected ones.
        """
        if "feature" not in outputs:
            return {}
        per_atom = self.per_atom(systems, selected_atoms)
        if outputs["feature"].sample_kind == "atom":
            return {"feature": per_atom}
        return {"feature": mts.mean_over_samples(per_atom, "atom")}

    def per_atom(self, systems: List[System], selected_atoms: Optional[Labels]) -> TensorMap:
        """The sum of the squared coefficients of each atom, for each l."""
        expansion = self.expansion(
            systems, selected_samples=selected_atoms, selected_keys=self.wanted
        )
        if len(expansion) == 0:  # no atoms: PLUMED asks this to learn the number of properties
            values = torch.zeros((0, len(self.angular)), dtype=torch.float64)
            samples = Labels(["system", "atom"], torch.zeros((0, 2), dtype=torch.int32))
        else:
            squares: List[torch.Tensor] = []
            for l in self.angular:  # noqa: E741 - angular momentum has no other name
                block = expansion.block({"o3_lambda": l})
                squares.append((block.values**2).sum(dim=(1, 2)))  # over m and n
            values = torch.stack(squares, dim=1)  # (n_atoms, n_l)
            samples = expansion.block(0).samples  # the same atoms for each l

        components: List[Labels] = []
        return TensorMap(self.keys, [TensorBlock(values, samples, components, self.properties)])
