"""Job servers of Beam that a command starts for its own work: Java programs that submit jobs to a cluster."""
