"""The driver's part of i-PI's protocol: a message in, a reply out.

Of the messages, only the one after an answer matters to the run: it shows that the answer arrived,
and the step becomes history. The server is told that the driver is ready before that work is done,
so it integrates the next step meanwhile.
"""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Sequence
from typing import Protocol

from ipi_mtd.arrays import FloatArray
from ipi_mtd.biased_system import BiasedEvaluation, Occasion
from ipi_mtd.server import wire
from ipi_mtd.server.one_trajectory import OneTrajectory
from ipi_mtd.server.wire import Message, ProtocolError, Wire
from ipi_mtd.structures.structure import Structure
from ipi_mtd.walker import Question


class Asked(Protocol):
    """Who is asked; see :class:`ipi_mtd.walker.Walker`."""

    def connected(self) -> None:
        """Whoever asks is another one."""

    def asked(self, positions: FloatArray, cell: FloatArray, /) -> Question | BiasedEvaluation:
        """What to evaluate, or the answer if it is known."""

    def answered(self, evaluation: BiasedEvaluation, /) -> None:
        """Write down the answer that is about to be given."""

    def arrived(self) -> None:
        """Make the last answer history."""


class Evaluating(Protocol):
    """What evaluates; see :class:`ipi_mtd.biased_system.BiasedSystem`."""

    def evaluate(
        self, structures: Sequence[Structure], occasions: Sequence[Occasion], /
    ) -> list[BiasedEvaluation]:
        """The answers, in the order of the structures."""


class Conversation:
    """One connection of a walker to i-PI.

    Every message is given to `hear`, whose reply is sent; then `settle` is called. If there is a
    `question` afterwards, it is evaluated and given to `answer`, whose reply is sent.

    Parameters
    ----------
    walker : who is asked
    cv_names : the names of the CVs among the extras
    after_step : called after each step with its evaluation

    Attributes
    ----------
    question : what i-PI waits for, if it waits
    ended : whether i-PI has said EXIT
    """

    def __init__(
        self,
        walker: Asked,
        cv_names: tuple[str, ...],
        after_step: Callable[[BiasedEvaluation], None] = lambda _: None,
    ) -> None:
        self.question: Question | None = None
        self.ended = False
        self._walker = walker
        self._cv_names = cv_names
        self._after_step = after_step
        self._is_initialized = False
        self._trajectory = OneTrajectory()
        self._received: tuple[FloatArray, FloatArray] | None = None  # and not yet answered
        self._wants_force = False
        self._answer: BiasedEvaluation | None = None  # to what was received
        self._sent: BiasedEvaluation | None = None  # and perhaps not arrived
        self._arrived: BiasedEvaluation | None = None
        walker.connected()

    def hear(self, message: Message) -> bytes:
        """Take a message.

        Parameters
        ----------
        message : header and content

        Returns
        -------
        reply : what to send now, perhaps nothing

        Raises
        ------
        ProtocolError
            If the protocol does not have it here.
        UserError
            As for :meth:`ipi_mtd.walker.Walker.asked`, or if it is not one trajectory.
        """
        if message.name is None:
            raise ProtocolError("i-PI closed the connection without saying EXIT")
        self._arrived, self._sent = self._sent, None
        if message.name == "STATUS" and self._received is None:
            return wire.READY if self._is_initialized else wire.NEEDINIT
        self.settle()
        match message.name:
            case "STATUS":
                return self._ask(wants_force=False)
            case "INIT":
                _refuse_batches(message.text)
                self._is_initialized = True
            case "POSDATA":
                assert message.structure is not None
                self._received, self._answer = message.structure, None
            case "GETFORCE" if self._received is not None:
                return self._ask(wants_force=True)
            case "EXIT":
                self.ended = True
            case other:
                raise ProtocolError(f"i-PI sent {other!r}, which the protocol does not have here")
        return b""

    def answer(self, evaluation: BiasedEvaluation) -> bytes:
        """Take the evaluation of the `question`, and write it down before it is sent.

        Raises
        ------
        UserError
            As for :meth:`ipi_mtd.walker.Walker.answered`.
        """
        self._walker.answered(evaluation)
        self.question = None
        self._answer = evaluation
        return self._reply()

    def settle(self) -> None:
        """Make history what has arrived.

        Raises
        ------
        UserError
            As for :meth:`ipi_mtd.walker.Walker.arrived`.
        """
        arrived, self._arrived = self._arrived, None
        if arrived is not None:
            self._walker.arrived()
            self._after_step(arrived)

    def _ask(self, *, wants_force: bool) -> bytes:
        self._wants_force = wants_force
        if self._answer is None:
            assert self._received is not None
            asked = self._walker.asked(*self._received)
            if isinstance(asked, Question):
                self._trajectory.follow(asked.structure.positions, asked.structure.cell)
                self.question = asked
                return b""
            self._answer = asked
        return self._reply()

    def _reply(self) -> bytes:
        if not self._wants_force:
            return wire.HAVEDATA
        assert self._answer is not None
        self._sent, self._answer, self._received = self._answer, None, None
        return wire.forceready(self._sent.total, extras(self._sent, self._cv_names))


def serve(connection: Wire, conversation: Conversation, system: Evaluating) -> None:
    """Answer i-PI until it says EXIT.

    Parameters
    ----------
    connection : to the server
    conversation : with it
    system : evaluates what is asked

    Raises
    ------
    ProtocolError
        If the server closes the connection without EXIT, or breaks the protocol.
    UserError
        If an answer cannot be given, or what is asked is not one trajectory; nothing is sent then.
    """
    while not conversation.ended:
        if reply := conversation.hear(connection.read()):
            connection.send(reply)
        conversation.settle()
        if (question := conversation.question) is not None:
            (evaluation,) = system.evaluate([question.structure], [question.occasion])
            connection.send(conversation.answer(evaluation))


def extras(evaluation: BiasedEvaluation, cv_names: tuple[str, ...]) -> str:
    """The extras of one step as JSON: ``bias`` and ``potential`` in hartree, and the CVs."""
    values = (evaluation.bias, evaluation.potential, *evaluation.s.tolist())
    return _form(("bias", "potential", *cv_names)) % values


@functools.cache
def _form(names: tuple[str, ...]) -> str:
    """A JSON object of numbers, to be filled with them."""
    return "{" + ", ".join(f"{json.dumps(name).replace('%', '%%')}: %r" for name in names) + "}"


def _refuse_batches(parameters: str) -> None:
    """Batched requests look different on the wire."""
    if "batch_size" in parameters:
        raise ProtocolError(
            f"i-PI asks for batches ({parameters.strip()!r}), which are not served: remove "
            "<batch_size> from the ffsocket"
        )
