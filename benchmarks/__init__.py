"""What a run costs: ``python -m benchmarks``, or ``make bench``.

What is compared is measured in turns, in one process, so that whatever else the machine does falls
on both; times are medians. Nothing here fails because something is slow.
"""
