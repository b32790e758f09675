"""The files that actions write, and whether the run goes on with what is in them."""

from __future__ import annotations

from dataclasses import dataclass, field

from ipi_mtd.plumed_input.action import Action


@dataclass(frozen=True, slots=True)
class Written:
    """A file, by the action that writes it.

    Parameters
    ----------
    action : which writes it
    restart : whether it goes on with what is in it, None if it does not say
    follows : whether it then does what the other files do, unless the action RESTART says
    """

    action: Action
    restart: bool | None
    follows: bool


@dataclass
class Files:
    """The files that actions write.

    Parameters
    ----------
    restart : what the action RESTART says, None if there is none
    """

    restart: bool | None = None
    _written: dict[str, Written] = field(default_factory=dict)

    def take(
        self, action: Action, name: str, restart: bool | None, *, follows: bool = False
    ) -> None:
        """Make a file that of an action, with what is said of it as in `Written`.

        Raises
        ------
        UserError
            If another action, or the driver, writes a file of this name.
        """
        if name in self._written:
            other = self._written[name].action
            raise action.error(f"the file {name} is written by {other.name} on line {other.line}")
        if name == "ipi-mtd.journal":
            raise action.error(f"the file {name} is the driver's own")
        self._written[name] = Written(action, restart, follows)

    def go_on(self) -> bool:
        """Whether the run goes on with what is in its files; one answer for all of them.

        Raises
        ------
        UserError
            If the actions do not agree.
        """
        files = sorted(self._written.values(), key=lambda file: file.follows)
        default = bool(self.restart)
        first = files[0].restart if files else None
        answer = default if first is None else first
        for file in files:
            silent = answer if file.follows and self.restart is None else default
            if answer != (silent if file.restart is None else file.restart):
                raise file.action.error(
                    "cannot go on with its file while another action begins anew, or the other "
                    "way round: the files of a run belong together; say RESTART once, above all "
                    "actions"
                )
        return answer
