"""TorchScript without torch's word that it is deprecated."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def torchscript() -> Iterator[None]:
    """Whatever imports metatomic, or loads or compiles a model, does it inside of this.

    metatomic's models are TorchScript, and nothing that a user could change. torch says at each
    use that it is deprecated, since 2.14 with a warning that Python shows, and with Python 3.14
    that it is not supported.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", r"`torch\.jit\.\w+` is (deprecated|not supported)")
        yield
