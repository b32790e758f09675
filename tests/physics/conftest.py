"""Whole runs, made from configurations, and a real i-PI server to go with them."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import ase
import ase.io
import numpy as np
import pytest
import torch

from ipi_mtd.assembly.run import Run
from ipi_mtd.commands import run as running
from ipi_mtd.config import validate
from ipi_mtd.files.hills import Hill
from ipi_mtd.record.run_directory import Start
from ipi_mtd.structures.structure import Structure
from tests.harness import models
from tests.harness.ipi import Process, Site, finish

ROOT = Path(__file__).parents[2]
ARGON = {"kind": "lennard-jones", "epsilon": "0.24 kcal/mol", "sigma": "3.4 angstrom"}


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    """The systems are too small for two threads, and i-PI runs beside them."""
    n_threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(n_threads)


@pytest.fixture(scope="session")
def distances(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """Exports a model of the distances between pairs of atoms, counted from 0."""

    def export(*pairs: tuple[int, int], cutoff: float) -> Path:
        first, second = zip(*pairs, strict=True)
        path = tmp_path_factory.mktemp("distances") / "distances.pt"
        module = models.Distances(list(first), list(second), cutoff)
        return models.export(path, module, outputs={"feature": "system"}, interaction_range=cutoff)

    return export


@pytest.fixture
def lj38(exported: Path) -> Callable[[str], dict[str, Any]]:
    """The configuration of the example, with the histogram or with SOAP."""

    def content(cvs: str) -> dict[str, Any]:
        file = {"histogram": "lj38.toml", "soap": "lj38-soap.toml"}[cvs]
        content = tomllib.loads((ROOT / "inputs" / file).read_text())
        content["system"]["structure"] = str(ROOT / "lj38/octahedron.xyz")
        (model,) = content["models"].values()
        model["file"] = str(exported / Path(model["file"]).name)
        return content

    return content


@pytest.fixture
def crystal(tmp_path: Path) -> Path:
    """27 argon atoms in a sheared and shaken cell, with about 6 neighbors each."""
    atoms = ase.Atoms("Ar", cell=[3.9, 3.9, 3.9], pbc=True) * (3, 3, 3)
    shear = np.array([[1.0, 0.0, 0.0], [0.06, 1.0, 0.0], [-0.03, 0.05, 1.0]])
    atoms.set_cell(atoms.cell @ shear, scale_atoms=True)
    atoms.positions += np.random.default_rng(7).normal(0.0, 0.1, atoms.positions.shape)
    path = tmp_path / "crystal.extxyz"
    ase.io.write(path, atoms)
    return path


@pytest.fixture
def make_run(tmp_path: Path) -> Callable[[dict[str, Any]], Run]:
    """Makes a run from the content of a TOML file."""

    def make(content: dict[str, Any]) -> Run:
        path = tmp_path / "driver.toml"
        return Run(validate(content, path))

    return make


@pytest.fixture
def shaken() -> Callable[..., Structure]:
    """A structure with its atoms displaced at random, by 0.1 bohr unless told otherwise."""

    def shake(structure: Structure, seed: int = 0, by: float = 0.1) -> Structure:
        noise = np.random.default_rng(seed).normal(0.0, by, structure.positions.shape)
        return Structure(structure.positions + noise, structure.cell, structure.types)

    return shake


@pytest.fixture
def add_hills() -> Callable[..., None]:
    """Adds hills around the CVs of a structure to the only metadynamics of a run."""

    def add(run: Run, structure: Structure, n: int = 20, seed: int = 0) -> None:
        rng = np.random.default_rng(seed)
        (evaluation,) = run.system.evaluate([structure])
        (term,) = run.biases.terms
        sigma = np.array(term.bias.sigma)
        for _ in range(n):
            center = evaluation.s + sigma * rng.normal(size=len(sigma))
            height = term.bias.height * rng.uniform(0.5, 1.5)
            term.bias.learn([Hill(tuple(center.tolist()), term.bias.sigma, height)])

    return add


@pytest.fixture
def address(site: Site) -> str:
    """A name for a unix socket that no other test has."""
    return site.address


@pytest.fixture
def start_ipi(site: Site) -> Callable[[str, Path], Process]:
    """Starts an i-PI in a directory below that of the test; it ends with the test."""

    def start(text: str, directory: Path) -> Process:
        directory.mkdir(parents=True, exist_ok=True)
        (directory / "input.xml").write_text(text)
        return site.ipi(directory=directory)

    return start


@pytest.fixture
def simulate(start_ipi: Callable[[str, Path], Process], tmp_path: Path) -> Callable[..., None]:
    """Runs i-PI with the driver, in a directory that gets all files, to the last step."""

    def run(
        text: str, content: dict[str, Any], directory: Path, start: Start = Start.RESUME
    ) -> None:
        path = tmp_path / "driver.toml"
        ipi = start_ipi(text, directory)
        running.run(validate(content, path), directory, start)
        assert finish(ipi, patience=60.0) == [0]

    return run
