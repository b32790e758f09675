"""The files that actions write, and whether the run goes on with what is in them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ipi_mtd.plumed_input.action import Action


@dataclass(frozen=True, slots=True)
class _Written:
    """A file.

    Parameters
    ----------
    by : the action that writes it
    restart : whether that goes on with what is in it, None if it does not say
    follows : whether it then does as the files do that lead, unless there is the action RESTART
    """

    by: Action
    restart: bool | None
    follows: bool


@dataclass
class Files:
    """The files that actions write; `restart` is what the action RESTART says, None without it."""

    restart: bool | None = None
    _written: dict[str, _Written] = field(default_factory=dict)

    def take(
        self, action: Action, name: str, restart: bool | None, *, follows: bool = False
    ) -> None:
        """Give an action a file, unless another one, or the driver, writes it."""
        if name in self._written:
            other = self._written[name].by
            raise action.error(f"the file {name} is written by {other.name} on line {other.line}")
        if name == "ipi-mtd.journal":
            raise action.error(f"the file {name} is the driver's own")
        self._written[name] = _Written(action, restart, follows)

    def go_on(self) -> bool:
        """Whether the run goes on with its files; a UserError if the actions do not agree."""
        files = sorted(self._written.values(), key=lambda file: file.follows)
        default = bool(self.restart)
        first = files[0].restart if files else None
        answer = default if first is None else first
        for file in files:
            silent = answer if file.follows and self.restart is None else default
            if answer != (silent if file.restart is None else file.restart):
                raise file.by.error(
                    "cannot go on with its file while another action begins anew, or the other "
                    "way round: the files of a run belong together; say RESTART once, above all "
                    "actions"
                )
        return answer
