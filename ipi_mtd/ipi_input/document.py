"""What an i-PI input says: where the server listens, how long it runs, and what we cannot serve.

The driver sees positions and nothing else: not the step, nor what a force call is for. Where i-PI
would ask for forces that are not those of the next step of one trajectory, the clock of the
metadynamics would go wrong unnoticed, so such inputs are refused.
"""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

from ipi_mtd.address import Address
from ipi_mtd.errors import UserError

EXTRA_GEOMETRIES = ("scaledcoords", "kinetic_td", "kinetic_tdsc", "sc_scaledcoords")
"""Properties for which i-PI asks the forces of displaced structures."""

ONE_CALL_A_STEP = (
    *("dynamics", "driven_dynamics", "constrained_dynamics", "t_ramp", "p_ramp"),
    *("replay", "dummy", "multi"),
)
"""Modes of <motion> that ask one structure after the other; the others try some and go back."""

PS = {
    "": 2.4188843e-5,
    "atomic_unit": 2.4188843e-5,
    "attosecond": 1e-6,
    "femtosecond": 1e-3,
    "picosecond": 1.0,
    "nanosecond": 1e3,
}
"""i-PI's names of units of time."""


@dataclass(frozen=True, slots=True)
class IPIInput:
    """An i-PI input or restart file.

    Parameters
    ----------
    path : of the file
    tree : its content
    """

    path: Path
    tree: ET.ElementTree[ET.Element[str]]

    @property
    def _root(self) -> ET.Element[str]:
        root = self.tree.getroot()
        assert root is not None
        return root

    @property
    def total_steps(self) -> int:
        """How many steps i-PI runs, counted from the first run on."""
        return self._int("<total_steps>", _text(self._root, "total_steps") or "1000")

    def listens_at(self, address: Address) -> bool:
        """Whether an ffsocket has this address."""
        return str(address) in self._sockets()

    def socket_at(self, address: Address) -> ET.Element[str]:
        """The ffsocket that listens at an address.

        Raises
        ------
        UserError
            If there is none, or if it works in a way that cannot be served.
        """
        sockets = self._sockets()
        if str(address) in sockets:
            return sockets[str(address)]
        raise UserError(
            f"{self.path}: no ffsocket listens at {address}, where the driver connects, "
            f"only at {', '.join(sockets) or 'none'}"
        )

    def require_served(self, address: Address) -> None:
        """Refuse what would move the step clock without a step.

        Raises
        ------
        UserError
            Which names the element and says why.
        """
        socket = self.socket_at(address)
        if socket.get("mode") == "shm":
            self._refuse('mode="shm" of the ffsocket', 'is not served: take mode="unix"')
        if self._int("<batch_size>", _text(socket, "batch_size") or "1") > 1:
            self._refuse("<batch_size>", "is not served: leave it out")
        name = socket.get("name")
        for force in self._root.iter("force"):
            if force.get("forcefield") == name and self._nbeads(force) > 1:
                self._refuse(f'nbeads of <force forcefield="{name}">', "must be 1")
        for beads in (*self._root.iter("initialize"), *self._root.iter("beads")):
            if self._nbeads(beads) > 1 and not self._acts_on_centroid(name):
                self._refuse(
                    f"<{beads.tag} nbeads>",
                    f'is more than 1: put <force forcefield="{name}" nbeads="1"/> under '
                    "<ensemble><bias>, then the bias acts on the centroid",
                )
        self._refuse_several_systems(name)
        for motion in self._root.iter("motion"):
            if (mode := motion.get("mode", "dynamics")) not in ONE_CALL_A_STEP:
                self._refuse(
                    f'<motion mode="{mode}">',
                    "asks for the forces of structures that are not steps of one trajectory",
                )
        self._refuse_inner_levels(name)
        for properties in self._root.iter("properties"):
            words = (properties.text or "").replace("[", " ").replace("]", " ").split(",")
            for word in words:
                if word.split("{")[0].split("(")[0].strip() in EXTRA_GEOMETRIES:
                    self._refuse(
                        f"the property {word.strip()}",
                        "asks for the forces of displaced structures",
                    )

    def require_timestep(self, timestep: float) -> None:
        """Refuse a time step that is not the one the driver writes its times with.

        Parameters
        ----------
        timestep : float, ps

        Raises
        ------
        UserError
            Which names both.
        """
        for element in self._root.iter("timestep"):
            unit = element.get("units", "")
            written = f"{(element.text or '').strip()} {unit or 'atomic_unit'}"
            if unit not in PS:
                self._refuse("<timestep>", f"is in {unit}: take femtosecond or picosecond")
            try:
                found = float(element.text or "") * PS[unit]
            except ValueError:
                self._refuse("<timestep>", f"must be a number, got '{element.text}'")
            if not math.isclose(found, timestep, rel_tol=1e-6):
                self._refuse(
                    "<timestep>",
                    f"is {written}, but `system.timestep` of the driver's configuration is "
                    f"{1e3 * timestep:.10g} fs",
                )

    def with_absolute_paths(self, start: Path) -> ET.ElementTree[ET.Element[str]]:
        """The content with files as i-PI finds them from any directory.

        i-PI takes a path relative to where it was started; here it may also be relative to the
        input or any directory above it.

        Parameters
        ----------
        start : the directory that a user would have started i-PI in

        Raises
        ------
        UserError
            If a file is nowhere.
        """
        bases = (start, *self.path.resolve().parents)
        for element in self._root.iter():
            is_file = element.tag == "file" or element.get("mode") in ("xyz", "pdb", "ase", "chk")
            text = (element.text or "").strip()
            if not is_file or not text or text.startswith("["):
                continue
            for base in bases:
                if (base / text).is_file():
                    element.text = str((base / text).resolve())
                    break
            else:
                raise UserError(f"{self.path}: <{element.tag}> {text}: there is no such file")
        return self.tree

    def _sockets(self) -> dict[str, ET.Element[str]]:
        """The ffsockets by where they listen."""
        prefix = self._root.get("sockets_prefix", "/tmp/ipi_")
        sockets = {}
        for socket in self._root.iter("ffsocket"):
            name = _text(socket, "address") or "localhost"
            port = self._int("<port>", _text(socket, "port") or "65535")
            is_inet = socket.get("mode", "inet") == "inet"
            sockets[str(Address(name, port if is_inet else None, prefix))] = socket
        return sockets

    def _acts_on_centroid(self, name: str | None) -> bool:
        forces = [f for f in self._root.iter("force") if f.get("forcefield") == name]
        return all(force.get("nbeads") == "1" for force in forces)

    def _refuse_several_systems(self, name: str | None) -> None:
        systems = [
            system
            for system in self._root.iter("system")
            if any(force.get("forcefield") == name for force in system.iter("force"))
        ]
        copies = [
            list(template.iter("instance")) for template in self._root.iter("system_template")
        ]
        if len(systems) > 1 or any(len(instances) > 1 for instances in copies):
            self._refuse(
                f'forcefield="{name}"',
                "serves several systems: give each its own socket and driver",
            )

    def _refuse_inner_levels(self, name: str | None) -> None:
        levels = [_text(dynamics, "nmts") for dynamics in self._root.iter("dynamics")]
        if all(
            set((text or "1").strip("[] ").replace(",", " ").split()) == {"1"} for text in levels
        ):
            return
        biases = {id(force) for bias in self._root.iter("bias") for force in bias.iter("force")}
        for force in self._root.iter("force"):
            if force.get("forcefield") == name and id(force) not in biases:
                self._refuse(
                    "<nmts>",
                    f'asks the forces of "{name}" more than once a step: put the bias under '
                    "<ensemble><bias>, which is asked once",
                )

    def _nbeads(self, element: ET.Element[str]) -> int:
        return self._int(f"nbeads of <{element.tag}>", element.get("nbeads", "1"))

    def _int(self, what: str, text: str) -> int:
        try:
            return int(text)
        except ValueError:
            self._refuse(what, f"must be a whole number, got '{text}'")

    def _refuse(self, what: str, why: str) -> NoReturn:
        raise UserError(f"{self.path}: {what} {why}")


def read_ipi_input(path: Path) -> IPIInput:
    """Read an i-PI input.

    Raises
    ------
    UserError
        If the file is no XML, or no i-PI input.
    """
    try:
        tree = ET.parse(path)
    except OSError as error:
        raise UserError(f"{path}: {error.strerror}") from error
    except ET.ParseError as error:
        raise UserError(f"{path}: is not XML: {error}") from error
    root = tree.getroot()
    if root.tag != "simulation":
        raise UserError(f"{path}: an i-PI input is a <simulation>, this is a <{root.tag}>")
    return IPIInput(path, tree)


def _text(element: ET.Element[str], tag: str) -> str | None:
    found = element.find(tag)
    return None if found is None or not found.text else found.text.strip()
