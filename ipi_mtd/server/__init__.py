"""i-PI: what it sends over its socket, what it is answered, and what its input means.

::

    socket --reader, wire--> Message --> conversation --> walker.asked
    socket <-----wire------- reply   <-- conversation <-- evaluation

``connecting`` finds the server, ``guardian`` closes the connection properly if the driver is
killed, ``one_trajectory`` refuses what comes from several. `ipi_input` stands apart: it asks i-PI
what its input means, and imports nothing of the driver.
"""
