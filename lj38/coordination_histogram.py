"""A collective variable in PyTorch alone: how many atoms have about 6, and about 8, neighbors."""

# ruff: noqa: UP006, UP035, UP045 - metatomic wants these very annotations on `forward`
from typing import Dict, List, Optional, Sequence

import torch
from metatensor.torch import Labels, TensorBlock, TensorMap
from metatomic.torch import ModelOutput, NeighborListOptions, System


class CoordinationHistogram(torch.nn.Module):
    r"""A smooth histogram of the coordination numbers; each bin is a collective variable.

    The coordination number of an atom counts its neighbors with a switching function,

    .. math::
        c_i = \sum_j f\left(\frac{r_{ij} - r_1}{r_0 - r_1}\right), \qquad
        f(y) = (1 - y)^2 (1 + 2 y),

    which falls smoothly from 1 at :math:`r_1 = 4/5\, r_0` and closer to 0 at :math:`r_0` and
    beyond. An atom then counts for the bin :math:`k` as far as its coordination is near
    :math:`k`:

    .. math::
        s_k = \sum_i \exp\left(-\frac{(c_i - k)^2}{2 w^2}\right), \qquad w = 1/2.

    Histograms like this one tell the two funnels of LJ38 apart [1]_: in the octahedron 24 atoms
    have 6 neighbors and none has 8, in the icosahedral minimum it is 16 and 10.

    Parameters
    ----------
    cutoff : float, angstrom
        The distance :math:`r_0` beyond which two atoms are no neighbors.
    bins : sequence of int
        The coordination numbers :math:`k`.

    Notes
    -----
    Elements make no difference, a periodic cell is fine, and everything runs on the device and
    in the dtype of the systems.

    References
    ----------
    .. [1] M. Ceriotti, G. A. Tribello and M. Parrinello, "Demonstrating the transferability and
       the descriptive power of sketch-map", J. Chem. Theory Comput. 9, 1521 (2013),
       doi:10.1021/ct3010563
    """

    def __init__(self, cutoff: float = 5.5, bins: Sequence[int] = (6, 8)):
        super().__init__()
        self.r0 = cutoff
        self.r1 = 0.8 * cutoff
        self.width = 0.5

        # Half a list: every pair once, which is half the work for whoever computes the list.
        # Not strict: pairs beyond the cutoff may be in it, as the switching function is 0 there.
        self.pairs = NeighborListOptions(cutoff=cutoff, full_list=False, strict=False)

        # What is the same in each call is made once, here.
        coordination = torch.tensor(bins).reshape(-1, 1)  # (n_bins, 1)
        self.register_buffer("bins", coordination.to(torch.float64))
        self.keys = Labels("_", torch.tensor([[0]]))
        self.properties = Labels("coordination", coordination)
        self.one_system = Labels("system", torch.tensor([[0]]))

    def requested_neighbor_lists(self) -> List[NeighborListOptions]:
        """The pairs that the engine has to find before it calls :meth:`forward`."""
        return [self.pairs]

    def forward(
        self,
        systems: List[System],
        outputs: Dict[str, ModelOutput],
        selected_atoms: Optional[Labels],
    ) -> Dict[str, TensorMap]:
        """Compute the histogram of each system, as metatomic asks for it.

        Parameters
        ----------
        systems : list of System, angstrom
            Each with the pairs that :meth:`requested_neighbor_lists` asked for.
        outputs : dict
            Only ``"feature"`` is known, only for whole systems.
        selected_atoms : Labels, optional
            The ``system`` and ``atom`` of the atoms to count; all of them if not given. The
            coordination number of an atom is always that with all its neighbors.

        Returns
        -------
        outputs : dict
            ``"feature"``: a single block of (n_systems, n_bins) values. There is no row for a
            system that has no atoms, or none of the selected ones.
        """
        if "feature" not in outputs:
            return {}
        if outputs["feature"].sample_kind != "system":
            raise ValueError("the histogram is a property of the system, not of its atoms")

        rows: List[int] = []
        # The first, empty, piece gives the result its shape also if there are no atoms at all.
        values = [self.bins.new_empty((0, self.bins.shape[0]))]
        for i, system in enumerate(systems):
            if len(system) == 0:  # PLUMED asks this to learn the number of properties
                continue
            c = self.coordination_numbers(system)
            if selected_atoms is not None:
                in_system = selected_atoms.column("system") == i
                c = c[selected_atoms.column("atom")[in_system]]
            if len(c) > 0:
                rows.append(i)
                values.append(self.histogram(c))

        return {"feature": self.labeled(torch.cat(values), rows)}

    def coordination_numbers(self, system: System) -> torch.Tensor:
        """The number of neighbors of each atom, an (n_atoms,) tensor."""
        pairs = system.get_neighbor_list(self.pairs)
        r_ij = torch.linalg.vector_norm(pairs.values.squeeze(2), dim=1)  # (n_pairs,)
        # t = 1 - y. As f'(0) = f'(1) = 0, f of the clamped value has the right derivative too.
        t = torch.clamp((self.r0 - r_ij) / (self.r0 - self.r1), 0.0, 1.0)
        f = t * t * (3 - 2 * t)

        # Each pair is in the list once, and counts for both its atoms.
        c = torch.zeros(len(system), dtype=f.dtype, device=f.device)
        c = c.index_add(0, pairs.samples.column("first_atom"), f)
        return c.index_add(0, pairs.samples.column("second_atom"), f)

    def histogram(self, c: torch.Tensor) -> torch.Tensor:
        """The bins, a (1, n_bins) tensor, of some coordination numbers, an (n,) tensor."""
        distance = c - self.bins.to(c)  # (n_bins, n)
        scale = -0.5 / self.width**2
        return torch.exp(scale * distance * distance).sum(dim=1).unsqueeze(0)

    def labeled(self, values: torch.Tensor, rows: List[int]) -> TensorMap:
        """The values of some systems with metatensor's labels, on the same device."""
        if self.properties.device != values.device:  # happens once, after a move to a GPU
            self.keys = self.keys.to(values.device)
            self.properties = self.properties.to(values.device)
            self.one_system = self.one_system.to(values.device)

        samples = self.one_system  # as in molecular dynamics
        if rows != [0]:
            systems = torch.tensor(rows, dtype=torch.int32, device=values.device)
            samples = Labels("system", systems.reshape(-1, 1))
        components: List[Labels] = []
        return TensorMap(self.keys, [TensorBlock(values, samples, components, self.properties)])
