"""Real i-PI servers and drivers for the tests, in a directory and at an address of their own."""

import os
import subprocess
import sys
import time
import uuid
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
BIN = Path(sys.executable).parent
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(ROOT)}


@dataclass
class Run:
    """A run directory with i-PI's input."""

    directory: Path
    models: Path
    address: str = field(default_factory=lambda: f"test-{uuid.uuid4().hex[:12]}")
    processes: list[subprocess.Popen] = field(default_factory=list)

    def prepare(self, total_steps: int, *replacements: tuple[str, str]) -> "Run":
        """Write the inputs of the example, for so many steps and with these changes."""
        self.directory.mkdir(exist_ok=True)
        text = (ROOT / "inputs" / "input.xml").read_text()
        changes = [
            ("lj38/octahedron.xyz", str(ROOT / "lj38" / "octahedron.xyz")),
            ("<address> lj38 ", f"<address> {self.address} "),
            *replacements,
        ]
        for old, new in changes:
            assert old in text, old
            text = text.replace(old, new)
        start, end = text.index("<total_steps>"), text.index("</total_steps>")
        text = f"{text[:start]}<total_steps> {total_steps} {text[end:]}"
        (self.directory / "input.xml").write_text(text)
        config = (ROOT / "inputs" / "lj38.toml").read_text()
        config = config.replace("../lj38/histo-cv.pt", str(self.models / "histo-cv.pt"))
        config = config.replace("../lj38/octahedron.xyz", str(ROOT / "lj38" / "octahedron.xyz"))
        (self.directory / "lj38.toml").write_text(config)
        return self

    def without_check(self) -> "Run":
        """Take i-PI's input out of the configuration, so that only the protocol tells."""
        config = self.directory / "lj38.toml"
        lines = config.read_text().splitlines(keepends=True)
        config.write_text("".join(line for line in lines if not line.startswith("input = ")))
        return self

    def ipi(self, file: str = "input.xml") -> subprocess.Popen:
        """Start i-PI."""
        return self._start([str(BIN / "i-pi"), file], "i-pi.log")

    def driver(self, *options: str, largest_file: int | None = None) -> subprocess.Popen:
        """Start the driver, which may write files of so many bytes."""
        command = [sys.executable, "-m", "ipi_mtd", "run", "lj38.toml", "--address", self.address]
        if largest_file is not None:
            command = ["prlimit", f"--fsize={largest_file}", *command]
        return self._start([*command, *options], "driver.log")

    def doomed(self, rounds: int, seed: int) -> subprocess.Popen:
        """Start drivers that are killed, one after the other."""
        script = str(Path(__file__).with_name("doomed.py"))
        arguments = ["lj38.toml", self.address, ".", str(rounds), str(seed)]
        return self._start([sys.executable, script, *arguments], "driver.log")

    def log(self, name: str) -> str:
        """What a process has printed."""
        return (self.directory / name).read_text()

    def read(self, name: str) -> bytes:
        """A file of the run."""
        return (self.directory / name).read_bytes()

    def rows(self, name: str) -> list[list[float]]:
        """The rows of HILLS or COLVAR."""
        lines = self.read(name).decode().splitlines()
        return [[float(word) for word in line.split()] for line in lines if line[0] != "#"]

    def wait_for_rows(self, n_rows: int, patience: float = 60.0) -> None:
        """Wait until COLVAR has so many rows."""
        deadline = time.monotonic() + patience
        colvar = self.directory / "COLVAR"
        while not colvar.exists() or colvar.read_bytes().count(b"\n") <= n_rows:
            assert time.monotonic() < deadline, self.log("driver.log")
            time.sleep(0.01)

    def _start(self, command: list[str], log: str) -> subprocess.Popen:
        with (self.directory / log).open("ab") as stream:
            process = subprocess.Popen(
                command,
                cwd=self.directory,
                env=ENVIRONMENT,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
            )
        self.processes.append(process)
        return process

    def clear_socket(self) -> None:
        """Remove the file that an i-PI leaves behind when it is killed."""
        Path(f"/tmp/ipi_{self.address}").unlink(missing_ok=True)

    def end(self) -> None:
        """End whatever is still running."""
        for process in self.processes:
            process.kill()
            process.wait()
        self.clear_socket()


def finish(*processes: subprocess.Popen, patience: float = 120.0) -> list[int]:
    """Wait for processes; those that hang are killed, which the exit status then shows."""
    deadline = time.monotonic() + patience
    codes = []
    for process in processes:
        try:
            codes.append(process.wait(max(0.1, deadline - time.monotonic())))
        except subprocess.TimeoutExpired:
            process.kill()
            codes.append(process.wait())
    return codes
