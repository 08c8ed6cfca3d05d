"""The lineage of runs (ML Metadata): in a file of the workspace, or in a MySQL database."""
