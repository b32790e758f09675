"""From a configuration to objects, one short module for each kind.

::

    structure, models --> cvs --> biases --> BiasedSystem --> Run
    potential ------------------------------------^            |
    columns, identity --> RunDirectory <-----------------------+

``agreement`` is the one place that compares what i-PI was told with what the driver was told;
``structure``, ``address`` and ``agreement`` load no model, for commands that need none.
"""
