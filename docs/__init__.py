"""The pages of reference, which are made from the package: ``python -m docs`` or ``make docs``."""
