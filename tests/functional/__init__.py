"""The whole plugin against real daemons, which the tests start on loopback and end by their process id."""
