"""Where the lineage of runs (ML Metadata) is kept: in a file of the workspace, or in a MySQL database."""
