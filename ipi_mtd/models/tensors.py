"""From the tensors of a model to arrays."""

from __future__ import annotations

import torch

from ipi_mtd.arrays import FloatArray


def to_numpy(tensor: torch.Tensor) -> FloatArray:
    """A tensor as an array; it shares the memory where that is possible."""
    tensor = tensor.detach()
    if not (tensor.is_cpu and tensor.dtype == torch.float64):
        tensor = tensor.cpu().double()  # in this order: Apple's GPUs have no float64
    array: FloatArray = tensor.numpy()
    return array
