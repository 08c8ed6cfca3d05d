"""Workers of Beam for clusters, as single processes or from a pool, in the environment of this project."""
